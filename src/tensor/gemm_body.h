/* Matrix products over the vectors of simd_<isa>.h: tiles of c stay in registers while p runs over
 * a block of k. Invariant: an element of c is one chain of fused multiply-adds over p = 0..k-1,
 * whatever tile it falls into; between blocks of k it waits in c. */
#ifndef HW_TENSOR_GEMM_BODY_H
#define HW_TENSOR_GEMM_BODY_H

#include "tensor/bf16.h"
#include "tensor/vector_body.h"

#include <stdbool.h>
#include <string.h>

enum {
    /* Of k. Larger ones push b out of L1, smaller ones move c more often. */
    BLOCK_DEPTH = 512,
    /* Of m. A block of a stays in L2 while b passes by. */
    BLOCK_ROWS = 120,
    /* Of a copy of a, which lies on the stack. */
    COPY_ROWS = 56,
    COPY_DEPTH = 256,
    COPY_COLUMNS = 128, /* of b, at least: how often the copy is used */
    PANEL_VECTORS = HW_PANEL / VF,
};

/* A matrix whose element (i, j) is at[i * row + j * column]. */
typedef struct strided {
    const float *at;
    size_t row, column;
} strided;

/* A matrix in panels of HW_PANEL columns, which are `panel` apart; a panel's rows are `row` apart.
 */
typedef struct panels {
    const float *at;
    size_t panel, row;
} panels;

/* What row i of a product is added to: at[i * row]. NULL: zeros. */
typedef struct origin {
    const float *at;
    size_t row;
} origin;

static inline origin origin_plus(origin start, size_t rows, size_t columns) {
    if (start.at) start.at += rows * start.row + columns;
    return start;
}

/* What a and b are made of; in the second case a number is a hw_bf16_pair. */
typedef enum numbers { FLOATS, PAIRS } numbers;

INLINE vf right_of(panels b, size_t p, size_t j, const size_t vectors, const size_t last) {
    return load(b.at + j / PANEL_VECTORS * b.panel + p * b.row + j % PANEL_VECTORS * VF,
                j + 1 < vectors ? VF : last, vf_set(0));
}

INLINE vf left_of(strided a, size_t i, size_t p) {
    return vf_set(a.at[i * a.row + p * a.column]);
}

/* sum[rows][vectors] += column p of a times row p of b. */
INLINE void add_product(vf sum[TILE_ROWS][MOST_VECTORS], strided a, panels b, size_t p,
                        const size_t rows, const size_t vectors, const size_t last) {
    vf right[MOST_VECTORS];
    UNROLL for (size_t j = 0; j < vectors; j++) right[j] = right_of(b, p, j, vectors, last);
    UNROLL for (size_t i = 0; i < rows; i++) {
        const vf left = left_of(a, i, p);
        UNROLL for (size_t j = 0; j < vectors; j++) sum[i][j] = vf_fma(left, right[j], sum[i][j]);
    }
}

/* The same of pairs, part by part. What there is less of waits in registers; the other part is
 * loaded anew, where a compiler would rather keep it and have sums wait in memory. */
INLINE void add_pairs(vf sum[TILE_ROWS][MOST_VECTORS], strided a, panels b, size_t p,
                      const size_t rows, const size_t vectors, const size_t last) {
    vf wait[TILE_ROWS + MOST_VECTORS];
    UNROLL for (size_t part = 0; part < PAIR_PARTS; part++) {
        __asm__ volatile("" ::: "memory");
        if (rows < vectors) {
            UNROLL for (size_t i = 0; i < rows; i++) wait[i] = pair_part(left_of(a, i, p), part);
            UNROLL for (size_t j = 0; j < vectors; j++) {
                const vf right = pair_part(right_of(b, p, j, vectors, last), part);
                UNROLL for (size_t i = 0; i < rows; i++) sum[i][j] =
                    pair_fma(wait[i], right, sum[i][j]);
            }
        } else {
            UNROLL for (size_t j = 0; j < vectors; j++) wait[j] =
                pair_part(right_of(b, p, j, vectors, last), part);
            UNROLL for (size_t i = 0; i < rows; i++) {
                const vf left = pair_part(left_of(a, i, p), part);
                UNROLL for (size_t j = 0; j < vectors; j++) sum[i][j] =
                    pair_fma(left, wait[j], sum[i][j]);
            }
        }
    }
}

