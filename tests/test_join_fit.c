/* Joining the branches: a tower of noise does no harm, a good one is used, and the held-back
 * score is never below the n-grams' own. */
#include "base/random.h"
#include "train/join_fit.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { ROWS = 400, LABELS = 3 };

static const double bag_scale = 3, tower_scale = 0.5;

static hw_error error;

typedef struct sample {
    uint32_t offsets[ROWS + 1], gold[2 * ROWS];
    hw_targets targets;
    float bag[ROWS * LABELS], tower[ROWS * LABELS];
} sample;

static bool is_gold(const sample *s, size_t row, size_t label) {
    for (uint32_t i = s->offsets[row]; i < s->offsets[row + 1]; i++)
        if (s->gold[i] == label) return true;
    return false;
}

/* Logits are noise of deviation 1, plus `strength` for a gold label, all times `scale`. */
static void fill(float *logits, const sample *s, double strength, double scale, uint64_t seed) {
    for (size_t row = 0; row < ROWS; row++)
        for (size_t label = 0; label < LABELS; label++) {
            const double noise = (double)hw_random_normal(seed, label, row);
            logits[row * LABELS + label] =
                (float)(scale * (noise + (is_gold(s, row, label) ? strength : 0)));
        }
}

/* Every fifth row of a multi-label sample carries two labels. */
static sample *sample_new(bool multi_label, double bag, double tower, uint64_t seed) {
    sample *s = calloc(1, sizeof *s);
    assert_non_null(s);
    for (uint32_t row = 0; row < ROWS; row++) {
        uint32_t end = s->offsets[row];
        const uint32_t label = (uint32_t)hw_random_below(seed, 99, row, LABELS);
        if (multi_label && row % 5 == 0 && label > 0) s->gold[end++] = 0;
        s->gold[end++] = label;
        s->offsets[row + 1] = end;
    }
    s->targets = (hw_targets){ s->offsets, s->gold, ROWS };
    fill(s->bag, s, bag, bag_scale, seed + 1);
    fill(s->tower, s, tower, tower_scale, seed + 2);
    return s;
}

static hw_join_result fitted(float *thresholds, const sample *s, const float *bag,
                             const float *tower, bool multi_label) {
    hw_join_result result = { 0 };
    assert_int_equal(
        hw_join_fit(&result, thresholds, bag, tower, s->targets, LABELS, multi_label, &error),
        HW_OK);
    assert_true(isfinite(result.join.bag) && isfinite(result.join.tower));
    assert_true(isfinite(result.join.bias));
    assert_in_range(100 * result.tower_share, 0, 100);
    for (size_t i = 0; i < LABELS; i++) assert_true(thresholds[i] > 0 && thresholds[i] < 1);
    return result;
}

/* The score of what the join says, computed anew. */
static double score_again(const sample *s, hw_join join, const float *thresholds,
                          bool multi_label) {
    float *p = calloc(ROWS * LABELS, sizeof *p);
    assert_non_null(p);
    for (size_t row = 0; row < ROWS; row++) {
        double z[LABELS], sum = 0;
        for (size_t i = 0; i < LABELS; i++) {
            const size_t at = row * LABELS + i;
            z[i] = join.bag * (double)s->bag[at] + join.tower * (double)s->tower[at] + join.bias;
            sum += exp(z[i]);
        }
        for (size_t i = 0; i < LABELS; i++)
            p[row * LABELS + i] = (float)(multi_label ? 1 / (1 + exp(-z[i])) : exp(z[i]) / sum);
    }
    const double score = hw_metrics_score(p, s->targets, LABELS, multi_label ? thresholds : NULL);
    free(p);
    return score;
}

/* The deviation of what a branch adds to the joined logits. */
static double spread_of_bag(hw_join_result result) {
    return result.join.bag * bag_scale;
}

static double spread_of_tower(hw_join_result result) {
    return result.join.tower * tower_scale;
}

static void test_a_tower_of_noise_does_no_harm(void **state) {
    (void)state;
    for (int multi_label = 0; multi_label < 2; multi_label++) {
        sample *s = sample_new(multi_label, 3, 0, 1);
        float thresholds[LABELS];
        const hw_join_result result = fitted(thresholds, s, s->bag, s->tower, multi_label);
        assert_true(fabs(spread_of_tower(result)) < 0.1 * spread_of_bag(result));
        assert_true(result.score >= result.bag_score);
        free(s);
    }
}

