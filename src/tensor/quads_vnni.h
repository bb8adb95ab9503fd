/* Quads of int8 for AVX-512 VNNI, which multiplies unsigned by signed bytes. vpdpbusd does not
 * saturate. */
#ifndef HW_TENSOR_QUADS_VNNI_H
#define HW_TENSOR_QUADS_VNNI_H

#include "tensor/kernel_constants.h"
#include "tensor/vector_body.h"

enum {
    QUAD_STEP = 1,             /* quads that are multiplied at once */
    QUAD_SHIFT = HW_INT8_MOST, /* what a is moved up by */
    QUAD_DEPTH = 192,          /* quads of a row of a block, at most */
    /* Register tiles: rows x vectors. 28 sums + 2 of b + 1 of a in 32 registers. */
    QUAD_ROWS = 14,
    QUAD_VECTORS = 8,
    QUAD_COMMON = 2,
};

/* Every number of rows that a tile may have, and of vectors with the most rows beside them. */
#define HW_QUAD_ROWS(X) X(1) X(2) X(3) X(4) X(5) X(6) X(7) X(8) X(9) X(10) X(11) X(12) X(13) X(14)
#define HW_QUAD_TILES(X) X(8, 2) X(4, 6) X(2, 14) X(1, 14)

static inline vi quad_dot(vi sum, const vi left[QUAD_STEP], const vi right[QUAD_STEP]) {
    return (vi)_mm512_dpbusd_epi32((__m512i)sum, (__m512i)left[0], (__m512i)right[0]);
}

#endif
