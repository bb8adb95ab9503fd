/* Pairs of neighbouring pieces: how often each occurs, and in which words it may. What byte pair
 * encoding counts with. Invariant: the words of a pair are a superset of those it occurs in. */
#ifndef HW_TOKENIZER_PAIR_TABLE_H
#define HW_TOKENIZER_PAIR_TABLE_H

#include "base/error.h"

typedef struct hw_pair {
    uint64_t key;   /* left piece << 32 | right piece */
    uint64_t count; /* over all words, each as often as it occurs */
    uint32_t words; /* the first place + 1 of a list; 0: none */
    bool is_queued; /* it is to become a candidate */
} hw_pair;

/* An element of a list of words. */
typedef struct hw_pair_place {
    uint32_t word, next; /* next: place + 1 */
} hw_pair_place;

/* Zero-initialise. */
typedef struct hw_pair_table {
    hw_pair *pairs; /* [count] in the order in which they were met */
    size_t count, capacity;
    uint32_t *slots; /* [slot_count] pair + 1 by the hash of the key; 0: empty */
    size_t slot_count;
    hw_pair_place *places; /* [place_count] */
    size_t place_count, place_capacity;
} hw_pair_table;

static inline uint64_t hw_pair_key(uint32_t left, uint32_t right) {
    return (uint64_t)left << 32 | right;
}

/* The pair of that key, new with a count of 0 if need be; *pair lives until the next call. */
hw_status hw_pair_table_get(hw_pair_table *table, hw_pair **pair, uint64_t key, hw_error *err);
hw_status hw_pair_table_add_word(hw_pair_table *table, hw_pair *pair, uint32_t word, hw_error *err);
void hw_pair_table_free(hw_pair_table *table);

#endif
