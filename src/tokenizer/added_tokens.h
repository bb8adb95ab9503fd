/* Tokens that are found in the text before the model sees it: "[MASK]", "<s>". Some are matched in
 * the text as it is, some ("normalized") in the normalized text. Invariant: immutable once read. */
#ifndef HW_TOKENIZER_ADDED_TOKENS_H
#define HW_TOKENIZER_ADDED_TOKENS_H

#include "tokenizer/normalizer.h"
#include "tokenizer/token_table.h"
#include "tokenizer/trie.h"

typedef struct hw_added_token {
    uint32_t id;
    bool single_word;    /* only between characters that are no word characters */
    bool lstrip, rstrip; /* takes the white space on that side, too */
    bool is_normalized, is_special;
} hw_added_token;

/* What is looked for in one text; values are indices of hw_added_tokens.items. */
typedef struct hw_added_matcher {
    hw_token_table strings;
    hw_trie trie;     /* of the strings; has no units if there are none */
    bool starts[256]; /* whether a string starts with this byte */
} hw_added_matcher;

typedef struct hw_added_tokens {
    hw_added_token *items;
    size_t count, capacity;
    uint32_t *places; /* [place_count] of an id: its index in items + 1, or 0 */
    size_t place_count, place_capacity;
    hw_token_table table; /* strings and ids of them all */
    hw_added_matcher raw, normalized;
} hw_added_tokens;

/* json: the list, which may be null. A token that the vocabulary has keeps its id there, any other
 * gets the next free one, as in `tokenizers`: the "id" of the file is not used. vocabulary_size is
 * the number of strings of the model. Zero-initialise first; free it after a failure, too. */
hw_status hw_added_tokens_init(hw_added_tokens *added, const json_t *json,
                               const hw_token_table *vocabulary, size_t vocabulary_size,
                               const hw_normalizer *normalizer, const char *name, hw_error *err);
void hw_added_tokens_free(hw_added_tokens *added);
/* NULL if the id is not one of theirs. */
const hw_added_token *hw_added_tokens_get(const hw_added_tokens *added, uint32_t id);

/* A match: bytes of the text, white space included. */
typedef struct hw_added_match {
    size_t begin, end;
    uint32_t id;
} hw_added_match;

/* A walk over a text: zero-initialise but for `text`. */
typedef struct hw_added_walk {
    hw_text text;
    size_t at;  /* where to look next */
    size_t end; /* of the last match */
} hw_added_walk;

/* The next match, from left to right, the longest at each place; false at the end. */
bool hw_added_next(hw_added_match *match, hw_added_walk *walk, const hw_added_tokens *added,
                   const hw_added_matcher *matcher);

/* Cuts each piece that is no added token yet. */
void hw_added_cut(hw_workspace *workspace, const hw_added_tokens *added,
                  const hw_added_matcher *matcher);

#endif
