/* The words of a text for an encoder: those of text/words.h, where a token that reaches over
 * several of them makes them one. Invariant: words do not overlap, and each token that is not
 * special belongs to one if there is any. */
#ifndef HW_EXPLAIN_ENCODER_WORDS_H
#define HW_EXPLAIN_ENCODER_WORDS_H

#include "tokenizer/tokenizer.h"

/* *words [*count] is to be freed by hw_free, also on failure. word_of: [token_count], which is
 * UINT32_MAX where there is no word. */
hw_status hw_encoder_words(hw_attribution **words, size_t *count, uint32_t *word_of, hw_text text,
                           const hw_token *tokens, size_t token_count, hw_error *err);

#endif
