/* Random normals and shuffles. Invariant: a value depends on seed, purpose and index
 * alone, on every machine: only +, -, *, / and the exact sqrt are used, because the last
 * bit of libm's log and cos differs between its versions and between CPUs. */
#include "base/random.h"

#include <math.h>

static const double TAU = 6.283185307179586476925; /* 2 pi */

/* log(x), x > 0 and normal: x = m * 2^e with m in [sqrt(1/2), sqrt(2)), then
 * log m = 2 atanh(s) = 2 (s + s^3/3 + s^5/5 + ...), s = (m-1)/(m+1), |s| < 0.172.
 * The first omitted term, s^22/23 relatively, is below 1e-18. */
static double natural_log(double x) {
    static const double LN2 = 0.693147180559945309417;
    int exponent;
    double m = frexp(x, &exponent);
    if (m < 0.707106781186547524401) {
        m *= 2;
        exponent--;
    }
    const double s = (m - 1) / (m + 1);
    double series = 0;
    for (int power = 21; power >= 1; power -= 2) series = series * s * s + 1.0 / power;
    return 2 * s * series + exponent * LN2;
}

/* The Taylor series of cos (first = 0) or sin (first = 1) for |x| <= pi/4, up to
 * x^(16+first): the first omitted term is below 1e-17. */
static double taylor(double x, int first) {
    double series = 1;
    for (int power = 16 + first; power >= 2 + first; power -= 2) {
        series = 1 - series * x * x / (power * (power - 1));
    }
    return first ? series * x : series;
}

/* cos(2 pi turn), turn in [0, 1): the quarter turns are exact, the rest is small. */
static double cosine_of_turn(double turn) {
    const int quarter = (int)(turn * 4 + 0.5);
    const double rest = TAU * (turn - quarter * 0.25);
    switch (quarter & 3) {
    case 0:
        return taylor(rest, 0);
    case 1:
        return -taylor(rest, 1);
    case 2:
        return -taylor(rest, 0);
    default:
        return taylor(rest, 1);
    }
}

float hw_random_normal(uint64_t seed, uint64_t purpose, uint64_t index) {
    const uint64_t bits = hw_random_bits(seed, purpose, index);
    const double radius_bits = (double)((bits >> 11) + 1) * 0x1p-53; /* in (0, 1] */
    const double turn = (double)(hw_mix64(bits) >> 11) * 0x1p-53;    /* in [0, 1) */
    return (float)(sqrt(-2 * natural_log(radius_bits)) * cosine_of_turn(turn));
}

void hw_random_shuffle(uint32_t *order, uint32_t count, uint64_t seed, uint64_t purpose) {
    for (uint32_t last = count; last > 1; last--) {
        const uint32_t chosen = (uint32_t)hw_random_below(seed, purpose, last, last);
        const uint32_t moved = order[last - 1];
        order[last - 1] = order[chosen];
        order[chosen] = moved;
    }
}
