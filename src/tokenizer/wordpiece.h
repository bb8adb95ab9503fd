/* WordPiece (Schuster and Nakajima 2012) as `tokenizers` computes it: of each word, again and
 * again, the longest piece that the vocabulary has; pieces after the first carry a prefix ("##").
 * Invariants: pieces tile the word, or the whole word is the unknown token; a model is immutable
 * and shared between threads. */
#ifndef HW_TOKENIZER_WORDPIECE_H
#define HW_TOKENIZER_WORDPIECE_H

#include "tokenizer/token_table.h"

#include <jansson.h>

typedef struct hw_wordpiece {
    const hw_token_table *vocabulary; /* outlives the model */
    size_t most_characters;           /* a longer word is unknown */
    char *prefix;                     /* owned */
    size_t prefix_length;
    uint32_t unknown;
} hw_wordpiece;

/* From the "model" object of a tokenizer.json, whose vocabulary has been read already. name is for
 * messages. Zero-initialise first; free it after a failure, too. */
hw_status hw_wordpiece_init(hw_wordpiece *wordpiece, const json_t *model,
                            const hw_token_table *vocabulary, const char *name, hw_error *err);
void hw_wordpiece_free(hw_wordpiece *wordpiece);

/* Appends the tokens of one word (valid UTF-8), with begin and end in bytes of it.
 * HW_ERROR_MEMORY is the only failure. */
hw_status hw_wordpiece_encode(hw_tokens *tokens, const hw_wordpiece *wordpiece, hw_text word,
                              hw_error *err);

#endif
