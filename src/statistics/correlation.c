/* Invariant: both depend on the order of the values alone. */
#include "statistics/correlation.h"

#include "statistics/distributions.h"

#include <math.h>

/* From 1; equal values get the mean of their ranks. */
static void mean_ranks(double *ranks, const double *values, size_t count, hw_ranked *order) {
    hw_rank(order, values, count);
    for (size_t first = 0, end; first < count; first = end) {
        for (end = first + 1; end < count && order[end].value == order[first].value;) end++;
        for (size_t i = first; i < end; i++) ranks[order[i].index] = (double)(first + end + 1) / 2;
    }
}

bool hw_unit_ranks(double *ranks, const double *values, size_t count, hw_ranked *order) {
    const double mean = (double)(count + 1) / 2;
    double squares = 0;
    mean_ranks(ranks, values, count, order);
    for (size_t i = 0; i < count; i++) {
        ranks[i] -= mean;
        squares += ranks[i] * ranks[i];
    }
    for (size_t i = 0; i < count && squares > 0; i++) ranks[i] /= sqrt(squares);
    return squares > 0;
}

static double pearson(const double *x, const double *y, size_t count, double mean) {
    double xy = 0, xx = 0, yy = 0;
    for (size_t i = 0; i < count; i++) {
        const double dx = x[i] - mean, dy = y[i] - mean;
        xy += dx * dy;
        xx += dx * dx;
        yy += dy * dy;
    }
    return xy / sqrt(xx * yy);
}

hw_correlation hw_spearman(const double *x, const double *y, size_t count, hw_ranked *order,
                           double *ranks) {
    mean_ranks(ranks, x, count, order);
    mean_ranks(ranks + count, y, count, order);
    const double r = pearson(ranks, ranks + count, count, (double)(count + 1) / 2);
    if (isnan(r)) return (hw_correlation){ r, r };
    const double df = (double)count - 2, rest = (1 - r) * (1 + r);
    const double p = rest > 0 ? 2 * hw_t_cdf(-fabs(r) * sqrt(df / rest), df) : 0;
    return (hw_correlation){ r, p };
}

/* Sums over the groups of equal values, of size t. */
typedef struct ties {
    double pairs;     /* t (t - 1) / 2 */
    double triples;   /* t (t - 1) (t - 2) */
    double variation; /* t (t - 1) (2 t + 5) */
} ties;

/* Every member of a group adds the group's share by its size. */
static ties count_ties(const double *values, size_t count) {
    ties sum = { 0 };
    for (size_t i = 0; i < count; i++) {
        double t = 0;
        for (size_t j = 0; j < count; j++) t += values[j] == values[i];
        sum.pairs += (t - 1) / 2;
        sum.triples += (t - 1) * (t - 2);
        sum.variation += (t - 1) * (2 * t + 5);
    }
    return sum;
}

static double sign(double x) {
    return (double)((x > 0) - (x < 0));
}

hw_correlation hw_kendall(const double *x, const double *y, size_t count) {
    double surplus = 0; /* concordant pairs less discordant ones */
    for (size_t i = 0; i < count; i++)
        for (size_t j = 0; j < i; j++) surplus += sign(x[i] - x[j]) * sign(y[i] - y[j]);
    const ties tx = count_ties(x, count), ty = count_ties(y, count);
    const double n = (double)count, ordered = n * (n - 1), pairs = ordered / 2;
    const double tau = surplus / sqrt((pairs - tx.pairs) * (pairs - ty.pairs));
    if (!isfinite(tau)) return (hw_correlation){ (double)NAN, (double)NAN };
    const double variance = (ordered * (2 * n + 5) - tx.variation - ty.variation) / 18 +
                            2 * tx.pairs * ty.pairs / ordered +
                            tx.triples * ty.triples / (9 * ordered * (n - 2));
    return (hw_correlation){ tau, 2 * hw_normal_cdf(-fabs(surplus) / sqrt(variance)) };
}
