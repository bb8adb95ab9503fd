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
    LEFT_ROW = QUAD_WORDS * QUAD_DEPTH,
    LEFT_BYTES = 1 << 16, /* of a block of a, which lies on the stack */
    INT8_ROWS = LEFT_BYTES / (LEFT_ROW * sizeof(int32_t)) / QUAD_ROWS * QUAD_ROWS,
    QUADS_BYTES = HW_PANEL * HW_QUAD, /* of the packed matrix: a quad of each column of a panel */
    INT8_VECTORS = HW_PANEL / VF,
    PANEL_SUMS = HW_SUMS * HW_PANEL,
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
    const vf most = vf_set(HW_INT8_MOST), shift = vf_set(HW_EXP_SHIFT);
    const vf rounded = vf_max(vf_min(x, most), -most) + shift;
    const vb all = vi_narrow((vi)rounded - (vi)shift);
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

/* A row of b as a column of a panel. */
static void pack_column(int8_t *packed, const int8_t *b, size_t k) {
    for (; k >= HW_QUAD; k -= HW_QUAD, b += HW_QUAD, packed += QUADS_BYTES)
        memcpy(packed, b, HW_QUAD);
    if (k > 0) {
        memset(packed, 0, HW_QUAD);
        memcpy(packed, b, k);
    }
}

static int32_t int8_sum(const int8_t *b, size_t k) {
    int32_t sum = 0;
    for (size_t p = 0; p < k; p++) sum += b[p];
    return sum;
}

/* b[0] b[1] + b[2] b[3] + ... */
static int32_t int8_products(const int8_t *b, size_t k) {
    int32_t sum = 0;
    for (size_t p = 0; p + 1 < k; p += 2) sum += b[p] * b[p + 1];
    return sum;
}

static void kernel_pack_int8(int8_t *packed, int32_t *sums, const int8_t *b, size_t n, size_t k) {
    const size_t panel = (k + HW_QUAD - 1) / HW_QUAD * QUADS_BYTES;
    if (n % HW_PANEL > 0) {
        memset(packed + n / HW_PANEL * panel, 0, panel);
        memset(sums + n / HW_PANEL * PANEL_SUMS, 0, PANEL_SUMS * sizeof *sums);
    }
    for (size_t j = 0; j < n; j++, b += k) {
        int32_t *sum = sums + j / HW_PANEL * PANEL_SUMS + j % HW_PANEL;
        pack_column(packed + j / HW_PANEL * panel + j % HW_PANEL * HW_QUAD, b, k);
        sum[0] = int8_sum(b, k);
        sum[HW_PANEL] = int8_products(b, k);
    }
}

/* ---- The product ---------------------------------------------------------------------------- */

/* Where a tile has the words of b from. Tiles one below the other share them, if to make them costs
 * anything: the first one keeps them for the others. */
typedef enum words_mode { WORDS_MADE, WORDS_MADE_AND_KEPT, WORDS_READ } words_mode;

