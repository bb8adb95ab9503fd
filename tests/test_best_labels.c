/* The best labels of a text against sorting all of them. */
#include "../app/scorer.h"

#include "base/random.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

enum { LABELS = 20 };

/* By probability, then by number: of each label, how many come before it. */
static size_t rank_of(const float *probability, int32_t label, const float *bound) {
    size_t before = 0;
    for (int32_t other = 0; other < LABELS; other++)
        before += probability[other] >= bound[other] &&
                  (probability[other] > probability[label] ||
                   (probability[other] == probability[label] && other < label));
    return before;
}

static void assert_best(const float *probability, int64_t k, double threshold,
                        const float *thresholds) {
    float bound[LABELS];
    ranked_label best[LABELS];
    size_t expected = 0;
    const size_t count = best_labels(best, probability, LABELS, k, threshold, thresholds);
    for (int32_t label = 0; label < LABELS; label++) {
        bound[label] = thresholds ? thresholds[label] : (float)threshold;
        expected += probability[label] >= bound[label];
    }
    assert_int_equal(count, k >= 0 && (size_t)k < expected ? (size_t)k : expected);
    for (size_t i = 0; i < count; i++) {
        assert_true(best[i].probability == probability[best[i].label]);
        assert_int_equal(rank_of(probability, best[i].label, bound), i);
    }
}

static void test_any_number_of_labels_is_sorted(void **state) {
    (void)state;
    static const int64_t numbers[] = { 1, 2, 5, 8, 9, 19, 20, 65536, -1 };
    for (uint64_t text = 0; text < 200; text++) {
        float probability[LABELS], thresholds[LABELS];
        for (uint64_t label = 0; label < LABELS; label++) { /* many are equal */
            probability[label] = (float)hw_random_below(1, text, label, 16) / 16;
            thresholds[label] = (float)hw_random_below(2, text, label, 16) / 16;
        }
        for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
            assert_best(probability, numbers[i], 0, NULL);
            assert_best(probability, numbers[i], 0.5, NULL);
            assert_best(probability, numbers[i], 2, NULL); /* none */
            assert_best(probability, numbers[i], 0, thresholds);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_any_number_of_labels_is_sorted) };
    return cmocka_run_group_tests_name("best_labels", tests, NULL, NULL);
}
