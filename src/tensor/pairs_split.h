/* Pairs of bfloat16 without an instruction for them: as two floats, one after the other. */
#ifndef HW_TENSOR_PAIRS_SPLIT_H
#define HW_TENSOR_PAIRS_SPLIT_H

#include "tensor/vector_body.h"

enum {
    PAIR_PARTS = 2, /* the second number, then the first */
    PAIR_ROWS = 4,  /* of a tile, at most */
};

static inline vf pair_part(vf pairs, size_t part) {
    return (vf)(part == 0 ? (vu)pairs & 0xffff0000 : (vu)pairs << 16);
}

static inline vf pair_fma(vf x, vf y, vf sum) {
    return vf_fma(x, y, sum);
}

#endif
