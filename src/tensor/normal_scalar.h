/* The normal distribution of one number. Invariant: it does the same roundings in the same order as
 * the vector form in activation_body.h, so their bits are the same. */
#ifndef HW_TENSOR_NORMAL_SCALAR_H
#define HW_TENSOR_NORMAL_SCALAR_H

#include "tensor/exp_scalar.h"

/* Phi(-z) for z >= 0, given e = exp(-z^2 / 2). */
#ifdef HW_DOUBLE /* the gradient checks compile the scalar kernels with float as double */
static inline float hw_normal_tail(float z, float e) {
    (void)e;
    return erfcf(z * sqrtf(0.5f)) / 2;
}
#else
static inline float hw_normal_tail(float z, float e) {
    const float t = 1 / fmaf(HW_NORMAL_T, z, 1);
    float p = HW_NORMAL_P7;
    p = fmaf(p, t, HW_NORMAL_P6);
    p = fmaf(p, t, HW_NORMAL_P5);
    p = fmaf(p, t, HW_NORMAL_P4);
    p = fmaf(p, t, HW_NORMAL_P3);
    p = fmaf(p, t, HW_NORMAL_P2);
    p = fmaf(p, t, HW_NORMAL_P1);
    p = fmaf(p, t, HW_NORMAL_P0);
    return e * t * p;
}
#endif

#endif
