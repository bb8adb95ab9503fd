/* Differences over seeds and rows, what they could have shown, and the verdicts. */
#include "statistics/distributions.h"
#include "statistics/power.h"
#include "statistics/verdict.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static void assert_near(double value, double expected) {
    if (!(fabs(value - expected) <= 1e-12 * fmax(fabs(expected), 1e-3)))
        fail_msg("%.17g, expected %.17g", value, expected);
}

/* Two seeds, two rows: 1 2 / 3 8. Means of seeds 1.5 5.5, of rows 2 5, of all 3.5; what neither
 * explains is 1 -1 / -1 1. */
static void test_mean_squares_of_two_by_two(void **state) {
    (void)state;
    const hw_crossed c = hw_crossed_of_cells((double[]){ 1, 2, 3, 8 }, 2, 2);
    assert_near(c.effect, 3.5);
    assert_near(c.by_seed, 8.0 / 2);
    assert_near(c.by_row, 4.5 / 2);
    assert_near(c.by_cell, 4.0 / 4);
    assert_near(hw_crossed_variance(&c), 4 + 2.25 - 1);
}

static void test_without_rows_it_is_students_test(void **state) {
    (void)state;
    const hw_crossed c = hw_crossed_of_seeds((double[]){ 1, 2, 4, 5, 9, 3 }, 6);
    const double error = sqrt(8.0 / 6), t = 4 / error; /* variance 40 / 5 */
    assert_near(c.effect, 4);
    assert_near(hw_crossed_variance(&c), 8.0 / 6);
    assert_near(hw_crossed_p(&c, 4), 2 * hw_t_cdf(-t, 5));
    assert_near(hw_crossed_interval(&c, 0.9).low, 4 - error * hw_t_quantile(0.95, 5));
    for (size_t seeds = 2; seeds < 60; seeds += 7) { /* the quadrature, at every df */
        const hw_crossed plain = { .seeds = seeds, .by_seed = 1 };
        for (double distance = 0.01; distance < 20; distance *= 3)
            assert_near(hw_crossed_p(&plain, distance), 2 * hw_t_cdf(-distance, (double)seeds - 1));
    }
}

static void test_one_seed_says_nothing(void **state) {
    (void)state;
    const hw_crossed c = hw_crossed_of_seeds((double[]){ 7 }, 1);
    assert_near(hw_crossed_p(&c, 7), 1);
    assert_true(isinf(hw_crossed_interval(&c, 0.95).high));
    hw_finding finding;
    hw_findings_judge(&finding, &c, (double[]){ 1 }, 1);
    assert_int_equal(finding.verdict, HW_VERDICT_INCONCLUSIVE);
    assert_true(isinf(finding.detectable) && !finding.needed_seeds && !finding.needed_rows);
}

/* Seeds that agree exactly on a handful of rows are no certainty: the rows still are a sample. */
static void test_agreeing_seeds_do_not_hide_few_rows(void **state) {
    (void)state;
    double cells[5][20] = { 0 };
    for (int seed = 0; seed < 5; seed++)
        cells[seed][seed] = 1; /* one row of 20 better, each time */
    const hw_crossed c = hw_crossed_of_cells(cells[0], 5, 20);
    assert_near(c.by_seed, 0);
    assert_true(hw_crossed_p(&c, c.effect) > 0.01);
}

static void test_plan_of_the_same_size_is_what_was_seen(void **state) {
    (void)state;
    const hw_crossed seen = { 5, 100, 0.1, 0.5, 0.3, 0.2 };
    const hw_crossed same = hw_crossed_planned(&seen, 5, 100);
    assert_memory_equal(&same, &seen, sizeof seen);
    /* twice the seeds: seeds 0.3 -> 0.15, rows 0.1, rest 0.2 -> 0.1 */
    const hw_crossed more = hw_crossed_planned(&seen, 10, 100);
    assert_near(more.by_seed, 0.15 + 0.1);
    assert_near(more.by_row, 0.1 + 0.1);
    const hw_crossed longer = hw_crossed_planned(&seen, 5, 200);
    assert_near(longer.by_seed, 0.3 + 0.1);
    assert_near(longer.by_row, 0.05 + 0.1);
}

/* ---- Power -------------------------------------------------------------------------------- */

/* With many seeds, and rows that add nothing, it is the textbook's (1.96 + z) standard errors. */
static void test_detectable_effect_of_many_seeds(void **state) {
    (void)state;
    const hw_crossed c = { .seeds = 100000, .by_seed = 4 };
    assert_true(fabs(hw_detectable_effect(&c, 0.05) / 2 - (1.96 + 1.0803)) < 1e-3);
    assert_true(fabs(hw_detectable_sameness(&c) / 2 - (1.645 + 1.3408)) < 1e-3);
}

