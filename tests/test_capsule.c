/* The tower with capsules: against PyTorch (tests/golden/make_capsule_golden.py) in every
 * iteration's capsules, logits, loss and gradients; and what must hold for any weights. */
#include "base/random.h"
#include "model/loss.h"
#include "model/scratch.h"
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

enum { LABELS = GOLDEN_LABELS, COLUMNS = GOLDEN_COLUMNS, DIM = 6, ITERATIONS = 3 };

static const hw_tower_config config = { .vocabulary = 40,
                                        .width = 32,
                                        .layers = 2,
                                        .heads = 3,
                                        .head_dim = 8,
                                        .inner_width = 32,
                                        .distance = 4,
                                        .window = 12,
                                        .labels = LABELS,
                                        .capsule_dim = DIM,
                                        .routing = ITERATIONS };

static int set_up(void **state) {
    *state = tower_golden_open("capsule", &config);
    return 0;
}

static int tear_down(void **state) {
    tower_golden_close(*state);
    return 0;
}

/* ---- PyTorch ------------------------------------------------------------------------------ */

/* logits: [GOLDEN_TEXTS][COLUMNS] */
static void forward(float *logits, const tower_golden *g, hw_tower_scratch *scratch) {
    hw_tower_forward(logits, scratch, &config, &g->weights, g->kernels, g->batch, NULL);
}

static void test_logits_equal_pytorch(void **state) {
    const tower_golden *g = *state;
    float logits[GOLDEN_TEXTS * COLUMNS];
    forward(logits, g, g->scratch);
    const float *expected = golden_tensor(g, "logits", "", g->batch.texts * LABELS);
    for (size_t t = 0; t < g->batch.texts; t++) {
        assert_close("logits", logits + t * COLUMNS, expected + t * LABELS, LABELS);
        for (size_t i = LABELS; i < COLUMNS; i++) assert_true(logits[t * COLUMNS + i] == 0);
    }
}

static void test_capsules_of_every_iteration_equal_pytorch(void **state) {
    const tower_golden *g = *state;
    enum { POSES = LABELS * DIM };
    float logits[GOLDEN_TEXTS * COLUMNS];
    forward(logits, g, g->scratch);
    const size_t all = g->batch.texts * ITERATIONS;
    const float *expected = golden_tensor(g, "poses", "", all * POSES);
    const float *got = g->scratch->capsule.routing.pose;
    for (size_t i = 0; i < all; i++)
        assert_close("poses", got + i * POSES, expected + i * POSES, POSES);
}

static void test_loss_and_gradients_equal_pytorch(void **state) {
    tower_golden *g = *state;
    float logits[GOLDEN_TEXTS * COLUMNS], d_logits[GOLDEN_TEXTS * COLUMNS] = { 0 };
    float *d_tokens = new_floats(g->batch.offsets[g->batch.texts] * (size_t)config.width);
    const float *targets = golden_tensor(g, "targets", "", g->batch.texts * LABELS);
    double loss = 0;
    forward(logits, g, g->scratch);
    for (size_t t = 0; t < g->batch.texts; t++)
        loss += hw_margin_loss(d_logits + t * COLUMNS, logits + t * COLUMNS, targets + t * LABELS,
                               LABELS, 1);
    assert_close("loss", &(float){ (float)loss }, golden_tensor(g, "loss", "", 1), 1);
    hw_tower_backward(&g->gradient, d_tokens, g->scratch, &config, &g->weights, g->kernels,
                      g->batch, d_logits, NULL);
    golden_scatter(g, d_tokens);
    hw_tower_parameter p;
    for (size_t i = 0; hw_tower_parameter_at(&p, &config, i); i++) {
        const size_t n = p.rows * p.columns;
        assert_close(p.name, g->gradient.block + p.offset, golden_tensor(g, "gradient.", p.name, n),
                     n);
    }
    free(d_tokens);
}

/* ---- Any weights -------------------------------------------------------------------------- */

static void test_text_has_same_logits_alone_and_without_tapes(void **state) {
    const tower_golden *g = *state;
    float together[GOLDEN_TEXTS][COLUMNS], alone[COLUMNS];
    forward(together[0], g, g->scratch);
    for (size_t t = 0; t < g->batch.texts; t++) {
        const uint32_t first = g->batch.offsets[t], tokens = g->batch.offsets[t + 1] - first;
        const uint32_t offsets[] = { 0, tokens };
        const hw_batch batch = { g->batch.ngrams, g->batch.token_offsets + first, offsets, 1 };
        hw_tower_scratch *plain = hw_tower_scratch_new(&config, 1, tokens, false, NULL);
        assert_non_null(plain);
        hw_tower_forward(alone, plain, &config, &g->weights, g->kernels, batch, NULL);
        assert_memory_equal(alone, together[t], sizeof alone);
        hw_tower_scratch_free(plain);
    }
}

