/* Byte pair encoding (Sennrich et al. 2016) as Hugging Face's `tokenizers` computes it: a word is
 * its characters; of all neighbours that a merge knows, those of the lowest rank are joined first,
 * from left to right. Invariants: a model is immutable and shared between threads; the time for a
 * word of n characters is O(n log n). */
#ifndef HW_TOKENIZER_BPE_H
#define HW_TOKENIZER_BPE_H

#include "tokenizer/token_table.h"

#include <jansson.h>

typedef struct hw_bpe hw_bpe;

/* From the "model" object of a tokenizer.json with "type": "BPE", and its vocabulary, which has
 * been read already; both may go afterwards. Merges are ["a b", ...] or [["a", "b"], ...]. name is
 * for messages. HW_ERROR_UNSUPPORTED: a dropout other than 0, and byte_fallback together with a
 * prefix or suffix of subwords. */
hw_bpe *hw_bpe_new(const json_t *model, const hw_token_table *vocabulary, const char *name,
                   hw_error *err);
void hw_bpe_free(hw_bpe *bpe); /* accepts NULL */

/* Working memory of one thread, reused from word to word. Zero-initialise. */
typedef struct hw_bpe_scratch {
    struct hw_bpe_symbol *symbols;
    uint64_t *queue; /* a binary heap of rank << 32 | symbol */
    size_t symbol_capacity, queue_capacity;
} hw_bpe_scratch;
void hw_bpe_scratch_free(hw_bpe_scratch *scratch);

/* Appends the tokens of one pre-token (byte-level characters already, if the model wants them),
 * with begin and end in bytes of it. The lengths of the tokens add up as in `tokenizers`: a
 * character that is unknown to a model without unknown token leaves no token and no gap.
 * HW_ERROR_MEMORY is the only failure. word.length < 2^31. */
hw_status hw_bpe_encode(hw_tokens *tokens, const hw_bpe *bpe, hw_bpe_scratch *scratch, hw_text word,
                        hw_error *err);

#endif
