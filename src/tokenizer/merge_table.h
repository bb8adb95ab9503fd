/* A table from pairs of 32-bit numbers to ids with a rank: open addressing with linear probing.
 * Most pairs that are asked for are not there, which one bit of a small filter tells of most of
 * them (Bloom 1970). Invariant: capacity is 0 or a power of two of which at most half is used. */
#ifndef HW_TOKENIZER_MERGE_TABLE_H
#define HW_TOKENIZER_MERGE_TABLE_H

#include "base/error.h"

typedef struct hw_merge {
    uint32_t left, right; /* the key */
    uint32_t id;          /* HW_MERGE_NONE: an empty slot */
    uint32_t rank;
} hw_merge;

#define HW_MERGE_NONE UINT32_MAX

/* Zero-initialise; an empty table can be searched. */
typedef struct hw_merge_table {
    hw_merge *slots; /* [capacity] */
    size_t capacity;
    uint64_t *filter; /* [4 * capacity bits] set where a key's hash points */
    unsigned shift;   /* 64 - log2(capacity) */
} hw_merge_table;

/* Makes an empty table for up to `count` keys. */
hw_status hw_merge_table_reserve(hw_merge_table *table, size_t count, hw_error *err);
/* Replaces the entry of the same key. merge.id is not HW_MERGE_NONE. */
void hw_merge_table_put(hw_merge_table *table, hw_merge merge);
void hw_merge_table_free(hw_merge_table *table);

/* Fibonacci hashing (Knuth, vol. 3, 6.4). */
static inline uint64_t hw_merge_hash(uint32_t left, uint32_t right) {
    const uint64_t key = (uint64_t)left << 32 | right;
    return (key ^ key >> 29) * 0x9E3779B97F4A7C15u;
}

/* The bit of a hash in the filter. */
static inline size_t hw_merge_table_bit(const hw_merge_table *table, uint64_t hash) {
    return (size_t)(hash >> (table->shift - 2));
}

/* Where the key is or would be put. */
static inline hw_merge *hw_merge_table_slot(const hw_merge_table *table, uint32_t left,
                                            uint32_t right) {
    size_t at = (size_t)(hw_merge_hash(left, right) >> table->shift);
    for (;; at = (at + 1) & (table->capacity - 1)) {
        hw_merge *slot = &table->slots[at];
        if (slot->id == HW_MERGE_NONE || (slot->left == left && slot->right == right)) return slot;
    }
}

/* The entry of a key, or NULL. */
static inline const hw_merge *hw_merge_table_find(const hw_merge_table *table, uint32_t left,
                                                  uint32_t right) {
    if (table->capacity == 0) return NULL;
    const size_t bit = hw_merge_table_bit(table, hw_merge_hash(left, right));
    if (!(table->filter[bit / 64] >> bit % 64 & 1)) return NULL;
    const hw_merge *slot = hw_merge_table_slot(table, left, right);
    return slot->id == HW_MERGE_NONE ? NULL : slot;
}

#endif