/* Noise is on, so that its masks are in it too. */
static float *new_training_pass(const tower_golden *g, const hw_kernels *kernels, size_t *floats) {
    const size_t logits = g->batch.texts * COLUMNS;
    const size_t d_tokens = g->batch.offsets[g->batch.texts] * (size_t)config.width;
    const hw_tower_noise noise = { .dropout = 0.3f, .drop_head = 0.2f, .seed = 5 };
    *floats = logits + d_tokens + hw_tower_floats(&config);
    float *all = new_floats(*floats), d_logits[GOLDEN_TEXTS * COLUMNS] = { 0 };
    hw_tower_views gradient;
    hw_tower_view(&gradient, &config, all + logits + d_tokens);
    hw_tower_forward(all, g->scratch, &config, &g->weights, kernels, g->batch, &noise);
    for (size_t i = 0; i < logits; i++)
        d_logits[i] = i % COLUMNS < LABELS ? hw_random_normal(1, 3, i) : 0.0f;
    hw_tower_backward(&gradient, all + logits, g->scratch, &config, &g->weights, kernels, g->batch,
                      d_logits, &noise);
    return all;
}

static void test_every_instruction_set_gives_same_bits(void **state) {
    const tower_golden *g = *state;
    size_t floats = 0;
    float *expected = new_training_pass(g, hw_kernels_at(0), &floats);
    const hw_kernels *kernels = NULL;
    for (size_t i = 1; (kernels = hw_kernels_at(i)); i++) {
        float *got = new_training_pass(g, kernels, &floats);
        assert_memory_equal(got, expected, floats * sizeof *got);
        free(got);
    }
    free(expected);
}

/* A text, and the same said twice, in windows of its length. */
static void test_logits_do_not_grow_with_the_text(void **state) {
    const tower_golden *g = *state;
    enum { TOKENS = 12 };
    const uint32_t offsets[] = { 0, TOKENS, 3 * TOKENS };
    uint32_t ngrams[3 * TOKENS], token_offsets[3 * TOKENS + 1];
    for (uint32_t i = 0; i < 3 * TOKENS; i++) ngrams[i] = i % TOKENS;
    for (uint32_t i = 0; i <= 3 * TOKENS; i++) token_offsets[i] = i;
    float logits[2][COLUMNS];
    hw_tower_forward(logits[0], g->scratch, &config, &g->weights, g->kernels,
                     (hw_batch){ ngrams, token_offsets, offsets, 2 }, NULL);
    for (size_t i = 0; i < LABELS; i++) assert_true(fabsf(logits[0][i] - logits[1][i]) < 1e-4f);
}

static void test_config_check_names_the_field(void **state) {
    (void)state;
    hw_error err;
    hw_tower_config other = config;
    other.routing = 0;
    assert_int_equal(hw_tower_config_check(&other, &err), HW_ERROR_ARGUMENT);
    assert_non_null(strstr(err.message, "routing is 0, not in 1 to 16"));
    other = config;
    other.labels = HW_CAPSULE_LABELS + 1;
    assert_int_equal(hw_tower_config_check(&other, &err), HW_ERROR_ARGUMENT);
    assert_non_null(strstr(err.message, "labels is 10001, not in 1 to 10000"));
    other = config;
    other.queries = 1;
    assert_int_equal(hw_tower_config_check(&other, &err), HW_ERROR_ARGUMENT);
    other = config;
    other.capsule_dim = 0;
    assert_int_equal(hw_tower_config_check(&other, &err), HW_ERROR_ARGUMENT);
    assert_non_null(strstr(err.message, "routing is 3, not in 0 to 0"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_logits_equal_pytorch, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_capsules_of_every_iteration_equal_pytorch, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_loss_and_gradients_equal_pytorch, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_text_has_same_logits_alone_and_without_tapes, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_every_instruction_set_gives_same_bits, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_logits_do_not_grow_with_the_text, set_up, tear_down),
        cmocka_unit_test(test_config_check_names_the_field),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
