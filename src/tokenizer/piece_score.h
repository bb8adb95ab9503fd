/* The scores of pieces as `tokenizers` has them once it has read them from JSON: its reader divides
 * the digits of a decimal, rounded to a double, by a power of ten, so that with 16 digits or more
 * the last bit may be another one than that of the nearest double. Cuts of a text that are equally
 * good but for rounding are told apart by that bit. */
#ifndef HW_TOKENIZER_PIECE_SCORE_H
#define HW_TOKENIZER_PIECE_SCORE_H

#include "base/text_buffer.h"

/* What `tokenizers` makes of the shortest decimal that reads as this double. */
double hw_piece_score(double score);
/* Appends that decimal. The score is finite. */
void hw_piece_score_append(hw_text_buffer *text, double score);

#endif
