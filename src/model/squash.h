/* The non-linearity of capsules: a vector keeps its direction, and its length becomes a share
 * of 1. */
#ifndef HW_MODEL_SQUASH_H
#define HW_MODEL_SQUASH_H

#include "tensor/kernels.h"

/* y = x |x| / (0.5 + |x|^2), each row of x[rows][n] (Zhao et al. 2018; Sabour et al. 2017,
 * eq. 1, with 0.5 for 1). */
void hw_squash_forward(float *y, const float *x, size_t rows, size_t n, const hw_kernels *kernels);
/* d_x[rows][n] from d_y, which it may be. */
void hw_squash_backward(float *d_x, const float *d_y, const float *x, size_t rows, size_t n,
                        const hw_kernels *kernels);

/* log_odds[rows] of the length a of squash(x): ln(a / (1 - a)) = ln(2 |x|^2). */
void hw_squash_log_odds(float *log_odds, const float *x, size_t rows, size_t n,
                        const hw_kernels *kernels);
/* d_x[rows][n] */
void hw_squash_log_odds_backward(float *d_x, const float *d_log_odds, const float *x, size_t rows,
                                 size_t n, const hw_kernels *kernels);

#endif
