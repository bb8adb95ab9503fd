/* Vectors of 8 floats for AVX2 with FMA. */
#ifndef HW_TENSOR_SIMD_AVX2_H
#define HW_TENSOR_SIMD_AVX2_H

#include <immintrin.h>
#include <stddef.h>
#include <stdint.h>

enum {
    VF = 8,
    /* Register tiles of gemm: rows x vectors. 12 sums + 2 of b + 1 of a in 16 registers. */
    TILE_VECTORS = 2,
    TILE_ROWS = 6,
    MOST_VECTORS = 12,
};

/* Every number of rows that a tile may have, and of vectors with the most rows beside them. */
#define HW_TILE_ROWS(X) X(1) X(2) X(3) X(4) X(5) X(6)
#define HW_TILES(X) X(12, 1) X(6, 2) X(4, 3) X(3, 4) X(2, 6) X(1, 6)

typedef __m256 vf;
typedef int32_t vi __attribute__((vector_size(sizeof(vf))));

static inline vf vf_set(float x) {
    return _mm256_set1_ps(x);
}
static inline vf vf_load(const float *x) {
    return _mm256_loadu_ps(x);
}
static inline void vf_store(float *y, vf x) {
    _mm256_storeu_ps(y, x);
}

static inline __m256i first_lanes(size_t count) {
    const __m256i lane = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
    return _mm256_cmpgt_epi32(_mm256_set1_epi32((int)count), lane);
}

/* The first count <= VF lanes; the others are those of fill. */
static inline vf vf_load_some(const float *x, size_t count, vf fill) {
    const __m256i mask = first_lanes(count);
    return _mm256_blendv_ps(fill, _mm256_maskload_ps(x, mask), _mm256_castsi256_ps(mask));
}
/* In pieces: a masked store is slow where AVX2 is the best there is. */
static inline void vf_store_some(float *y, size_t count, vf x) {
    __m128 rest = _mm256_castps256_ps128(x);
    if (count & 4) {
        _mm_storeu_ps(y, rest);
        rest = _mm256_extractf128_ps(x, 1);
        y += 4;
    }
    if (count & 2) {
        _mm_storel_pi((__m64 *)(void *)y, rest);
        rest = _mm_movehl_ps(rest, rest);
        y += 2;
    }
    if (count & 1) _mm_store_ss(y, rest);
}
static inline vf vf_load_int8(const int8_t *x) {
    return _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(_mm_loadl_epi64((const __m128i *)x)));
}

/* x0 y0 x1 y1 ... of the lower and of the upper halves of the lanes. */
static inline vf vf_zip_low(vf x, vf y) {
    return _mm256_permute2f128_ps(_mm256_unpacklo_ps(x, y), _mm256_unpackhi_ps(x, y), 0x20);
}
static inline vf vf_zip_high(vf x, vf y) {
    return _mm256_permute2f128_ps(_mm256_unpacklo_ps(x, y), _mm256_unpackhi_ps(x, y), 0x31);
}

/* x * y + z, rounded once. */
static inline vf vf_fma(vf x, vf y, vf z) {
    return _mm256_fmadd_ps(x, y, z);
}
static inline vf vf_sqrt(vf x) {
    return _mm256_sqrt_ps(x);
}
/* x > y ? x : y and x < y ? x : y, so y where one of them is not a number. */
static inline vf vf_max(vf x, vf y) {
    return _mm256_max_ps(x, y);
}
static inline vf vf_min(vf x, vf y) {
    return _mm256_min_ps(x, y);
}
/* y, or 0 where x < bound. */
static inline vf vf_zero_below(vf y, vf x, vf bound) {
    return _mm256_andnot_ps(_mm256_cmp_ps(x, bound, _CMP_LT_OQ), y);
}

typedef int8_t vb __attribute__((vector_size(VF)));

/* Numbers that fit into int8. */
static inline vb vi_narrow(vi x) {
    const __m128i low = _mm256_castsi256_si128((__m256i)x);
    const __m128i words = _mm_packs_epi32(low, _mm256_extracti128_si256((__m256i)x, 1));
    const int64_t bytes = _mm_cvtsi128_si64(_mm_packs_epi16(words, words));
    return (vb)bytes;
}

/* Of pairs of bytes, those of x unsigned: the sums of their products, as int16. They saturate. */
static inline vi vi_dot_bytes(vi x, vi y) {
    return (vi)_mm256_maddubs_epi16((__m256i)x, (__m256i)y);
}
/* Of pairs of int16: the sums of their products. */
static inline vi vi_dot_pairs(vi x, vi y) {
    return (vi)_mm256_madd_epi16((__m256i)x, (__m256i)y);
}

/* Lanes joined pairwise: 4, 2, 1 apart. */
static inline float vf_sum(vf x) {
    const __m128 four = _mm_add_ps(_mm256_castps256_ps128(x), _mm256_extractf128_ps(x, 1));
    const __m128 two = _mm_add_ps(four, _mm_movehl_ps(four, four));
    return _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)));
}
static inline float vf_top(vf x) {
    const __m128 four = _mm_max_ps(_mm256_castps256_ps128(x), _mm256_extractf128_ps(x, 1));
    const __m128 two = _mm_max_ps(four, _mm_movehl_ps(four, four));
    return _mm_cvtss_f32(_mm_max_ss(two, _mm_movehdup_ps(two)));
}

#endif
