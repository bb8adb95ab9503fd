/* Measures against scikit-learn (tests/golden/make_metrics_golden.py), and by hand. */
#include "base/fault.h"
#include "base/random.h"
#include "classify/metrics.h"
#include "metrics_golden.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const double tolerance = 1e-9;

/* A bootstrap has other random numbers than NumPy's: its ends are this close. */
static const double bootstrap_tolerance = 0.02;

typedef struct report {
    const json_t *golden;
    const char *name;
    float *probabilities, *thresholds;
    hw_targets targets;
    size_t labels;
    hw_metrics *metrics;
} report;

static report open_report(const json_t *golden) {
    report r = { .golden = golden,
                 .name = json_string_value(json_object_get(golden, "name")),
                 .probabilities = golden_floats(json_object_get(golden, "probabilities")),
                 .thresholds = golden_floats(json_object_get(golden, "thresholds")),
                 .targets = golden_targets(json_object_get(golden, "targets")),
                 .labels = (size_t)json_integer_value(json_object_get(golden, "labels")) };
    r.metrics = hw_metrics_measure(r.probabilities, r.targets, r.labels, r.thresholds, NULL);
    assert_non_null(r.metrics);
    return r;
}

static void close_report(report *r) {
    hw_metrics_free(r->metrics);
    golden_free_targets(r->targets);
    free(r->probabilities);
    free(r->thresholds);
}

/* Calls check for each report of the golden file. */
static void for_each_report(void (*check)(const report *r)) {
    json_t *root = golden_open(), *golden;
    size_t i;
    assert_non_null(root);
    json_array_foreach(json_object_get(root, "reports"), i, golden) {
        report r = open_report(golden);
        check(&r);
        close_report(&r);
    }
    json_decref(root);
}

static void assert_close(double value, double expected, double distance, const char *report_name,
                         const char *what) {
    if (!(fabs(value - expected) <= distance))
        fail_msg("%s: %s is %.17g, expected %.17g", report_name, what, value, expected);
}

static void check_measures(const report *r) {
    const hw_metrics *m = r->metrics;
    const struct {
        const char *name;
        double value;
    } measures[] = {
        { "accuracy", m->accuracy },
        { "exact_match", m->exact_match },
        { "micro_f1", m->micro_f1 },
        { "micro_precision", m->micro_precision },
        { "micro_recall", m->micro_recall },
        { "macro_f1", m->macro_f1 },
        { "macro_precision", m->macro_precision },
        { "macro_recall", m->macro_recall },
        { "weighted_f1", m->weighted_f1 },
        { "weighted_precision", m->weighted_precision },
        { "weighted_recall", m->weighted_recall },
        { "log_loss", m->log_loss },
        { "brier", m->brier },
        { "ece", m->ece },
        { "unknown_labels", (double)m->unknown_labels },
    };
    const json_t *expected = json_object_get(r->golden, "expected");
    assert_int_equal(json_object_size(expected), sizeof measures / sizeof *measures);
    for (size_t i = 0; i < sizeof measures / sizeof *measures; i++)
        assert_close(measures[i].value,
                     json_number_value(json_object_get(expected, measures[i].name)), tolerance,
                     r->name, measures[i].name);
    assert_int_equal(m->examples, r->targets.rows);
    assert_true(isnan(m->bag_score) && isnan(m->tower_score));
}

static void test_measures_match_scikit_learn(void **state) {
    (void)state;
    for_each_report(check_measures);
}

static void check_optional(double value, const json_t *object, const char *key, size_t label,
                           const report *r) {
    const json_t *expected = json_array_get(json_object_get(object, key), label);
    if (json_is_null(expected))
        assert_true(isnan(value));
    else
        assert_close(value, json_number_value(expected), tolerance, r->name, key);
}

static void check_labels(const report *r) {
    const json_t *expected = json_object_get(r->golden, "per_label");
    assert_int_equal(r->metrics->labels, r->labels);
    for (size_t label = 0; label < r->labels; label++) {
        const hw_label_metrics *m = &r->metrics->per_label[label];
        check_optional(m->precision, expected, "precision", label, r);
        check_optional(m->recall, expected, "recall", label, r);
        check_optional(m->f1, expected, "f1", label, r);
        check_optional((double)m->support, expected, "support", label, r);
    }
}

static void test_label_measures_match_scikit_learn(void **state) {
    (void)state;
    for_each_report(check_labels);
}

static void check_confusion(const report *r) {
    const json_t *expected = json_object_get(r->golden, "confusion");
    if (json_is_null(expected)) {
        assert_null(r->metrics->confusion);
        return;
    }
    for (size_t i = 0; i < r->labels * r->labels; i++)
        assert_int_equal(r->metrics->confusion[i], json_integer_value(json_array_get(expected, i)));
}

static void test_confusion_matches_scikit_learn(void **state) {
    (void)state;
    for_each_report(check_confusion);
}

static void check_interval(const report *r, hw_interval interval, const char *key,
                           double distance) {
    const json_t *expected = json_object_get(r->golden, key);
    assert_close(interval.low, json_number_value(json_array_get(expected, 0)), distance, r->name,
                 key);
    assert_close(interval.high, json_number_value(json_array_get(expected, 1)), distance, r->name,
                 key);
}

