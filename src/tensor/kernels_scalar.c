/* The specification of every kernel, written for the reader and the tests. Invariant: the
 * other tables give the same bits, so the order of operations here is part of it.
 * A sum over a row has 16 lanes: lane l takes elements l, l+16, l+32, ...; elements past
 * the end of the row count as neutral ones; then the lanes are added pairwise. */
#include "tensor/bf16.h"
#include "tensor/kernel_constants.h"
#include "tensor/kernel_tables.h"
#include "tensor/normal_scalar.h"

#include <float.h>
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

static void kernel_pack(float *packed, const float *b, size_t ldb, size_t n, size_t k) {
    for (size_t panel = 0; panel < n; panel += HW_PANEL)
        for (size_t p = 0; p < k; p++)
            for (size_t j = panel; j < panel + HW_PANEL; j++)
                *packed++ = j < n ? b[j * ldb + p] : 0;
}

static void kernel_gemm_packed(float *c, size_t ldc, const float *a, size_t lda,
                               const float *packed, const float *bias, size_t m, size_t n,
                               size_t k) {
    for (size_t i = 0; i < m; i++) {
        for (size_t j = 0; j < n; j++) {
            const float *column = packed + j / HW_PANEL * k * HW_PANEL + j % HW_PANEL;
            float sum = bias ? bias[j] : 0;
            for (size_t p = 0; p < k; p++) sum = fmaf(a[i * lda + p], column[p * HW_PANEL], sum);
            c[i * ldc + j] = sum;
        }
    }
}

/* ---- bfloat16 ----------------------------------------------------------------------------- */

static void kernel_round_bf16(hw_bf16_pair *pairs, const float *x, size_t rows, size_t n) {
    for (; rows > 0; rows--, x += n)
        for (size_t i = 0; i < n; i += 2)
            *pairs++ = hw_bf16_pair_of(x[i], i + 1 < n ? x[i + 1] : 0);
}

static float multiply_add_pair(hw_bf16_pair x, hw_bf16_pair y, float sum) {
    uint16_t of_x[2], of_y[2];
    memcpy(of_x, &x, sizeof of_x);
    memcpy(of_y, &y, sizeof of_y);
    sum = fmaf(hw_bf16_value(of_x[1]), hw_bf16_value(of_y[1]), sum);
    return fmaf(hw_bf16_value(of_x[0]), hw_bf16_value(of_y[0]), sum);
}

static void kernel_gemm_bf16(float *c, size_t ldc, const hw_bf16_pair *a,
                             const hw_bf16_pair *packed, const float *bias, size_t m, size_t n,
                             size_t pairs) {
    for (size_t i = 0; i < m; i++)
        for (size_t j = 0; j < n; j++) {
            const hw_bf16_pair *column = packed + j / HW_PANEL * pairs * HW_PANEL + j % HW_PANEL;
            float sum = bias ? bias[j] : 0;
            for (size_t p = 0; p < pairs; p++)
                sum = multiply_add_pair(a[i * pairs + p], column[p * HW_PANEL], sum);
            c[i * ldc + j] = sum;
        }
}

/* ---- int8 --------------------------------------------------------------------------------- */

/* Rounded and in [-zero - 127, -zero + 127]; what is not a number becomes the most. */
static int32_t steps_of(float x, float scale, int32_t zero) {
    const float most = (float)(HW_INT8_MOST - zero), least = (float)(-HW_INT8_MOST - zero);
    const float steps = x / scale, below = steps < most ? steps : most;
    return (int32_t)rintf(below > least ? below : least);
}

static float smoothed(const float *x, const hw_int8_input *input, size_t i) {
    return input->smooth ? x[i] * input->smooth[i] : x[i];
}

