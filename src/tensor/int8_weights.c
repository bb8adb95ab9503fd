/* Steps that are as coarse as the largest weight and the largest four ask for. */
#include "tensor/int8_weights.h"

#include "tensor/kernel_constants.h"

#include <float.h>
#include <math.h>

enum { EIGHT = 8, SUMS = 4 /* of eight: positive and negative ones of two fours */ };

/* Rounding may add half a step to each of four. */
static const float four_before_rounding = HW_INT8_FOUR - 2;

/* Which of two fours the i-th of eight is of. */
static size_t four_of(size_t i) {
    return i / 2 % 2;
}

static int32_t largest_four(const int8_t *q, size_t n) {
    int32_t largest = 0;
    for (size_t at = 0; at < n; at += EIGHT) {
        int32_t sums[SUMS] = { 0 };
        for (size_t i = 0; i < EIGHT && i < n - at; i++) {
            const int32_t value = q[at + i];
            sums[2 * four_of(i)] += value > 0 ? value : 0;
            sums[2 * four_of(i) + 1] -= value < 0 ? value : 0;
        }
        for (size_t i = 0; i < SUMS; i++) largest = sums[i] > largest ? sums[i] : largest;
    }
    return largest;
}

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
