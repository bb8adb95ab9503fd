/* Matrix product over the vectors of simd_<isa>.h: tiles of c stay in registers while
 * p runs over a block of k. Invariant: an element of c is one chain of fused multiply-adds
 * over p = 0..k-1, whatever tile it falls into; between blocks of k it waits in c. */
#ifndef HW_TENSOR_GEMM_BODY_H
#define HW_TENSOR_GEMM_BODY_H

#include <stdbool.h>
#include <stddef.h>

#if defined(__clang__)
#define UNROLL _Pragma("unroll")
#else
#define UNROLL _Pragma("GCC unroll 16")
#endif

#define INLINE __attribute__((always_inline)) static inline

enum {
    WIDE_VECTORS = TILE_VECTORS + 1,
    /* Of k. Larger ones push b out of L1, smaller ones move c more often: of 128, 256 and 512
     * this was the fastest at k = 4096 (Zen 5, AVX-512, November 2026). */
    BLOCK_DEPTH = 512,
};

static inline size_t smaller(size_t x, size_t y) {
    return x < y ? x : y;
}

/* The first count <= VF elements of x; the other lanes are those of fill. */
static inline vf load(const float *x, size_t count, vf fill) {
    return count == VF ? vf_load(x) : vf_load_some(x, count, fill);
}

static inline void store(float *y, size_t count, vf x) {
    if (count == VF)
        vf_store(y, x);
    else
        vf_store_some(y, count, x);
}

/* A matrix whose element (i, j) is at[i * row + j * column]. */
typedef struct strided {
    const float *at;
    size_t row, column;
} strided;

/* c[rows][columns] = or += a[rows][k] * b[k][columns] in `vectors` vectors, the last with
 * `last` lanes. rows and vectors are constants where it is called, so that sum lies in
 * registers; last is the constant VF if it can. */
INLINE void gemm_tile(float *c, size_t ldc, strided a, const float *b, size_t ldb, size_t k,
                      bool add, const size_t rows, const size_t vectors, const size_t last) {
    const vf zero = vf_set(0);
    vf sum[TILE_ROWS][WIDE_VECTORS];
    UNROLL for (size_t i = 0; i < rows; i++) {
        UNROLL for (size_t j = 0; j < vectors; j++) {
            const size_t count = j + 1 < vectors ? VF : last;
            sum[i][j] = add ? load(c + i * ldc + j * VF, count, zero) : zero;
        }
    }
    for (size_t p = 0; p < k; p++) {
        vf right[WIDE_VECTORS];
        UNROLL for (size_t j = 0; j < vectors; j++) right[j] =
            load(b + p * ldb + j * VF, j + 1 < vectors ? VF : last, zero);
        UNROLL for (size_t i = 0; i < rows; i++) {
            const vf left = vf_set(a.at[i * a.row + p * a.column]);
            UNROLL for (size_t j = 0; j < vectors; j++) sum[i][j] =
                vf_fma(left, right[j], sum[i][j]);
        }
    }
    UNROLL for (size_t i = 0; i < rows; i++) UNROLL for (size_t j = 0; j < vectors; j++)
        store(c + i * ldc + j * VF, j + 1 < vectors ? VF : last, sum[i][j]);
}

/* All rows of c for one panel of b. m is cut into tiles of nearly equal numbers of rows:
 * a tile of one or two rows would wait for its own sums. */
INLINE void gemm_panel(float *c, size_t ldc, strided a, const float *b, size_t ldb, size_t m,
                       size_t k, bool add, const size_t vectors, const size_t last) {
    const size_t most = vectors <= TILE_VECTORS ? TILE_ROWS : WIDE_ROWS;
    size_t tiles = (m + most - 1) / most;
    for (; tiles > 0; tiles--) {
        const size_t rows = (m + tiles - 1) / tiles;
        switch (rows) {
#define TILE(rows)                                                                   \
    case rows:                                                                       \
        if (rows <= most) gemm_tile(c, ldc, a, b, ldb, k, add, rows, vectors, last); \
        break;
            HW_TILE_ROWS(TILE)
#undef TILE
        }
        m -= rows;
        c += rows * ldc;
        a.at += rows * a.row;
    }
}

/* All of c for one block of k. */
static void gemm_block(float *c, size_t ldc, strided a, const float *b, size_t ldb, size_t m,
                       size_t n, size_t k, bool add) {
    while (n > 0) {
        const size_t left = (n + VF - 1) / VF;
        const size_t vectors = left == WIDE_VECTORS ? left : smaller(left, TILE_VECTORS);
        const size_t columns = smaller(n, vectors * VF);
        const size_t last = columns - (vectors - 1) * VF;
        switch (vectors) {
#define PANEL(vectors)                                               \
    case vectors:                                                    \
        if (last == VF)                                              \
            gemm_panel(c, ldc, a, b, ldb, m, k, add, vectors, VF);   \
        else                                                         \
            gemm_panel(c, ldc, a, b, ldb, m, k, add, vectors, last); \
        break;
            HW_TILE_VECTORS(PANEL)
#undef PANEL
        }
        n -= columns;
        c += columns;
        b += columns;
    }
}

static void kernel_gemm(float *c, size_t ldc, const float *a, size_t a_row, size_t a_col,
                        const float *b, size_t ldb, size_t m, size_t n, size_t k, bool add) {
    size_t p = 0;
    do { /* once even for k = 0, which clears c */
        const size_t depth = smaller(k - p, BLOCK_DEPTH);
        const strided block = { a + p * a_col, a_row, a_col };
        gemm_block(c, ldc, block, b + p * ldb, ldb, m, n, depth, add || p > 0);
        p += depth;
    } while (p < k);
}

#endif
