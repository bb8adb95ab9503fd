/* Products of int8 matrices, over vectors of int32 sums. Rows of b come as quads, four numbers of a
 * column side by side, and so do rows of a; quads_<how>.h multiplies them.
 * Invariant: sums are exact, so their order is free. */
#ifndef HW_TENSOR_INT8_BODY_H
#define HW_TENSOR_INT8_BODY_H

#include "tensor/kernel_constants.h"
#include "tensor/vector_body.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

enum {
    LEFT_BYTES = 1 << 16, /* of a block of a, which lies on the stack */
    INT8_ROWS = LEFT_BYTES / (QUAD_DEPTH * sizeof(int32_t)) / QUAD_ROWS * QUAD_ROWS,
    QUADS_BYTES = HW_PANEL * HW_QUAD, /* of the packed matrix: a quad of each column of a panel */
    INT8_VECTORS = HW_PANEL / VF,
};

/* ---- Quantising and packing ----------------------------------------------------------------- */

/* x[at] and what follows, times smooth (or NULL). */
INLINE vf smoothed(const float *x, const float *smooth, size_t at, size_t count) {
    const vf zero = vf_set(0), some = load(x + at, count, zero);
    if (!smooth) return some;
    return some * load(smooth + at, count, zero);
}

/* Steps from the least number of x or 0 to the most, and where 0 is. */
INLINE hw_int8_row int8_row(const float *x, const float *smooth, size_t n) {
    const vf zero = vf_set(0);
    vf most = zero, less = zero;
    EACH_VECTOR(n, const vf some = smoothed(x, smooth, at, count); most = vf_max(some, most);
                less = vf_max(-some, less));
    const float least = -vf_top(less), scale = (vf_top(most) - least) / (2 * HW_INT8_MOST);
    if (scale == 0) return (hw_int8_row){ .scale = 0 };
    const float steps = least / scale, below = steps < 0 ? steps : 0, all = -2 * HW_INT8_MOST;
    const int32_t zero_at = -HW_INT8_MOST - (int32_t)rintf(below > all ? below : all);
    return (hw_int8_row){ .scale = scale, .zero = zero_at };
}

/* x: in steps. */
static inline void store_quantized(int8_t *q, size_t count, vf x, int32_t zero) {
    const vf most = vf_set((float)(HW_INT8_MOST - zero)), shift = vf_set(HW_EXP_SHIFT);
    const vf least = vf_set((float)(-HW_INT8_MOST - zero));
    const vf rounded = vf_max(vf_min(x, most), least) + shift;
    const vb all = vi_narrow((vi)rounded - (vi)shift + zero);
    memcpy(q, &all, count);
}

static inline void keep_exact(hw_int8_row *row, const float *x, const hw_int8_input *input) {
    for (size_t e = 0; e < HW_INT8_EXACT; e++)
        row->exact[e] = input->smooth ? x[input->exact[e]] : 0;
}

INLINE void quantize_rows(int8_t *q, hw_int8_row *row, const float *x, const float *smooth,
                          size_t rows, size_t n) {
    for (; rows > 0; rows--, row++, q += n, x += n) {
        *row = int8_row(x, smooth, n);
        const vf scales = vf_set(row->scale);
        const int32_t zero = row->zero;
        if (row->scale == 0)
            memset(q, 0, n);
        else
            EACH_VECTOR(
                n, store_quantized(q + at, count, smoothed(x, smooth, at, count) / scales, zero));
    }
}

static void kernel_quantize(int8_t *q, hw_int8_row *row, const float *x, const hw_int8_input *input,
                            size_t rows, size_t n) {
    if (input->smooth)
        quantize_rows(q, row, x, input->smooth, rows, n);
    else
        quantize_rows(q, row, x, NULL, rows, n);
    for (size_t i = 0; i < rows; i++) keep_exact(&row[i], x + i * n, input);
}

/* A row of b as a column of a panel. */
static void pack_column(int8_t *packed, const int8_t *b, size_t k) {
    for (; k >= HW_QUAD; k -= HW_QUAD, b += HW_QUAD, packed += QUADS_BYTES)
        memcpy(packed, b, HW_QUAD);
    if (k > 0) memcpy(packed, b, k);
}

static int32_t int8_sum(const int8_t *b, size_t k) {
    int32_t sum = 0;
    for (size_t p = 0; p < k; p++) sum += b[p];
    return sum;
}

