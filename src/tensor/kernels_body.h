/* The fast kernels, written once over the vectors of simd_<isa>.h, which is included first.
 * Invariant: each gives the bits of kernels_scalar.c, tails included: a tail is a vector
 * of which only the first lanes are loaded and stored. */
#ifndef HW_TENSOR_KERNELS_BODY_H
#define HW_TENSOR_KERNELS_BODY_H

#include "tensor/activation_body.h"
#include "tensor/attention_body.h"
#include "tensor/gemm_body.h"
#include "tensor/int8_body.h"
#include "tensor/kernel_tables.h"
#include "tensor/vector_body.h"

#include <math.h>
#include <string.h>

static inline vf load_int8(const int8_t *x, size_t count) {
    if (count == VF) return vf_load_int8(x);
    int8_t some[LANES] = { 0 };
    memcpy(some, x, count);
    return vf_load_int8(some);
}

enum { ROW_VECTORS = 32 / VF }; /* of a row that are summed at a time */

static inline lanes lanes_set(float x) {
    lanes all;
    for (size_t i = 0; i < PARTS; i++) all.part[i] = vf_set(x);
    return all;
}

static inline float lanes_sum(lanes all) {
    for (size_t half = PARTS / 2; half > 0; half /= 2)
        for (size_t i = 0; i < half; i++) all.part[i] += all.part[i + half];
    return vf_sum(all.part[0]);
}

static inline float lanes_max(lanes all) {
    for (size_t half = PARTS / 2; half > 0; half /= 2)
        for (size_t i = 0; i < half; i++) all.part[i] = vf_max(all.part[i], all.part[i + half]);
    return vf_top(all.part[0]);
}

static inline float row_sum(const float *x, size_t n) {
    const vf zero = vf_set(0);
    lanes sum = lanes_set(0);
    EACH_PART(n, sum.part[part] += load(x + at, count, zero));
    return lanes_sum(sum);
}

static inline float row_max(const float *x, size_t n) {
    const vf lowest = vf_set(-INFINITY);
    lanes max = lanes_set(-INFINITY);
    EACH_PART(n, max.part[part] = vf_max(load(x + at, count, lowest), max.part[part]));
    return lanes_max(max);
}

static inline float row_dot(const float *x, const float *y, size_t n) {
    const vf zero = vf_set(0);
    lanes sum = lanes_set(0);
    EACH_PART(n, sum.part[part] =
                     vf_fma(load(x + at, count, zero), load(y + at, count, zero), sum.part[part]));
    return lanes_sum(sum);
}

static void kernel_axpy(float *y, const float *x, float factor, size_t n) {
    const vf zero = vf_set(0), factors = vf_set(factor);
    EACH_VECTOR(n, store(y + at, count,
                         vf_fma(factors, load(x + at, count, zero), load(y + at, count, zero))));
}

/* Columns [at, at + vectors * VF) of add_rows, the last vector having `count` elements. Sums stay
 * in registers; rows are anywhere in memory, so they are asked for before their turn. */
static inline __attribute__((always_inline)) void add_columns(
    float *y, const float *table, const uint32_t *index, size_t index_step, const float *factor,
    size_t factor_step, size_t rows, size_t n, size_t vectors, size_t count) {
    enum { AHEAD = 8, CACHE_LINE = 16 /* floats */ };
    const vf zero = vf_set(0);
    vf sum[ROW_VECTORS];
    for (size_t v = 0; v < vectors; v++)
        sum[v] = load(y + v * VF, v + 1 < vectors ? VF : count, zero);
    for (size_t i = 0; i < rows; i++) {
        const float *row = table + index[i * index_step] * n;
        const vf factors = vf_set(factor[i * factor_step]);
        if (i + AHEAD < rows) {
            const float *later = table + index[(i + AHEAD) * index_step] * n;
            for (size_t at = 0; at < vectors * VF; at += CACHE_LINE) __builtin_prefetch(later + at);
        }
        for (size_t v = 0; v < vectors; v++)
            sum[v] =
                vf_fma(factors, load(row + v * VF, v + 1 < vectors ? VF : count, zero), sum[v]);
    }
    for (size_t v = 0; v < vectors; v++) store(y + v * VF, v + 1 < vectors ? VF : count, sum[v]);
}

static void kernel_add_rows(float *y, const float *table, const uint32_t *index, size_t index_step,
                            const float *factor, size_t factor_step, size_t rows, size_t n) {
    size_t at = 0;
    for (; at + ROW_VECTORS * VF <= n; at += ROW_VECTORS * VF)
        add_columns(y + at, table + at, index, index_step, factor, factor_step, rows, n,
                    ROW_VECTORS, VF);
    for (; at < n; at += VF)
        add_columns(y + at, table + at, index, index_step, factor, factor_step, rows, n, 1,
                    hw_smaller(n - at, VF));
}

static void kernel_axpy_int8(float *y, const int8_t *x, const float *scale, float factor,
                             size_t n) {
    const vf zero = vf_set(0), factors = vf_set(factor);
    EACH_VECTOR(n, store(y + at, count,
                         vf_fma(factors * load(scale + at, count, zero), load_int8(x + at, count),
                                load(y + at, count, zero))));
}

static void kernel_add(float *y, const float *x, size_t n) {
    const vf zero = vf_set(0);
    EACH_VECTOR(n, store(y + at, count, load(y + at, count, zero) + load(x + at, count, zero)));
}

static void kernel_dot(float *sum, const float *x, const float *y, size_t n) {
    *sum = row_dot(x, y, n);
}

