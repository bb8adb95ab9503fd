/* The kernels for AVX-VNNI with its instruction made of AVX2's, for CPUs that have only those. */
#include <immintrin.h>

/* Of each four bytes, those of x unsigned: sum + their products. */
static inline __m256i emulated_dot(__m256i sum, __m256i x, __m256i y) {
    const __m256i even = _mm256_set1_epi16(0xff);
    const __m256i x_even = _mm256_and_si256(x, even), x_odd = _mm256_srli_epi16(x, 8);
    const __m256i y_even = _mm256_srai_epi16(_mm256_slli_epi16(y, 8), 8);
    const __m256i y_odd = _mm256_srai_epi16(y, 8);
    return _mm256_add_epi32(
        sum, _mm256_add_epi32(_mm256_madd_epi16(x_even, y_even), _mm256_madd_epi16(x_odd, y_odd)));
}

#define _mm256_dpbusd_avx_epi32 emulated_dot
#define hw_kernels_avxvnni emulated_kernels_avxvnni
#include "tensor/kernels_avxvnni.c"
