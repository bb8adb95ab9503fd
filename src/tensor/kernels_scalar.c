/* The specification of every kernel, written for the reader and the tests. Invariant: the
 * other tables give the same bits, so the order of operations here is part of it.
 * A sum over a row has 16 lanes: lane l takes elements l, l+16, l+32, ...; elements past
 * the end of the row count as neutral ones; then the lanes are added pairwise. */
#include "tensor/exp_scalar.h"
#include "tensor/kernel_constants.h"
#include "tensor/kernel_tables.h"

#include <math.h>

enum { LANES = 16 };

static size_t padded(size_t n) {
    return (n + LANES - 1) / LANES * LANES;
}

static float element(const float *x, size_t i, size_t n, float past_end) {
    return i < n ? x[i] : past_end;
}

static float lanes_sum(float lane[LANES]) {
    for (size_t half = LANES / 2; half > 0; half /= 2)
        for (size_t i = 0; i < half; i++) lane[i] += lane[i + half];
    return lane[0];
}

static float lanes_max(float lane[LANES]) {
    for (size_t half = LANES / 2; half > 0; half /= 2)
        for (size_t i = 0; i < half; i++)
            lane[i] = lane[i] > lane[i + half] ? lane[i] : lane[i + half];
    return lane[0];
}

static float row_sum(const float *x, size_t n) {
    float lane[LANES] = { 0 };
    for (size_t i = 0; i < padded(n); i++) lane[i % LANES] += element(x, i, n, 0);
    return lanes_sum(lane);
}

static float row_dot(const float *x, const float *y, size_t n) {
    float lane[LANES] = { 0 };
    for (size_t i = 0; i < padded(n); i++)
        lane[i % LANES] = fmaf(element(x, i, n, 0), element(y, i, n, 0), lane[i % LANES]);
    return lanes_sum(lane);
}

static float row_max(const float *x, size_t n) {
    float lane[LANES];
    for (size_t i = 0; i < LANES; i++) lane[i] = -INFINITY;
    for (size_t i = 0; i < n; i++)
        lane[i % LANES] = x[i] > lane[i % LANES] ? x[i] : lane[i % LANES];
    return lanes_max(lane);
}

static void kernel_gemm(float *c, size_t ldc, const float *a, size_t a_row, size_t a_col,
                        const float *b, size_t ldb, size_t m, size_t n, size_t k, bool add) {
    for (size_t i = 0; i < m; i++) {
        for (size_t j = 0; j < n; j++) {
            float sum = add ? c[i * ldc + j] : 0;
            for (size_t p = 0; p < k; p++)
                sum = fmaf(a[i * a_row + p * a_col], b[p * ldb + j], sum);
            c[i * ldc + j] = sum;
        }
    }
}

static void kernel_axpy(float *y, const float *x, float factor, size_t n) {
    for (size_t i = 0; i < n; i++) y[i] = fmaf(factor, x[i], y[i]);
}

static void kernel_add_rows(float *y, const float *table, const uint32_t *index, size_t index_step,
                            const float *factor, size_t factor_step, size_t count, size_t n) {
    for (size_t i = 0; i < count; i++)
        kernel_axpy(y, table + index[i * index_step] * n, factor[i * factor_step], n);
}

static void kernel_axpy_int8(float *y, const int8_t *x, const float *scale, float factor,
                             size_t n) {
    for (size_t i = 0; i < n; i++) y[i] = fmaf(factor * scale[i], (float)x[i], y[i]);
}

static void kernel_add(float *y, const float *x, size_t n) {
    for (size_t i = 0; i < n; i++) y[i] += x[i];
}

static void kernel_dot(float *sum, const float *x, const float *y, size_t n) {
    *sum = row_dot(x, y, n);
}

static void kernel_exp(float *y, const float *x, size_t n) {
    for (size_t i = 0; i < n; i++) y[i] = hw_exp_scalar(x[i]);
}

static void softmax_row(float *x, size_t n) {
    const float max = row_max(x, n); /* exp overflows at 89 */
    for (size_t i = 0; i < n; i++) x[i] = hw_exp_scalar(x[i] - max);
    const float factor = 1 / row_sum(x, n);
    for (size_t i = 0; i < n; i++) x[i] *= factor;
}

static void kernel_softmax(float *x, size_t stride, size_t rows, size_t columns) {
    for (size_t row = 0; row < rows; row++) softmax_row(x + row * stride, columns);
}

static void softmax_backward_row(float *d_y, const float *y, size_t n) {
    const float sum = row_dot(y, d_y, n);
    for (size_t i = 0; i < n; i++) d_y[i] = y[i] * (d_y[i] - sum);
}

static void kernel_softmax_backward(float *d_y, const float *y, size_t stride, size_t rows,
                                    size_t columns) {
    for (size_t row = 0; row < rows; row++)
        softmax_backward_row(d_y + row * stride, y + row * stride, columns);
}

