/* The tokens of words met before: sets of two entries, each a cache line, where a new word takes
 * the place of the older one. Invariants: an entry is found only by exactly its bytes and kind, so
 * a cache never changes a result; it grows with what is put into it, to 4 MiB and no further. */
#ifndef HW_TOKENIZER_WORD_CACHE_H
#define HW_TOKENIZER_WORD_CACHE_H

#include "tokenizer/tokenizer.h"

enum {
    HW_WORD_LONGEST = 32, /* bytes; a longer word is not kept */
    HW_WORD_UNITS = HW_WORD_LONGEST / 8,
    HW_WORD_MOST_TOKENS = 5 /* a word of more tokens is not kept */
};

/* What the bytes are: the same bytes may have other tokens as the other kind. */
typedef enum hw_word_kind { HW_WORD_SEGMENT = 1, HW_WORD_PRE_TOKEN = 2 } hw_word_kind;

/* A word to look for or to keep. */
typedef struct hw_word_key {
    uint64_t units[HW_WORD_UNITS]; /* its bytes, and zeros behind them */
    uint64_t hash;
    unsigned char tag; /* kind and length; 0: the word is too long */
} hw_word_key;

typedef struct hw_word_entry {
    uint64_t units[HW_WORD_UNITS];
    uint32_t ids[HW_WORD_MOST_TOKENS];
    unsigned char begins[HW_WORD_MOST_TOKENS]; /* in bytes of the word */
    unsigned char ends[HW_WORD_MOST_TOKENS];
    unsigned char count;
    unsigned char tag; /* 0: empty */
} hw_word_entry;

/* Zero-initialise. */
typedef struct hw_word_cache {
    hw_word_entry *entries; /* [1 << bits] a set is two neighbours, the younger one first */
    unsigned bits;          /* 0: no entries yet */
    size_t puts;            /* since it last grew */
} hw_word_cache;
void hw_word_cache_free(hw_word_cache *cache);

/* readable: how many bytes from word.bytes on may be looked at; at least word.length. */
hw_word_key hw_word_key_of(hw_text word, size_t readable, hw_word_kind kind);
/* Keeps the tokens, with begin and end in bytes of the word, if there are few and the key has a
 * tag. HW_ERROR_MEMORY is the only failure. */
hw_status hw_word_cache_put(hw_word_cache *cache, const hw_word_key *key, const hw_token *tokens,
                            size_t count, hw_error *err);

static inline bool hw_word_entry_is(const hw_word_entry *entry, const hw_word_key *key) {
    uint64_t difference = 0;
    for (size_t i = 0; i < HW_WORD_UNITS; ++i) difference |= entry->units[i] ^ key->units[i];
    return difference == 0 && entry->tag == key->tag;
}

/* The first entry of the key's set; the cache has entries. */
static inline hw_word_entry *hw_word_cache_set(const hw_word_cache *cache, const hw_word_key *key) {
    return &cache->entries[key->hash >> (64 - cache->bits) & ~(uint64_t)1];
}

static inline void hw_word_cache_prefetch(const hw_word_cache *cache, const hw_word_key *key) {
    if (cache->bits > 0) __builtin_prefetch(hw_word_cache_set(cache, key));
}

/* NULL if there is none. Valid until the next hw_word_cache_put. */
static inline const hw_word_entry *hw_word_cache_find(const hw_word_cache *cache,
                                                      const hw_word_key *key) {
    if (cache->bits == 0 || key->tag == 0) return NULL;
    const hw_word_entry *set = hw_word_cache_set(cache, key);
    if (hw_word_entry_is(&set[0], key)) return &set[0];
    return hw_word_entry_is(&set[1], key) ? &set[1] : NULL;
}

#endif
