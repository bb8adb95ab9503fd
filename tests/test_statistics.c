/* The statistics against SciPy, statsmodels and NumPy (tests/golden/make_statistics_golden.py), and
 * against cases that can be worked out by hand. */
#include "statistics/correlation.h"
#include "statistics/crossed.h"
#include "statistics/distributions.h"
#include "statistics/intervals.h"
#include "statistics/survival.h"
#include "statistics/tests.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { MOST_NUMBERS = 1024, MOST_RESULTS = 16 };
static const double tolerance = 1e-12;

/* ---- One adapter a function: arguments as they stand in the golden file, results --------- */

typedef void adapter(double *result, const double *x);

static void log_gamma(double *result, const double *x) {
    *result = hw_log_gamma(x[0]);
}

static void gamma_lower(double *result, const double *x) {
    *result = hw_gamma_lower(x[0], x[1]);
}

static void gamma_upper(double *result, const double *x) {
    *result = hw_gamma_upper(x[0], x[1]);
}

static void beta_lower(double *result, const double *x) {
    *result = hw_beta_lower(x[0], x[1], x[2], 1 - x[2]);
}

static void binomial_mass(double *result, const double *x) {
    *result = hw_binomial_mass((uint64_t)x[0], (uint64_t)x[1], x[2]);
}

static void binomial_cdf(double *result, const double *x) {
    *result = hw_binomial_cdf((uint64_t)x[0], (uint64_t)x[1], x[2]);
}

static void normal_cdf(double *result, const double *x) {
    *result = hw_normal_cdf(x[0]);
}

static void normal_quantile(double *result, const double *x) {
    *result = hw_normal_quantile(x[0]);
}

static void t_cdf(double *result, const double *x) {
    *result = hw_t_cdf(x[0], x[1]);
}

static void t_quantile(double *result, const double *x) {
    *result = hw_t_quantile(x[0], x[1]);
}

static void chi_square_tail(double *result, const double *x) {
    *result = hw_chi_square_tail(x[0], x[1]);
}

static void f_tail(double *result, const double *x) {
    *result = hw_f_tail(x[0], x[1], x[2]);
}

static void sign_flip(double *result, const double *x) {
    *result = hw_sign_flip(x + 1, (size_t)x[0], 1);
}

static void mcnemar_exact(double *result, const double *x) {
    *result = hw_mcnemar_exact((uint64_t)x[0], (uint64_t)x[1]);
}

static void mcnemar_mid(double *result, const double *x) {
    *result = hw_mcnemar_mid((uint64_t)x[0], (uint64_t)x[1]);
}

static void brown_forsythe(double *result, const double *x) {
    double scratch[2 * 64];
    size_t sizes[4];
    const size_t groups = (size_t)x[0];
    for (size_t group = 0; group < groups; group++) sizes[group] = (size_t)x[1 + group];
    const hw_spread_test test = hw_brown_forsythe(x + 1 + groups, sizes, groups, 1, scratch);
    result[0] = test.statistic;
    result[1] = test.p;
}

static void holm(double *result, const double *x) {
    hw_ranked order[16];
    hw_adjust_holm(result, x + 1, (size_t)x[0], order);
}

static void benjamini_hochberg(double *result, const double *x) {
    hw_ranked order[16];
    hw_adjust_benjamini_hochberg(result, x + 1, (size_t)x[0], order);
}

/* flags[count] from numbers. */
static hw_times times_of(const double *time, const double *event, size_t count, bool *flags) {
    for (size_t i = 0; i < count; i++) flags[i] = event[i] != 0;
    return (hw_times){ time, flags, count };
}

static void log_rank(double *result, const double *x) {
    bool flags[2][64];
    const size_t n = (size_t)x[0], m = (size_t)x[1];
    const double *time = x + 2, *event = time + n + m;
    const hw_log_rank_test test =
        hw_log_rank(times_of(time, event, n, flags[0]), times_of(time + n, event + n, m, flags[1]));
    result[0] = test.statistic;
    result[1] = test.p;
}

static void restricted_mean(double *result, const double *x) {
    bool flags[64];
    const size_t n = (size_t)x[0];
    const hw_restricted_mean mean =
        hw_restricted_mean_of(times_of(x + 1, x + 1 + n, n, flags), x[1 + 2 * n]);
    result[0] = mean.mean;
    result[1] = mean.variance;
}

static void spearman(double *result, const double *x) {
    hw_ranked order[32];
    double ranks[2 * 32];
    const size_t n = (size_t)x[0];
    const hw_correlation r = hw_spearman(x + 1, x + 1 + n, n, order, ranks);
    result[0] = r.coefficient;
    result[1] = r.p;
}

