/* Intervals of shares, of statistics of rows, and of ratios of medians. */
#include "statistics/intervals.h"

#include "base/random.h"
#include "statistics/ranking.h"

#include <math.h>

static const double normal_quantile = 1.959963984540054; /* of 0.975 */

hw_interval hw_interval_wilson(double successes, double trials) {
    const double z2 = normal_quantile * normal_quantile, share = successes / trials;
    const double middle = (share + z2 / (2 * trials)) / (1 + z2 / trials);
    const double spread = normal_quantile / (1 + z2 / trials) *
                          sqrt(share * (1 - share) / trials + z2 / (4 * trials * trials));
    return (hw_interval){ fmax(0, middle - spread), fmin(1, middle + spread) };
}

hw_interval hw_interval_paired(double gained, double lost, double trials) {
    const double n = trials + 2, change = (gained - lost) / n;
    const double spread = normal_quantile * sqrt(((gained + lost + 1) / n - change * change) / n);
    return (hw_interval){ fmax(-1, change - spread), fmin(1, change + spread) };
}

hw_interval hw_interval_rows(hw_statistic *statistic, void *context, size_t count,
                             const hw_resampling *resampling) {
    const hw_resampling *r = resampling;
    for (size_t draw = 0; draw < r->draws; draw++) {
        for (size_t i = 0; i < count; i++)
            r->rows[i] = (uint32_t)hw_random_below(r->seed, draw, i, count);
        r->results[draw] = statistic(context, r->rows, count);
    }
    hw_sort(r->results, r->draws);
    const double outside = (1 - r->confidence) / 2;
    return (hw_interval){ hw_quantile(r->results, r->draws, outside),
                          hw_quantile(r->results, r->draws, 1 - outside) };
}

typedef struct pairs {
    const double *first, *second;
    double *scratch;
} pairs;

static double median_of(const double *values, const uint32_t *rows, size_t count, double *scratch) {
    for (size_t i = 0; i < count; i++) scratch[i] = values[rows ? rows[i] : i];
    hw_sort(scratch, count);
    return hw_quantile(scratch, count, 0.5);
}

static double ratio_of(void *context, const uint32_t *rows, size_t count) {
    const pairs *p = context;
    return median_of(p->first, rows, count, p->scratch) /
           median_of(p->second, rows, count, p->scratch);
}

double hw_median_ratio(const double *first, const double *second, size_t count, double *scratch) {
    return ratio_of(&(pairs){ first, second, scratch }, NULL, count);
}

hw_interval hw_interval_median_ratio(const double *first, const double *second, size_t count,
                                     const hw_resampling *resampling, double *scratch) {
    return hw_interval_rows(ratio_of, &(pairs){ first, second, scratch }, count, resampling);
}
