/* Invariant: more seeds or rows never make an effect harder to find. */
#include "statistics/power.h"

#include "statistics/distributions.h"

#include <math.h>

/* Aimed at is more than 80 %, so that 80 are left by what the formulas below leave out: 82 %, and
 * 86 % for an effect, which adds to the disagreement of the arms that it is found in
 * (docs/study/verdict-engine.md has the measurement). Normal quantiles: 86 % of Z are below the
 * one, 82 % of |Z| below the other. */
static const double AIM = 1.080319340814956, AIM_OF_BOTH_SIDES = 1.340755033690217;

/* The distance whose p is `level`. */
static double critical_distance(const hw_crossed *c, double level) {
    double low = 0, high = sqrt(hw_crossed_variance(c));
    while (hw_crossed_p(c, high) > level) {
        low = high;
        high *= 2;
    }
    for (int round = 0; round < 40; round++) {
        const double middle = (low + high) / 2;
        if (hw_crossed_p(c, middle) > level)
            low = middle;
        else
            high = middle;
    }
    return high;
}

/* In standard errors: the effect e for which e U > k U' + Z with the probability that z is the
 * normal quantile of. U and U' are the estimated standard errors of the study seen and of a
 * repetition, by the true one, with mean 1 - v/2 and variance v; Z is normal. Taking the whole as
 * normal, e solves
 *     ((e - k) (1 - v/2))^2 = z^2 (1 + (e^2 + k^2) v). */
static double stated_effect(double k, double z, double v) {
    const double mean = (1 - v / 2) * (1 - v / 2);
    const double a = mean - z * z * v, b = mean * k;
    const double c = mean * k * k - z * z * (1 + k * k * v);
    return a > 0 ? (b + sqrt(b * b - a * c)) / a : (double)INFINITY;
}

/* Variance of an estimated standard error, by its square, of which `share` is the seeds' part. By
 * propagation it would be share^2 / (2 (seeds - 1)); but where the seeds' part happens to be
 * underestimated, so is its share, just when the allowance is needed. */
static double spread(const hw_crossed *c, double share) {
    const double rows = c->rows ? (1 - share) / (2 * ((double)c->rows - 1)) : 0;
    return share / (2 * ((double)c->seeds - 1)) + rows;
}

/* The square of the critical distance is close to t^2 by_seed + z^2 (the rows' part). */
static double critical_spread(const hw_crossed *c, double level) {
    const double t = hw_t_quantile(1 - level / 2, (double)c->seeds - 1);
    const double z = hw_normal_quantile(1 - level / 2);
    const double seeds = t * t * c->by_seed, rows = z * z * hw_crossed_row_part(c);
    return spread(c, seeds / (seeds + rows));
}

double hw_detectable_effect(const hw_crossed *c, double level) {
    if (c->seeds < 2) return (double)INFINITY;
    const double error = sqrt(hw_crossed_variance(c));
    if (!(error > 0)) return 0;
    return error *
           stated_effect(critical_distance(c, level) / error, AIM, critical_spread(c, level));
}

double hw_detectable_sameness(const hw_crossed *c) {
    if (c->seeds < 2) return (double)INFINITY;
    const double variance = hw_crossed_variance(c);
    if (!(variance > 0)) return 0;
    return sqrt(variance) * stated_effect(hw_t_quantile(0.95, hw_crossed_freedom(c)),
                                          AIM_OF_BOTH_SIDES, spread(c, c->by_seed / variance));
}

static bool is_enough(const hw_crossed *seen, size_t seeds, size_t rows, double level,
                      double epsilon) {
    const hw_crossed planned = hw_crossed_planned(seen, seeds, rows);
    return hw_detectable_sameness(&planned) <= epsilon &&
           hw_detectable_effect(&planned, level) <= epsilon;
}

/* The least of [2, limit] that is enough: as seeds if rows is given, else as rows. */
static size_t fewest(const hw_crossed *seen, size_t seeds, size_t rows, size_t limit, double level,
                     double epsilon) {
    size_t low = 1, high = limit;
    if (!is_enough(seen, seeds ? seeds : high, rows ? rows : high, level, epsilon)) return 0;
    while (high - low > 1) {
        const size_t middle = low + (high - low) / 2;
        if (is_enough(seen, seeds ? seeds : middle, rows ? rows : middle, level, epsilon))
            high = middle;
        else
            low = middle;
    }
    return high;
}

size_t hw_needed_seeds(const hw_crossed *c, double level, double epsilon) {
    if (c->seeds < 2) return 0;
    return fewest(c, 0, c->rows ? c->rows : 1, HW_SEED_LIMIT, level, epsilon);
}

size_t hw_needed_rows(const hw_crossed *c, double level, double epsilon) {
    if (c->seeds < 2 || !c->rows) return 0;
    return fewest(c, c->seeds, 0, HW_ROW_LIMIT, level, epsilon);
}
