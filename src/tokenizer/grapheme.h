/* Where an extended grapheme cluster (Unicode 17.0, annex 29) ends, as far as SentencePiece's
 * replacements depend on it: the sequences of Indic consonants that 15.1 joined are not. */
#ifndef HW_TOKENIZER_GRAPHEME_H
#define HW_TOKENIZER_GRAPHEME_H

#include "base/error.h"

/* The end of the cluster that starts at byte `at` of the text, at < text.length. */
size_t hw_grapheme_end(hw_text text, size_t at);

#endif
