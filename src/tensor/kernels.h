/* The arithmetic that must be fast: one list of operations, one table of function
 * pointers for each instruction set, chosen once (hw_kernels_select).
 *
 * Invariants. All arrays are float, row-major, need no alignment (64 bytes is fastest),
 * and do not overlap unless it is said. A row of a result depends only on its own
 * inputs, never on how many rows are computed with it or where it stands: this is what
 * makes a text's result independent of its batch.
 * kernels_scalar.c is the specification: naive on purpose. kernels_body.h is the fast
 * body, compiled once for each instruction set over simd_<isa>.h. */
#ifndef HW_TENSOR_KERNELS_H
#define HW_TENSOR_KERNELS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One step of Adam's coefficients (Kingma and Ba 2015), with decoupled weight decay
 * (Loshchilov and Hutter 2019). */
typedef struct hw_adam {
    float rate;  /* learning rate times the bias correction: lr * sqrt(1-b2^t)/(1-b1^t) */
    float decay; /* lr * weight decay: w -= decay * w */
    float beta1, beta2;
    float epsilon; /* already times sqrt(1-b2^t) */
} hw_adam;

/* Of a packed matrix: columns that lie together; if they are int8, rows that lie together, and what
 * their number is filled up to a multiple of. */
enum { HW_PANEL = 16, HW_QUAD = 4, HW_INT8_DEPTH = 8 };

/* Of the columns of an int8 product's left side, so many stay as they are. */
enum { HW_INT8_EXACT = 2 };

/* How a row is quantised: columns are multiplied by smooth[n] first; those of `exact` have 0. */
typedef struct hw_int8_input {
    const float *smooth; /* NULL: as they are, none is exact */
    uint32_t exact[HW_INT8_EXACT];
} hw_int8_input;

/* A row of int8: x times smooth is about scale * (q - zero), but for the exact columns. */
typedef struct hw_int8_row {
    float scale;
    int32_t zero; /* in [-127, 127] */
    float exact[HW_INT8_EXACT];
} hw_int8_row;

/* The right side, b[n][k]. */
typedef struct hw_int8_matrix {
    const int8_t *packed; /* by pack_int8 */
    const int32_t *sums;
    const float *scale; /* [n] */
    const float *exact; /* [(n+15)/16][HW_INT8_EXACT][16]: weights of the exact columns, or NULL */
    const float *bias;  /* [n], or NULL */
} hw_int8_matrix;

/* Two bfloat16, the first in the lower half of the bits. It is a float in what moves it alone. */
typedef float hw_bf16_pair;
/* Pairs of a row of k numbers, the last filled up with 0. */
static inline size_t hw_bf16_pairs(size_t k) {
    return (k + 1) / 2;
}

/* Panels of so many columns; the last may be filled up with zeros. */
static inline size_t hw_panels(size_t columns) {
    return (columns + HW_PANEL - 1) / HW_PANEL;
}
/* Bytes of a panel of k rows of int8. */
static inline size_t hw_int8_panel(size_t k) {
    return (k + HW_INT8_DEPTH - 1) / HW_INT8_DEPTH * HW_INT8_DEPTH * HW_PANEL;
}
/* b from a panel on. */
static inline hw_int8_matrix hw_int8_from(hw_int8_matrix b, size_t panel, size_t k) {
    const size_t column = panel * HW_PANEL;
    b.packed += panel * hw_int8_panel(k);
    b.sums += column;
    b.scale += column;
    if (b.exact) b.exact += column * HW_INT8_EXACT;
    if (b.bias) b.bias += column;
    return b;
}

