/* The sign-flip test (Fisher 1935). Invariant: the observed pattern is one of those counted, so p
 * is never 0; sums that differ by rounding alone count as equal. */
#include "statistics/tests.h"

#include "base/random.h"

#include <math.h>

static double sum_with_signs(const double *difference, size_t count, uint64_t negative) {
    double sum = 0;
    for (size_t i = 0; i < count; i++) sum += negative >> i & 1 ? -difference[i] : difference[i];
    return sum;
}

/* A pattern and its opposite have the same distance from 0: one of the two is enough. */
static double count_all(const double *difference, size_t count, double least) {
    const uint64_t patterns = (uint64_t)1 << (count - 1);
    uint64_t hits = 0;
    for (uint64_t negative = 0; negative < patterns; negative++)
        hits += fabs(sum_with_signs(difference, count, negative)) >= least;
    return (double)hits / (double)patterns;
}

static double random_sum(const double *difference, size_t count, uint64_t seed, uint64_t draw) {
    double sum = 0;
    for (size_t first = 0; first < count; first += 64) {
        const size_t left = count - first;
        sum += sum_with_signs(difference + first, left < 64 ? left : 64,
                              hw_random_bits(seed, draw, first / 64));
    }
    return sum;
}

static double count_draws(const double *difference, size_t count, uint64_t seed, double least) {
    uint64_t hits = 0;
    for (uint64_t draw = 0; draw < HW_PERMUTATIONS; draw++)
        hits += fabs(random_sum(difference, count, seed, draw)) >= least;
    return ((double)hits + 1) / (HW_PERMUTATIONS + 1.0);
}

double hw_sign_flip(const double *difference, size_t count, uint64_t seed) {
    if (!count) return 1;
    double sum = 0, size = 0;
    for (size_t i = 0; i < count; i++) {
        sum += difference[i];
        size += fabs(difference[i]);
    }
    const double least = fabs(sum) - size * 1e-12;
    return count <= HW_SIGN_FLIP_EXACT ? count_all(difference, count, least)
                                       : count_draws(difference, count, seed, least);
}
