/* The tower against PyTorch (tests/golden/make_attention_golden.py): logits, every
 * gradient, and ten losses of training with Adam. */
#include "model/loss.h"
#include "tower_golden.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { LABELS = GOLDEN_LABELS, COLUMNS = GOLDEN_COLUMNS, STEPS = 10 };

static const double learning_rate = 0.002, epsilon = 1e-8;
static const float beta1 = 0.9f, beta2 = 0.999f;

static int set_up(void **state) {
    *state = tower_golden_open("attention", &golden_attention);
    return 0;
}

static int tear_down(void **state) {
    tower_golden_close(*state);
    return 0;
}

/* logits: [GOLDEN_TEXTS][COLUMNS]. Leaves the gradient of the returned loss in g->gradient. */
static double run(tower_golden *g, float *logits) {
    const int32_t *labels = golden_tensor(g, "labels", "", g->batch.texts);
    float d_logits[GOLDEN_TEXTS * COLUMNS] = { 0 };
    float *d_tokens = new_floats(g->batch.offsets[g->batch.texts] * (size_t)golden_attention.width);
    double loss = 0.0;
    memset(g->gradient.block, 0, hw_tower_floats(&golden_attention) * sizeof(float));
    hw_tower_forward(logits, g->scratch, &golden_attention, &g->weights, g->kernels, g->batch,
                     NULL);
    for (size_t t = 0; t < g->batch.texts; t++)
        loss += hw_softmax_loss(d_logits + t * COLUMNS, logits + t * COLUMNS, LABELS,
                                (size_t)labels[t], 0.0f, 1.0f, g->kernels);
    hw_tower_backward(&g->gradient, d_tokens, g->scratch, &golden_attention, &g->weights,
                      g->kernels, g->batch, d_logits, NULL);
    golden_scatter(g, d_tokens);
    free(d_tokens);
    return loss;
}

static void test_logits_equal_pytorch(void **state) {
    tower_golden *g = *state;
    float logits[GOLDEN_TEXTS * COLUMNS];
    run(g, logits);
    const size_t n = g->batch.texts * COLUMNS;
    assert_close("logits", logits, golden_tensor(g, "logits", "", n), n);
}

static void test_gradients_equal_pytorch(void **state) {
    tower_golden *g = *state;
    float logits[GOLDEN_TEXTS * COLUMNS];
    run(g, logits);
    hw_tower_parameter p;
    for (size_t i = 0; hw_tower_parameter_at(&p, &golden_attention, i); i++) {
        const size_t n = p.rows * p.columns;
        assert_close(p.name, g->gradient.block + p.offset, golden_tensor(g, "gradient.", p.name, n),
                     n);
    }
}

static void test_training_losses_equal_pytorch(void **state) {
    tower_golden *g = *state;
    const float *expected = golden_tensor(g, "losses", "", STEPS);
    float *m = new_floats(hw_tower_floats(&golden_attention)),
          *v = new_floats(hw_tower_floats(&golden_attention));
    float logits[GOLDEN_TEXTS * COLUMNS];
    for (int step = 1; step <= STEPS; step++) {
        const float loss = (float)run(g, logits);
        /* of the betas as floats: 1 - 0.999f is 1.3e-5 below 0.001 */
        const double unbias1 = 1.0 - pow((double)beta1, step);
        const double unbias2 = sqrt(1.0 - pow((double)beta2, step));
        const hw_adam adam = { .rate = (float)(learning_rate * unbias2 / unbias1),
                               .beta1 = beta1,
                               .beta2 = beta2,
                               .epsilon = (float)(epsilon * unbias2) };
        assert_close("loss", &loss, &expected[step - 1], 1);
        g->kernels->adam(g->weights.block, m, v, g->gradient.block, &adam,
                         hw_tower_floats(&golden_attention));
    }
    free(m);
    free(v);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_logits_equal_pytorch, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_gradients_equal_pytorch, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_training_losses_equal_pytorch, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
