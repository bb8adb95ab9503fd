/* Losses: known values, and finite results for extreme logits. Their gradients are
 * checked in test_gradients.c. */
#include "model/loss.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void assert_near(double got, double expected, double tolerance) {
    if (!(fabs(got - expected) <= tolerance)) fail_msg("%.9g is not %.9g", got, expected);
}

static void test_softmax_loss_of_equal_logits_is_log_of_labels(void **state) {
    (void)state;
    const float logits[4] = { 2.0f, 2.0f, 2.0f, 2.0f };
    float d_logits[4];
    const double loss = hw_softmax_loss(d_logits, logits, 4, 1, 0.0f, 2.0f, hw_kernels_select());
    assert_near(loss, 2.0 * log(4.0), 1e-6);
    for (size_t i = 0; i < 4; i++) assert_near((double)d_logits[i], i == 1 ? -1.5 : 0.5, 1e-6);
}

static void test_smoothing_moves_the_target_to_all_labels(void **state) {
    (void)state;
    const float logits[2] = { 0.0f, 1.0f };
    float d_logits[2];
    const double loss = hw_softmax_loss(d_logits, logits, 2, 0, 0.2f, 1.0f, hw_kernels_select());
    const double p0 = 1.0 / (1.0 + exp(1.0));
    assert_near(loss, -0.9 * log(p0) - 0.1 * log(1.0 - p0), 1e-6);
    assert_near((double)d_logits[0], p0 - 0.9, 1e-6);
    assert_near((double)d_logits[1], 0.9 - p0, 1e-6);
}

static void test_softmax_loss_of_extreme_logits_is_finite(void **state) {
    (void)state;
    const float logits[3] = { 5000.0f, -5000.0f, 0.0f };
    float d_logits[3];
    const double loss = hw_softmax_loss(d_logits, logits, 3, 1, 0.0f, 1.0f, hw_kernels_select());
    assert_near(loss, 10000.0, 1e-3);
    assert_near((double)d_logits[0], 1.0, 1e-6);
    assert_near((double)d_logits[1], -1.0, 1e-6);
}

static void test_sigmoid_loss_has_known_values(void **state) {
    (void)state;
    const float logits[4] = { 0.0f, 2.0f, -1000.0f, 1000.0f };
    const float targets[4] = { 1.0f, 0.0f, 0.0f, 0.0f };
    const double p = 1.0 / (1.0 + exp(-2.0));
    float d_logits[4];
    const double loss = hw_sigmoid_loss(d_logits, logits, targets, 4, 3.0f);
    assert_near(loss, 3.0 * (log(2.0) - log(1.0 - p) + 0.0 + 1000.0), 1e-3);
    assert_near((double)d_logits[0], -1.5, 1e-6);
    assert_near((double)d_logits[1], 3.0 * p, 1e-6);
    assert_near((double)d_logits[2], 0.0, 1e-6);
    assert_near((double)d_logits[3], 3.0, 1e-6);
}

static void test_margin_loss_has_known_values(void **state) {
    (void)state;
    const float odds[4] = { 0.0f, 0.0f, 1000.0f, -1000.0f };
    const float targets[4] = { 1.0f, 0.0f, 1.0f, 1.0f };
    float d_logits[4];
    const double loss = hw_margin_loss(d_logits, odds, targets, 4, 2.0f);
    assert_near(loss, 2.0 * (0.16 + 0.25 * 0.16 + 0.0 + 0.81), 1e-6);
    assert_near((double)d_logits[0], 2.0 * -2.0 * 0.4 * 0.25, 1e-6);
    assert_near((double)d_logits[1], 2.0 * 0.25 * 2.0 * 0.4 * 0.25, 1e-6);
    assert_near((double)d_logits[2], 0.0, 1e-6);
    assert_near((double)d_logits[3], 0.0, 1e-6);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_softmax_loss_of_equal_logits_is_log_of_labels),
        cmocka_unit_test(test_smoothing_moves_the_target_to_all_labels),
        cmocka_unit_test(test_softmax_loss_of_extreme_logits_is_finite),
        cmocka_unit_test(test_sigmoid_loss_has_known_values),
        cmocka_unit_test(test_margin_loss_has_known_values),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