static void kernel_quantize(int8_t *q, hw_int8_row *row, const float *x, const hw_int8_input *input,
                            size_t rows, size_t n) {
    for (; rows > 0; rows--, row++, q += n, x += n) {
        float most = 0, least = 0;
        for (size_t i = 0; i < n; i++) {
            const float value = smoothed(x, input, i);
            most = value > most ? value : most;
            least = value < least ? value : least;
        }
        const float scale = (most - least) / (2 * HW_INT8_MOST);
        row->scale = scale;
        row->zero = scale == 0 ? 0 : -HW_INT8_MOST - steps_of(least, scale, HW_INT8_MOST);
        for (size_t i = 0; i < n; i++)
            q[i] = (int8_t)(scale == 0
                                ? 0
                                : row->zero + steps_of(smoothed(x, input, i), scale, row->zero));
        for (size_t e = 0; e < HW_INT8_EXACT; e++)
            row->exact[e] = input->smooth ? x[input->exact[e]] : 0;
    }
}

static void kernel_pack_int8(int8_t *packed, int32_t *sums, const int8_t *b, size_t n, size_t k) {
    for (size_t panel = 0; panel < n; panel += HW_PANEL) {
        for (size_t i = 0; i < HW_PANEL; i++) sums[i] = 0;
        for (size_t quad = 0; quad * HW_PANEL < hw_int8_panel(k); quad += HW_QUAD) {
            for (size_t i = 0; i < HW_PANEL * HW_QUAD; i++) {
                const size_t j = panel + i / HW_QUAD, p = quad + i % HW_QUAD;
                *packed = j < n && p < k ? b[j * k + p] : 0;
                sums[i / HW_QUAD] += *packed++;
            }
        }
        sums += HW_PANEL;
    }
}

static void kernel_gemm_int8(float *c, size_t ldc, const int8_t *a, const hw_int8_row *row,
                             hw_int8_matrix b, size_t m, size_t n, size_t k) {
    const size_t panel = hw_int8_panel(k);
    for (size_t i = 0; i < m; i++) {
        for (size_t j = 0; j < n; j++) {
            const int8_t *column = b.packed + j / HW_PANEL * panel + j % HW_PANEL * HW_QUAD;
            int32_t sum = 0;
            for (size_t p = 0; p < k; p++)
                sum += (a[i * k + p] - row[i].zero) *
                       column[p / HW_QUAD * HW_PANEL * HW_QUAD + p % HW_QUAD];
            float y = (float)sum * (row[i].scale * b.scale[j]) + (b.bias ? b.bias[j] : 0);
            for (size_t e = 0; b.exact && e < HW_INT8_EXACT; e++)
                y += row[i].exact[e] *
                     b.exact[(j / HW_PANEL * HW_INT8_EXACT + e) * HW_PANEL + j % HW_PANEL];
            c[i * ldc + j] = y;
        }
    }
}

/* ---- Sums of rows --------------------------------------------------------------------------- */

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