static void kendall(double *result, const double *x) {
    const size_t n = (size_t)x[0];
    const hw_correlation r = hw_kendall(x + 1, x + 1 + n, n);
    result[0] = r.coefficient;
    result[1] = r.p;
}

static void store_interval(double *result, hw_interval interval) {
    result[0] = interval.low;
    result[1] = interval.high;
}

static void wilson(double *result, const double *x) {
    store_interval(result, hw_interval_wilson(x[0], x[1]));
}

static void crossed(double *result, const double *x) {
    const hw_crossed c = hw_crossed_of_cells(x + 2, (size_t)x[0], (size_t)x[1]);
    const double values[] = {
        c.effect, c.by_seed, c.by_row, c.by_cell, hw_crossed_variance(&c), hw_crossed_freedom(&c)
    };
    memcpy(result, values, sizeof values);
    store_interval(result + 6, hw_crossed_interval(&c, 0.95));
    result[8] = hw_crossed_p(&c, fabs(c.effect));
}

static void two_level(double *result, const double *x) {
    double results[500], sums[16];
    const hw_resampling resampling = {
        .seed = (uint64_t)x[3], .draws = (size_t)x[2], .confidence = 0.95, .results = results
    };
    store_interval(result,
                   hw_interval_two_level(x + 4, (size_t)x[0], (size_t)x[1], &resampling, sums));
}

static void median_ratio(double *result, const double *x) {
    double results[400], scratch[32];
    uint32_t rows[32];
    const size_t n = (size_t)x[0];
    const hw_resampling resampling = { (uint64_t)x[2], (size_t)x[1], 0.95, results, rows };
    result[0] = hw_median_ratio(x + 3, x + 3 + n, n, scratch);
    store_interval(result + 1, hw_interval_median_ratio(x + 3, x + 3 + n, n, &resampling, scratch));
}

