/* What the gamma function, and the powers around it, deviate from their leading terms by. A density
 * written with these two keeps its digits where its factors alone would be 10^6 in the exponent
 * (C. Loader, "Fast and accurate computation of binomial probabilities", 2000). */
#ifndef HW_STATISTICS_STIRLING_H
#define HW_STATISTICS_STIRLING_H

/* ln gamma(x) - ((x - 1/2) ln x - x + ln(2 pi) / 2), x > 0. */
double hw_stirling_rest(double x);

/* k ln(k / mean) + mean - k >= 0, k >= 0 and mean > 0; without cancellation where k is near
 * mean. */
double hw_deviance(double k, double mean);

#endif