/* c[rows][columns] = start + a[rows][k] * b[k][columns] in `vectors` vectors, the last with `last`
 * lanes. rows and vectors are constants where it is called, so that sum lies in registers; last
 * is the constant VF if it can. */
INLINE void gemm_tile(float *c, size_t ldc, origin start, strided a, panels b, size_t k,
                      const size_t rows, const size_t vectors, const size_t last,
                      const numbers of) {
    const vf zero = vf_set(0);
    vf sum[TILE_ROWS][MOST_VECTORS];
    UNROLL for (size_t i = 0; i < rows; i++) UNROLL for (size_t j = 0; j < vectors; j++) sum[i][j] =
        zero;
    if (start.at) {
        UNROLL for (size_t i = 0; i < rows; i++) UNROLL for (size_t j = 0; j < vectors; j++)
            sum[i][j] = load(start.at + i * start.row + j * VF, j + 1 < vectors ? VF : last, zero);
    }
    for (size_t p = 0; p < k; p++) {
        if (of == PAIRS)
            add_pairs(sum, a, b, p, rows, vectors, last);
        else
            add_product(sum, a, b, p, rows, vectors, last);
    }
    UNROLL for (size_t i = 0; i < rows; i++) UNROLL for (size_t j = 0; j < vectors; j++)
        store(c + i * ldc + j * VF, j + 1 < vectors ? VF : last, sum[i][j]);
}

/* All rows of c for so many vectors of b. m is cut into tiles of nearly equal numbers of rows, at
 * most as many as fit: a tile of one or two rows would wait for its own sums. */
INLINE void gemm_columns(float *c, size_t ldc, origin start, strided a, panels b, size_t m,
                         size_t k, const size_t vectors, const size_t fits, const size_t last,
                         const numbers of) {
    const size_t most = of == PAIRS && fits > PAIR_ROWS ? PAIR_ROWS : fits;
    for (size_t tiles = (m + most - 1) / most; tiles > 0; tiles--) {
        const size_t rows = (m + tiles - 1) / tiles;
        switch (rows) {
#define TILE(rows)                                                                    \
    case rows:                                                                        \
        if (rows <= most) gemm_tile(c, ldc, start, a, b, k, rows, vectors, last, of); \
        break;
            HW_TILE_ROWS(TILE)
#undef TILE
        }
        m -= rows;
        c += rows * ldc;
        start = origin_plus(start, rows, 0);
        a.at += rows * a.row;
    }
}

/* How many of the vectors that are left are taken at once: as many as fit into registers with all
 * m rows, else TILE_VECTORS, and one more rather than a single one at the end. */
static inline size_t tile_vectors(size_t m, size_t left) {
#define FITS(vectors, most)                                                                       \
    if (vectors == left && (m <= most || vectors <= TILE_VECTORS + 1)) return vectors;            \
    if (vectors < left && vectors % PANEL_VECTORS == 0 && (m <= most || vectors == TILE_VECTORS)) \
        return vectors;
    HW_TILES(FITS)
#undef FITS
    return 1;
}

/* All of c for one block of m and of k. */
INLINE void gemm_block_of(float *c, size_t ldc, origin start, strided a, panels b, size_t m,
                          size_t n, size_t k, const numbers of) {
    while (n > 0) {
        const size_t vectors = tile_vectors(m, (n + VF - 1) / VF);
        const size_t columns = hw_smaller(n, vectors * VF);
        const size_t last = columns - (vectors - 1) * VF;
        switch (vectors) {
#define COLUMNS(vectors, most)                                                \
    case vectors:                                                             \
        if (last == VF)                                                       \
            gemm_columns(c, ldc, start, a, b, m, k, vectors, most, VF, of);   \
        else                                                                  \
            gemm_columns(c, ldc, start, a, b, m, k, vectors, most, last, of); \
        break;
            HW_TILES(COLUMNS)
#undef COLUMNS
        }
        n -= columns;
        c += columns;
        start = origin_plus(start, 0, columns);
        b.at += columns / HW_PANEL * b.panel;
    }
}

