/* The temperature against SciPy's minimiser, thresholds on cases made by hand. */
#include "base/fault.h"
#include "base/random.h"
#include "classify/calibration.h"
#include "metrics_golden.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

/* ---- Temperature ------------------------------------------------------------------- */

/* Both minimisers see a valley that is flat to 1e-16, so its place is known to 1e-7 or so. */
static void test_temperature_matches_scipy(void **state) {
    (void)state;
    json_t *root = golden_open(), *golden;
    size_t i;
    assert_non_null(root);
    json_array_foreach(json_object_get(root, "temperatures"), i, golden) {
        float *logits = golden_floats(json_object_get(golden, "logits"));
        const hw_targets targets = golden_targets(json_object_get(golden, "targets"));
        const double temperature = hw_temperature_fit(
            logits, targets, (size_t)json_integer_value(json_object_get(golden, "labels")),
            json_is_true(json_object_get(golden, "multi_label")));
        const double expected = json_number_value(json_object_get(golden, "temperature"));
        if (!(fabs(temperature / expected - 1) < 1e-6))
            fail_msg("case %zu: %.12g, expected %.12g", i, temperature, expected);
        golden_free_targets(targets);
        free(logits);
    }
    json_decref(root);
}

static void test_temperature_is_bounded(void **state) {
    (void)state;
    const float right[] = { 5, 0, 0, 5 }, wrong[] = { 0, 5, 5, 0 };
    const uint32_t offsets[] = { 0, 1, 2 }, labels[] = { 0, 1 };
    const hw_targets targets = { offsets, labels, 2 };
    const double sharp = hw_temperature_fit(right, targets, 2, false);
    assert_true(sharp >= exp(-4) && sharp < 0.2); /* the loss is 0 all the way down */
    assert_true(fabs(hw_temperature_fit(wrong, targets, 2, false) - exp(4)) < 0.1);
    assert_true(hw_temperature_fit(NULL, (hw_targets){ offsets, labels, 0 }, 2, false) == 1);
}

static void test_unknown_labels_do_not_move_the_temperature(void **state) {
    (void)state;
    const float logits[] = { 1, 0, 0, 2, 3, 0, 7, 0 };
    const uint32_t offsets[] = { 0, 1, 2, 3, 4 }, labels[] = { 0, 1, 1, 9 };
    const double with = hw_temperature_fit(logits, (hw_targets){ offsets, labels, 4 }, 2, false);
    const double without = hw_temperature_fit(logits, (hw_targets){ offsets, labels, 3 }, 2, false);
    assert_true(fabs(with / without - 1) < 1e-6);
}

/* ---- Thresholds -------------------------------------------------------------------- */

static void test_common_threshold_separates(void **state) {
    (void)state;
    /* Both labels: right from 0.4 up, wrong at 0.2. */
    const float p[] = { 0.9f, 0.2f, 0.2f, 0.4f, 0.6f, 0.1f };
    const uint32_t offsets[] = { 0, 1, 2, 3 }, labels[] = { 0, 1, 0 };
    float thresholds[2];
    assert_int_equal(hw_thresholds_fit(thresholds, p, (hw_targets){ offsets, labels, 3 }, 2, NULL),
                     HW_OK);
    assert_true(thresholds[0] == thresholds[1]);
    assert_true(fabsf(thresholds[0] - 0.3f) < 1e-6f);
}

static void test_ties_are_taken_together(void **state) {
    (void)state;
    /* Taking one of three equal ones is not possible: two are wrong, so none is taken. */
    const float p[] = { 0.9f, 0.5f, 0.5f, 0.5f };
    const uint32_t offsets[] = { 0, 1, 1, 1, 2 }, labels[] = { 0, 0 };
    float threshold;
    assert_int_equal(hw_thresholds_fit(&threshold, p, (hw_targets){ offsets, labels, 4 }, 1, NULL),
                     HW_OK);
    assert_true(fabsf(threshold - 0.7f) < 1e-6f); /* F1 2/3, all: 2 * 2 / (4 + 2) = 2/3 too */
}

static void test_without_right_labels_the_threshold_is_a_half(void **state) {
    (void)state;
    const float p[] = { 0.9f, 0.005f };
    const uint32_t offsets[] = { 0, 0 }, labels[] = { 0 };
    float thresholds[2];
    assert_int_equal(hw_thresholds_fit(thresholds, p, (hw_targets){ offsets, labels, 1 }, 2, NULL),
                     HW_OK);
    assert_true(thresholds[0] == 0.5f && thresholds[1] == 0.5f);
}

/* Label 0 is right from 0.8 up and label 1 from 0.3 up, each with `examples` of them. */
typedef struct two_labels {
    float *p;
    uint32_t *offsets, *labels;
    hw_targets targets;
} two_labels;

