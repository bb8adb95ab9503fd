/* What test_bpe, test_unigram and test_sentencepiece share: the golden file of
 * make_subword_golden.py, and tokens held against it. */
#ifndef TESTS_SUBWORD_GOLDEN_H
#define TESTS_SUBWORD_GOLDEN_H

#include "tokenizer/tokenizer.h"

#include <jansson.h>

/* The whole file, to be given back to json_decref; fails the test if it cannot be read. */
json_t *open_subword_golden(void);
hw_text golden_text(const json_t *string);

/* Encodes one text with a model; tokens are empty at first. */
typedef hw_status golden_encode(hw_tokens *tokens, void *context, hw_text text, hw_error *err);

/* Each text of a case [[text, [[id, begin, end], ...]], ...] must have its tokens. */
void check_golden_texts(const json_t *golden_case, golden_encode *encode, void *context);

/* Makes and frees something with the n-th allocation failing, for each n until none does. make
 * returns NULL on failure. */
typedef void *golden_make(const json_t *json, hw_error *err);
void check_allocation_failures(golden_make *make, void (*release)(void *), const json_t *json);

#endif