static void gemm_block(float *c, size_t ldc, origin start, strided a, panels b, size_t m, size_t n,
                       size_t k) {
    gemm_block_of(c, ldc, start, a, b, m, n, k, FLOATS);
}

static void gemm_block_pairs(float *c, size_t ldc, origin start, strided a, panels b, size_t m,
                             size_t n, size_t k) {
    gemm_block_of(c, ldc, start, a, b, m, n, k, PAIRS);
}

/* a[rows][depth] with its rows side by side: copy[depth][rows]. */
static strided gemm_copy(float *copy, strided a, size_t rows, size_t depth) {
    for (size_t p = 0; p < depth; p++)
        memcpy(copy + p * rows, a.at + p * a.column, rows * sizeof *copy);
    return (strided){ copy, 1, rows };
}

/* c = start + a * b; if k is 0, c = start. copy[COPY_ROWS * COPY_DEPTH]: for a block of a, whose
 * a.row is 1; NULL: a is read where it is. */
static void gemm_blocks(float *c, size_t ldc, origin start, strided a, panels b, size_t m, size_t n,
                        size_t k, float *copy, numbers of) {
    const size_t most_rows = copy ? COPY_ROWS : BLOCK_ROWS;
    const size_t most_depth = copy ? COPY_DEPTH : BLOCK_DEPTH;
    for (size_t blocks = (m + most_rows - 1) / most_rows; blocks > 0; blocks--) {
        const size_t rows = (m + blocks - 1) / blocks;
        size_t p = 0;
        do {
            const size_t depth = hw_smaller(k - p, most_depth);
            strided left = { a.at + p * a.column, a.row, a.column };
            if (copy) left = gemm_copy(copy, left, rows, depth);
            const panels right = { b.at + p * b.row, b.panel, b.row };
            const origin from = p == 0 ? start : (origin){ c, ldc };
            if (of == PAIRS)
                gemm_block_pairs(c, ldc, from, left, right, rows, n, depth);
            else
                gemm_block(c, ldc, from, left, right, rows, n, depth);
            p += depth;
        } while (p < k);
        m -= rows;
        c += rows * ldc;
        start = origin_plus(start, rows, 0);
        a.at += rows * a.row;
    }
}

/* A transposed a lies in memory so that a tile of it meets few sets of the caches and many pages:
 * a copy pays if it is used often. */
static void gemm_transposed(float *c, size_t ldc, origin start, strided a, panels b, size_t m,
                            size_t n, size_t k) {
    float copy[COPY_ROWS * COPY_DEPTH];
    gemm_blocks(c, ldc, start, a, b, m, n, k, copy, FLOATS);
}

static void kernel_gemm(float *c, size_t ldc, const float *a, size_t a_row, size_t a_col,
                        const float *b, size_t ldb, size_t m, size_t n, size_t k, bool add) {
    const origin start = { add ? c : NULL, ldc };
    const strided left = { a, a_row, a_col };
    const panels right = { b, HW_PANEL, ldb };
    if (a_row == 1 && n >= COPY_COLUMNS)
        gemm_transposed(c, ldc, start, left, right, m, n, k);
    else
        gemm_blocks(c, ldc, start, left, right, m, n, k, NULL, FLOATS);
}

/* x becomes its transpose. A zip of the rows' halves moves the first bit of a row's number to the
 * end of the lane's; when all bits have moved, rows and lanes have changed places. */
