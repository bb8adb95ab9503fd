/* The normal, Student's, the chi-square and the F distribution. Invariant: a quantile is computed
 * from its nearer tail, so that quantile(p) = -quantile(1 - p) as far as 1 - p is exact. */
#include "statistics/distributions.h"

#include "statistics/stirling.h"

#include <math.h>

static const double HALF_SQRT2 = 0.707106781186547524401;
static const double SQRT_TAU = 2.506628274631000502416; /* sqrt(2 pi) */

double hw_normal_cdf(double x) {
    return 0.5 * erfc(-x * HALF_SQRT2);
}

/* -x where x < 0 has cdf p <= 1/2: Abramowitz and Stegun 26.2.23 (error below 4.5e-4), then
 * Halley's iteration, which triples the digits: three rounds are one more than it takes. */
static double normal_tail_quantile(double p) {
    const double t = sqrt(-2 * log(p));
    double x = t - (2.515517 + t * (0.802853 + t * 0.010328)) /
                       (1 + t * (1.432788 + t * (0.189269 + t * 0.001308)));
    for (int round = 0; round < 3; round++) {
        const double density = exp(-x * x / 2) / SQRT_TAU;
        const double step = (hw_normal_cdf(-x) - p) / density;
        x += step / (1 + x * step / 2);
    }
    return x;
}

double hw_normal_quantile(double p) {
    return p <= 0.5 ? -normal_tail_quantile(p) : normal_tail_quantile(1 - p);
}

/* P(T > t), t >= 0 (DLMF 8.17; Abramowitz and Stegun 26.7.1). */
static double t_tail(double t, double df) {
    const double square = t * t, whole = df + square;
    return 0.5 * hw_beta_lower(df / 2, 0.5, df / whole, square / whole);
}

double hw_t_cdf(double t, double df) {
    return t <= 0 ? t_tail(-t, df) : 1 - t_tail(t, df);
}

/* t > 0 with P(T > t) = p <= 1/2: Newton's method inside a bracket that every step narrows. */
static double t_tail_quantile(double p, double df) {
    const double half = (df + 1) / 2;
    const double peak = exp(hw_log_gamma(half) - hw_log_gamma(df / 2)) / (SQRT_TAU * sqrt(df / 2));
    double low = 0, high = 1;
    while (t_tail(high, df) > p) {
        low = high;
        high *= 2;
    }
    double t = (low + high) / 2;
    for (int round = 0; round < 200; round++) {
        const double excess = t_tail(t, df) - p;
        if (excess > 0)
            low = t;
        else
            high = t;
        const double density = peak * exp(-half * log1p(t * t / df));
        double next = t + excess / density;
        if (!(next > low && next < high)) next = (low + high) / 2;
        if (fabs(next - t) <= 1e-15 * next) return next;
        t = next;
    }
    return t;
}

double hw_t_quantile(double p, double df) {
    if (p == 0.5) return 0;
    return p < 0.5 ? -t_tail_quantile(p, df) : t_tail_quantile(1 - p, df);
}

double hw_chi_square_tail(double x, double df) {
    return hw_gamma_upper(df / 2, x / 2);
}

double hw_f_tail(double f, double df_between, double df_within) {
    const double between = df_between * f, whole = between + df_within;
    return hw_beta_lower(df_within / 2, df_between / 2, df_within / whole, between / whole);
}
