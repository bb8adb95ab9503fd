/* Dealing rows into folds: every row once, folds of nearly the same size, labels in nearly the
 * same shares. */
#include "base/memory.h"
#include "base/random.h"
#include "train/folds.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { ROWS = 500, LABELS = 7 };

static hw_error error;

/* One label a row; label l is twice as frequent as l + 1, and the last has a single row. */
typedef struct sample {
    hw_dataset dataset;
    hw_example examples[ROWS];
    uint32_t labels[ROWS], counts[LABELS];
} sample;

static sample *sample_new(void) {
    sample *s = calloc(1, sizeof *s);
    assert_non_null(s);
    for (uint32_t row = 0; row < ROWS; row++) {
        uint32_t label = 0;
        while (label < LABELS - 2 && hw_random_below(1, label, row, 2)) label++;
        if (row == 123) label = LABELS - 1;
        s->labels[row] = label;
        s->counts[label]++;
        s->examples[row] = (hw_example){ .first_label = row, .labels = 1, .weight = 1 };
    }
    s->dataset = (hw_dataset){ .examples = s->examples,
                               .count = ROWS,
                               .label_index = s->labels,
                               .label_examples = s->counts,
                               .label_count = LABELS };
    return s;
}

static void test_labels_are_spread_evenly(void **state) {
    (void)state;
    sample *s = sample_new();
    for (size_t folds = 2; folds <= 11; folds++) {
        uint32_t fold[ROWS], sizes[11] = { 0 }, spread[11][LABELS] = { { 0 } };
        assert_int_equal(hw_folds_deal(fold, &s->dataset, folds, 3, &error), HW_OK);
        for (size_t row = 0; row < ROWS; row++) {
            assert_true(fold[row] < folds);
            sizes[fold[row]]++;
            spread[fold[row]][s->labels[row]]++;
        }
        for (size_t i = 0; i < folds; i++) {
            assert_in_range(sizes[i], ROWS / folds, ROWS / folds + 1);
            for (size_t label = 0; label < LABELS; label++)
                assert_in_range(spread[i][label], s->counts[label] / folds,
                                s->counts[label] / folds + 1);
        }
    }
    free(s);
}

static void test_the_seed_decides(void **state) {
    (void)state;
    sample *s = sample_new();
    uint32_t a[ROWS], b[ROWS], c[ROWS];
    assert_int_equal(hw_folds_deal(a, &s->dataset, 5, 3, &error), HW_OK);
    assert_int_equal(hw_folds_deal(b, &s->dataset, 5, 3, &error), HW_OK);
    assert_int_equal(hw_folds_deal(c, &s->dataset, 5, 4, &error), HW_OK);
    assert_memory_equal(a, b, sizeof a);
    assert_memory_not_equal(a, c, sizeof a);
    free(s);
}

static void test_holding_splits_and_keeps_only_rows(void **state) {
    (void)state;
    sample *s = sample_new();
    uint32_t fold[ROWS], held[ROWS], others[ROWS];
    assert_int_equal(hw_folds_deal(fold, &s->dataset, 4, 3, &error), HW_OK);
    for (uint32_t which = 0; which < 4; which++) {
        size_t held_count, others_count;
        hw_folds_hold(held, &held_count, others, &others_count, fold, which, &s->dataset);
        assert_int_equal(held_count + others_count, ROWS);
        bool seen[ROWS] = { false };
        for (size_t i = 0; i < held_count; i++) {
            assert_int_equal(fold[held[i]], which);
            assert_int_not_equal(held[i], 123); /* the only one of its label */
            seen[held[i]] = true;
        }
        for (size_t i = 0; i < others_count; i++) {
            assert_false(seen[others[i]]);
            assert_true(fold[others[i]] != which || others[i] == 123);
        }
        for (size_t i = 1; i < held_count; i++) assert_true(held[i - 1] < held[i]);
    }
    free(s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_labels_are_spread_evenly),
        cmocka_unit_test(test_the_seed_decides),
        cmocka_unit_test(test_holding_splits_and_keeps_only_rows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