INLINE void transpose(vf x[VF]) {
    for (size_t moved = 1; moved < VF; moved *= 2) {
        vf zipped[VF];
        UNROLL for (size_t i = 0; i < VF / 2; i++) {
            zipped[2 * i] = vf_zip_low(x[i], x[i + VF / 2]);
            zipped[2 * i + 1] = vf_zip_high(x[i], x[i + VF / 2]);
        }
        UNROLL for (size_t i = 0; i < VF; i++) x[i] = zipped[i];
    }
}

/* VF rows p of VF columns of a panel. */
static inline void pack_square(float *packed, const float *b, size_t ldb) {
    vf x[VF];
    UNROLL for (size_t j = 0; j < VF; j++) x[j] = vf_load(b + j * ldb);
    transpose(x);
    UNROLL for (size_t p = 0; p < VF; p++) vf_store(packed + p * HW_PANEL, x[p]);
}

/* Columns past n are 0. */
static void pack_panel(float *packed, const float *b, size_t ldb, size_t n, size_t k) {
    size_t p = 0;
    if (n >= HW_PANEL)
        for (; p + VF <= k; p += VF)
            for (size_t j = 0; j < HW_PANEL; j += VF)
                pack_square(packed + p * HW_PANEL + j, b + j * ldb + p, ldb);
    for (; p < k; p++)
        for (size_t j = 0; j < HW_PANEL; j++) packed[p * HW_PANEL + j] = j < n ? b[j * ldb + p] : 0;
}

static void kernel_pack(float *packed, const float *b, size_t ldb, size_t n, size_t k) {
    for (size_t j = 0; j < n; j += HW_PANEL) pack_panel(packed + j * k, b + j * ldb, ldb, n - j, k);
}

static void kernel_gemm_packed(float *c, size_t ldc, const float *a, size_t lda,
                               const float *packed, const float *bias, size_t m, size_t n,
                               size_t k) {
    const panels right = { packed, k * HW_PANEL, HW_PANEL };
    gemm_blocks(c, ldc, (origin){ bias, 0 }, (strided){ a, lda, 1 }, right, m, n, k, NULL, FLOATS);
}

/* ---- bfloat16 ----------------------------------------------------------------------------- */

/* The upper half of every lane's bits. */
INLINE vu rounded(vu bits) {
    const vu is_number = (vu)((bits & 0x7fffffff) <= 0x7f800000);
    return (is_number & (bits + 0x7fff + (bits >> 16 & 1))) | (~is_number & (bits | 0x400000));
}

/* VF numbers as VF / 2 pairs. */
INLINE void store_pairs(hw_bf16_pair *pairs, vf x) {
    typedef uint64_t vtwo __attribute__((vector_size(sizeof(vf))));
    typedef uint32_t vpairs __attribute__((vector_size(sizeof(vf) / 2)));
    const vtwo two = (vtwo)rounded((vu)x); /* the first number in the lower half */
    const vtwo joined = (two >> 16 & 0xffff) | (two >> 32 & 0xffff0000);
    const vpairs all = __builtin_convertvector(joined, vpairs);
    memcpy(pairs, &all, sizeof all);
}

static void kernel_round_bf16(hw_bf16_pair *pairs, const float *x, size_t rows, size_t n) {
    for (; rows > 0; rows--, x += n) {
        size_t i = 0;
        for (; i + VF <= n; i += VF, pairs += VF / 2) store_pairs(pairs, vf_load(x + i));
        for (; i < n; i += 2) *pairs++ = hw_bf16_pair_of(x[i], i + 1 < n ? x[i + 1] : 0);
    }
}

static void kernel_gemm_bf16(float *c, size_t ldc, const hw_bf16_pair *a,
                             const hw_bf16_pair *packed, const float *bias, size_t m, size_t n,
                             size_t pairs) {
    const panels right = { packed, pairs * HW_PANEL, HW_PANEL };
    gemm_blocks(c, ldc, (origin){ bias, 0 }, (strided){ a, pairs, 1 }, right, m, n, pairs, NULL,
                PAIRS);
}

#endif
