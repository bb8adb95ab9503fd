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

/* The normal distribution's tail: Phi(-z) = exp(-z^2 / 2) t P(t), t = 1 / (1 + T z), z >= 0 (the
 * form of Abramowitz and Stegun 1964, 7.1.26). P is the polynomial of least relative error, 1.2e-7,
 * on [0, 13.2], where exp becomes 0; in float t P(t) is right to 4.2e-7. */
#define HW_NORMAL_T 0.3f
#define HW_NORMAL_P0 0.119624548f
#define HW_NORMAL_P1 0.120826319f
#define HW_NORMAL_P2 0.0994650871f
#define HW_NORMAL_P3 0.130032539f
#define HW_NORMAL_P4 (-0.0564499199f)
#define HW_NORMAL_P5 0.209346175f
#define HW_NORMAL_P6 (-0.158933625f)
#define HW_NORMAL_P7 0.0360888131f
#define HW_NORMAL_DENSITY 0.398942280f /* 1 / sqrt(2 pi) */

/* Beyond -BOUND and BOUND x / (1 + exp(x)) and x / (1 + exp(-x)) are 0 next to 1. */
#define HW_SIGMOID_BOUND 88.0f

/* Of products of int8: the most of either side (-128 is not used: symmetric), and the most that
 * four of the right side which are added in 16 bits may sum to. The left side is moved up by its
 * most to be unsigned: (127 + 127) * 129 < 2^15. */
enum { HW_INT8_MOST = 127, HW_INT8_FOUR = 129 };

/* Kernels that are a function of one number, with its slope: both tables make them of it. */
#define HW_ACTIVATION_LIST(X) X(gelu) X(gelu_erf) X(relu) X(silu) X(tanh)

#endif
