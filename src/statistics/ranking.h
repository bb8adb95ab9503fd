/* Numbers in ascending order that remember where they stood. */
#ifndef HW_STATISTICS_RANKING_H
#define HW_STATISTICS_RANKING_H

#include <stddef.h>

typedef struct hw_ranked {
    double value;
    size_t index;
} hw_ranked;

/* order[count]: values, ascending; equal ones in the order of their indices. */
void hw_rank(hw_ranked *order, const double *values, size_t count);

/* values[count], ascending, in place. */
void hw_sort(double *values, size_t count);
/* Of sorted values, linear between neighbours (Hyndman and Fan 1996, type 7). count > 0. */
double hw_quantile(const double *sorted, size_t count, double share);

#endif
