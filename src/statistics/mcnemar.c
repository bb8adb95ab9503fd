/* McNemar's test: of n discordant pairs, each falls to either side with probability 1/2. */
#include "statistics/tests.h"

#include "statistics/distributions.h"

#include <math.h>

double hw_mcnemar_exact(uint64_t first, uint64_t second) {
    if (first == second) return 1;
    const uint64_t fewer = first < second ? first : second;
    return fmin(1, 2 * hw_binomial_cdf(fewer, first + second, 0.5));
}

/* Fagerland et al. 2013, eq. 4 and the line after it. */
double hw_mcnemar_mid(uint64_t first, uint64_t second) {
    if (first + second == 0) return 1;
    const double observed = hw_binomial_mass(first, first + second, 0.5);
    if (first == second) return 1 - observed / 2;
    return hw_mcnemar_exact(first, second) - observed;
}
