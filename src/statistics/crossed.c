/* Invariant: without rows, interval and p are those of Student's test over seeds. With rows, p is
 * the more careful of the two: it errs on the side of 1 where Satterthwaite's approximation, and
 * with it the interval, errs to either side (docs/study/verdict-engine.md has the measurement). */
#include "statistics/crossed.h"

#include "statistics/distributions.h"
#include "statistics/stirling.h"

#include <assert.h>
#include <math.h>

static const double TAU = 6.283185307179586476925; /* 2 pi */

static double mean_of(const double *values, size_t count, size_t stride) {
    double sum = 0;
    for (size_t i = 0; i < count; i++) sum += values[i * stride];
    return sum / (double)count;
}

static double squares_from(double mean, const double *values, size_t count) {
    double sum = 0;
    for (size_t i = 0; i < count; i++) sum += (values[i] - mean) * (values[i] - mean);
    return sum;
}

/* The mean squares of a two-way layout with one value a cell (Searle et al. 1992, table 4.7). */
hw_crossed hw_crossed_of_cells(const double *cells, size_t seeds, size_t rows) {
    assert(seeds > 1 && rows > 1);
    const double s = (double)seeds, n = (double)rows, mean = mean_of(cells, seeds * rows, 1);
    double of_seeds = 0, of_rows = 0;
    for (size_t seed = 0; seed < seeds; seed++) {
        const double distance = mean_of(cells + seed * rows, rows, 1) - mean;
        of_seeds += distance * distance;
    }
    for (size_t row = 0; row < rows; row++) {
        const double distance = mean_of(cells + row, seeds, rows) - mean;
        of_rows += distance * distance;
    }
    const double all = squares_from(mean, cells, seeds * rows);
    const double rest = fmax(all - n * of_seeds - s * of_rows, 0);
    return (hw_crossed){ .seeds = seeds,
                         .rows = rows,
                         .effect = mean,
                         .by_seed = of_seeds / (s - 1) / s,
                         .by_row = of_rows / (n - 1) / n,
                         .by_cell = rest / ((s - 1) * (n - 1)) / (s * n) };
}

hw_crossed hw_crossed_of_seeds(const double *differences, size_t seeds) {
    const double s = (double)seeds, mean = mean_of(differences, seeds, 1);
    const double squares = squares_from(mean, differences, seeds);
    return (hw_crossed){ .seeds = seeds,
                         .effect = mean,
                         .by_seed = seeds > 1 ? squares / (s - 1) / s : (double)INFINITY };
}

hw_crossed hw_crossed_planned(const hw_crossed *seen, size_t seeds, size_t rows) {
    const double fewer_seeds = (double)seen->seeds / (double)seeds;
    const double fewer_rows = seen->rows ? (double)seen->rows / (double)rows : 1;
    const double cell = seen->by_cell * fewer_seeds * fewer_rows;
    return (hw_crossed){
        .seeds = seeds,
        .rows = seen->rows ? rows : 0,
        .effect = seen->effect,
        .by_seed = fmax(seen->by_seed - seen->by_cell, 0) * fewer_seeds + cell,
        .by_row = hw_crossed_row_part(seen) * fewer_rows + cell,
        .by_cell = cell,
    };
}

double hw_crossed_row_part(const hw_crossed *c) {
    return fmax(c->by_row - c->by_cell, 0);
}

double hw_crossed_variance(const hw_crossed *c) {
    return c->by_seed + hw_crossed_row_part(c);
}

double hw_crossed_freedom(const hw_crossed *c) {
    const double of_seeds = (double)c->seeds - 1, of_rows = (double)c->rows - 1;
    if (!c->rows) return of_seeds;
    const double variance = hw_crossed_variance(c);
    const double uncertainty = c->by_seed * c->by_seed / of_seeds +
                               c->by_row * c->by_row / of_rows +
                               c->by_cell * c->by_cell / (of_seeds * of_rows);
    return uncertainty > 0 ? fmax(variance * variance / uncertainty, of_seeds) : of_seeds;
}

hw_interval hw_crossed_interval(const hw_crossed *c, double confidence) {
    if (c->seeds < 2) return (hw_interval){ -(double)INFINITY, (double)INFINITY };
    const double t = hw_t_quantile((1 + confidence) / 2, hw_crossed_freedom(c));
    const double half = t * sqrt(hw_crossed_variance(c));
    return (hw_interval){ c->effect - half, c->effect + half };
}

/* P(|Z| >= distance / sqrt(a / X + d)), Z normal, X chi-square by its df degrees of freedom: the p
 * of a mean whose variance is one part that was estimated, a, and one that is known, d (Behrens
 * 1929, Fisher 1935; Tsui and Weerahandi 1989). With d = 0 it is Student's. The trapezoid rule over
 * u = ln X, whose density falls off exponentially to both sides of 0. */
static double mixed_tail(double distance, double a, double d, double df) {
    const double half = df / 2, step = 0.25 * fmin(1, sqrt(2 / df));
    const double scale = step * sqrt(half / TAU) * exp(-hw_stirling_rest(half));
    double sum = 0;
    for (int direction = -1; direction <= 1; direction += 2) {
        for (int node = direction > 0;; node++) {
            const double u = direction * node * step;
            const double density = scale * exp(half * (1 + u - exp(u)));
            sum += density * 2 * hw_normal_cdf(-distance / sqrt(a * exp(-u) + d));
            if (density < 1e-18) break;
        }
    }
    return fmin(sum, 1);
}

/* A claim that the paired test over the rows alone would not carry is not carried by the seeds
 * either: that keeps a few seeds that happen to agree on a few rows from passing for certainty. */
double hw_crossed_p(const hw_crossed *c, double distance) {
    if (c->seeds < 2 || distance == 0) return 1;
    const double d = hw_crossed_row_part(c);
    const double p = c->by_seed > 0 ? mixed_tail(distance, c->by_seed, d, (double)c->seeds - 1)
                     : d > 0        ? 2 * hw_normal_cdf(-distance / sqrt(d))
                                    : 0;
    if (!(c->by_row > 0)) return p;
    return fmax(p, 2 * hw_t_cdf(-distance / sqrt(c->by_row), (double)c->rows - 1));
}