#define ROW(name) \
    { #name, name }
static const struct {
    const char *name;
    adapter *run;
} functions[] = {
    ROW(log_gamma),
    ROW(gamma_lower),
    ROW(gamma_upper),
    ROW(beta_lower),
    ROW(binomial_mass),
    ROW(binomial_cdf),
    ROW(normal_cdf),
    ROW(normal_quantile),
    ROW(t_cdf),
    ROW(t_quantile),
    ROW(chi_square_tail),
    ROW(f_tail),
    ROW(sign_flip),
    ROW(mcnemar_exact),
    ROW(mcnemar_mid),
    ROW(brown_forsythe),
    ROW(holm),
    ROW(benjamini_hochberg),
    ROW(log_rank),
    ROW(restricted_mean),
    ROW(spearman),
    ROW(kendall),
    ROW(wilson),
    ROW(crossed),
    ROW(two_level),
    ROW(median_ratio),
};
#undef ROW
enum { FUNCTIONS = sizeof functions / sizeof *functions };

static size_t find_function(const char *name) {
    for (size_t i = 0; i < FUNCTIONS; i++)
        if (strcmp(functions[i].name, name) == 0) return i;
    fail_msg("%s: not a function of this test", name);
    return FUNCTIONS;
}

/* Numbers up to the end or "=". */
static size_t read_numbers(double *numbers, char **text) {
    size_t count = 0;
    for (char *end; count < MOST_NUMBERS; count++, *text = end) {
        numbers[count] = strtod(*text, &end);
        if (end == *text) break;
    }
    return count;
}

static void check_line(char *line, int number, size_t seen[FUNCTIONS]) {
    double arguments[MOST_NUMBERS], expected[MOST_NUMBERS], result[MOST_RESULTS];
    char *text = strchr(line, ' ');
    *text++ = '\0';
    const size_t function = find_function(line);
    read_numbers(arguments, &text);
    text = strchr(text, '=') + 1;
    const size_t results = read_numbers(expected, &text);
    assert_in_range(results, 1, MOST_RESULTS);
    functions[function].run(result, arguments);
    seen[function]++;
    for (size_t i = 0; i < results; i++)
        if (!(fabs(result[i] - expected[i]) <= tolerance * fmax(fabs(expected[i]), 1e-3)))
            fail_msg("statistics.txt:%d: %s: result %zu is %.17g, expected %.17g", number, line, i,
                     result[i], expected[i]);
}

static void test_functions_match_scipy_and_statsmodels(void **state) {
    (void)state;
    FILE *file = fopen("tests/golden/statistics.txt", "r");
    assert_non_null(file);
    char line[1 << 16];
    size_t seen[FUNCTIONS] = { 0 };
    for (int number = 1; fgets(line, sizeof line, file); number++) check_line(line, number, seen);
    fclose(file);
    for (size_t i = 0; i < FUNCTIONS; i++)
        if (!seen[i]) fail_msg("%s: not in statistics.txt", functions[i].name);
}

/* ---- By hand -------------------------------------------------------------------------------- */

static void assert_near(double value, double expected) {
    if (!(fabs(value - expected) <= tolerance * fmax(fabs(expected), 1e-3)))
        fail_msg("%.17g, expected %.17g", value, expected);
}

static void test_quantiles_undo_their_distributions(void **state) {
    (void)state;
    for (double p = 0.001; p < 1; p += 0.0243) {
        assert_near(hw_normal_cdf(hw_normal_quantile(p)), p);
        for (double df = 0.7; df < 1e5; df *= 7.3)
            assert_near(hw_t_cdf(hw_t_quantile(p, df), df), p);
    }
}

/* Of the 8 patterns of 1 2 3 only +++ and --- reach 6; a sum of 0 is reached by all. */
static void test_sign_flip_counts_patterns(void **state) {
    (void)state;
    assert_near(hw_sign_flip((double[]){ 1, 2, 3 }, 3, 0), 2.0 / 8);
    assert_near(hw_sign_flip((double[]){ 1, 2, -3 }, 3, 0), 1);
    /* 0.1 + 0.2 - 0.1 and 0.2 + 0.1 - 0.1 differ in binary, but tie */
    assert_near(hw_sign_flip((double[]){ 0.1, 0.2, -0.1 }, 3, 0), 3.0 / 4);
    assert_near(hw_sign_flip(NULL, 0, 0), 1);
}

/* Of 2^20 patterns of equal differences those with at most 4 or at least 16 minuses reach a sum of
 * 12: the binomial tail; 100,000 draws are within five standard errors of it. */
static void test_sign_flip_draws_where_patterns_are_many(void **state) {
    (void)state;
    double difference[20];
    for (int i = 0; i < 20; i++) difference[i] = i < 4 ? -1 : 1;
    const double exact = 2 * hw_binomial_cdf(4, 20, 0.5), p = hw_sign_flip(difference, 20, 3);
    assert_true(fabs(p - exact) < 5 * sqrt(exact / HW_PERMUTATIONS));
    assert_true(p == hw_sign_flip(difference, 20, 3));
    assert_true(p != hw_sign_flip(difference, 20, 4));
}

/* Ones at 0 to 35 and at 64 to 99, 28 of them negative: the sign of no place depends on another's.
 */
static void test_sign_flip_draws_independent_signs(void **state) {
    (void)state;
    double difference[100] = { 0 };
    for (int i = 0; i < 100; i++) difference[i] = i < 28 ? -1 : i < 36 || i >= 64 ? 1 : 0;
    const double exact = 2 * hw_binomial_cdf(28, 72, 0.5), p = hw_sign_flip(difference, 100, 1);
    assert_true(fabs(p - exact) < 5 * sqrt(exact / HW_PERMUTATIONS));
    for (int i = 0; i < 28; i++) difference[i] = 1;
    assert_near(hw_sign_flip(difference, 100, 1), 1 / (HW_PERMUTATIONS + 1.0));
}

/* 1 of 4 discordant pairs: 2 (1 + 4) / 16, and its mid-p 4 / 16 less; nothing discordant: 1. */
static void test_mcnemar_of_few_pairs(void **state) {
    (void)state;
    assert_near(hw_mcnemar_exact(1, 3), 10.0 / 16);
    assert_near(hw_mcnemar_mid(1, 3), 6.0 / 16);
    assert_near(hw_mcnemar_mid(2, 2), 1 - 6.0 / 32);
    assert_near(hw_mcnemar_exact(0, 0), 1);
    assert_near(hw_mcnemar_mid(0, 0), 1);
}

/* The distances from the medians 2 and 20 are 1 0 1 and 10 0 10. */
static void test_brown_forsythe_permutes_distances(void **state) {
    (void)state;
    const double values[] = { 1, 2, 3, 10, 20, 30 };
    const size_t sizes[] = { 3, 3 };
    double scratch[12];
    const hw_spread_test test = hw_brown_forsythe(values, sizes, 2, 5, scratch);
    /* means 2/3 and 20/3, grand mean 11/3: between 6 * 9; within 2/3 + 200/3 */
    assert_near(test.statistic, 54 / (202.0 / 3 / 4));
    /* sums of 0 0 1 1 10 10 by threes that are at least as unequal as 2 and 20: those with both
     * tens in one group, 4 of 10 divisions */
    assert_true(fabs(test.p_permuted - 0.4) < 0.01);
}

static void test_adjustments_of_three(void **state) {
    (void)state;
    hw_ranked order[3];
    double p[] = { 0.02, 0.01, 0.04 }, q[3];
    hw_adjust_benjamini_hochberg(q, p, 3, order);
    assert_near(q[0], 0.03);
    assert_near(q[1], 0.03);
    assert_near(q[2], 0.04);
    hw_adjust_holm(p, p, 3, order); /* in place; 0.04 * 1 is raised to its predecessor */
    assert_near(p[0], 0.04);
    assert_near(p[1], 0.03);
    assert_near(p[2], 0.04);
}

/* Four runs, one lost at 3: the curve is 1, 3/4 from 1, 3/8 from 4. */
static void test_restricted_mean_is_the_area_under_the_curve(void **state) {
    (void)state;
    const double time[] = { 4, 1, 3, 6 };
    const bool happened[] = { true, true, false, true };
    const hw_times times = { time, happened, 4 };
    assert_near(hw_restricted_mean_of(times, 5).mean, 1 + 3 * 0.75 + 0.375);
    assert_near(hw_restricted_mean_of(times, 0.5).mean, 0.5);
    assert_near(hw_restricted_mean_of(times, 0.5).variance, 0);
    /* 1 and 2 of two: after the last event nothing is left to vary */
    const hw_times all = { (double[]){ 2, 1 }, happened, 2 };
    assert_near(hw_restricted_mean_of(all, 5).mean, 1.5);
    assert_near(hw_restricted_mean_of(all, 5).variance, 0.5 * 0.5 / 2);
    const hw_times none = { time, (bool[4]){ 0 }, 4 };
    assert_near(hw_log_rank(none, none).p, 1);
}

static void test_correlation_of_a_constant_is_undefined(void **state) {
    (void)state;
    const double x[] = { 1, 1, 1 }, y[] = { 1, 2, 3 };
    double ranks[6];
    hw_ranked order[3];
    assert_true(isnan(hw_spearman(x, y, 3, order, ranks).coefficient));
    assert_true(isnan(hw_kendall(x, y, 3).p));
    assert_near(hw_spearman(y, y, 3, order, ranks).coefficient, 1);
    assert_near(hw_spearman(y, y, 3, order, ranks).p, 0);
}

/* Four pairs agree; one of the other two is alike in x, one in y: 4 / sqrt(5 * 5). */
static void test_tau_counts_pairs(void **state) {
    (void)state;
    const double x[] = { 1, 2, 2, 3 }, y[] = { 1, 2, 3, 3 }, down[] = { 3, 2, 1, 0 };
    assert_near(hw_kendall(x, y, 4).coefficient, 0.8);
    assert_near(hw_kendall(y, x, 4).coefficient, 0.8);
    assert_near(hw_kendall(x, down, 4).coefficient, -5 / sqrt(5 * 6));
    assert_near(hw_kendall(x, x, 2).coefficient, 1);
}

static double mean_of_rows(void *context, const uint32_t *rows, size_t count) {
    double sum = 0;
    for (size_t i = 0; i < count; i++) sum += ((const double *)context)[rows[i]];
    return sum / (double)count;
}

/* 100 zeros and 100 ones: the mean's standard error is 0.5 / sqrt(200). */
static void test_bootstrap_of_a_mean_is_close_to_normal(void **state) {
    (void)state;
    static double values[200], results[4000];
    static uint32_t rows[200];
    for (int i = 0; i < 100; i++) values[i] = 1;
    const hw_resampling resampling = { 2, 4000, 0.95, results, rows };
    const hw_interval interval = hw_interval_rows(mean_of_rows, values, 200, &resampling);
    assert_true(fabs(interval.low - (0.5 - 0.0693)) < 0.006);
    assert_true(fabs(interval.high - (0.5 + 0.0693)) < 0.006);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_functions_match_scipy_and_statsmodels),
        cmocka_unit_test(test_quantiles_undo_their_distributions),
        cmocka_unit_test(test_sign_flip_counts_patterns),
        cmocka_unit_test(test_sign_flip_draws_where_patterns_are_many),
        cmocka_unit_test(test_sign_flip_draws_independent_signs),
        cmocka_unit_test(test_mcnemar_of_few_pairs),
        cmocka_unit_test(test_brown_forsythe_permutes_distances),
        cmocka_unit_test(test_adjustments_of_three),
        cmocka_unit_test(test_restricted_mean_is_the_area_under_the_curve),
        cmocka_unit_test(test_correlation_of_a_constant_is_undefined),
        cmocka_unit_test(test_tau_counts_pairs),
        cmocka_unit_test(test_bootstrap_of_a_mean_is_close_to_normal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
