/* Rank correlations. An undefined one (a side is constant) is NaN, and so is its p. */
#ifndef HW_STATISTICS_CORRELATION_H
#define HW_STATISTICS_CORRELATION_H

#include "statistics/ranking.h"

#include <stdbool.h>

typedef struct hw_correlation {
    double coefficient, p; /* two-sided */
} hw_correlation;

/* Spearman 1904, equal values share their mean rank; p by Student's t with count - 2 degrees of
 * freedom. order: [count], ranks: [2][count] scratch. count > 2. */
hw_correlation hw_spearman(const double *x, const double *y, size_t count, hw_ranked *order,
                           double *ranks);

/* Ranks, centred and of length 1, of which two products make Spearman's coefficient. False, and all
 * 0, if no two values differ. ranks may be values. order: [count] scratch. */
bool hw_unit_ranks(double *ranks, const double *values, size_t count, hw_ranked *order);

/* Kendall's tau-b (Kendall 1945); p by the normal distribution with the variance under ties
 * (Kendall 1970, eq. 4.4). Quadratic in count > 2. */
hw_correlation hw_kendall(const double *x, const double *y, size_t count);

#endif
