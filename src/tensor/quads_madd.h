/* Quads of int8 widened to int16, whose products are added in pairs as int32: for x86 without VNNI.
 * A word has the even or the odd numbers of a quad. Products are made two at a time (Winograd
 * 1968):
 *
 *   a0 b0 + a1 b1 = (a0 + b1) (a1 + b0) - a0 a1 - b0 b1
 *
 * which is half as many multiplications and as many instructions, most of which any pipe can do;
 * the surplus of a row and of a column is taken off their sums. Nothing can saturate: a sum of two
 * int8 is an int16, and a pair of products at most 2 * 256^2; sums may wrap, and wrap back. */
#ifndef HW_TENSOR_QUADS_MADD_H
#define HW_TENSOR_QUADS_MADD_H

#include "tensor/vector_body.h"

#include <string.h>

enum {
    QUAD_WORDS = 2,
    QUAD_DEPTH = 96, /* quads of a row of a block, at most */
    /* Register tiles: rows x vectors. 8 sums + 4 words of b + 2 of a + 2 products in 16 registers;
     * GCC spills with 5 rows. */
    QUAD_ROWS = 4,
    QUAD_VECTORS = 2,
    QUAD_COMMON = 2,
};

/* Every number of rows that a tile may have, and of vectors with the most rows beside them. */
#define HW_QUAD_ROWS(X) X(1) X(2) X(3) X(4)
#define HW_QUAD_TILES(X) X(2, QUAD_ROWS) X(1, QUAD_ROWS)

typedef int16_t vh __attribute__((vector_size(sizeof(vi))));

static inline void right_words(vi words[QUAD_WORDS], vi quads) {
    typedef uint16_t bits __attribute__((vector_size(sizeof(vi))));
    words[0] = (vi)((vh)((bits)quads << 8) >> 8);
    words[1] = (vi)((vh)quads >> 8);
}
/* The words of each quad side by side: its inner numbers change places, then all are widened. */
static inline void left_words(vi words[QUAD_WORDS], vi quads) {
    typedef int8_t half __attribute__((vector_size(sizeof(vi) / 2)));
    const vu in = (vu)quads;
    const vu out = (in & 0xff0000ff) | (in >> 8 & 0x0000ff00) | (in << 8 & 0x00ff0000);
    half halves[QUAD_WORDS];
    memcpy(halves, &out, sizeof halves);
    for (size_t i = 0; i < QUAD_WORDS; i++) words[i] = (vi) __builtin_convertvector(halves[i], vh);
}
static inline vi quad_dot(vi sum, const vi left[QUAD_WORDS], const vi right[QUAD_WORDS]) {
    const vi even = (vi)((vh)left[0] + (vh)right[1]), odd = (vi)((vh)left[1] + (vh)right[0]);
    sum = (vi)((vu)sum + (vu)vi_dot_pairs(even, odd));
    __asm__("" : "+v"(sum)); /* or GCC makes all products before it adds them, and spills */
    return sum;
}

/* What quad_dot adds too much: for a quad of a, and for columns of b of whose sums these are. */
static inline vi left_surplus(vi quads) {
    vi words[QUAD_WORDS];
    right_words(words, quads);
    return vi_dot_pairs(words[0], words[1]);
}
static inline vi right_surplus(vi sum, vi products) {
    (void)sum;
    return products;
}

#endif