/* A panel of `columns` rows of b; zeros where it has no number of theirs. */
static void pack_int8_panel(int8_t *packed, int32_t *sums, const int8_t *b, size_t columns,
                            size_t k) {
    const size_t whole = columns < HW_PANEL ? 0 : k / HW_QUAD * QUADS_BYTES;
    memset(packed + whole, 0, hw_int8_panel(k) - whole);
    memset(sums, 0, HW_PANEL * sizeof *sums);
    for (size_t j = 0; j < columns; j++) {
        pack_column(packed + j * HW_QUAD, b + j * k, k);
        sums[j] = int8_sum(b + j * k, k);
    }
}

static void kernel_pack_int8(int8_t *packed, int32_t *sums, const int8_t *b, size_t n, size_t k) {
    for (size_t j = 0; j < n; j += HW_PANEL, packed += hw_int8_panel(k), sums += HW_PANEL)
        pack_int8_panel(packed, sums, b + j * k, hw_smaller(n - j, HW_PANEL), k);
}

/* ---- The product ---------------------------------------------------------------------------- */

/* A block of m and of k, for the columns that are taken at once. Sums wait in c, as int32. */
typedef struct int8_product {
    float *c; /* [m][columns] */
    size_t ldc, m, columns;
    const hw_int8_row *row; /* [m] of a */
    const int32_t *left;    /* [m][QUAD_DEPTH] quads of a, moved up by QUAD_SHIFT */
    hw_int8_matrix b;       /* from these columns and this block of k on */
    size_t panel, quads;    /* panels of [quads][HW_PANEL][HW_QUAD] are `panel` bytes apart */
    bool is_first;          /* block of k */
    bool is_last;
} int8_product;

static inline vi vi_load(const void *x, size_t count) {
    return (vi)load(x, count, vf_set(0));
}

/* The elements of vector j that are not past the last column. */
static inline size_t int8_count(const int8_product *t, size_t j) {
    return t->columns > j * VF ? hw_smaller(t->columns - j * VF, VF) : 0;
}

/* What the sums of vector j begin with at the first block of k: less what a is moved up by, and
 * what stands for 0. */
static inline vi int8_first(const int8_product *t, size_t row, size_t j) {
    return -(QUAD_SHIFT + t->row[row].zero) * vi_load(t->b.sums + j * VF, VF);
}

/* Sums of row `row` and vector j: they wait, or become the product. */
static inline void int8_store(const int8_product *t, size_t row, size_t j, vi sum) {
    const size_t count = int8_count(t, j), at = j * VF;
    const vf zero = vf_set(0);
    float *c = t->c + row * t->ldc + at;
    if (!t->is_last) {
        store(c, count, (vf)sum);
        return;
    }
    const vf scale = vf_set(t->row[row].scale) * load(t->b.scale + at, count, zero);
    const vf bias = t->b.bias ? load(t->b.bias + at, count, zero) : zero;
    vf y = __builtin_convertvector(sum, vf) * scale + bias;
    if (t->b.exact) {
        const float *exact = t->b.exact + at / HW_PANEL * HW_INT8_EXACT * HW_PANEL + at % HW_PANEL;
        UNROLL for (size_t e = 0; e < HW_INT8_EXACT; e++) y +=
            vf_set(t->row[row].exact[e]) * load(exact + e * HW_PANEL, VF, zero);
    }
    store(c, count, y);
}

/* rows x `vectors` vectors of sums from row `row` on; what is past the last column is computed but
 * not stored. */
INLINE void int8_tile(const int8_product *t, size_t row, const size_t rows, const size_t vectors) {
    vi sum[QUAD_ROWS][QUAD_VECTORS];
    UNROLL for (size_t j = 0; j < vectors; j++) UNROLL for (size_t i = 0; i < rows; i++) {
        const float *c = t->c + (row + i) * t->ldc + j * VF;
        sum[i][j] = t->is_first ? int8_first(t, row + i, j) : vi_load(c, int8_count(t, j));
    }
    const int32_t *left = t->left + row * QUAD_DEPTH;
    const int8_t *packed = t->b.packed;
    const size_t panel = t->panel, quads = t->quads;
    for (size_t quad = 0; quad < quads; quad += QUAD_STEP) {
        vi b[QUAD_VECTORS][QUAD_STEP];
        UNROLL for (size_t j = 0; j < vectors; j++) UNROLL for (size_t s = 0; s < QUAD_STEP; s++)
            b[j][s] = vi_load(packed + (quad + s) * QUADS_BYTES + j / INT8_VECTORS * panel +
                                  j % INT8_VECTORS * sizeof(vi),
                              VF);
        UNROLL for (size_t i = 0; i < rows; i++) {
            vi a[QUAD_STEP];
            UNROLL for (size_t s = 0; s < QUAD_STEP; s++) a[s] =
                (vi){ 0 } + left[i * QUAD_DEPTH + quad + s];
            UNROLL for (size_t j = 0; j < vectors; j++) sum[i][j] = quad_dot(sum[i][j], a, b[j]);
        }
    }
    UNROLL for (size_t j = 0; j < vectors; j++) UNROLL for (size_t i = 0; i < rows; i++)
        int8_store(t, row + i, j, sum[i][j]);
}

