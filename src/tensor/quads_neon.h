/* Quads of int8 for NEON: products as int16, added in pairs twice. Nothing can saturate: a product
 * is at most 128^2. */
#ifndef HW_TENSOR_QUADS_NEON_H
#define HW_TENSOR_QUADS_NEON_H

#include "tensor/vector_body.h"

enum {
    QUAD_STEP = 1,    /* quads that are multiplied at once */
    QUAD_SHIFT = 0,   /* what a is moved up by */
    QUAD_DEPTH = 192, /* quads of a row of a block, at most */
    /* Register tiles: rows x vectors. 16 sums + 4 of b + 1 of a in 32 registers. */
    QUAD_ROWS = 4,
    QUAD_VECTORS = 4,
    QUAD_COMMON = 4,
};

/* Every number of rows that a tile may have, and of vectors with the most rows beside them. */
#define HW_QUAD_ROWS(X) X(1) X(2) X(3) X(4)
#define HW_QUAD_TILES(X) X(4, 4)

static inline vi quad_dot(vi sum, const vi left[QUAD_STEP], const vi right[QUAD_STEP]) {
    const int8x16_t x = (int8x16_t)left[0], y = (int8x16_t)right[0];
    const int32x4_t low = vpaddlq_s16(vmull_s8(vget_low_s8(x), vget_low_s8(y)));
    const int32x4_t high = vpaddlq_s16(vmull_s8(vget_high_s8(x), vget_high_s8(y)));
    return sum + (vi)vpaddq_s32(low, high);
}

#endif