/* e of kernel_constants.h: gelu(x) = x s with s = e / (1 + e). */
static float gelu_exp(float x) {
    return hw_exp_scalar(x * fmaf(HW_GELU_B, x * x, HW_GELU_A));
}

static float gelu_of(float x) {
    const float e = gelu_exp(x);
    return x * (e / (1 + e));
}

static void kernel_gelu(float *y, const float *x, size_t n) {
    for (size_t i = 0; i < n; i++) y[i] = gelu_of(x[i]);
}

/* gelu'(x) = s + x s (1 - s) (A + 3 B x^2), 1 - s = 1 / (1 + e) without cancellation */
static float gelu_slope(float x) {
    x = HW_GELU_BOUND < x ? HW_GELU_BOUND : x;
    x = -HW_GELU_BOUND > x ? -HW_GELU_BOUND : x;
    const float e = gelu_exp(x);
    const float s = e / (1 + e);
    const float s_slope = s * (1 / (1 + e)) * fmaf(3 * HW_GELU_B, x * x, HW_GELU_A);
    return fmaf(x, s_slope, s);
}

static void kernel_gelu_backward(float *d_x, const float *d_y, const float *x, size_t n) {
    for (size_t i = 0; i < n; i++) d_x[i] = d_y[i] * gelu_slope(x[i]);
}

static float row_variance(const float *x, float mean, size_t n) {
    float lane[LANES] = { 0 };
    for (size_t i = 0; i < padded(n); i++) {
        const float deviation = element(x, i, n, mean) - mean;
        lane[i % LANES] = fmaf(deviation, deviation, lane[i % LANES]);
    }
    return lanes_sum(lane) / (float)n;
}

static void kernel_norm(float *y, float *mean, float *rstd, const float *x, const float *gain,
                        const float *bias, size_t rows, size_t n) {
    for (size_t row = 0; row < rows; row++, x += n, y += n) {
        const float row_mean = row_sum(x, n) / (float)n;
        const float row_rstd = 1 / sqrtf(row_variance(x, row_mean, n) + HW_NORM_EPSILON);
        for (size_t i = 0; i < n; i++) y[i] = fmaf((x[i] - row_mean) * row_rstd, gain[i], bias[i]);
        if (mean) mean[row] = row_mean;
        if (rstd) rstd[row] = row_rstd;
    }
}

/* With z = (x - mean) rstd and g = d_y gain:
 * d_x = rstd (g - average(g) - z average(g z)), d_gain = d_y z, d_bias = d_y. */
static void norm_backward_row(float *d_x, float *d_gain, float *d_bias, const float *d_y,
                              const float *x, float mean, float rstd, const float *gain, size_t n) {
    float sum[LANES] = { 0 }, sum_z[LANES] = { 0 };
    for (size_t i = 0; i < padded(n); i++) {
        const float z = (element(x, i, n, mean) - mean) * rstd;
        const float g = element(d_y, i, n, 0) * element(gain, i, n, 0);
        sum[i % LANES] += g;
        sum_z[i % LANES] = fmaf(g, z, sum_z[i % LANES]);
    }
    const float average = lanes_sum(sum) / (float)n;
    const float average_z = lanes_sum(sum_z) / (float)n;
    for (size_t i = 0; i < n; i++) {
        const float z = (x[i] - mean) * rstd;
        const float g = d_y[i] * gain[i];
        d_x[i] = fmaf(rstd, fmaf(-z, average_z, g - average), d_x[i]);
        d_gain[i] = fmaf(d_y[i], z, d_gain[i]);
        d_bias[i] += d_y[i];
    }
}

static void kernel_norm_backward(float *d_x, float *d_gain, float *d_bias, const float *d_y,
                                 const float *x, const float *mean, const float *rstd,
                                 const float *gain, size_t rows, size_t n) {
    for (size_t row = 0; row < rows; row++)
        norm_backward_row(d_x + row * n, d_gain, d_bias, d_y + row * n, x + row * n, mean[row],
                          rstd[row], gain, n);
}

static void kernel_adam(float *w, float *m, float *v, const float *g, const hw_adam *step,
                        size_t n) {
    for (size_t i = 0; i < n; i++) {
        m[i] = fmaf(step->beta1, m[i], (1 - step->beta1) * g[i]);
        v[i] = fmaf(step->beta2, v[i], (1 - step->beta2) * g[i] * g[i]);
        const float decayed = fmaf(-step->decay, w[i], w[i]);
        w[i] = decayed - step->rate * m[i] / (sqrtf(v[i]) + step->epsilon);
    }
}

const hw_kernels hw_kernels_scalar = { .name = "scalar",
#define X(name, arguments) .name = kernel_##name,
                                       HW_KERNEL_LIST(X)
#undef X
};
