/* Probability distributions in double precision: what SciPy's scipy.special gives, to 1e-12.
 * Pure functions; an argument outside its stated range is a bug of the caller. */
#ifndef HW_STATISTICS_DISTRIBUTIONS_H
#define HW_STATISTICS_DISTRIBUTIONS_H

#include <stdint.h>

/* ln of the gamma function, x > 0. */
double hw_log_gamma(double x);
/* P(a, x) and Q(a, x) = 1 - P(a, x), a > 0, x >= 0 (DLMF 8.2.4). */
double hw_gamma_lower(double a, double x);
double hw_gamma_upper(double a, double x);
/* I_x(a, b), a and b > 0 (DLMF 8.17.2). Both x and y = 1 - x are asked for: near 1 one of them
 * alone has lost its digits. */
double hw_beta_lower(double a, double b, double x, double y);

/* k of n trials that succeed with probability p in (0, 1): exactly k; at most k. */
double hw_binomial_mass(uint64_t k, uint64_t n, double p);
double hw_binomial_cdf(uint64_t k, uint64_t n, double p);

double hw_normal_cdf(double x);
double hw_normal_quantile(double p); /* p in (0, 1) */

/* df > 0, not necessarily whole. */
double hw_t_cdf(double t, double df);
double hw_t_quantile(double p, double df); /* p in (0, 1) */

/* The upper tails, which are p-values. x and f >= 0. */
double hw_chi_square_tail(double x, double df);
double hw_f_tail(double f, double df_between, double df_within);

#endif
