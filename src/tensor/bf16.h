/* bfloat16: the upper half of a float, with 8 of its 24 bits of mantissa. Two of them make a
 * hw_bf16_pair (tensor/kernels.h). */
#ifndef HW_TENSOR_BF16_H
#define HW_TENSOR_BF16_H

#include "tensor/kernels.h"

#include <string.h>

/* Rounded to the nearest, ties to even; what is not a number stays that. */
static inline uint16_t hw_bf16_of(float x) {
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    if ((bits & 0x7fffffff) > 0x7f800000) return (uint16_t)(bits >> 16 | 0x40);
    return (uint16_t)((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

static inline float hw_bf16_value(uint16_t half) {
    const uint32_t bits = (uint32_t)half << 16;
    float x = 0;
    memcpy(&x, &bits, sizeof bits);
    return x;
}

static inline hw_bf16_pair hw_bf16_pair_of(float first, float second) {
    const uint32_t bits = hw_bf16_of(first) | (uint32_t)hw_bf16_of(second) << 16;
    hw_bf16_pair pair = 0;
    memcpy(&pair, &bits, sizeof bits);
    return pair;
}

/* For gemm_bf16: packed[(n+15)/16][(k+1)/2][16] from b[n][k], zeros past n and k. */
void hw_bf16_pack(const hw_kernels *kernels, hw_bf16_pair *packed, const uint16_t *b, size_t n,
                  size_t k);

#endif
