/* The gamma function and the regularized incomplete gamma functions. Invariant: the smaller of the
 * two tails is the one that is summed, so that neither loses digits to a subtraction from 1. */
#include "statistics/distributions.h"

#include "statistics/stirling.h"

#include <float.h>
#include <math.h>

static const double HALF_LN_TAU = 0.918938533204672741780; /* ln(2 pi) / 2 */
enum { MOST_TERMS = 1000000 };

double hw_log_gamma(double x) {
    return (x - 0.5) * log(x) - x + HALF_LN_TAU + hw_stirling_rest(x);
}

/* x^a e^-x / gamma(a) */
static double leading_factor(double a, double x) {
    return exp(-hw_deviance(a, x) - hw_stirling_rest(a) - HALF_LN_TAU) * sqrt(a);
}

/* DLMF 8.11.4 */
static double lower_series(double a, double x) {
    double term = 1 / a, sum = term;
    for (int n = 1; n < MOST_TERMS && term > sum * DBL_EPSILON / 8; n++) {
        term *= x / (a + n);
        sum += term;
    }
    return leading_factor(a, x) * sum;
}

/* The continued fraction of DLMF 8.9.2, contracted, by the method of Lentz (1976). */
static double upper_fraction(double a, double x) {
    double b = x + 1 - a, c = 1 / DBL_MIN, d = 1 / b, fraction = d;
    for (int n = 1; n < MOST_TERMS; n++) {
        const double numerator = -n * (n - a);
        b += 2;
        d = 1 / (numerator * d + b);
        c = b + numerator / c;
        fraction *= c * d;
        if (fabs(c * d - 1) <= DBL_EPSILON) break;
    }
    return leading_factor(a, x) * fraction;
}

double hw_gamma_lower(double a, double x) {
    if (x <= 0) return 0;
    return x < a + 1 ? lower_series(a, x) : 1 - upper_fraction(a, x);
}

double hw_gamma_upper(double a, double x) {
    if (x <= 0) return 1;
    return x < a + 1 ? 1 - lower_series(a, x) : upper_fraction(a, x);
}
