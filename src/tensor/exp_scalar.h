/* exp(x), and what is made of it, of one number. Invariant: it does the same roundings in the same
 * order as the vector form in kernels_body.h, so their bits are the same. */
#ifndef HW_TENSOR_EXP_SCALAR_H
#define HW_TENSOR_EXP_SCALAR_H

#include "tensor/kernel_constants.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

#ifdef HW_DOUBLE /* the gradient checks compile the scalar kernels with float as double */
static inline float hw_exp_scalar(float x) {
    return expf(x);
}
#else
static inline float hw_exp_scalar(float x) {
    if (x < HW_EXP_LOWEST) return 0;
    const float top = HW_EXP_HIGHEST < x ? HW_EXP_HIGHEST : x;
    const float shifted = fmaf(top, HW_EXP_LOG2E, HW_EXP_SHIFT);
    const float n = shifted - HW_EXP_SHIFT;
    const float r = fmaf(n, -HW_EXP_LN2_LOW, fmaf(n, -HW_EXP_LN2_HIGH, top));
    float p = 1.0f / 5040;
    p = fmaf(p, r, 1.0f / 720);
    p = fmaf(p, r, 1.0f / 120);
    p = fmaf(p, r, 1.0f / 24);
    p = fmaf(p, r, 1.0f / 6);
    p = fmaf(p, r, 1.0f / 2);
    p = fmaf(p, r, 1.0f);
    p = fmaf(p, r, 1.0f);
    uint32_t bits, exponent;
    memcpy(&bits, &p, sizeof bits);
    memcpy(&exponent, &shifted, sizeof exponent);
    bits += exponent << 23; /* p * 2^n */
    memcpy(&p, &bits, sizeof p);
    return p;
}
#endif

/* exp of -|x| only: it cannot overflow. */
static inline float hw_sigmoid_scalar(float x) {
    const float e = hw_exp_scalar(-fabsf(x));
    return (x < 0.0f ? e : 1.0f) / (1.0f + e);
}

#endif