static two_labels make_two_labels(uint32_t examples) {
    const size_t rows = 4 * (size_t)examples;
    two_labels data = { .p = malloc(2 * rows * sizeof(float)),
                        .offsets = calloc(rows + 1, sizeof(uint32_t)),
                        .labels = calloc(rows, sizeof(uint32_t)) };
    uint32_t end = 0;
    assert_true(data.p && data.offsets && data.labels);
    for (size_t row = 0; row < rows; row++) {
        const bool right = row % 2;
        const size_t label = row / 2 % 2;
        data.p[2 * row + label] = label ? (right ? 0.35f : 0.25f) : (right ? 0.85f : 0.75f);
        data.p[2 * row + 1 - label] = 0.001f;
        if (right) data.labels[end++] = (uint32_t)label;
        data.offsets[row + 1] = end;
    }
    data.targets = (hw_targets){ data.offsets, data.labels, rows };
    return data;
}

static void free_two_labels(two_labels *data) {
    free(data->p);
    free(data->offsets);
    free(data->labels);
}

static void test_labels_with_enough_examples_get_their_own(void **state) {
    (void)state;
    two_labels data = make_two_labels(20);
    float thresholds[2];
    assert_int_equal(hw_thresholds_fit(thresholds, data.p, data.targets, 2, NULL), HW_OK);
    /* Common: 0.3, at which F1 is 2 * 40 / (60 + 40). Label 0 moves to 0.8, half of it. */
    assert_true(fabsf(thresholds[1] - 0.3f) < 1e-6f);
    assert_true(fabsf(thresholds[0] - 0.55f) < 1e-6f);
    free_two_labels(&data);
}

static void test_labels_with_few_examples_share_the_common_one(void **state) {
    (void)state;
    two_labels data = make_two_labels(19);
    float thresholds[2];
    assert_int_equal(hw_thresholds_fit(thresholds, data.p, data.targets, 2, NULL), HW_OK);
    assert_true(fabsf(thresholds[0] - 0.3f) < 1e-6f && thresholds[0] == thresholds[1]);
    free_two_labels(&data);
}

static void test_common_threshold_is_the_best_of_all(void **state) {
    (void)state;
    enum { ROWS = 15, LABELS = 3 }; /* too few examples for a label's own */
    for (uint64_t round = 0; round < 50; round++) {
        float p[ROWS * LABELS];
        uint32_t offsets[ROWS + 1] = { 0 }, labels[ROWS * LABELS], end = 0;
        for (uint32_t row = 0; row < ROWS; row++) {
            for (uint32_t label = 0; label < LABELS; label++) {
                const uint64_t i = round * 100 + row * LABELS + label;
                p[row * LABELS + label] = floorf(hw_random_uniform(1, 0, i) * 16) / 16;
                if (hw_random_uniform(1, 1, i) < p[row * LABELS + label]) labels[end++] = label;
            }
            offsets[row + 1] = end;
        }
        const hw_targets targets = { offsets, labels, ROWS };
        float fitted[LABELS];
        assert_int_equal(hw_thresholds_fit(fitted, p, targets, LABELS, NULL), HW_OK);
        const double score = hw_metrics_score(p, targets, LABELS, fitted);
        for (float t = 0.02f; t < 1; t += 0.02f) {
            const float common[LABELS] = { t, t, t };
            assert_true(hw_metrics_score(p, targets, LABELS, common) <= score + 1e-12);
        }
    }
}

#ifdef HW_FAULTS

static void test_failing_memory_is_reported(void **state) {
    (void)state;
    two_labels data = make_two_labels(2);
    float thresholds[2];
    for (uint64_t at = 1; at <= 2; at++) {
        hw_error err;
        hw_fault_arm(HW_FAULT_MEMORY, at, false);
        assert_int_equal(hw_thresholds_fit(thresholds, data.p, data.targets, 2, &err),
                         HW_ERROR_MEMORY);
    }
    hw_fault_arm(HW_FAULT_MEMORY, 0, false);
    free_two_labels(&data);
}

#endif

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_temperature_matches_scipy),
        cmocka_unit_test(test_temperature_is_bounded),
        cmocka_unit_test(test_unknown_labels_do_not_move_the_temperature),
        cmocka_unit_test(test_common_threshold_separates),
        cmocka_unit_test(test_ties_are_taken_together),
        cmocka_unit_test(test_without_right_labels_the_threshold_is_a_half),
        cmocka_unit_test(test_labels_with_enough_examples_get_their_own),
        cmocka_unit_test(test_labels_with_few_examples_share_the_common_one),
        cmocka_unit_test(test_common_threshold_is_the_best_of_all),
#ifdef HW_FAULTS
        cmocka_unit_test(test_failing_memory_is_reported),
#endif
    };
    return cmocka_run_group_tests_name("calibration", tests, NULL, NULL);
}
