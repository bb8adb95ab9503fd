/* Where a text can be cut before BERT's normalizer and pre-tokenizer see it: at white space, ASCII
 * punctuation and ideographs nothing joins the two sides, so segments can be normalized, cut and
 * remembered one by one. Invariant: the tokens of the segments are those of the text. */
#ifndef HW_TOKENIZER_BERT_SEGMENT_H
#define HW_TOKENIZER_BERT_SEGMENT_H

#include "tokenizer/segment.h"

/* The next segment of text.bytes[segment->end .. text.length); false at the end. */
bool hw_bert_segment_next(hw_segment *segment, hw_text text, bool isolates_chinese);

#endif