/* X(name, arguments) */
// clang-format off
#define HW_KERNEL_LIST(X)                                                                          \
    /* c[m][n] (row stride ldc) = or += a * b. a's element (i, p) is a[i*a_row + p*a_col]:         \
     * a_row = k, a_col = 1 is a plain matrix, a_row = 1, a_col = lda its transpose.               \
     * b[k][n] has row stride ldb. The sum over p runs from 0 to k-1 with one fused                \
     * multiply-add each (scalar: fmaf), whatever m and n are; with add it starts from c. */       \
    X(gemm, (float *c, size_t ldc, const float *a, size_t a_row, size_t a_col, const float *b,     \
             size_t ldb, size_t m, size_t n, size_t k, bool add))                                  \
    /* packed[(n+15)/16][k][16] from b[n][k] (row stride ldb, a linear layer's [out][in]); zeros   \
     * past n */                                                                                   \
    X(pack, (float *packed, const float *b, size_t ldb, size_t n, size_t k))                       \
    /* c[m][n] (row stride ldc) = bias[n] (NULL: 0) + a[m][k] (row stride lda) * transposed b, b   \
     * packed. Each element is one chain of fused multiply-adds over p = 0..k-1 that starts from   \
     * its bias. Columns from 16 * i on alone: packed + 16*k*i, bias + 16*i, c + 16*i. */          \
    X(gemm_packed, (float *c, size_t ldc, const float *a, size_t lda, const float *packed,         \
                    const float *bias, size_t m, size_t n, size_t k))                              \
    /* pairs[rows][(n+1)/2] of x[rows][n], rounded to nearest, ties to even */                     \
    X(round_bf16, (hw_bf16_pair *pairs, const float *x, size_t rows, size_t n))                    \
    /* c[m][n] (row stride ldc) = bias[n] (NULL: 0) + a[m][k pairs] * transposed b, b packed by    \
     * hw_bf16_pack (tensor/bf16.h). Each element is one chain of fused multiply-adds that starts  \
     * from its bias, of each pair first the second number, then the first. */                     \
    X(gemm_bf16, (float *c, size_t ldc, const hw_bf16_pair *a, const hw_bf16_pair *packed,         \
                  const float *bias, size_t m, size_t n, size_t pairs))                            \
    /* Each row of x[rows][n] times smooth[n]: scale = (max(x, 0) - min(x, 0)) / 254; zero such     \
     * that the least becomes -127; q = x / scale rounded half to even, plus zero, in [-127, 127]; \
     * 0 if scale is 0; exact: x of those columns, or 0 */                                         \
    X(quantize, (int8_t *q, hw_int8_row *row, const float *x, const hw_int8_input *input,          \
                 size_t rows, size_t n))                                                           \
    /* packed[(n+15)/16][(k+7)/8*2][16][4] from b[n][k], zeros past n and k; sums[(n+15)/16][16]   \
     * of its rows */                                                                              \
    X(pack_int8, (int8_t *packed, int32_t *sums, const int8_t *b, size_t n, size_t k))             \
    /* c[m][n] (row stride ldc) = row.scale * b.scale[n] * ((a[m][k] - row.zero) * transposed b)   \
     * + bias[n] + row.exact * b.exact: exact sums, converted to float, times (scale * b.scale),   \
     * plus bias, plus each product. a: in [-127, 127]; rows of b: hw_int8_fits                    \
     * (tensor/int8_weights.h). k < 2^17, so that no sum overflows. */                             \
    X(gemm_int8, (float *c, size_t ldc, const int8_t *a, const hw_int8_row *row, hw_int8_matrix b, \
                  size_t m, size_t n, size_t k))                                                   \
    /* y[n] += factor * x[n] */                                                                    \
    X(axpy, (float *y, const float *x, float factor, size_t n))                                    \
    /* y[n] += sum over i in [0, count), in that order, of factor[i * factor_step] times row       \
     * index[i * index_step] of table[][n]: one fused multiply-add for each element and i. */      \
    X(add_rows, (float *y, const float *table, const uint32_t *index, size_t index_step,           \
                 const float *factor, size_t factor_step, size_t count, size_t n))                 \
    /* y[n] += x[n] */                                                                             \
    X(add, (float *y, const float *x, size_t n))                                                   \
    /* *sum = sum of x[i]*y[i] in 16 lanes, then lanes added pairwise (8, 4, 2, 1) */              \
    X(dot, (float *sum, const float *x, const float *y, size_t n))                                 \
    /* y[n] = exp(x[n]); relative error <= 2e-7; x below -87 gives 0, above 88 is clamped */       \
    X(exp, (float *y, const float *x, size_t n))                                                   \
    /* each row of x[rows][columns] (row stride stride), in place: softmax of its first            \
     * columns entries. columns >= 1; a stride that is a multiple of 16 is fastest */              \
    X(softmax, (float *x, size_t stride, size_t rows, size_t columns))                             \
    /* Attention of one head: y_i = sum over j of softmax over j of (bias[n - 1 + i - j] + q_i k_j)\
     * times v_j. y: [n][dim] (row stride ldy); q, k, v: [n][dim] (row stride ld); bias: [2n - 1]; \
     * scratch: [16 * (n + dim)]. A score is one chain of fused multiply-adds that starts from its \
     * bias, y one over j from 0; softmax as above */                                              \
    X(attend, (float *y, size_t ldy, float *scratch, const float *q, const float *k, const float *v,\
               size_t ld, const float *bias, size_t n, size_t dim))                                \
    /* d_x = y * (d_y - sum(y * d_y)) by row; d_y is replaced by d_x */                            \
    X(softmax_backward, (float *d_y, const float *y, size_t stride, size_t rows, size_t columns))  \
    /* y = x * Phi(x), tanh form: 0.5 x (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3)))                  \
     * (Hendrycks and Gimpel 2016) */                                                              \
    X(gelu, (float *y, const float *x, size_t n))                                                  \
    /* d_x = d_y * gelu'(x); d_x may be d_y */                                                     \
    X(gelu_backward, (float *d_x, const float *d_y, const float *x, size_t n))                     \
    /* y = x * Phi(x), Phi the normal distribution; absolute error <= 1e-6 */                      \
    X(gelu_erf, (float *y, const float *x, size_t n))                                              \
    X(gelu_erf_backward, (float *d_x, const float *d_y, const float *x, size_t n))                 \
    /* y = max(x, 0); the slope at 0 is 0 */                                                       \
    X(relu, (float *y, const float *x, size_t n))                                                  \
    X(relu_backward, (float *d_x, const float *d_y, const float *x, size_t n))                     \
    /* y = x / (1 + exp(-x)) */                                                                    \
    X(silu, (float *y, const float *x, size_t n))                                                  \
    X(silu_backward, (float *d_x, const float *d_y, const float *x, size_t n))                     \
    /* absolute error <= 2e-7 */                                                                   \
    X(tanh, (float *y, const float *x, size_t n))                                                  \
    X(tanh_backward, (float *d_x, const float *d_y, const float *x, size_t n))                     \
    /* LayerNorm (Ba et al. 2016) of x[rows][n]: y = (x - mean) * rstd * gain + bias (NULL: 0),    \
     * rstd = 1 / sqrt(variance + epsilon), two-pass variance. mean, rstd: [rows], may be NULL */  \
    X(norm, (float *y, float *mean, float *rstd, const float *x, const float *gain,                \
             const float *bias, float epsilon, size_t rows, size_t n))                             \
    /* d_x[rows][n] += ..., d_gain[n] += ..., d_bias[n] (may be NULL) += ... */                    \
    X(norm_backward,                                                                               \
      (float *d_x, float *d_gain, float *d_bias, const float *d_y, const float *x,                 \
       const float *mean, const float *rstd, const float *gain, size_t rows, size_t n))            \
    /* one Adam step over n weights; w, m and v are updated, g is read */                          \
    X(adam, (float *w, float *m, float *v, const float *g, const hw_adam *step, size_t n))         \
    /* y[n] += factor * scale[n] * x[n], x int8: a row of a quantised n-gram table */              \
    X(axpy_int8, (float *y, const int8_t *x, const float *scale, float factor, size_t n))
// clang-format on

typedef struct hw_kernels {
    const char *name; /* of its file: "scalar", "avx2", "avx512vnni", ... */
#define X(name, arguments) void(*name) arguments;
    HW_KERNEL_LIST(X)
#undef X
    bool relevance; /* the backward kernels are those of tensor/relevance.h */
} hw_kernels;

/* The best table that this CPU and operating system can run. HEADWISE_ISA=name forces
 * one; a name that is unknown or cannot run here is ignored in favour of the best. */
const hw_kernels *hw_kernels_select(void);

/* The i-th table compiled into this library that this CPU can run, scalar first; NULL
 * past the end. For tests and benchmarks. */
const hw_kernels *hw_kernels_at(size_t i);

#endif
