/* Invariant: both are good to some units in the last place of the larger of the result and 1. */
#include "statistics/stirling.h"

#include <float.h>
#include <math.h>

/* The asymptotic series (DLMF 5.11.1) for x >= 10: the first term left out, 0.03 / x^15, is below
 * 3e-17. Below 10, rest(x) = rest(x + 1) + (x + 1/2) ln(1 + 1/x) - 1. */
double hw_stirling_rest(double x) {
    double below = 0;
    for (; x < 10; x++) below += (x + 0.5) * log1p(1 / x) - 1;
    const double s = 1 / (x * x);
    const double series =
        1.0 / 12 - s * (1.0 / 360 -
                        s * (1.0 / 1260 -
                             s * (1.0 / 1680 - s * (1.0 / 1188 - s * (691.0 / 360360 - s / 156)))));
    return below + series / x;
}

/* With v = (k - mean) / (k + mean), k ln(k / mean) = 2 k (v + v^3/3 + v^5/5 + ...), and
 * 2 k v + mean - k = (k - mean) v (Loader 2000, section 4). */
double hw_deviance(double k, double mean) {
    if (k == 0) return mean;
    const double v = (k - mean) / (k + mean);
    if (fabs(v) >= 0.1) return k * log(k / mean) + mean - k;
    double sum = (k - mean) * v, power = 2 * k * v;
    for (int odd = 3;; odd += 2) {
        power *= v * v;
        const double term = power / odd;
        sum += term;
        if (fabs(term) <= fabs(sum) * DBL_EPSILON / 4) return sum;
    }
}
