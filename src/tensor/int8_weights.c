/* Steps that are as coarse as the largest weight and the largest four ask for. */
#include "tensor/int8_weights.h"

#include "tensor/kernel_constants.h"

#include <float.h>
#include <math.h>
#include <string.h>

enum { EIGHT = 8, SUMS = 4 /* of eight: positive and negative ones of two fours */ };

/* Rounding may add half a step to each of four. */
static const float four_before_rounding = HW_INT8_FOUR - 2;

/* Which of two fours the i-th of eight is of. */
static size_t four_of(size_t i) {
    return i / 2 % 2;
}

/* ---- Four 16-bit numbers in a word ---------------------------------------------------------- */

/* Of eight bytes, the sums of both fours in the lower two numbers. */
static uint64_t sums_of_fours(uint64_t bytes) {
    const uint64_t even = 0x00ff00ff00ff00ff;
    const uint64_t pairs = (bytes & even) + (bytes >> 8 & even);
    return (pairs + (pairs >> 32)) & 0xffffffff;
}

/* Of each number, which is below 2^15, the larger one. */
static uint64_t larger(uint64_t a, uint64_t b) {
    const uint64_t top = 0x8000800080008000;
    const uint64_t is_a = (((a | top) - b) & top) >> 15, mask = (is_a << 16) - is_a;
    return (a & mask) | (b & ~mask);
}

/* The sums of positive numbers of both fours, above them those of the negative ones' sizes. */
static uint64_t sums_by_sign(uint64_t eight) {
    const uint64_t is_negative = eight >> 7 & 0x0101010101010101;
    const uint64_t mask = (is_negative << 8) - is_negative;
    const uint64_t sizes = (~eight & mask) + is_negative;
    return sums_of_fours(eight & ~mask) | sums_of_fours(sizes) << 32;
}

/* Several eights at a time, which compilers make vectors of. */
static int32_t largest_four(const int8_t *q, size_t n) {
    enum { LANES = 8 };
    uint64_t largest[LANES] = { 0 }, eight[LANES];
    for (; n >= sizeof eight; q += sizeof eight, n -= sizeof eight) {
        memcpy(eight, q, sizeof eight);
        for (size_t i = 0; i < LANES; i++) largest[i] = larger(largest[i], sums_by_sign(eight[i]));
    }
    memset(eight, 0, sizeof eight);
    if (n > 0) memcpy(eight, q, n);
    for (size_t i = 0; i < LANES; i++)
        largest[0] = larger(largest[0], larger(largest[i], sums_by_sign(eight[i])));
    const uint64_t two = larger(largest[0], largest[0] >> 32);
    return (int32_t)(larger(two, two >> 16) & 0xffff);
}

/* ---- Steps ---------------------------------------------------------------------------------- */

static float largest_four_of_floats(const float *x, size_t n) {
    float largest = 0;
    for (size_t at = 0; at < n; at += EIGHT) {
        float sums[SUMS] = { 0 };
        for (size_t i = 0; i < EIGHT && i < n - at; i++)
            sums[2 * four_of(i) + (x[at + i] < 0)] += fabsf(x[at + i]);
        for (size_t i = 0; i < SUMS; i++) largest = fmaxf(largest, sums[i]);
    }
    return largest;
}

bool hw_int8_fits(const int8_t *q, size_t n) {
    return largest_four(q, n) <= HW_INT8_FOUR;
}

void hw_int8_quantize(int8_t *q, float *scale, const float *x, size_t n) {
    float most = 0;
    for (size_t i = 0; i < n; i++) most = fmaxf(most, fabsf(x[i]));
    *scale = fmaxf(most / HW_INT8_MOST, largest_four_of_floats(x, n) / four_before_rounding);
    if (*scale < 1e2f * FLT_MIN) *scale = 0; /* or quotients would have few bits */
    for (size_t i = 0; i < n; i++) q[i] = *scale == 0 ? 0 : (int8_t)rintf(x[i] / *scale);
}

void hw_int8_coarsen(int8_t *q, float *scale, size_t n) {
    const int32_t four = largest_four(q, n);
    if (four <= HW_INT8_FOUR) return;
    const float factor = four_before_rounding / (float)four;
    for (size_t i = 0; i < n; i++) q[i] = (int8_t)rintf((float)q[i] * factor);
    *scale /= factor;
}
