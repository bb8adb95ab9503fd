/* Vectors of 16 floats for AVX-512 (F, BW, DQ, VL). */
#ifndef HW_TENSOR_SIMD_AVX512_H
#define HW_TENSOR_SIMD_AVX512_H

#include <immintrin.h>
#include <stddef.h>
#include <stdint.h>

enum {
    VF = 16,
    /* Register tiles of gemm: rows x vectors. 28 sums + 2 of b + 1 of a in 32 registers. */
    TILE_VECTORS = 2,
    TILE_ROWS = 14,
    MOST_VECTORS = 8,
};

/* Every number of rows that a tile may have, and of vectors with the most rows beside them. */
#define HW_TILE_ROWS(X) X(1) X(2) X(3) X(4) X(5) X(6) X(7) X(8) X(9) X(10) X(11) X(12) X(13) X(14)
#define HW_TILES(X) X(8, 2) X(4, 6) X(3, 9) X(2, 14) X(1, 14)

typedef __m512 vf;
typedef int32_t vi __attribute__((vector_size(sizeof(vf))));
typedef int8_t vb __attribute__((vector_size(VF)));

/* Numbers that fit into int8. */
static inline vb vi_narrow(vi x) {
    return __builtin_convertvector(x, vb);
}

static inline vf vf_set(float x) {
    return _mm512_set1_ps(x);
}
static inline vf vf_load(const float *x) {
    return _mm512_loadu_ps(x);
}
static inline void vf_store(float *y, vf x) {
    _mm512_storeu_ps(y, x);
}

static inline __mmask16 first_lanes(size_t count) {
    return (__mmask16)((1u << count) - 1);
}

/* The first count <= VF lanes; the others are those of fill. */
static inline vf vf_load_some(const float *x, size_t count, vf fill) {
    return _mm512_mask_loadu_ps(fill, first_lanes(count), x);
}
static inline void vf_store_some(float *y, size_t count, vf x) {
    _mm512_mask_storeu_ps(y, first_lanes(count), x);
}
static inline vf vf_load_int8(const int8_t *x) {
    return _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(_mm_loadu_si128((const __m128i *)x)));
}

/* x0 y0 x1 y1 ... of the lower and of the upper halves of the lanes. */
static inline vf vf_zip_low(vf x, vf y) {
    const __m512i from = _mm512_setr_epi32(0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
    return _mm512_permutex2var_ps(x, from, y);
}
static inline vf vf_zip_high(vf x, vf y) {
    const __m512i from =
        _mm512_setr_epi32(8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
    return _mm512_permutex2var_ps(x, from, y);
}

/* x * y + z, rounded once. */
static inline vf vf_fma(vf x, vf y, vf z) {
    return _mm512_fmadd_ps(x, y, z);
}
static inline vf vf_sqrt(vf x) {
    return _mm512_sqrt_ps(x);
}
/* x > y ? x : y and x < y ? x : y, so y where one of them is not a number. */
static inline vf vf_max(vf x, vf y) {
    return _mm512_max_ps(x, y);
}
static inline vf vf_min(vf x, vf y) {
    return _mm512_min_ps(x, y);
}
/* y, or 0 where x < bound. */
static inline vf vf_zero_below(vf y, vf x, vf bound) {
    return _mm512_maskz_mov_ps(_mm512_cmp_ps_mask(x, bound, _CMP_NLT_UQ), y);
}

/* Of pairs of bytes, those of x unsigned: the sums of their products, as int16. They saturate. */
static inline vi vi_dot_bytes(vi x, vi y) {
    return (vi)_mm512_maddubs_epi16((__m512i)x, (__m512i)y);
}
/* Of pairs of int16: the sums of their products. */
static inline vi vi_dot_pairs(vi x, vi y) {
    return (vi)_mm512_madd_epi16((__m512i)x, (__m512i)y);
}

/* Lanes joined pairwise: 8, 4, 2, 1 apart. */
static inline float vf_sum(vf x) {
    const __m256 eight = _mm256_add_ps(_mm512_castps512_ps256(x), _mm512_extractf32x8_ps(x, 1));
    const __m128 four = _mm_add_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
    const __m128 two = _mm_add_ps(four, _mm_movehl_ps(four, four));
    return _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)));
}
static inline float vf_top(vf x) {
    const __m256 eight = _mm256_max_ps(_mm512_castps512_ps256(x), _mm512_extractf32x8_ps(x, 1));
    const __m128 four = _mm_max_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
    const __m128 two = _mm_max_ps(four, _mm_movehl_ps(four, four));
    return _mm_cvtss_f32(_mm_max_ss(two, _mm_movehdup_ps(two)));
}

#endif