static void test_a_good_tower_gets_a_share(void **state) {
    (void)state;
    for (int multi_label = 0; multi_label < 2; multi_label++) {
        sample *s = sample_new(multi_label, 2, 2, 2);
        float thresholds[LABELS];
        const hw_join_result result = fitted(thresholds, s, s->bag, s->tower, multi_label);
        assert_true(result.tower_share > 0.25 && result.tower_share < 0.75);
        assert_true(result.score > result.bag_score + 0.02);
        free(s);
    }
}

static void test_the_only_good_branch_decides(void **state) {
    (void)state;
    sample *s = sample_new(false, 0, 4, 3);
    float thresholds[LABELS];
    const hw_join_result result = fitted(thresholds, s, s->bag, s->tower, false);
    assert_true(fabs(spread_of_bag(result)) < 0.25 * spread_of_tower(result));
    free(s);
}

static void test_the_score_is_never_below_the_bags(void **state) {
    (void)state;
    for (uint64_t seed = 10; seed < 40; seed++) {
        const bool multi_label = seed % 2;
        sample *s = sample_new(multi_label, hw_random_uniform(seed, 1, 1) * 3.0,
                               hw_random_uniform(seed, 1, 2) * 2.0, seed);
        float thresholds[LABELS];
        const hw_join_result result = fitted(thresholds, s, s->bag, s->tower, multi_label);
        assert_true(result.score >= result.bag_score);
        assert_true(fabs(score_again(s, result.join, thresholds, multi_label) - result.score) <
                    0.003); /* a row or two may lie on a threshold */
        free(s);
    }
}

static void test_one_branch_is_calibrated_alone(void **state) {
    (void)state;
    for (int multi_label = 0; multi_label < 2; multi_label++) {
        sample *s = sample_new(multi_label, 2, 2, 4);
        float thresholds[LABELS];
        hw_join_result result = fitted(thresholds, s, s->bag, NULL, multi_label);
        assert_true(result.tower_share == 0 && result.join.tower == 0);
        assert_true(result.score == result.bag_score);
        assert_true(result.join.bag > 0 &&
                    result.join.bag < 1.5); /* logits are 3 times too large */
        result = fitted(thresholds, s, NULL, s->tower, multi_label);
        assert_true(result.tower_share == 1 && result.join.bag == 0);
        assert_true(isnan(result.bag_score));
        assert_true(result.join.tower > 2); /* and these half as large as they should be */
        free(s);
    }
}

static void test_constant_logits_are_survived(void **state) {
    (void)state;
    for (int multi_label = 0; multi_label < 2; multi_label++) {
        sample *s = sample_new(multi_label, 2, 2, 5);
        float thresholds[LABELS];
        memset(s->tower, 0, sizeof s->tower);
        hw_join_result result = fitted(thresholds, s, s->bag, s->tower, multi_label);
        assert_true(result.score >= result.bag_score);
        memset(s->bag, 0, sizeof s->bag);
        result = fitted(thresholds, s, s->bag, s->tower, multi_label);
        assert_true(result.score >= result.bag_score);
        free(s);
    }
}

static void test_held_back_loss_prefers_the_better_tower(void **state) {
    (void)state;
    for (int multi_label = 0; multi_label < 2; multi_label++) {
        sample *s = sample_new(multi_label, 1, 3, 6);
        double weak, strong, score;
        assert_int_equal(
            hw_held_back_loss(&weak, &score, s->bag, s->targets, LABELS, multi_label, &error),
            HW_OK);
        assert_int_equal(
            hw_held_back_loss(&strong, &score, s->tower, s->targets, LABELS, multi_label, &error),
            HW_OK);
        assert_true(strong < weak && strong > 0);
        assert_true(score > 0.7 && score <= 1);
        free(s);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_tower_of_noise_does_no_harm),
        cmocka_unit_test(test_a_good_tower_gets_a_share),
        cmocka_unit_test(test_the_only_good_branch_decides),
        cmocka_unit_test(test_the_score_is_never_below_the_bags),
        cmocka_unit_test(test_one_branch_is_calibrated_alone),
        cmocka_unit_test(test_constant_logits_are_survived),
        cmocka_unit_test(test_held_back_loss_prefers_the_better_tower),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
