/* The most that a core can do: fused multiply-adds on registers alone, as wide as an instruction
 * set. What a product reaches is told in shares of it. */
#ifndef BENCH_PEAK_H
#define BENCH_PEAK_H

#include <string.h>
#if defined(__x86_64__)
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

enum { PEAK_SUMS = 12, PEAK_STEPS = 20000 };

/* 12 chains hide the latency of a multiply-add; an asm that "changes" a sum keeps it in its
 * register and in the program. */
#define DEFINE_PEAK(isa, target, vector, fma, class)                                          \
    target static double peak_##isa(void) {                                                   \
        vector s0 = { 0 }, x = { 0 };                                                         \
        vector s1 = s0, s2 = s0, s3 = s0, s4 = s0, s5 = s0;                                   \
        vector s6 = s0, s7 = s0, s8 = s0, s9 = s0, s10 = s0, s11 = s0;                        \
        for (int step = 0; step < PEAK_STEPS; step++) {                                       \
            s0 = fma(x, x, s0), s1 = fma(x, x, s1), s2 = fma(x, x, s2);                       \
            s3 = fma(x, x, s3), s4 = fma(x, x, s4), s5 = fma(x, x, s5);                       \
            s6 = fma(x, x, s6), s7 = fma(x, x, s7), s8 = fma(x, x, s8);                       \
            s9 = fma(x, x, s9), s10 = fma(x, x, s10), s11 = fma(x, x, s11);                   \
            __asm__ volatile(""                                                               \
                             : "+" class(s0), "+" class(s1), "+" class(s2), "+" class(s3),    \
                               "+" class(s4), "+" class(s5), "+" class(s6), "+" class(s7),    \
                               "+" class(s8), "+" class(s9), "+" class(s10), "+" class(s11)); \
        }                                                                                     \
        return 2.0 * (sizeof x / sizeof(float)) * PEAK_SUMS * PEAK_STEPS;                     \
    }

#if defined(__x86_64__)
DEFINE_PEAK(avx2, __attribute__((target("avx2,fma"))), __m256, _mm256_fmadd_ps, "x")
DEFINE_PEAK(avx512, __attribute__((target("avx512f"))), __m512, _mm512_fmadd_ps, "v")
#elif defined(__aarch64__)
DEFINE_PEAK(neon, , float32x4_t, vfmaq_f32, "w")
#endif

static double no_peak(void) {
    return 0;
}

/* The loop of an instruction set. It returns its floating-point operations; 0: there is none. */
static inline double (*peak_of(const char *isa))(void) {
#if defined(__x86_64__)
    if (strcmp(isa, "avx2") == 0) return peak_avx2;
    if (strncmp(isa, "avx512", 6) == 0) return peak_avx512;
#elif defined(__aarch64__)
    if (strcmp(isa, "neon") == 0) return peak_neon;
#endif
    return no_peak;
}

#endif