static void kernel_attend(float *y, size_t ldy, float *scratch, const float *q, const float *k,
                          const float *v, size_t ld, const float *bias, size_t n, size_t dim) {
    for (size_t i = 0; i < n; i++, bias++, q += ld, y += ldy) {
        for (size_t j = 0; j < n; j++) {
            scratch[j] = bias[n - 1 - j];
            for (size_t d = 0; d < dim; d++) scratch[j] = fmaf(q[d], k[j * ld + d], scratch[j]);
        }
        softmax_row(scratch, n);
        for (size_t d = 0; d < dim; d++) {
            y[d] = 0;
            for (size_t j = 0; j < n; j++) y[d] = fmaf(scratch[j], v[j * ld + d], y[d]);
        }
    }
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

/* ---- Activations ---------------------------------------------------------------------------- */

/* e of kernel_constants.h: gelu(x) = x s with s = e / (1 + e). */
static float gelu_exp(float x) {
    return hw_exp_scalar(x * fmaf(HW_GELU_B, x * x, HW_GELU_A));
}

static float gelu_of(float x) {
    const float e = gelu_exp(x);
    return x * (e / (1 + e));
}

static float between(float x, float bound) {
    x = bound < x ? bound : x;
    return -bound > x ? -bound : x;
}

/* gelu'(x) = s + x s (1 - s) (A + 3 B x^2), 1 - s = 1 / (1 + e) without cancellation */
static float gelu_slope(float x) {
    x = between(x, HW_GELU_BOUND);
    const float e = gelu_exp(x);
    const float s = e / (1 + e);
    const float s_slope = s * (1 / (1 + e)) * fmaf(3 * HW_GELU_B, x * x, HW_GELU_A);
    return fmaf(x, s_slope, s);
}

/* |x|, made of the operations that vectors have */
static float size_of(float x) {
    return x > -x ? x : -x;
}

static float normal_exp(float z) {
    return hw_exp_scalar(-0.5f * (z * z));
}

/* x Phi(x) = max(x, 0) - |x| Phi(-|x|) */
static float gelu_erf_of(float x) {
    const float z = size_of(x);
    return (x > 0 ? x : 0) - z * hw_normal_tail(z, normal_exp(z));
}

/* Phi(x) + x Phi'(x), Phi(x) = 1 - Phi(-x) */
static float gelu_erf_slope(float x) {
    const float z = size_of(x), e = normal_exp(z);
    const float tail = hw_normal_tail(z, e);
    const float middle = x < 0 ? 0 : 1 - tail - tail;
    return fmaf(x, HW_NORMAL_DENSITY * e, middle + tail);
}

static float relu_of(float x) {
    return x > 0 ? x : 0;
}

static float relu_slope(float x) {
    return x < FLT_TRUE_MIN ? 0 : 1;
}

static float silu_of(float x) {
    const float e = hw_exp_scalar(x);
    return x * (e / (1 + e));
}

/* s + x s (1 - s), s = e / (1 + e) */
static float silu_slope(float x) {
    x = between(x, HW_SIGMOID_BOUND);
    const float e = hw_exp_scalar(x);
    return e / (1 + e) * fmaf(x, 1 / (1 + e), 1);
}

/* 2 s - 1, s = e / (1 + e) with e = exp(2x) */
static float tanh_of(float x) {
    return 1 - 2 / (1 + hw_exp_scalar(2 * x));
}

/* 1 - tanh(x)^2 = 4 s (1 - s) */
static float tanh_slope(float x) {
    const float e = hw_exp_scalar(2 * x);
    return 4 * (e / (1 + e)) * (1 / (1 + e));
}

#define ACTIVATION(name)                                                                           \
    static void kernel_##name(float *y, const float *x, size_t n) {                                \
        for (size_t i = 0; i < n; i++) y[i] = name##_of(x[i]);                                     \
    }                                                                                              \
    static void kernel_##name##_backward(float *d_x, const float *d_y, const float *x, size_t n) { \
        for (size_t i = 0; i < n; i++) d_x[i] = d_y[i] * name##_slope(x[i]);                       \
    }
HW_ACTIVATION_LIST(ACTIVATION)
#undef ACTIVATION

/* ---- LayerNorm and Adam --------------------------------------------------------------------- */

static float row_variance(const float *x, float mean, size_t n) {
    float lane[LANES] = { 0 };
    for (size_t i = 0; i < padded(n); i++) {
        const float deviation = element(x, i, n, mean) - mean;
        lane[i % LANES] = fmaf(deviation, deviation, lane[i % LANES]);
    }
    return lanes_sum(lane) / (float)n;
}

static void kernel_norm(float *y, float *mean, float *rstd, const float *x, const float *gain,
                        const float *bias, float epsilon, size_t rows, size_t n) {
    for (size_t row = 0; row < rows; row++, x += n, y += n) {
        const float row_mean = row_sum(x, n) / (float)n;
        const float row_rstd = 1 / sqrtf(row_variance(x, row_mean, n) + epsilon);
        for (size_t i = 0; i < n; i++)
            y[i] = fmaf((x[i] - row_mean) * row_rstd, gain[i], bias ? bias[i] : 0);
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
        if (d_bias) d_bias[i] += d_y[i];
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