static void test_needed_numbers_are_the_fewest_that_are_enough(void **state) {
    (void)state;
    const hw_crossed seen = { 5, 500, 0, 2.5e-5, 3e-5, 2e-5 };
    const double level = 0.005;
    for (double epsilon = 0.03; epsilon < 0.04; epsilon += 0.0003) {
        const size_t seeds = hw_needed_seeds(&seen, level, epsilon);
        const size_t rows = hw_needed_rows(&seen, level, epsilon);
        assert_in_range(seeds, 6, 1000);
        assert_in_range(rows, 501, 1000000);
        for (size_t less = 0; less < 2; less++) {
            const hw_crossed by_seeds = hw_crossed_planned(&seen, seeds - less, 500);
            const hw_crossed by_rows = hw_crossed_planned(&seen, 5, rows - less);
            assert_int_equal(hw_detectable_effect(&by_seeds, level) <= epsilon, !less);
            assert_int_equal(hw_detectable_effect(&by_rows, level) <= epsilon, !less);
        }
    }
    /* what 500 rows leave open no number of seeds closes, and the other way round */
    assert_int_equal(hw_needed_seeds(&seen, level, 0.005), 0);
    assert_int_equal(hw_needed_rows(&seen, level, 0.005), 0);
}

/* ---- Verdicts ------------------------------------------------------------------------------- */

static hw_verdict verdict_of(double effect, double half, double half_90, double p_holm) {
    const hw_finding finding = { .effect = effect,
                                 .interval = { effect - half, effect + half },
                                 .interval_90 = { effect - half_90, effect + half_90 },
                                 .p_holm = p_holm,
                                 .epsilon = 1 };
    return hw_verdict_of(&finding);
}

static void test_verdict_of_every_kind(void **state) {
    (void)state;
    assert_int_equal(verdict_of(2, 1, 0.9, 0.01), HW_VERDICT_SUPPORTED);
    assert_int_equal(verdict_of(1, 0.5, 0.4, 0.01), HW_VERDICT_SUPPORTED);
    assert_int_equal(verdict_of(0.9, 0.5, 0.4, 0.01), HW_VERDICT_SMALL);
    assert_int_equal(verdict_of(-0.5, 0.4, 0.3, 0.01), HW_VERDICT_REFUTED);
    assert_int_equal(verdict_of(0.2, 0.9, 0.7, 0.6), HW_VERDICT_NO_DIFFERENCE);
    assert_int_equal(verdict_of(0.2, 0.9, 0.8, 0.6), HW_VERDICT_INCONCLUSIVE); /* 1 is not inside */
    assert_int_equal(verdict_of(-0.3, 0.9, 0.7, 0.6), HW_VERDICT_INCONCLUSIVE);
    assert_int_equal(verdict_of(2, 3, 2.5, 0.01), HW_VERDICT_INCONCLUSIVE);
    assert_int_equal(verdict_of(2, 1, 0.9, 0.05), HW_VERDICT_INCONCLUSIVE);
    assert_int_equal(verdict_of(0.5, 0.4, 0.3, 0.2),
                     HW_VERDICT_NO_DIFFERENCE); /* before Holm: small */
    assert_int_equal(verdict_of((double)NAN, 1, 1, (double)NAN), HW_VERDICT_INCONCLUSIVE);
    assert_string_equal(hw_verdict_text(HW_VERDICT_SMALL), "SUPPORTED-BUT-SMALL");
}

/* Holm over three: the smallest p counts three times, and the stated effect is that of p / 3. */
static void test_findings_are_judged_together(void **state) {
    (void)state;
    const hw_crossed effects[] = { { .seeds = 10, .effect = 5, .by_seed = 1 },
                                   { .seeds = 10, .effect = 0.1, .by_seed = 1 },
                                   { .seeds = 10, .effect = -2.5, .by_seed = 1 } };
    hw_finding f[3];
    hw_findings_judge(f, effects, (double[]){ 0.5, 0.5, 0.5 }, 3);
    assert_near(f[0].p, 2 * hw_t_cdf(-5, 9));
    assert_near(f[0].p_holm, 3 * f[0].p);
    assert_near(f[2].p_holm, 2 * f[2].p);
    assert_int_equal(f[0].verdict, HW_VERDICT_SUPPORTED);
    assert_int_equal(f[1].verdict, HW_VERDICT_INCONCLUSIVE);
    assert_int_equal(f[2].verdict, HW_VERDICT_INCONCLUSIVE); /* alone, p = 0.03 would refute it */
    assert_true(f[2].p < 0.05 && f[2].interval.high < 0);
    assert_near(f[0].detectable, hw_detectable_effect(&effects[0], 0.05 / 3));
    assert_int_equal(f[0].needed_seeds, 0);
    assert_int_equal(f[1].needed_seeds, hw_needed_seeds(&effects[1], 0.05 / 3, 0.5));
    assert_in_range(f[1].needed_seeds, 300, 700);
    assert_int_equal(f[1].needed_rows, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_mean_squares_of_two_by_two),
        cmocka_unit_test(test_without_rows_it_is_students_test),
        cmocka_unit_test(test_one_seed_says_nothing),
        cmocka_unit_test(test_agreeing_seeds_do_not_hide_few_rows),
        cmocka_unit_test(test_plan_of_the_same_size_is_what_was_seen),
        cmocka_unit_test(test_detectable_effect_of_many_seeds),
        cmocka_unit_test(test_needed_numbers_are_the_fewest_that_are_enough),
        cmocka_unit_test(test_verdict_of_every_kind),
        cmocka_unit_test(test_findings_are_judged_together),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
