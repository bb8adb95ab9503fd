/* Functions of one number, over vectors; kernels_scalar.c and kernel_constants.h have the formulas.
 * Invariant: the same roundings in the same order as there. */
#ifndef HW_TENSOR_ACTIVATION_BODY_H
#define HW_TENSOR_ACTIVATION_BODY_H

#include "tensor/kernel_constants.h"
#include "tensor/vector_body.h"

#include <float.h>

static inline vf exp_of(vf x) {
    const vf top = vf_min(vf_set(HW_EXP_HIGHEST), x);
    const vf shifted = vf_fma(top, vf_set(HW_EXP_LOG2E), vf_set(HW_EXP_SHIFT));
    const vf n = shifted - vf_set(HW_EXP_SHIFT);
    const vf r = vf_fma(n, vf_set(-HW_EXP_LN2_LOW), vf_fma(n, vf_set(-HW_EXP_LN2_HIGH), top));
    vf p = vf_set(1.0f / 5040);
    p = vf_fma(p, r, vf_set(1.0f / 720));
    p = vf_fma(p, r, vf_set(1.0f / 120));
    p = vf_fma(p, r, vf_set(1.0f / 24));
    p = vf_fma(p, r, vf_set(1.0f / 6));
    p = vf_fma(p, r, vf_set(1.0f / 2));
    p = vf_fma(p, r, vf_set(1.0f));
    p = vf_fma(p, r, vf_set(1.0f));
    const vf y = (vf)((vu)p + ((vu)shifted << 23)); /* p * 2^n */
    return vf_zero_below(y, x, vf_set(HW_EXP_LOWEST));
}

static inline vf between(vf x, float bound) {
    return vf_max(vf_set(-bound), vf_min(vf_set(bound), x));
}

static inline vf gelu_exp(vf x) {
    return exp_of(x * vf_fma(vf_set(HW_GELU_B), x * x, vf_set(HW_GELU_A)));
}

static inline vf gelu_of(vf x) {
    const vf e = gelu_exp(x);
    return x * (e / (vf_set(1) + e));
}

static inline vf gelu_slope(vf x) {
    x = between(x, HW_GELU_BOUND);
    const vf one = vf_set(1), e = gelu_exp(x);
    const vf s = e / (one + e);
    const vf s_slope =
        s * (one / (one + e)) * vf_fma(vf_set(3 * HW_GELU_B), x * x, vf_set(HW_GELU_A));
    return vf_fma(x, s_slope, s);
}

static inline vf normal_exp(vf z) {
    return exp_of(vf_set(-0.5f) * (z * z));
}

static inline vf normal_tail(vf z, vf e) {
    const vf t = vf_set(1) / vf_fma(vf_set(HW_NORMAL_T), z, vf_set(1));
    vf p = vf_set(HW_NORMAL_P7);
    p = vf_fma(p, t, vf_set(HW_NORMAL_P6));
    p = vf_fma(p, t, vf_set(HW_NORMAL_P5));
    p = vf_fma(p, t, vf_set(HW_NORMAL_P4));
    p = vf_fma(p, t, vf_set(HW_NORMAL_P3));
    p = vf_fma(p, t, vf_set(HW_NORMAL_P2));
    p = vf_fma(p, t, vf_set(HW_NORMAL_P1));
    p = vf_fma(p, t, vf_set(HW_NORMAL_P0));
    return e * t * p;
}

static inline vf gelu_erf_of(vf x) {
    const vf z = vf_max(x, -x);
    return vf_max(x, vf_set(0)) - z * normal_tail(z, normal_exp(z));
}

static inline vf gelu_erf_slope(vf x) {
    const vf z = vf_max(x, -x), e = normal_exp(z);
    const vf tail = normal_tail(z, e);
    const vf middle = vf_zero_below(vf_set(1) - tail - tail, x, vf_set(0));
    return vf_fma(x, vf_set(HW_NORMAL_DENSITY) * e, middle + tail);
}

static inline vf relu_of(vf x) {
    return vf_max(x, vf_set(0));
}

static inline vf relu_slope(vf x) {
    return vf_zero_below(vf_set(1), x, vf_set(FLT_TRUE_MIN));
}

static inline vf silu_of(vf x) {
    const vf e = exp_of(x);
    return x * (e / (vf_set(1) + e));
}

static inline vf silu_slope(vf x) {
    x = between(x, HW_SIGMOID_BOUND);
    const vf one = vf_set(1), e = exp_of(x);
    return e / (one + e) * vf_fma(x, one / (one + e), one);
}

static inline vf tanh_of(vf x) {
    return vf_set(1) - vf_set(2) / (vf_set(1) + exp_of(vf_set(2) * x));
}

static inline vf tanh_slope(vf x) {
    const vf one = vf_set(1), e = exp_of(vf_set(2) * x);
    return vf_set(4) * (e / (one + e)) * (one / (one + e));
}

static void kernel_exp(float *y, const float *x, size_t n) {
    EACH_VECTOR(n, store(y + at, count, exp_of(load(x + at, count, vf_set(0)))));
}

#define ACTIVATION(name)                                                                           \
    static void kernel_##name(float *y, const float *x, size_t n) {                                \
        EACH_VECTOR(n, store(y + at, count, name##_of(load(x + at, count, vf_set(0)))));           \
    }                                                                                              \
    static void kernel_##name##_backward(float *d_x, const float *d_y, const float *x, size_t n) { \
        const vf zero = vf_set(0);                                                                 \
        EACH_VECTOR(n,                                                                             \
                    store(d_x + at, count,                                                         \
                          load(d_y + at, count, zero) * name##_slope(load(x + at, count, zero)))); \
    }
HW_ACTIVATION_LIST(ACTIVATION)
#undef ACTIVATION

#endif