static void softmax_row(float *x, size_t n) {
    const vf max = vf_set(row_max(x, n)), lowest = vf_set(-INFINITY);
    lanes sum = lanes_set(0);
    EACH_PART(n, const vf y = exp_of(load(x + at, count, lowest) - max); store(x + at, count, y);
              sum.part[part] += y);
    const vf factor = vf_set(1 / lanes_sum(sum));
    EACH_VECTOR(n, store(x + at, count, load(x + at, count, lowest) * factor));
}

static void kernel_softmax(float *x, size_t stride, size_t rows, size_t columns) {
    for (size_t row = 0; row < rows; row++) softmax_row(x + row * stride, columns);
}

static void softmax_backward_row(float *d_y, const float *y, size_t n) {
    const vf sum = vf_set(row_dot(y, d_y, n)), zero = vf_set(0);
    EACH_VECTOR(
        n, store(d_y + at, count, load(y + at, count, zero) * (load(d_y + at, count, zero) - sum)));
}

static void kernel_softmax_backward(float *d_y, const float *y, size_t stride, size_t rows,
                                    size_t columns) {
    for (size_t row = 0; row < rows; row++)
        softmax_backward_row(d_y + row * stride, y + row * stride, columns);
}

static inline float row_variance(const float *x, float mean, size_t n) {
    const vf means = vf_set(mean);
    lanes sum = lanes_set(0);
    EACH_PART(n, const vf deviation = load(x + at, count, means) - means;
              sum.part[part] = vf_fma(deviation, deviation, sum.part[part]));
    return lanes_sum(sum) / (float)n;
}

static void kernel_norm(float *y, float *mean, float *rstd, const float *x, const float *gain,
                        const float *bias, float epsilon, size_t rows, size_t n) {
    const vf zero = vf_set(0);
    for (size_t row = 0; row < rows; row++, x += n, y += n) {
        const float row_mean = row_sum(x, n) / (float)n;
        const float row_rstd = 1 / sqrtf(row_variance(x, row_mean, n) + epsilon);
        const vf means = vf_set(row_mean), rstds = vf_set(row_rstd);
        EACH_VECTOR(n, const vf z = (load(x + at, count, zero) - means) * rstds;
                    const vf shift = bias ? load(bias + at, count, zero) : zero;
                    store(y + at, count, vf_fma(z, load(gain + at, count, zero), shift)));
        if (mean) mean[row] = row_mean;
        if (rstd) rstd[row] = row_rstd;
    }
}

static void norm_backward_row(float *d_x, float *d_gain, float *d_bias, const float *d_y,
                              const float *x, float mean, float rstd, const float *gain, size_t n) {
    const vf zero = vf_set(0), means = vf_set(mean), rstds = vf_set(rstd);
    lanes sum = lanes_set(0), sum_z = lanes_set(0);
    EACH_PART(n, const vf z = (load(x + at, count, means) - means) * rstds;
              const vf g = load(d_y + at, count, zero) * load(gain + at, count, zero);
              sum.part[part] += g; sum_z.part[part] = vf_fma(g, z, sum_z.part[part]));
    const vf average = vf_set(lanes_sum(sum) / (float)n);
    const vf average_z = vf_set(lanes_sum(sum_z) / (float)n);
    EACH_VECTOR(
        n, const vf z = (load(x + at, count, means) - means) * rstds;
        const vf d = load(d_y + at, count, zero); const vf g = d * load(gain + at, count, zero);
        store(d_x + at, count,
              vf_fma(rstds, vf_fma(-z, average_z, g - average), load(d_x + at, count, zero)));
        store(d_gain + at, count, vf_fma(d, z, load(d_gain + at, count, zero)));
        if (d_bias) store(d_bias + at, count, load(d_bias + at, count, zero) + d));
}

static void kernel_norm_backward(float *d_x, float *d_gain, float *d_bias, const float *d_y,
                                 const float *x, const float *mean, const float *rstd,
                                 const float *gain, size_t rows, size_t n) {
    for (size_t row = 0; row < rows; row++)
        norm_backward_row(d_x + row * n, d_gain, d_bias, d_y + row * n, x + row * n, mean[row],
                          rstd[row], gain, n);
}

static inline void adam_vector(float *w, float *m, float *v, const float *g, const hw_adam *step,
                               size_t count) {
    const vf zero = vf_set(0), d_w = load(g, count, zero), old = load(w, count, zero);
    const vf mean =
        vf_fma(vf_set(step->beta1), load(m, count, zero), vf_set(1 - step->beta1) * d_w);
    const vf square =
        vf_fma(vf_set(step->beta2), load(v, count, zero), vf_set(1 - step->beta2) * d_w * d_w);
    const vf decayed = vf_fma(vf_set(-step->decay), old, old);
    const vf scale = vf_sqrt(square) + vf_set(step->epsilon);
    store(m, count, mean);
    store(v, count, square);
    store(w, count, decayed - vf_set(step->rate) * mean / scale);
}

static void kernel_adam(float *w, float *m, float *v, const float *g, const hw_adam *step,
                        size_t n) {
    const hw_adam same = *step; /* a copy that the stores cannot change */
    EACH_VECTOR(n, adam_vector(w + at, m + at, v + at, g + at, &same, count));
}

const hw_kernels HW_SIMD_TABLE = { .name = HW_SIMD_NAME,
#define X(name, arguments) .name = kernel_##name,
                                   HW_KERNEL_LIST(X)
#undef X
};

#endif