/* A block of m and of k, for the columns that are taken at once. Sums wait in c, as int32. */
typedef struct int8_product {
    float *c; /* [m][columns] */
    size_t ldc, m, columns;
    const float *a_scale, *b_scale, *bias;
    const int32_t *sums;    /* panels of PANEL_SUMS */
    const int32_t *left;    /* [m][QUAD_DEPTH][QUAD_WORDS] */
    const int32_t *surplus; /* [m], of the block */
    const int8_t *packed;   /* panels of [quads][HW_PANEL][HW_QUAD], `panel` bytes apart */
    size_t panel, quads;
    vi *kept;      /* [quads][vectors][QUAD_WORDS], of these columns */
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

/* What the sums of vector j begin with at the first block of k. */
static inline vi int8_first(const int8_product *t, size_t j) {
    const int32_t *sums = t->sums + j / INT8_VECTORS * PANEL_SUMS + j % INT8_VECTORS * VF;
    return -right_surplus(vi_load(sums, VF), vi_load(sums + HW_PANEL, VF));
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
    const vf scale = vf_set(t->a_scale[row]) * load(t->b_scale + at, count, zero);
    const vf bias = t->bias ? load(t->bias + at, count, zero) : zero;
    store(c, count, __builtin_convertvector(sum, vf) * scale + bias);
}

/* The words of vector j of a quad. */
INLINE void int8_right(vi words[QUAD_WORDS], const int8_product *t, size_t quad, const size_t j,
                       const size_t vectors, const words_mode mode) {
    vi *kept = t->kept + (quad * vectors + j) * QUAD_WORDS;
    if (mode != WORDS_READ)
        right_words(words, vi_load(t->packed + quad * QUADS_BYTES + j / INT8_VECTORS * t->panel +
                                       j % INT8_VECTORS * sizeof(vi),
                                   VF));
    UNROLL for (size_t word = 0; word < QUAD_WORDS; word++) {
        if (mode == WORDS_READ) words[word] = kept[word];
        if (mode == WORDS_MADE_AND_KEPT) kept[word] = words[word];
    }
}

/* rows x `vectors` vectors of sums from row `row` on; what is past the last column is computed but
 * not stored. */
INLINE void int8_tile(const int8_product *t, size_t row, const size_t rows, const size_t vectors,
                      const words_mode mode) {
    vi sum[QUAD_ROWS][QUAD_VECTORS];
    UNROLL for (size_t j = 0; j < vectors; j++) {
        const vi first = int8_first(t, j);
        UNROLL for (size_t i = 0; i < rows; i++) {
            const float *c = t->c + (row + i) * t->ldc + j * VF;
            const vi start = t->is_first ? first : vi_load(c, int8_count(t, j));
            sum[i][j] = (vi)((vu)start - (uint32_t)t->surplus[row + i]);
        }
    }
    const int32_t *left = t->left + row * LEFT_ROW;
    const size_t quads = t->quads;
    for (size_t quad = 0; quad < quads; quad++, left += QUAD_WORDS) {
        vi b[QUAD_VECTORS][QUAD_WORDS];
        UNROLL for (size_t j = 0; j < vectors; j++) int8_right(b[j], t, quad, j, vectors, mode);
        UNROLL for (size_t i = 0; i < rows; i++) {
            vi a[QUAD_WORDS];
            UNROLL for (size_t word = 0; word < QUAD_WORDS; word++) a[word] =
                (vi){ 0 } + left[i * LEFT_ROW + word];
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
        const bool shares = QUAD_WORDS > 1 && tiles > 1;
        const words_mode mode = !shares ? WORDS_MADE : tile == 0 ? WORDS_MADE_AND_KEPT : WORDS_READ;
        switch (rows * 3 + mode) {
#define TILE(rows)                     \
    TILE_OF(rows, WORDS_MADE)          \
    TILE_OF(rows, WORDS_MADE_AND_KEPT) \
    TILE_OF(rows, WORDS_READ)
#define TILE_OF(rows, mode)                                         \
    case rows * 3 + mode:                                           \
        if (rows <= most && (QUAD_WORDS > 1 || mode == WORDS_MADE)) \
            int8_tile(t, row, rows, vectors, mode);                 \
        break;
            HW_QUAD_ROWS(TILE)
#undef TILE_OF
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

/* a[VF][4] as words of its quads; their surplus. */
static inline vi int8_left(int32_t *left, vi quads) {
    vi words[QUAD_WORDS];
    left_words(words, quads);
    memcpy(left, words, sizeof words);
    return left_surplus(quads);
}

/* The same for a[count], with zeros up to a whole vector. */
static int32_t int8_left_row(int32_t *left, const int8_t *a, size_t count) {
    vi surplus = { 0 }, last = { 0 };
    for (; count >= sizeof last; count -= sizeof last, a += sizeof last, left += VF * QUAD_WORDS)
        surplus += int8_left(left, vi_load(a, VF));
    memcpy(&last, a, count);
    if (count > 0) surplus += int8_left(left, last);
    int32_t sum = 0;
    for (size_t lane = 0; lane < VF; lane++) sum += surplus[lane];
    return sum;
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
        n -= t.columns;
        t.c += t.columns;
        t.sums += vectors / INT8_VECTORS * PANEL_SUMS;
        t.b_scale += t.columns;
        if (t.bias) t.bias += t.columns;
        t.packed += vectors / INT8_VECTORS * t.panel;
    }
}

/* c = a * b for so many rows, scales and bias included. */
static void int8_rows(int8_product t, const int8_t *a, size_t n, size_t k) {
    int32_t left[INT8_ROWS * LEFT_ROW], surplus[INT8_ROWS];
    vi kept[QUAD_WORDS > 1 ? QUAD_DEPTH * QUAD_VECTORS * QUAD_WORDS : 1];
    const int8_t *packed = t.packed;
    const size_t quads = t.panel / QUADS_BYTES;
    size_t done = 0;
    t.left = left;
    t.surplus = surplus;
    t.kept = kept;
    do { /* once even for k = 0 */
        t.quads = smaller(quads - done, QUAD_DEPTH);
        t.packed = packed + done * QUADS_BYTES;
        t.is_first = done == 0;
        t.is_last = done + t.quads == quads;
        const size_t at = done * HW_QUAD, count = smaller(k - at, t.quads * HW_QUAD);
        for (size_t i = 0; i < t.m; i++)
            surplus[i] = int8_left_row(left + i * LEFT_ROW, a + i * k + at, count);
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
