/* The unigram language model (Kudo 2018) as Hugging Face's `tokenizers` computes it: of all ways to
 * cut a text into pieces of the vocabulary, the one with the largest sum of scores (Viterbi).
 * Invariants: a model is immutable and shared between threads; time is linear in the text times
 * the longest piece. */
#ifndef HW_TOKENIZER_UNIGRAM_H
#define HW_TOKENIZER_UNIGRAM_H

#include "tokenizer/tokenizer.h"

#include <jansson.h>

typedef struct hw_unigram hw_unigram;

/* From the "model" object of a tokenizer.json with "type": "Unigram"; the object may go afterwards.
 * name is for messages. Scores are those that `tokenizers` reads (tokenizer/piece_score.h), unless
 * the model has "exact_scores": true. A model without unk_id is HW_ERROR_UNSUPPORTED. */
hw_unigram *hw_unigram_new(const json_t *model, const char *name, hw_error *err);
void hw_unigram_free(hw_unigram *unigram); /* accepts NULL */

/* Working memory of one thread, reused from text to text. Zero-initialise. */
typedef struct hw_unigram_scratch {
    struct hw_unigram_node *nodes; /* [length + 1] the best path that ends before each byte */
    size_t capacity;
} hw_unigram_scratch;
void hw_unigram_scratch_free(hw_unigram_scratch *scratch);

/* Appends the tokens of one pre-token, with begin and end in bytes of it. Unknown characters in a
 * row are one token; with byte_fallback they are one token for each byte, each with begin and end
 * of the whole row. HW_ERROR_MEMORY is the only failure. text.length < 2^31. */
hw_status hw_unigram_encode(hw_tokens *tokens, const hw_unigram *unigram,
                            hw_unigram_scratch *scratch, hw_text text, hw_error *err);

#endif
