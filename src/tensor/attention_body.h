/* Attention of one head over the vectors of simd_<isa>.h. Lanes are queries: so a softmax needs no
 * sum across lanes, and short texts fill whole vectors. Invariant: the roundings of
 * kernels_scalar.c, in its order. */
#ifndef HW_TENSOR_ATTENTION_BODY_H
#define HW_TENSOR_ATTENTION_BODY_H

#include "tensor/activation_body.h"
#include "tensor/vector_body.h"

#include <math.h>
#include <string.h>

enum { CHAINS = 8 /* of fused multiply-adds, side by side */ };

/* VF queries or, at the end, `count`. */
typedef struct query_block {
    const float *k, *v; /* [n][dim], row stride ld */
    size_t ld, n, dim, count;
    float *scores; /* [n][VF] */
    float *across; /* [dim][VF]: the queries, then the result */
} query_block;

/* scores[j .. j + chains) = bias - j + q k; returns their maximum with max. */
INLINE vf score_keys(const query_block *b, const float *bias, size_t j, const size_t chains,
                     vf max) {
    vf score[CHAINS];
    UNROLL for (size_t c = 0; c < chains; c++) score[c] = load(bias - j - c, b->count, vf_set(0));
    for (size_t d = 0; d < b->dim; d++) {
        const vf q = vf_load(b->across + d * VF);
        UNROLL for (size_t c = 0; c < chains; c++) score[c] =
            vf_fma(q, vf_set(b->k[(j + c) * b->ld + d]), score[c]);
    }
    UNROLL for (size_t c = 0; c < chains; c++) {
        vf_store(b->scores + (j + c) * VF, score[c]);
        max = vf_max(score[c], max);
    }
    return max;
}

/* across[d .. d + chains) = sum over j of (scores[j] * factor) v[j] */
INLINE void sum_values(const query_block *b, vf factor, size_t d, const size_t chains) {
    vf sum[CHAINS];
    UNROLL for (size_t c = 0; c < chains; c++) sum[c] = vf_set(0);
    for (size_t j = 0; j < b->n; j++) {
        const vf weight = vf_load(b->scores + j * VF) * factor;
        UNROLL for (size_t c = 0; c < chains; c++) sum[c] =
            vf_fma(weight, vf_set(b->v[j * b->ld + d + c]), sum[c]);
    }
    UNROLL for (size_t c = 0; c < chains; c++) vf_store(b->across + (d + c) * VF, sum[c]);
}

/* scores = exp(scores - max); returns 1 / their sum, taken in LANES parts as of a row. */
static inline vf exp_scores(const query_block *b, vf max) {
    vf sum[LANES];
    for (size_t j = 0; j < b->n; j++) {
        const vf e = exp_of(vf_load(b->scores + j * VF) - max);
        vf_store(b->scores + j * VF, e);
        if (j < LANES)
            sum[j] = e;
        else
            sum[j % LANES] += e;
    }
    for (size_t l = b->n; l < LANES; l++) sum[l] = vf_set(0);
    for (size_t half = LANES / 2; half > 0; half /= 2)
        for (size_t l = 0; l < half; l++) sum[l] += sum[l + half];
    return vf_set(1) / sum[0];
}

static inline void attend_block(const query_block *b, const float *bias) {
    vf max = vf_set(-INFINITY);
    size_t j = 0, d = 0;
    for (; j + CHAINS <= b->n; j += CHAINS) max = score_keys(b, bias, j, CHAINS, max);
    for (; j < b->n; j++) max = score_keys(b, bias, j, 1, max);
    const vf factor = exp_scores(b, max);
    for (; d + CHAINS <= b->dim; d += CHAINS) sum_values(b, factor, d, CHAINS);
    for (; d < b->dim; d++) sum_values(b, factor, d, 1);
}

/* across[dim][VF] = the transpose of x[count][dim]; lanes past count are 0. */
static inline void turn(float *across, const float *x, size_t ld, size_t count, size_t dim) {
    if (count < VF) memset(across, 0, dim * VF * sizeof *across);
    for (size_t lane = 0; lane < count; lane++)
        for (size_t d = 0; d < dim; d++) across[d * VF + lane] = x[lane * ld + d];
}

/* And back. */
static inline void turn_back(float *x, size_t ld, const float *across, size_t count, size_t dim) {
    for (size_t lane = 0; lane < count; lane++)
        for (size_t d = 0; d < dim; d++) x[lane * ld + d] = across[d * VF + lane];
}

static void kernel_attend(float *y, size_t ldy, float *scratch, const float *q, const float *k,
                          const float *v, size_t ld, const float *bias, size_t n, size_t dim) {
    for (size_t i = 0; i < n; i += VF) {
        const query_block block = { .k = k,
                                    .v = v,
                                    .ld = ld,
                                    .n = n,
                                    .dim = dim,
                                    .count = hw_smaller(n - i, VF),
                                    .scores = scratch + dim * VF,
                                    .across = scratch };
        turn(scratch, q + i * ld, ld, block.count, dim);
        attend_block(&block, bias + n - 1 + i);
        turn_back(y + i * ldy, ldy, scratch, block.count, dim);
    }
}

#endif
