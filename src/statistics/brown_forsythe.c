/* Brown and Forsythe's test: an analysis of variance of the distances from the group medians. The
 * permutation test regroups these distances. Invariant: the regroupings are functions of the seed.
 */
#include "statistics/tests.h"

#include "base/random.h"
#include "statistics/distributions.h"

#include <math.h>
#include <string.h>

/* distance: the values of one group, which are replaced; sorted: room for as many. */
static void take_from_median(double *distance, double *sorted, size_t size) {
    memcpy(sorted, distance, size * sizeof *sorted);
    hw_sort(sorted, size);
    const double median = hw_quantile(sorted, size, 0.5);
    for (size_t i = 0; i < size; i++) distance[i] = fabs(distance[i] - median);
}

/* The sum of (group total)^2 / (group size): for given values, F grows with it. */
static double between_squares(const double *value, const size_t *sizes, size_t groups) {
    double sum = 0;
    for (size_t group = 0; group < groups; value += sizes[group++]) {
        double total = 0;
        for (size_t i = 0; i < sizes[group]; i++) total += value[i];
        sum += total * total / (double)sizes[group];
    }
    return sum;
}

static double f_statistic(const double *value, const size_t *sizes, size_t groups, size_t count) {
    double mean = 0;
    for (size_t i = 0; i < count; i++) mean += value[i] / (double)count;
    double between = 0, within = 0;
    for (size_t group = 0; group < groups; value += sizes[group++]) {
        double group_mean = 0;
        for (size_t i = 0; i < sizes[group]; i++) group_mean += value[i] / (double)sizes[group];
        between += (double)sizes[group] * (group_mean - mean) * (group_mean - mean);
        for (size_t i = 0; i < sizes[group]; i++)
            within += (value[i] - group_mean) * (value[i] - group_mean);
    }
    return between / (double)(groups - 1) / (within / (double)(count - groups));
}

static void shuffle(double *value, size_t count, uint64_t seed, uint64_t draw) {
    for (size_t last = count; last > 1; last--) {
        const size_t chosen = hw_random_below(seed, draw, last, last);
        const double moved = value[last - 1];
        value[last - 1] = value[chosen];
        value[chosen] = moved;
    }
}

static double permuted_p(double *value, const size_t *sizes, size_t groups, size_t count,
                         uint64_t seed) {
    const double observed = between_squares(value, sizes, groups) * (1 - 1e-12);
    uint64_t hits = 0;
    for (uint64_t draw = 0; draw < HW_PERMUTATIONS; draw++) {
        shuffle(value, count, seed, draw);
        hits += between_squares(value, sizes, groups) >= observed;
    }
    return ((double)hits + 1) / (HW_PERMUTATIONS + 1.0);
}

hw_spread_test hw_brown_forsythe(const double *values, const size_t *sizes, size_t groups,
                                 uint64_t seed, double *scratch) {
    size_t count = 0;
    for (size_t group = 0; group < groups; group++) count += sizes[group];
    double *distance = scratch, *sorted = scratch + count;
    memcpy(distance, values, count * sizeof *distance);
    for (size_t group = 0, first = 0; group < groups; first += sizes[group++])
        take_from_median(distance + first, sorted, sizes[group]);
    const double f = f_statistic(distance, sizes, groups, count);
    const double p = f > 0 ? hw_f_tail(f, (double)(groups - 1), (double)(count - groups)) : 1;
    return (hw_spread_test){ f, p, permuted_p(distance, sizes, groups, count, seed) };
}
