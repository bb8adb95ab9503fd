/* The label names of data, numbered by first appearance, as the library numbers them. */
#ifndef APP_LABEL_TABLE_H
#define APP_LABEL_TABLE_H

#include "headwise.h"

typedef struct label_entry {
    char *name;
    uint64_t records;
} label_entry;

/* Zero-initialise. */
typedef struct label_table {
    label_entry *entries; /* [count] */
    size_t count, capacity;
    uint32_t *slots; /* [slot_count] 1 + index of an entry, 0 is free */
    size_t slot_count;
} label_table;

void label_table_free(label_table *table);

/* The label's index; a new one is added with no records. SIZE_MAX: out of memory. */
size_t label_table_index(label_table *table, hw_text name);

/* A hash of bytes, to be mixed with a seed (FNV-1a, then SplitMix64's finaliser). */
uint64_t hash_text(hw_text text, uint64_t seed);

#endif
