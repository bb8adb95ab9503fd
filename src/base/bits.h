/* Sets of up to 64 small numbers as the bits of one word. */
#ifndef HW_BASE_BITS_H
#define HW_BASE_BITS_H

#include <stdbool.h>
#include <stdint.h>

enum { HW_BITS = 64 };

static inline bool hw_has_bit(uint64_t set, int32_t i) {
    return set >> i & 1;
}

static inline int32_t hw_count_bits(uint64_t set) {
    int32_t count = 0;
    for (; set; set &= set - 1) count++;
    return count;
}

/* The i-th number, counted from 0, that is not in the set. */
static inline int32_t hw_clear_bit_at(uint64_t set, int32_t i) {
    int32_t number = 0;
    for (; set >> number; number++)
        if (!hw_has_bit(set, number) && i-- == 0) return number;
    return number + i;
}

#endif
