/* One attention matrix of one window, from queries, keys and a bias by relative position (Shaw et
 * al. 2018, here one number a clipped distance):
 *
 *   scores[i][j] = q_i k_j + position[clip(j - i)]
 *
 * Invariant: the matrix is [n][n], its rows are n rounded up to a multiple of 16 apart. */
#ifndef HW_MODEL_PATTERN_H
#define HW_MODEL_PATTERN_H

#include "base/sizes.h"
#include "model/pass.h"

typedef struct hw_pattern {
    const float *q, *k;        /* [n][dim], q scaled */
    size_t q_stride, k_stride; /* between their rows */
    const float *position;     /* [2 * distance + 1] */
    size_t n, dim, distance;
} hw_pattern;

static inline size_t hw_pattern_stride(size_t n) {
    return hw_padded(n);
}

/* scores: [n][n] */
void hw_pattern_forward(float *scores, const hw_pattern *pattern, const hw_pass *pass);

/* far[2 * n - 1]: the bias by i - j, from 1 - n on. */
void hw_pattern_spread(float *far, const float *position, size_t n, size_t distance);

/* From d_scores[n][n]: d_q[n][dim] =, d_k[n][dim] = or (add) +=, d_position[2 * distance + 1] +=;
 * row strides as of q and k. */
void hw_pattern_backward(float *d_q, float *d_k, float *d_position, const float *d_scores,
                         const hw_pattern *pattern, bool add, const hw_pass *pass);

#endif
