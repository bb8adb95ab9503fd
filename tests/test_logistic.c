/* Logistic regression is at its minimum, which is checked by a plain sum in double precision; the
 * contrastive loss has the gradient of its differences. */
#include "base/random.h"
#include "train/contrast.h"
#include "train/logistic.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum { ROWS = 200, WIDTH = 12, LABELS = 4, SIZE = (WIDTH + 1) * LABELS };

static float x[ROWS * WIDTH], weights[ROWS];
static uint32_t offsets[ROWS + 1], gold[ROWS * 2], rows[ROWS];
static const float label_weights[LABELS] = { 1, 2, 0.5f, 3 };

static hw_logistic problem_of(bool multi_label) {
    uint32_t end = 0;
    for (uint32_t row = 0; row < ROWS; row++) {
        const uint32_t label = row % LABELS;
        for (uint32_t i = 0; i < WIDTH; i++)
            x[row * WIDTH + i] =
                hw_random_normal(1, 1, row * WIDTH + i) + (i == label || i == label / 2 ? 1 : 0);
        rows[row] = row;
        weights[row] = 1 + (float)(row % 3);
        offsets[row] = end;
        gold[end++] = label;
        if (multi_label && row % 5 == 0 && label + 1 < LABELS) gold[end++] = label + 1;
    }
    offsets[ROWS] = end;
    return (hw_logistic){ .x = x,
                          .width = WIDTH,
                          .rows = rows,
                          .count = ROWS,
                          .loss = { .targets = { offsets, gold, ROWS },
                                    .weights = weights,
                                    .label_weights = multi_label ? label_weights : NULL,
                                    .labels = LABELS,
                                    .multi_label = multi_label },
                          .strength = 0.01 };
}

static double logit(const float *w, uint32_t row, uint32_t label) {
    double sum = (double)w[WIDTH * LABELS + label];
    for (uint32_t i = 0; i < WIDTH; i++)
        sum += (double)x[row * WIDTH + i] * (double)w[i * LABELS + label];
    return sum;
}

static bool has(uint32_t row, uint32_t label) {
    for (uint32_t i = offsets[row]; i < offsets[row + 1]; i++)
        if (gold[i] == label) return true;
    return false;
}

static double row_loss(const hw_logistic *p, const float *w, uint32_t row) {
    double sum = 0, loss = 0;
    for (uint32_t label = 0; label < LABELS; label++) {
        const double z = logit(w, row, label);
        sum += exp(z);
        if (p->loss.multi_label)
            loss += has(row, label) ? (double)label_weights[label] * log1p(exp(-z)) / LABELS
                                    : log1p(exp(z)) / LABELS;
    }
    return p->loss.multi_label ? loss : log(sum) - logit(w, row, gold[offsets[row]]);
}

static double objective(const hw_logistic *p, const float *w) {
    double loss = 0, total = 0, square = 0;
    for (uint32_t row = 0; row < ROWS; row++) {
        loss += (double)weights[row] * row_loss(p, w, row);
        total += (double)weights[row];
    }
    for (size_t i = 0; i < WIDTH * LABELS; i++) square += (double)w[i] * (double)w[i];
    return loss / total + p->strength / 2 * square;
}

static void test_no_weight_can_be_improved(void **state) {
    (void)state;
    for (int multi_label = 0; multi_label < 2; multi_label++) {
        const hw_logistic problem = problem_of(multi_label);
        float w[SIZE] = { 0 };
        assert_int_equal(hw_logistic_fit(w, &problem, hw_kernels_select(), NULL, NULL), HW_OK);
        const double least = objective(&problem, w);
        for (size_t i = 0; i < SIZE; i++)
            for (int sign = -1; sign <= 1; sign += 2) {
                const float before = w[i];
                w[i] += (float)sign * 0.01f;
                assert_true(objective(&problem, w) > least);
                w[i] = before;
            }
    }
}

static void test_threads_do_not_matter(void **state) {
    (void)state;
    const hw_logistic problem = problem_of(false);
    float alone[SIZE] = { 0 };
    assert_int_equal(hw_logistic_fit(alone, &problem, hw_kernels_select(), NULL, NULL), HW_OK);
    for (int32_t threads = 2; threads <= 3; threads++) {
        float w[SIZE] = { 0 };
        hw_pool *pool = hw_pool_new(threads, NULL);
        assert_int_equal(hw_logistic_fit(w, &problem, hw_kernels_select(), pool, NULL), HW_OK);
        assert_memory_equal(w, alone, sizeof w);
        hw_pool_free(pool);
    }
}

static void test_logits_are_those_of_the_weights(void **state) {
    (void)state;
    problem_of(false);
    float w[SIZE], logits[2 * LABELS];
    for (size_t i = 0; i < SIZE; i++) w[i] = hw_random_normal(2, 1, i);
    const uint32_t some[] = { 7, 3 };
    hw_logistic_logits(logits, w, x, WIDTH, LABELS, some, 2, hw_kernels_select());
    for (uint32_t i = 0; i < 2 * LABELS; i++)
        assert_true(fabs((double)logits[i] - logit(w, some[i / LABELS], i % LABELS)) < 1e-5);
}

static void test_the_contrastive_gradient_is_that_of_its_differences(void **state) {
    (void)state;
    enum { COUNT = 7 };
    const hw_logistic problem = problem_of(true);
    float features[COUNT * WIDTH], d[COUNT * WIDTH], other[COUNT * WIDTH], unit[COUNT * WIDTH];
    memcpy(features, x, sizeof features);
    hw_contrast_loss(d, unit, features, WIDTH, problem.loss.targets, rows, COUNT,
                     hw_kernels_select());
    for (size_t i = 0; i < COUNT * WIDTH; i++) {
        double loss[2];
        for (int side = 0; side < 2; side++) {
            features[i] = x[i] + (side ? 1e-2f : -1e-2f);
            loss[side] = hw_contrast_loss(other, unit, features, WIDTH, problem.loss.targets, rows,
                                          COUNT, hw_kernels_select());
        }
        features[i] = x[i];
        assert_true(fabs((loss[1] - loss[0]) / 2e-2 - (double)d[i]) < 1e-4);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_no_weight_can_be_improved),
        cmocka_unit_test(test_threads_do_not_matter),
        cmocka_unit_test(test_logits_are_those_of_the_weights),
        cmocka_unit_test(test_the_contrastive_gradient_is_that_of_its_differences),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
