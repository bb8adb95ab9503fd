/* A set of 64-bit hashes, each with an index: open addressing with linear probing over
 * slots of (fingerprint, index + 1). Invariant: capacity is a power of two, at most 2/3
 * full, and a hash's probe starts at slot (hash >> 32) & (capacity - 1). Only the low
 * 32 bits are stored: a foreign hash is taken for a member with probability below 2^-31. */
#ifndef HW_TEXT_DICTIONARY_H
#define HW_TEXT_DICTIONARY_H

#include "base/error.h"

typedef struct hw_slot {
    uint32_t fingerprint;
    uint32_t index_plus_one; /* 0: empty */
} hw_slot;

/* A read-only view: a model file's tensor, or what a builder made. */
typedef struct hw_dictionary {
    const hw_slot *slots; /* [capacity] */
    size_t capacity;      /* 0: empty dictionary */
} hw_dictionary;

enum { HW_ABSENT = -1 };
/* The index of a hash, or HW_ABSENT. */
static inline int64_t hw_dictionary_find(const hw_dictionary *dictionary, uint64_t hash) {
    if (!dictionary->capacity) return HW_ABSENT;
    const size_t mask = dictionary->capacity - 1;
    for (size_t slot = (size_t)(hash >> 32) & mask;; slot = (slot + 1) & mask) {
        const hw_slot found = dictionary->slots[slot];
        if (!found.index_plus_one) return HW_ABSENT;
        if (found.fingerprint == (uint32_t)hash) return (int64_t)found.index_plus_one - 1;
    }
}
static inline void hw_dictionary_prefetch(const hw_dictionary *dictionary, uint64_t hash) {
    if (dictionary->capacity)
        __builtin_prefetch(&dictionary->slots[(size_t)(hash >> 32) & (dictionary->capacity - 1)]);
}

/* HW_ERROR_FORMAT unless slots are a dictionary of `count` members: a power of two, at
 * least one of them empty, indices in [0, count), each once. For files; takes count bits. */
hw_status hw_dictionary_check(const hw_dictionary *dictionary, size_t count, hw_error *err);

/* Counts hashes, then keeps those that are frequent enough. */
typedef struct hw_counter hw_counter;
hw_counter *hw_counter_new(hw_error *err);
void hw_counter_free(hw_counter *counter);
/* Counts each distinct hash of one document once (document frequency). */
hw_status hw_counter_add(hw_counter *counter, const uint64_t *hashes, size_t count,
                         uint32_t document, hw_error *err);
size_t hw_counter_documents(const hw_counter *counter, uint64_t hash);

typedef struct hw_built_dictionary {
    hw_slot *slots;         /* owned: hw_free */
    size_t capacity, count; /* both 0 if nothing was frequent enough */
    uint32_t *documents;    /* [count] document frequency of each kept index; owned */
} hw_built_dictionary;
/* Keeps hashes with frequency >= min_documents, numbered by first occurrence; if more than `limit`
 * remain, the most frequent (ties: first seen). Of two hashes that the dictionary cannot tell apart
 * the first is kept. Linear in the hashes. */
hw_status hw_counter_build(hw_built_dictionary *built, const hw_counter *counter,
                           uint32_t min_documents, size_t limit, hw_error *err);
void hw_built_dictionary_free(hw_built_dictionary *built);

#endif
