/* Quads of int8 multiplied as int16, whose products are added in pairs as int32: for x86 without
 * VNNI. A word has the even or the odd numbers of a quad. Nothing can saturate: a pair of products
 * is at most 2 * 128^2. */
#ifndef HW_TENSOR_QUADS_MADD_H
#define HW_TENSOR_QUADS_MADD_H

#include "tensor/vector_body.h"

enum {
    QUAD_WORDS = 2,
    QUAD_OFFSET = 0, /* what has been added to each number of a */
    /* Register tiles: rows x vectors. 12 sums + 2 of b + 1 of a + 1 product in 16 registers; more
     * than 8 rows in 32 registers were slower (Zen 5, November 2026). */
    QUAD_ROWS = 6,
    QUAD_VECTORS = 2,
    QUAD_COMMON = 2,
};

/* Every number of rows that a tile may have, and of vectors with the most rows beside them. */
#define HW_QUAD_ROWS(X) X(1) X(2) X(3) X(4) X(5) X(6)
#define HW_QUAD_TILES(X) X(2, QUAD_ROWS) X(1, QUAD_ROWS)

static inline vi left_word(vi quads, size_t word) {
    typedef int16_t pairs __attribute__((vector_size(sizeof(vi))));
    typedef uint16_t bits __attribute__((vector_size(sizeof(vi))));
    const pairs even = (pairs)((bits)quads << 8);
    return (vi)((word == 0 ? even : (pairs)quads) >> 8);
}
static inline vi right_word(vi quads, size_t word) {
    return left_word(quads, word);
}
static inline vi word_dot(vi sum, vi left, vi right) {
    sum += vi_dot_pairs(left, right);
    __asm__("" : "+v"(sum)); /* or GCC makes all products before it adds them, and spills */
    return sum;
}

#endif
