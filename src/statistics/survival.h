/* Times until something happened, some of which are only known to be longer: those of runs that
 * ended before it did. */
#ifndef HW_STATISTICS_SURVIVAL_H
#define HW_STATISTICS_SURVIVAL_H

#include <stdbool.h>
#include <stddef.h>

typedef struct hw_times {
    const double *time;   /* [count] */
    const bool *happened; /* [count] false: not until then (censored) */
    size_t count;
} hw_times;

typedef struct hw_log_rank_test {
    double expected;     /* events of the first group, if both were alike */
    double statistic, p; /* chi-square with one degree of freedom; two-sided */
} hw_log_rank_test;

/* Mantel 1966. Without any event p is 1. */
hw_log_rank_test hw_log_rank(hw_times first, hw_times second);

typedef struct hw_restricted_mean {
    double mean;     /* area under the Kaplan-Meier curve up to the horizon */
    double variance; /* Greenwood's: Klein and Moeschberger 2003, eq. 4.5.2 */
} hw_restricted_mean;

/* count > 0. Beyond the last time the curve stays where it is. */
hw_restricted_mean hw_restricted_mean_of(hw_times times, double horizon);

#endif
