/* Products of int8 matrices, over vectors of int32 sums. Rows of b come as quads, four numbers of a
 * column side by side, and so do rows of a; quads_<how>.h multiplies them.
 * Invariant: sums are exact, so their order is free. */
#ifndef HW_TENSOR_INT8_BODY_H
#define HW_TENSOR_INT8_BODY_H

#include "tensor/kernel_constants.h"
#include "tensor/vector_body.h"

#include <stdbool.h>
#include <string.h>

enum {
    INT8_QUADS = 192, /* of a row of a block, at most */
    LEFT_ROW = QUAD_WORDS * INT8_QUADS,
    LEFT_BYTES = 1 << 16, /* of a block of a, which lies on the stack */
    INT8_ROWS = LEFT_BYTES / (LEFT_ROW * sizeof(int32_t)) / QUAD_ROWS * QUAD_ROWS,
    QUADS_BYTES = HW_PANEL * HW_QUAD, /* of the packed matrix: a quad of each column of a panel */
    INT8_VECTORS = HW_PANEL / VF,
};

/* ---- Quantising and packing ----------------------------------------------------------------- */

static inline float row_most(const float *x, size_t n) {
    const vf zero = vf_set(0);
    vf most = zero;
    EACH_VECTOR(n, const vf some = load(x + at, count, zero);
                most = vf_max(vf_max(some, -some), most));
    return vf_top(most);
}

static inline void store_quantized(int8_t *q, size_t count, vf x) {
    typedef int8_t bytes __attribute__((vector_size(VF)));
    const vf most = vf_set(HW_INT8_MOST), shift = vf_set(HW_EXP_SHIFT);
    const vf rounded = vf_max(vf_min(x, most), -most) + shift;
    const bytes all = __builtin_convertvector((vi)rounded - (vi)shift, bytes);
    memcpy(q, &all, count);
}

static void kernel_quantize(int8_t *q, float *scale, const float *x, size_t rows, size_t n) {
    for (size_t row = 0; row < rows; row++, q += n, x += n) {
        scale[row] = row_most(x, n) / HW_INT8_MOST;
        const vf zero = vf_set(0), scales = vf_set(scale[row]);
        if (scale[row] == 0)
            memset(q, 0, n);
        else
            EACH_VECTOR(n, store_quantized(q + at, count, load(x + at, count, zero) / scales));
    }
}

/* A row of b as a column of a panel; its sum. */
static int32_t pack_column(int8_t *packed, const int8_t *b, size_t k) {
    int32_t sum = 0;
    for (size_t p = 0; p < k; p++) sum += b[p];
    for (; k >= HW_QUAD; k -= HW_QUAD, b += HW_QUAD, packed += QUADS_BYTES)
        memcpy(packed, b, HW_QUAD);
    if (k > 0) {
        memset(packed, 0, HW_QUAD);
        memcpy(packed, b, k);
    }
    return sum;
}

static void kernel_pack_int8(int8_t *packed, int32_t *sums, const int8_t *b, size_t n, size_t k) {
    const size_t panel = (k + HW_QUAD - 1) / HW_QUAD * QUADS_BYTES;
    if (n % HW_PANEL > 0) memset(packed + n / HW_PANEL * panel, 0, panel);
    for (size_t j = 0; j < n; j++)
        sums[j] = pack_column(packed + j / HW_PANEL * panel + j % HW_PANEL * HW_QUAD, b + j * k, k);
}

/* ---- The product ---------------------------------------------------------------------------- */

/* A block of m and of k, for the columns that are taken at once. Sums wait in c, as int32. */
typedef struct int8_product {
    float *c; /* [m][columns] */
    size_t ldc, m, columns;
    const float *a_scale, *b_scale, *bias;
    const int32_t *sums;
    const int32_t *left;  /* [m][QUAD_WORDS][INT8_QUADS] */
    const int8_t *packed; /* panels of [quads][HW_PANEL][HW_QUAD], `panel` bytes apart */
    size_t panel, quads;
    bool is_first; /* block of k */
    bool is_last;
} int8_product;

static inline vi vi_load(const void *x, size_t count) {
    return (vi)load(x, count, vf_set(0));
}

/* The elements of vector j that are not past the last column. */
static inline size_t int8_count(const int8_product *t, size_t j) {
    return t->columns > j * VF ? smaller(t->columns - j * VF, VF) : 0;
}

/* rows x `vectors` vectors of sums from row `row` on; what is past the last column is computed but
 * not stored. */
