/* Quads of int8 for AVX-VNNI: the instruction of quads_vnni.h on vectors of AVX2. */
#ifndef HW_TENSOR_QUADS_AVXVNNI_H
#define HW_TENSOR_QUADS_AVXVNNI_H

#include "tensor/kernel_constants.h"
#include "tensor/vector_body.h"

enum {
    QUAD_STEP = 1,             /* quads that are multiplied at once */
    QUAD_SHIFT = HW_INT8_MOST, /* what a is moved up by */
    QUAD_DEPTH = 192,          /* quads of a row of a block, at most */
    /* Register tiles: rows x vectors. 12 sums + 2 of b + 1 of a in 16 registers. */
    QUAD_ROWS = 6,
    QUAD_VECTORS = 4,
    QUAD_COMMON = 2,
};

/* Every number of rows that a tile may have, and of vectors with the most rows beside them. */
#define HW_QUAD_ROWS(X) X(1) X(2) X(3) X(4) X(5) X(6)
#define HW_QUAD_TILES(X) X(4, 2) X(2, 6) X(1, 6)

static inline vi quad_dot(vi sum, const vi left[QUAD_STEP], const vi right[QUAD_STEP]) {
    return (vi)_mm256_dpbusd_avx_epi32((__m256i)sum, (__m256i)left[0], (__m256i)right[0]);
}

#endif
