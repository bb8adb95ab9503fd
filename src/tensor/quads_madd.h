/* Quads of int8 for x86 without VNNI: unsigned by signed bytes, whose products are added in pairs
 * as int16. Two quads are taken at once, so that four products are added before they are widened:
 * five instructions for as many products as eight of widened numbers. No sum of four saturates,
 * because of what rows of b may be (tensor/int8_weights.h). */
#ifndef HW_TENSOR_QUADS_MADD_H
#define HW_TENSOR_QUADS_MADD_H

#include "tensor/kernel_constants.h"
#include "tensor/vector_body.h"

enum {
    QUAD_STEP = 2,             /* quads that are multiplied at once */
    QUAD_SHIFT = HW_INT8_MOST, /* what a is moved up by */
    QUAD_DEPTH = 192,          /* quads of a row of a block, at most */
    /* Register tiles: rows x vectors. 6 sums + 4 of b + 2 of a + 2 products + 1 in 16 registers. */
    QUAD_ROWS = 3,
    QUAD_VECTORS = 4,
    QUAD_COMMON = 2,
};

/* Every number of rows that a tile may have, and of vectors with the most rows beside them. */
#define HW_QUAD_ROWS(X) X(1) X(2) X(3)
#define HW_QUAD_TILES(X) X(4, 1) X(2, 3) X(1, 3)

static inline vi quad_dot(vi sum, const vi left[QUAD_STEP], const vi right[QUAD_STEP]) {
    typedef int16_t vh __attribute__((vector_size(sizeof(vi))));
    const vh four = (vh)vi_dot_bytes(left[0], right[0]) + (vh)vi_dot_bytes(left[1], right[1]);
    return sum + vi_dot_pairs((vi)four, (vi){ 0 } + 0x00010001);
}

#endif
