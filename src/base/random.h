/* Counter-based random numbers: value = f(seed, purpose, index), without a state, so
 * that any thread can draw any number and a resumed run draws the same ones.
 * The mixer is SplitMix64's finaliser (Steele, Lea, Flood 2014), applied per word. */
#ifndef HW_BASE_RANDOM_H
#define HW_BASE_RANDOM_H

#include <stdint.h>

__extension__ typedef unsigned __int128 hw_uint128;

static inline uint64_t hw_mix64(uint64_t x) {
    x += 0x9e3779b97f4a7c15u;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    return x ^ (x >> 31);
}

/* Independent streams: one purpose for each use (shuffling, dropout, ...). */
static inline uint64_t hw_random_bits(uint64_t seed, uint64_t purpose, uint64_t index) {
    return hw_mix64(hw_mix64(hw_mix64(seed) ^ purpose) ^ index);
}

/* Uniform in [0, 1), 24 bits. */
static inline float hw_random_uniform(uint64_t seed, uint64_t purpose, uint64_t index) {
    return (float)(hw_random_bits(seed, purpose, index) >> 40) * 0x1p-24f;
}

/* Uniform in [0, bound), bound > 0 (Lemire 2019, without the rejection step: the bias
 * is below bound / 2^64). */
static inline uint64_t hw_random_below(uint64_t seed, uint64_t purpose, uint64_t index,
                                       uint64_t bound) {
    return (uint64_t)(((hw_uint128)hw_random_bits(seed, purpose, index) * bound) >> 64);
}

/* Standard normal by Box and Muller (1958). */
float hw_random_normal(uint64_t seed, uint64_t purpose, uint64_t index);

/* Fisher-Yates of order[count]. */
void hw_random_shuffle(uint32_t *order, uint32_t count, uint64_t seed, uint64_t purpose);

#endif
