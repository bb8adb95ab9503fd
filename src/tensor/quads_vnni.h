/* Quads of int8 for AVX-512 VNNI, which multiplies unsigned by signed numbers: a is moved up by 128
 * and the surplus, 128 times the sum of b, is taken off the sums. vpdpbusd does not saturate. */
#ifndef HW_TENSOR_QUADS_VNNI_H
#define HW_TENSOR_QUADS_VNNI_H

#include "tensor/vector_body.h"

enum {
    QUAD_WORDS = 1,
    QUAD_DEPTH = 192, /* quads of a row of a block, at most */
    /* Register tiles: rows x vectors. 28 sums + 2 of b + 1 of a in 32 registers. */
    QUAD_ROWS = 14,
    QUAD_VECTORS = 8,
    QUAD_COMMON = 2,
};

/* Every number of rows that a tile may have, and of vectors with the most rows beside them. */
#define HW_QUAD_ROWS(X) X(1) X(2) X(3) X(4) X(5) X(6) X(7) X(8) X(9) X(10) X(11) X(12) X(13) X(14)
#define HW_QUAD_TILES(X) X(8, 2) X(4, 6) X(2, 14) X(1, 14)

static inline void left_words(vi words[QUAD_WORDS], vi quads) {
    words[0] = quads ^ (int32_t)0x80808080;
}
static inline void right_words(vi words[QUAD_WORDS], vi quads) {
    words[0] = quads;
}
static inline vi quad_dot(vi sum, const vi left[QUAD_WORDS], const vi right[QUAD_WORDS]) {
    return (vi)_mm512_dpbusd_epi32((__m512i)sum, (__m512i)left[0], (__m512i)right[0]);
}

/* What quad_dot adds too much: for a quad of a, and for columns of b of whose sums these are. */
static inline vi left_surplus(vi quads) {
    (void)quads;
    return (vi){ 0 };
}
static inline vi right_surplus(vi sum, vi products) {
    (void)products;
    return sum * 128;
}

#endif
