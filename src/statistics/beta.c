/* The regularized incomplete beta function, and the binomial distribution, which is one.
 * Invariant: the continued fraction is used on the side of the mean where it converges fast. */
#include "statistics/distributions.h"

#include "statistics/stirling.h"

#include <float.h>
#include <math.h>

static const double TAU = 6.283185307179586476925; /* 2 pi */
enum { MOST_TERMS = 1000000 };

/* x^a y^b / B(a, b) */
static double leading_factor(double a, double b, double x, double y) {
    const double n = a + b;
    return exp(hw_stirling_rest(n) - hw_stirling_rest(a) - hw_stirling_rest(b) -
               hw_deviance(a, n * x) - hw_deviance(b, n * y)) *
           sqrt(a / n * b / TAU);
}

/* x^a y^b / B(a, b), by the regularized function: the continued fraction of DiDonato and Morris
 * 1992, eq. 9, in which nothing is subtracted from 1, by the method of Lentz (1976). x <= the mean.
 */
static double fraction(double a, double b, double x, double y) {
    double value = a * (a * y - b * x + 1) / (a + 1), c = value, d = 0;
    for (int m = 1; m < MOST_TERMS; m++) {
        const double last = a + 2 * m - 1;
        const double numerator =
            (a + m - 1) / last * ((a + b + m - 1) / last) * m * (b - m) * x * x;
        const double denominator =
            m + m * (b - m) * x / last + (a + m) * (a * y - b * x + 1 + m * (1 + y)) / (last + 2);
        d = 1 / (denominator + numerator * d);
        c = denominator + numerator / c;
        value *= c * d;
        if (fabs(c * d - 1) <= DBL_EPSILON) break;
    }
    return value;
}

double hw_beta_lower(double a, double b, double x, double y) {
    if (x <= 0) return 0;
    if (y <= 0) return 1;
    const double factor = leading_factor(a, b, x, y);
    return b * x <= a * y ? factor / fraction(a, b, x, y) : 1 - factor / fraction(b, a, y, x);
}

double hw_binomial_mass(uint64_t k, uint64_t n, double p) {
    const double hits = (double)k, misses = (double)(n - k), trials = (double)n;
    if (k == 0) return exp(trials * log1p(-p));
    if (k == n) return exp(trials * log(p));
    return leading_factor(hits, misses, p, 1 - p) * trials / (hits * misses);
}

/* DLMF 8.17.5 */
double hw_binomial_cdf(uint64_t k, uint64_t n, double p) {
    return k >= n ? 1 : hw_beta_lower((double)(n - k), (double)k + 1, 1 - p, p);
}