INLINE void int8_tile(const int8_product *t, size_t row, const size_t rows, const size_t vectors) {
    vi sum[QUAD_ROWS][QUAD_VECTORS];
    float *c = t->c + row * t->ldc;
    UNROLL for (size_t j = 0; j < vectors; j++) {
        const size_t count = int8_count(t, j);
        const vi first = QUAD_OFFSET ? vi_load(t->sums + j * VF, count) * -QUAD_OFFSET : (vi){ 0 };
        UNROLL for (size_t i = 0; i < rows; i++) sum[i][j] =
            t->is_first ? first : vi_load(c + i * t->ldc + j * VF, count);
    }
    const int32_t *left = t->left + row * LEFT_ROW;
    const int8_t *right = t->packed;
    for (size_t quad = 0; quad < t->quads; quad++, right += QUADS_BYTES) {
        UNROLL for (size_t word = 0; word < QUAD_WORDS; word++) {
            vi b[QUAD_VECTORS];
            UNROLL for (size_t j = 0; j < vectors; j++) b[j] = right_word(
                vi_load(right + j / INT8_VECTORS * t->panel + j % INT8_VECTORS * sizeof(vi), VF),
                word);
            UNROLL for (size_t i = 0; i < rows; i++) {
                const vi a = (vi){ 0 } + left[i * LEFT_ROW + word * INT8_QUADS + quad];
                UNROLL for (size_t j = 0; j < vectors; j++) sum[i][j] =
                    word_dot(sum[i][j], a, b[j]);
            }
        }
    }
    UNROLL for (size_t j = 0; j < vectors; j++) {
        const size_t count = int8_count(t, j);
        UNROLL for (size_t i = 0; i < rows; i++)
            store(c + i * t->ldc + j * VF, count, (vf)sum[i][j]);
    }
}

/* The sums in c become the product. */
static void int8_finish(const int8_product *t) {
    const vf zero = vf_set(0);
    for (size_t row = 0; row < t->m; row++) {
        float *c = t->c + row * t->ldc;
        const vf scale = vf_set(t->a_scale[row]);
        EACH_VECTOR(t->columns, const vf sum = __builtin_convertvector(vi_load(c + at, count), vf);
                    const vf bias = t->bias ? load(t->bias + at, count, zero) : zero; store(
                        c + at, count, sum * (scale * load(t->b_scale + at, count, zero)) + bias));
    }
}

/* All rows of so many vectors, in tiles of nearly equal numbers of rows. */
INLINE void int8_columns(const int8_product *t, const size_t vectors, const size_t most) {
    size_t row = 0;
    for (size_t tiles = (t->m + most - 1) / most; tiles > 0; tiles--) {
        const size_t rows = (t->m - row + tiles - 1) / tiles;
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

/* a[count] as words of its quads, zeros up to a whole vector. */
static void int8_left(int32_t *left, const int8_t *a, size_t count) {
    for (size_t at = 0; at < count; at += sizeof(vi), left += VF) {
        vi quads = { 0 };
        memcpy(&quads, a + at, smaller(count - at, sizeof quads));
        for (size_t word = 0; word < QUAD_WORDS; word++) {
            const vi words = left_word(quads, word);
            memcpy(left + word * INT8_QUADS, &words, sizeof words);
        }
    }
}

/* All n columns of a block of m and of k. */
static void int8_block(int8_product t, size_t n) {
    while (n > 0) {
        const size_t left = (n + HW_PANEL - 1) / HW_PANEL * INT8_VECTORS;
        const size_t vectors = int8_vectors(t.m, left);
        t.columns = smaller(n, vectors * VF);
        switch (vectors) {
#define COLUMNS(vectors, most)                                            \
    case vectors:                                                         \
        if (vectors % INT8_VECTORS == 0) int8_columns(&t, vectors, most); \
        break;
            HW_QUAD_TILES(COLUMNS)
#undef COLUMNS
        }
        if (t.is_last) int8_finish(&t);
        n -= t.columns;
        t.c += t.columns;
        t.sums += t.columns;
        t.b_scale += t.columns;
        if (t.bias) t.bias += t.columns;
        t.packed += vectors / INT8_VECTORS * t.panel;
    }
}

/* c = a * b for so many rows, scales and bias included. */
static void int8_rows(int8_product t, const int8_t *a, size_t n, size_t k) {
    int32_t left[INT8_ROWS * LEFT_ROW];
    const int8_t *packed = t.packed;
    const size_t quads = t.panel / QUADS_BYTES;
    size_t done = 0;
    t.left = left;
    do { /* once even for k = 0 */
        t.quads = smaller(quads - done, INT8_QUADS);
        t.packed = packed + done * QUADS_BYTES;
        t.is_first = done == 0;
        t.is_last = done + t.quads == quads;
        const size_t at = done * HW_QUAD, count = smaller(k - at, t.quads * HW_QUAD);
        for (size_t i = 0; i < t.m; i++) int8_left(left + i * LEFT_ROW, a + i * k + at, count);
        int8_block(t, n);
        done += t.quads;
    } while (done < quads);
}

static void kernel_gemm_int8(float *c, size_t ldc, const int8_t *a, const float *a_scale,
                             const int8_t *packed, const int32_t *sums, const float *b_scale,
                             const float *bias, size_t m, size_t n, size_t k) {
    int8_product t = { .c = c,
                       .ldc = ldc,
                       .a_scale = a_scale,
                       .b_scale = b_scale,
                       .bias = bias,
                       .sums = sums,
                       .packed = packed,
                       .panel = (k + HW_QUAD - 1) / HW_QUAD * QUADS_BYTES };
    for (size_t blocks = (m + INT8_ROWS - 1) / INT8_ROWS; blocks > 0; blocks--) {
        t.m = (m + blocks - 1) / blocks;
        int8_rows(t, a, n, k);
        m -= t.m;
        a += t.m * k;
        t.a_scale += t.m;
        t.c += t.m * ldc;
    }
}

#endif