static void check_intervals(const report *r) {
    check_interval(r, r->metrics->accuracy_interval, "accuracy_interval", tolerance);
    check_interval(r, r->metrics->macro_f1_interval, "macro_f1_interval", bootstrap_tolerance);
}

static void test_intervals_match_their_definitions(void **state) {
    (void)state;
    for_each_report(check_intervals);
}

static void check_score(const report *r) {
    const double score = hw_metrics_score(r->probabilities, r->targets, r->labels, r->thresholds);
    assert_close(score, r->thresholds ? r->metrics->micro_f1 : r->metrics->accuracy, tolerance,
                 r->name, "score");
}

static void test_score_is_accuracy_or_micro_f1(void **state) {
    (void)state;
    for_each_report(check_score);
}

static void check_repeats(const report *r) {
    hw_metrics *again =
        hw_metrics_measure(r->probabilities, r->targets, r->labels, r->thresholds, NULL);
    assert_memory_equal(&again->macro_f1_interval, &r->metrics->macro_f1_interval,
                        sizeof again->macro_f1_interval);
    hw_metrics_free(again);
}

static void test_bootstrap_repeats_itself(void **state) {
    (void)state;
    for_each_report(check_repeats);
}

static void test_one_of_several_labels_is_right(void **state) {
    (void)state;
    const float p[] = { 0.1f, 0.7f, 0.2f, 0.1f, 0.7f, 0.2f };
    const uint32_t offsets[] = { 0, 2, 4 }, labels[] = { 0, 1, 0, 2 };
    const hw_targets targets = { offsets, labels, 2 };
    hw_metrics *m = hw_metrics_measure(p, targets, 3, NULL, NULL);
    assert_true(m->accuracy == 0.5);
    assert_int_equal(m->confusion[1 * 3 + 1], 1);
    assert_int_equal(m->confusion[0 * 3 + 1], 1);
    assert_true(hw_metrics_score(p, targets, 3, NULL) == 0.5);
    hw_metrics_free(m);
}

static void test_nothing_predicted_scores_zero(void **state) {
    (void)state;
    const float p[] = { 0.1f, 0.2f }, thresholds[] = { 0.5f, 0.5f };
    const uint32_t offsets[] = { 0, 1 }, labels[] = { 0 };
    const hw_targets targets = { offsets, labels, 1 };
    hw_metrics *m = hw_metrics_measure(p, targets, 2, thresholds, NULL);
    assert_true(m->micro_f1 == 0 && m->macro_f1 == 0 && m->accuracy == 0);
    assert_true(isnan(m->per_label[0].precision) && m->per_label[0].recall == 0);
    assert_true(isnan(m->per_label[1].f1));
    assert_true(hw_metrics_score(p, targets, 2, thresholds) == 0);
    hw_metrics_free(m);
}

/* 10,000 rows, 100 labels: the size that must not take long. */
static void test_large_report_is_measured(void **state) {
    (void)state;
    enum { ROWS = 10000, LABELS = 100 };
    float *p = malloc((size_t)ROWS * LABELS * sizeof *p);
    uint32_t *offsets = malloc((ROWS + 1) * sizeof *offsets),
             *labels = malloc(ROWS * sizeof *labels);
    assert_true(p && offsets && labels);
    for (uint32_t i = 0; i < ROWS * LABELS; i++) p[i] = hw_random_uniform(1, 2, i) / LABELS;
    for (uint32_t row = 0; row <= ROWS; row++) offsets[row] = row;
    for (uint32_t row = 0; row < ROWS; row++) labels[row] = row * 7 % LABELS;
    hw_metrics *m =
        hw_metrics_measure(p, (hw_targets){ offsets, labels, ROWS }, LABELS, NULL, NULL);
    assert_non_null(m);
    assert_true(m->macro_f1_interval.low < m->macro_f1 && m->macro_f1 < m->macro_f1_interval.high);
    hw_metrics_free(m);
    free(p);
    free(offsets);
    free(labels);
}

#ifdef HW_FAULTS

static void check_failures(const report *r) {
    hw_metrics *metrics = NULL;
    for (uint64_t at = 1; !metrics; at++) {
        hw_error err = { 0 };
        hw_fault_arm(HW_FAULT_MEMORY, at, false);
        metrics = hw_metrics_measure(r->probabilities, r->targets, r->labels, r->thresholds, &err);
        assert_true(metrics || err.status == HW_ERROR_MEMORY);
        assert_true(at < 1000);
    }
    hw_fault_arm(HW_FAULT_MEMORY, 0, false);
    hw_metrics_free(metrics);
}

static void test_failing_memory_is_reported(void **state) {
    (void)state;
    for_each_report(check_failures);
}

#endif

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_measures_match_scikit_learn),
        cmocka_unit_test(test_label_measures_match_scikit_learn),
        cmocka_unit_test(test_confusion_matches_scikit_learn),
        cmocka_unit_test(test_intervals_match_their_definitions),
        cmocka_unit_test(test_score_is_accuracy_or_micro_f1),
        cmocka_unit_test(test_bootstrap_repeats_itself),
        cmocka_unit_test(test_one_of_several_labels_is_right),
        cmocka_unit_test(test_nothing_predicted_scores_zero),
        cmocka_unit_test(test_large_report_is_measured),
#ifdef HW_FAULTS
        cmocka_unit_test(test_failing_memory_is_reported),
#endif
    };
    return cmocka_run_group_tests_name("metrics", tests, NULL, NULL);
}
