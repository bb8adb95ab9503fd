/* Quads of int8 for NEON: products as int16, added in pairs twice. Nothing can saturate: a product
 * is at most 128^2. */
#ifndef HW_TENSOR_QUADS_NEON_H
#define HW_TENSOR_QUADS_NEON_H

#include "tensor/vector_body.h"

enum {
    QUAD_WORDS = 1,
    QUAD_DEPTH = 192, /* quads of a row of a block, at most */
    /* Register tiles: rows x vectors. 16 sums + 4 of b + 1 of a in 32 registers. */
    QUAD_ROWS = 4,
    QUAD_VECTORS = 4,
    QUAD_COMMON = 4,
};

/* Every number of rows that a tile may have, and of vectors with the most rows beside them. */
#define HW_QUAD_ROWS(X) X(1) X(2) X(3) X(4)
#define HW_QUAD_TILES(X) X(4, 4)

static inline void left_words(vi words[QUAD_WORDS], vi quads) {
    words[0] = quads;
}
static inline void right_words(vi words[QUAD_WORDS], vi quads) {
    words[0] = quads;
}
static inline vi quad_dot(vi sum, const vi left[QUAD_WORDS], const vi right[QUAD_WORDS]) {
    const int8x16_t x = (int8x16_t)left[0], y = (int8x16_t)right[0];
    const int32x4_t low = vpaddlq_s16(vmull_s8(vget_low_s8(x), vget_low_s8(y)));
    const int32x4_t high = vpaddlq_s16(vmull_s8(vget_high_s8(x), vget_high_s8(y)));
    return sum + (vi)vpaddq_s32(low, high);
}

/* What quad_dot adds too much: for a quad of a, and for columns of b of whose sums these are. */
static inline vi left_surplus(vi quads) {
    (void)quads;
    return (vi){ 0 };
}
static inline vi right_surplus(vi sum, vi products) {
    (void)sum, (void)products;
    return (vi){ 0 };
}

#endif
