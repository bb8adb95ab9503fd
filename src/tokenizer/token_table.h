/* A vocabulary: from strings to ids and back. Invariants: strings are unique, ids need not be
 * dense; slots never are more than half full. */
#ifndef HW_TOKENIZER_TOKEN_TABLE_H
#define HW_TOKENIZER_TOKEN_TABLE_H

#include "tokenizer/tokenizer.h"

enum { HW_TOKEN_IDS_MAX = 1 << 24 }; /* ids are below it */

typedef struct hw_token_slot {
    uint32_t hash;
    uint32_t id; /* HW_NO_TOKEN: empty */
    uint32_t offset, length;
} hw_token_slot;

/* Zero-initialise; an empty table can be searched. */
typedef struct hw_token_table {
    char *bytes; /* the strings, each with a NUL behind it */
    size_t size, byte_capacity;
    uint32_t *offsets; /* [id_limit] where an id's string is; UINT32_MAX: nowhere */
    size_t id_limit, id_capacity;
    hw_token_slot *slots; /* [slot_capacity] */
    size_t slot_capacity;
    size_t count;
    size_t longest; /* bytes of the longest string */
} hw_token_table;

/* Makes room for `count` strings of together `bytes` bytes, and for ids up to count. */
hw_status hw_token_table_reserve(hw_token_table *table, size_t count, size_t bytes, hw_error *err);
/* A string that is there already gets the new id. id < HW_TOKEN_IDS_MAX. */
hw_status hw_token_table_add(hw_token_table *table, hw_text string, uint32_t id, hw_error *err);
void hw_token_table_free(hw_token_table *table);

uint32_t hw_token_table_find(const hw_token_table *table, hw_text string);
/* NULL if no string has this id. */
const char *hw_token_table_string(const hw_token_table *table, uint32_t id);

/* The hash of a string, byte by byte, so that those of all prefixes cost no more than one:
 * start with HW_TOKEN_HASH, step over each byte. */
#define HW_TOKEN_HASH UINT64_C(0xCBF29CE484222325)
static inline uint64_t hw_token_hash_step(uint64_t hash, char byte) {
    return (hash ^ (unsigned char)byte) * UINT64_C(0x9E3779B97F4A7C15); /* 2^64 / golden ratio */
}

/* The first slot to look at. The top bits of a product are the good ones (Knuth, vol. 3, 6.4). */
static inline size_t hw_token_table_home(const hw_token_table *table, uint64_t hash) {
    return (size_t)(hash >> 32 ^ hash >> 47) & (table->slot_capacity - 1);
}

#endif
