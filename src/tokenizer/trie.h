/* A set of byte strings, each with a value, that is walked byte by byte: a double array (Aoe 1989).
 * The child of a node for a byte is the unit base ^ byte, if that unit's parent is the node.
 * Invariant: units come in blocks of 256 and a base lies in one of them, so that base ^ byte always
 * is a unit. */
#ifndef HW_TOKENIZER_TRIE_H
#define HW_TOKENIZER_TRIE_H

#include "base/error.h"

typedef struct hw_trie_unit {
    uint32_t parent;
    uint32_t base;
    uint32_t value; /* HW_TRIE_NONE: no string ends here */
} hw_trie_unit;

typedef struct hw_trie {
    hw_trie_unit *units; /* [count] the first is the root */
    size_t count;
} hw_trie;

#define HW_TRIE_NONE UINT32_MAX
enum { HW_TRIE_ROOT = 0 };

/* What a trie is built from. */
typedef struct hw_trie_key {
    hw_text string;
    uint32_t value;
} hw_trie_key;

/* Sorts the keys. Of equal strings the one of the largest value counts. */
hw_status hw_trie_build(hw_trie *trie, hw_trie_key *keys, size_t count, hw_error *err);
void hw_trie_free(hw_trie *trie);

/* The child of a node, or HW_TRIE_NONE. */
static inline uint32_t hw_trie_step(const hw_trie *trie, uint32_t node, unsigned char byte) {
    const uint32_t child = trie->units[node].base ^ byte;
    return trie->units[child].parent == node ? child : HW_TRIE_NONE;
}

/* The node that a string leads to from another, or HW_TRIE_NONE. */
uint32_t hw_trie_walk(const hw_trie *trie, uint32_t node, hw_text string);
/* The value of a string, or HW_TRIE_NONE. */
uint32_t hw_trie_find(const hw_trie *trie, hw_text string);

#endif
