/* Arithmetic on numbers of elements. */
#ifndef HW_BASE_SIZES_H
#define HW_BASE_SIZES_H

#include <stddef.h>

static inline size_t hw_smaller(size_t a, size_t b) {
    return a < b ? a : b;
}

/* Up to whole cache lines of floats. */
static inline size_t hw_padded(size_t floats) {
    return (floats + 15) / 16 * 16;
}

#endif
