/* Pairs of bfloat16 for AVX-512 BF16, whose instruction multiplies and adds both. It takes numbers
 * below 2^-126 as 0. */
#ifndef HW_TENSOR_PAIRS_DOT_H
#define HW_TENSOR_PAIRS_DOT_H

#include "tensor/vector_body.h"

enum { PAIR_PARTS = 1, PAIR_ROWS = TILE_ROWS };

static inline vf pair_part(vf pairs, size_t part) {
    (void)part;
    return pairs;
}

static inline vf pair_fma(vf x, vf y, vf sum) {
    return _mm512_dpbf16_ps(sum, (__m512bh)x, (__m512bh)y);
}

#endif
