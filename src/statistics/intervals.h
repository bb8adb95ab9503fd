/* Confidence intervals. What is drawn is a function of the seed; scratch is the caller's. */
#ifndef HW_STATISTICS_INTERVALS_H
#define HW_STATISTICS_INTERVALS_H

#include "headwise.h"

/* 95 %. Wilson 1927, for `successes` of `trials` > 0. */
hw_interval hw_interval_wilson(double successes, double trials);
/* 95 %, of the difference of two shares of the same `trials` > 0: on `gained` only the second is
 * right, on `lost` only the first. Wald's, with half a trial added to each of the four outcomes
 * (Agresti and Min 2005), so that it has a width where nothing differs. */
hw_interval hw_interval_paired(double gained, double lost, double trials);

/* What a bootstrap draws with. */
typedef struct hw_resampling {
    uint64_t seed;
    size_t draws;
    double confidence; /* 0.95, ... */
    double *results;   /* [draws] scratch; after the call the statistics, ascending */
    uint32_t *rows;    /* [rows] scratch */
} hw_resampling;

/* A statistic of rows[count], in which a row may occur several times. */
typedef double hw_statistic(void *context, const uint32_t *rows, size_t count);

/* Percentile bootstrap (Efron 1979) over `count` > 0 rows. What belongs together, both predictions
 * of a text or both times of a pair, is one row: so it is drawn together. */
hw_interval hw_interval_rows(hw_statistic *statistic, void *context, size_t count,
                             const hw_resampling *resampling);

/* median(first) / median(second) of `count` pairs, times above all. scratch: [count]. */
double hw_median_ratio(const double *first, const double *second, size_t count, double *scratch);
hw_interval hw_interval_median_ratio(const double *first, const double *second, size_t count,
                                     const hw_resampling *resampling, double *scratch);

/* The mean of cells [seeds][rows], seeds > 1 and rows > 1, both of which are resampled: the
 * bias-corrected and accelerated bootstrap (Efron 1987). scratch: [rows]. */
hw_interval hw_interval_two_level(const double *cells, size_t seeds, size_t rows,
                                  const hw_resampling *resampling, double *scratch);

#endif
