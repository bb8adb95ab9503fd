/* Tests of hypotheses, and adjustments for making several. Every p is two-sided. What is drawn is a
 * function of the seed. Nothing is allocated: scratch is the caller's. */
#ifndef HW_STATISTICS_TESTS_H
#define HW_STATISTICS_TESTS_H

#include "statistics/ranking.h"

#include <stdint.h>

/* Paired differences [count] that are as likely to have the other sign: the share of sign patterns
 * whose sum is at least as far from 0. Up to HW_SIGN_FLIP_EXACT differences all patterns are
 * counted, beyond that HW_PERMUTATIONS of them are drawn, and p = (hits + 1) / (draws + 1)
 * (Phipson and Smyth 2010). */
enum { HW_SIGN_FLIP_EXACT = 14, HW_PERMUTATIONS = 100000 };
double hw_sign_flip(const double *difference, size_t count, uint64_t seed);

/* McNemar 1947, exact: of the examples on which exactly one of two is right, `first` are the one's
 * and `second` the other's. */
double hw_mcnemar_exact(uint64_t first, uint64_t second);
/* The same with half the weight on what was observed (Fagerland, Lydersen, Laake 2013). */
double hw_mcnemar_mid(uint64_t first, uint64_t second);

/* Whether groups vary equally (Brown and Forsythe 1974). */
typedef struct hw_spread_test {
    double statistic;  /* the F of the distances from the medians */
    double p;          /* by the F distribution */
    double p_permuted; /* by HW_PERMUTATIONS random regroupings of the distances */
} hw_spread_test;

/* values: group 0, group 1, ... one after the other, group g of size sizes[g] > 1. scratch: twice
 * as many doubles as values. */
hw_spread_test hw_brown_forsythe(const double *values, const size_t *sizes, size_t groups,
                                 uint64_t seed, double *scratch);

/* Holm 1979, and Benjamini and Hochberg 1995. adjusted may be p. */
void hw_adjust_holm(double *adjusted, const double *p, size_t count, hw_ranked *scratch);
void hw_adjust_benjamini_hochberg(double *adjusted, const double *p, size_t count,
                                  hw_ranked *scratch);

#endif
