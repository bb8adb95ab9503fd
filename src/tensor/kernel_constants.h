/* The constants that the scalar and the vector kernels share. */
#ifndef HW_TENSOR_KERNEL_CONSTANTS_H
#define HW_TENSOR_KERNEL_CONSTANTS_H

/* exp(x) = 2^n exp(r), n = round(x / ln 2), |r| <= ln(2)/2 (Cody and Waite 1980, ch. 6).
 * exp(r) is its Taylor series up to r^7: what is left out is below 0.3466^8 / 8! = 6e-9.
 * Between the bounds every 2^n and every result is a normal number. */
#define HW_EXP_LOWEST (-87.0f)
#define HW_EXP_HIGHEST 88.0f
#define HW_EXP_LOG2E 0x1.715476p+0f      /* 1 / ln 2 */
#define HW_EXP_LN2_HIGH 0x1.62e43p-1f    /* ln 2 rounded to float */
#define HW_EXP_LN2_LOW (-0x1.05c61p-29f) /* ln 2 - LN2_HIGH rounded to float */
/* 1.5 * 2^23: adding it rounds to an integer, which the lowest bits of the sum hold. */
#define HW_EXP_SHIFT 0x1.8p23f

/* gelu(x) = x s(x): 0.5 (1 + tanh(u)) = e / (1 + e) = s with e = exp(2u), and
 * 2u = 2 sqrt(2/pi) (x + 0.044715 x^3) = x (A + B x^2).
 * Beyond -BOUND and BOUND s is exactly 0 and 1: 2u(-10) is below HW_EXP_LOWEST. */
#define HW_GELU_A 1.5957691216057308f
#define HW_GELU_B (0.044715f * HW_GELU_A)
#define HW_GELU_BOUND 16.0f

#define HW_NORM_EPSILON 1e-5f

#endif
