/* The tokens of words met before: a hash table and a block of entries, both of fixed size; when
 * one is full, everything is forgotten. Invariant: an entry is found only by exactly its bytes, so
 * a cache never changes a result. */
#ifndef HW_TOKENIZER_WORD_CACHE_H
#define HW_TOKENIZER_WORD_CACHE_H

#include "tokenizer/tokenizer.h"

typedef struct hw_word_cache hw_word_cache;
hw_word_cache *hw_word_cache_new(hw_error *err);
void hw_word_cache_free(hw_word_cache *cache); /* accepts NULL */

/* The tokens of a word, with begin and end in bytes of it, or NULL. Valid until the next
 * hw_word_cache_put. */
const hw_token *hw_word_cache_find(size_t *count, const hw_word_cache *cache, hw_text word,
                                   uint64_t hash);
/* Keeps them, unless the word is long. */
void hw_word_cache_put(hw_word_cache *cache, hw_text word, uint64_t hash, const hw_token *tokens,
                       size_t count);

/* The hash to call them with. */
uint64_t hw_word_hash(hw_text word);

#endif
