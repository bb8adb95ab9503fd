/* The two-level bootstrap of a mean over seeds and rows. Invariant: a draw takes seeds with all
 * their rows and rows with all their seeds, so that what two cells share stays shared. */
#include "statistics/intervals.h"

#include "base/random.h"
#include "statistics/distributions.h"
#include "statistics/ranking.h"

#include <math.h>
#include <string.h>

/* Purposes of the draws, two a resample. */
enum { SEED_DRAWS, ROW_DRAWS, DRAW_KINDS };

/* sums[rows] = of every row, over the drawn seeds. */
static void sum_drawn_seeds(double *sums, const double *cells, size_t seeds, size_t rows,
                            uint64_t seed, uint64_t draw) {
    memset(sums, 0, rows * sizeof *sums);
    for (size_t i = 0; i < seeds; i++) {
        const double *drawn =
            cells + hw_random_below(seed, DRAW_KINDS * draw + SEED_DRAWS, i, seeds) * rows;
        for (size_t row = 0; row < rows; row++) sums[row] += drawn[row];
    }
}

static double resampled_mean(const double *cells, size_t seeds, size_t rows, uint64_t seed,
                             uint64_t draw, double *sums) {
    sum_drawn_seeds(sums, cells, seeds, rows, seed, draw);
    double sum = 0;
    for (size_t i = 0; i < rows; i++)
        sum += sums[hw_random_below(seed, DRAW_KINDS * draw + ROW_DRAWS, i, rows)];
    return sum / ((double)seeds * (double)rows);
}

static double mean_of(const double *values, size_t count, size_t stride) {
    double sum = 0;
    for (size_t i = 0; i < count; i++) sum += values[i * stride];
    return sum / (double)count;
}

/* The jackknife's influence of each of `count` units on a mean is (unit - mean) / (count - 1);
 * several independent samples add up (Efron 1987, section 8; Davison and Hinkley 1997, eq. 5.27).
 */
typedef struct influence {
    double squares, cubes;
} influence;

static void add_unit(influence *sum, double distance, size_t count) {
    const double share = distance / (double)(count - 1);
    sum->squares += share * share;
    sum->cubes += share * share * share;
}

static double acceleration(const double *cells, size_t seeds, size_t rows, double mean) {
    influence sum = { 0 };
    for (size_t s = 0; s < seeds; s++)
        add_unit(&sum, mean_of(cells + s * rows, rows, 1) - mean, seeds);
    for (size_t row = 0; row < rows; row++)
        add_unit(&sum, mean_of(cells + row, seeds, rows) - mean, rows);
    return sum.squares > 0 ? sum.cubes / (6 * sum.squares * sqrt(sum.squares)) : 0;
}

/* How far the median of the draws is from the estimate, in standard deviations; a draw that equals
 * it is half below. Kept finite when all draws are on one side. */
static double median_bias(const double *results, size_t draws, double estimate) {
    double below = 0;
    for (size_t i = 0; i < draws; i++)
        below += results[i] < estimate ? 1 : results[i] == estimate ? 0.5 : 0;
    const double least = 0.5 / (double)draws;
    return hw_normal_quantile(fmin(fmax(below / (double)draws, least), 1 - least));
}

/* Efron 1987, eq. 6.8 */
static double corrected_share(double share, double bias, double a) {
    const double z = bias + hw_normal_quantile(share);
    return hw_normal_cdf(bias + z / (1 - a * z));
}

hw_interval hw_interval_two_level(const double *cells, size_t seeds, size_t rows,
                                  const hw_resampling *resampling, double *scratch) {
    const hw_resampling *r = resampling;
    for (size_t draw = 0; draw < r->draws; draw++)
        r->results[draw] = resampled_mean(cells, seeds, rows, r->seed, draw, scratch);
    hw_sort(r->results, r->draws);
    const double mean = mean_of(cells, seeds * rows, 1);
    const double bias = median_bias(r->results, r->draws, mean);
    const double a = acceleration(cells, seeds, rows, mean), outside = (1 - r->confidence) / 2;
    return (
        hw_interval){ hw_quantile(r->results, r->draws, corrected_share(outside, bias, a)),
                      hw_quantile(r->results, r->draws, corrected_share(1 - outside, bias, a)) };
}