/* All rows of so many vectors, in tiles of nearly equal numbers of rows. */
INLINE void int8_columns(const int8_product *t, const size_t vectors, const size_t most) {
    const size_t tiles = (t->m + most - 1) / most;
    size_t row = 0;
    for (size_t tile = 0; tile < tiles; tile++) {
        const size_t rows = (t->m - row + tiles - tile - 1) / (tiles - tile);
        switch (rows) {
#define TILE(rows)                                          \
    case rows:                                              \
        if (rows <= most) int8_tile(t, row, rows, vectors); \
        break;
            HW_QUAD_ROWS(TILE)
#undef TILE
        }
        row += rows;
    }
}

/* Of the vectors that are left, those that are taken at once. */
static inline size_t int8_vectors(size_t m, size_t left) {
#define FITS(vectors, most) \
    if (vectors <= left && (m <= most || vectors <= QUAD_COMMON)) return vectors;
    HW_QUAD_TILES(FITS)
#undef FITS
    return INT8_VECTORS;
}

/* a[count] moved up, and what fills the last vector. */
static void int8_left_row(int32_t *left, const int8_t *a, size_t count) {
    typedef uint8_t bytes __attribute__((vector_size(sizeof(vi))));
    for (size_t at = 0; at < count; at += sizeof(bytes), left += VF) {
        bytes some = { 0 };
        if (count - at < sizeof some)
            memcpy(&some, a + at, count - at);
        else
            memcpy(&some, a + at, sizeof some);
        some += QUAD_SHIFT;
        memcpy(left, &some, sizeof some);
    }
}

/* All n columns of a block of m and of k. */
static void int8_block(int8_product t, size_t n) {
    while (n > 0) {
        const size_t left = (n + HW_PANEL - 1) / HW_PANEL * INT8_VECTORS;
        const size_t vectors = int8_vectors(t.m, left);
        t.columns = hw_smaller(n, vectors * VF);
        switch (vectors) {
#define COLUMNS(vectors, most)                                            \
    case vectors:                                                         \
        if (vectors % INT8_VECTORS == 0) int8_columns(&t, vectors, most); \
        break;
            HW_QUAD_TILES(COLUMNS)
#undef COLUMNS
        }
        n -= t.columns;
        t.c += t.columns;
        t.b.packed += vectors / INT8_VECTORS * t.panel;
        t.b.sums += vectors * VF;
        t.b.scale += t.columns;
        if (t.b.exact) t.b.exact += vectors * VF * HW_INT8_EXACT;
        if (t.b.bias) t.b.bias += t.columns;
    }
}

/* c = a * b for so many rows, scales and bias included. */
static void int8_rows(int8_product t, const int8_t *a, size_t n, size_t k) {
    int32_t left[INT8_ROWS * QUAD_DEPTH];
    const int8_t *packed = t.b.packed;
    const size_t quads = t.panel / QUADS_BYTES;
    size_t done = 0;
    t.left = left;
    do { /* once even for k = 0 */
        t.quads = hw_smaller(quads - done, QUAD_DEPTH);
        t.b.packed = packed + done * QUADS_BYTES;
        t.is_first = done == 0;
        t.is_last = done + t.quads == quads;
        const size_t at = done * HW_QUAD, count = hw_smaller(k - at, t.quads * HW_QUAD);
        for (size_t i = 0; i < t.m; i++)
            int8_left_row(left + i * QUAD_DEPTH, a + i * k + at, count);
        int8_block(t, n);
        done += t.quads;
    } while (done < quads);
}

static void kernel_gemm_int8(float *c, size_t ldc, const int8_t *a, const hw_int8_row *row,
                             hw_int8_matrix b, size_t m, size_t n, size_t k) {
    int8_product t = { .c = c, .ldc = ldc, .row = row, .b = b, .panel = hw_int8_panel(k) };
    for (size_t blocks = (m + INT8_ROWS - 1) / INT8_ROWS; blocks > 0; blocks--) {
        t.m = (m + blocks - 1) / blocks;
        int8_rows(t, a, n, k);
        m -= t.m;
        a += t.m * k;
        t.row += t.m;
        t.c += t.m * ldc;
    }
}

#endif
