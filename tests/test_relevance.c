/* AttnLRP: the tower's relevance is what the rules of the paper give (PyTorch,
 * tests/golden/make_relevance_golden.py), and is neither made nor lost where no bias and no softmax
 * takes any. */
#include "base/random.h"
#include "model/scratch.h"
#include "tensor/relevance.h"
#include "tower_golden.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* relevance[tokens] of the logit of each text's label, after a forward pass. */
static void run_backward(float *relevance, hw_tower_views *gradient, hw_tower_scratch *scratch,
                         const hw_tower_config *config, const hw_tower_views *weights,
                         hw_batch batch, const int32_t *labels) {
    const hw_kernels kernels = hw_relevance_kernels(hw_kernels_select());
    const size_t width = (size_t)config->width, tokens = batch.offsets[batch.texts];
    float d_logits[GOLDEN_TEXTS * GOLDEN_COLUMNS] = { 0 }, *d_tokens = new_floats(tokens * width);
    for (size_t t = 0; t < batch.texts; t++) d_logits[t * GOLDEN_COLUMNS + (size_t)labels[t]] = 1;
    hw_tower_backward(gradient, d_tokens, scratch, config, weights, &kernels, batch, d_logits,
                      NULL);
    const float *x = scratch->attention[0].norm.x;
    for (size_t token = 0; token < tokens; token++) {
        double sum = 0;
        for (size_t i = token * width; i < (token + 1) * width; i++)
            sum += (double)x[i] * (double)d_tokens[i];
        relevance[token] = (float)sum;
    }
    free(d_tokens);
}

static void test_relevance_follows_the_rules_of_the_paper(void **state) {
    (void)state;
    tower_golden *g = tower_golden_open("attention", &golden_attention);
    hw_safetensors *file = hw_safetensors_open("tests/golden/relevance.safetensors", false, NULL);
    assert_non_null(file);
    const hw_tensor *expected = hw_safetensors_find(file, "relevance");
    const size_t tokens = g->batch.offsets[g->batch.texts];
    float logits[GOLDEN_TEXTS * GOLDEN_COLUMNS], *relevance = new_floats(tokens);
    assert_int_equal(expected->bytes, tokens * sizeof *relevance);
    hw_tower_forward(logits, g->scratch, &golden_attention, &g->weights, g->kernels, g->batch,
                     NULL);
    run_backward(relevance, &g->gradient, g->scratch, &golden_attention, &g->weights, g->batch,
                 golden_tensor(g, "labels", "", g->batch.texts));
    assert_close("relevance", relevance, expected->data, tokens);
    free(relevance);
    hw_safetensors_close(file);
    tower_golden_close(g);
}

/* ---- Conservation ------------------------------------------------------------------------- */

static const hw_tower_config unbiased = { .vocabulary = 8,
                                          .width = 16,
                                          .layers = 3,
                                          .heads = 2,
                                          .head_dim = 5,
                                          .inner_width = 16,
                                          .distance = 2,
                                          .window = 4,
                                          .labels = 3,
                                          .attention = HW_ATTENTION_UNIFORM };

/* Every weight is drawn, but biases are 0. */
static void draw_weights(float *block) {
    hw_tower_parameter p;
    for (size_t at = 0; hw_tower_parameter_at(&p, &unbiased, at); at++) {
        const size_t length = strlen(p.name);
        if (length >= 4 && strcmp(p.name + length - 4, "bias") == 0) continue;
        for (size_t i = 0; i < p.rows * p.columns; i++)
            block[p.offset + i] = 0.5f * hw_random_normal(at, 7, i);
    }
}

static void test_nothing_is_lost_without_biases_and_softmax(void **state) {
    (void)state;
    enum { TOKENS = 6, TEXTS = 2 };
    static const uint32_t ngrams[TOKENS] = { 0, 1, 2, 3, 4, 5 };
    static const uint32_t token_offsets[TOKENS + 1] = { 0, 1, 2, 3, 4, 5, 6 };
    static const uint32_t offsets[TEXTS + 1] = { 0, 1, TOKENS };
    static const int32_t labels[TEXTS] = { 2, 1 };
    const hw_batch batch = { ngrams, token_offsets, offsets, TEXTS };
    float logits[TEXTS * GOLDEN_COLUMNS], relevance[TOKENS];
    hw_tower_views weights, gradient;
    hw_tower_view(&weights, &unbiased, new_floats(hw_tower_floats(&unbiased)));
    hw_tower_view(&gradient, &unbiased, new_floats(hw_tower_floats(&unbiased)));
    hw_tower_scratch *scratch = hw_tower_scratch_new(&unbiased, TEXTS, TOKENS, true, NULL);
    assert_non_null(scratch);
    draw_weights(weights.block);
    hw_tower_forward(logits, scratch, &unbiased, &weights, hw_kernels_select(), batch, NULL);
    run_backward(relevance, &gradient, scratch, &unbiased, &weights, batch, labels);
    for (size_t text = 0; text < TEXTS; text++) {
        const double logit = (double)logits[text * GOLDEN_COLUMNS + (size_t)labels[text]];
        double sum = 0, size = 0;
        for (uint32_t token = offsets[text]; token < offsets[text + 1]; token++) {
            sum += (double)relevance[token];
            size += fabs((double)relevance[token]);
        }
        assert_true(fabs(logit) > 0.01);
        if (!(fabs(sum - logit) <= 1e-5 * size))
            fail_msg("text %zu: relevance %.7g, logit %.7g", text, sum, logit);
    }
    hw_tower_scratch_free(scratch);
    free(weights.block);
    free(gradient.block);
}

/* ---- Kernels ------------------------------------------------------------------------------ */

/* x times d_x is y times d_y: an activation hands on all that it gets, at 0 as near it. */
static void test_activations_hand_relevance_on(void **state) {
    (void)state;
    enum { N = 70 };
    const hw_kernels k = hw_relevance_kernels(hw_kernels_select());
    void (*const forward[])(float *, const float *, size_t) = { k.gelu, k.gelu_erf, k.relu, k.silu,
                                                                k.tanh };
    void (*const backward[])(float *, const float *, const float *,
                             size_t) = { k.gelu_backward, k.gelu_erf_backward, k.relu_backward,
                                         k.silu_backward, k.tanh_backward };
    for (size_t f = 0; f < sizeof forward / sizeof *forward; f++) {
        float x[N], y[N], d_y[N], d_x[N];
        for (size_t i = 0; i < N; i++) {
            x[i] = i == 0 ? 0.0f : i == 1 ? 1e-3f : 2 * hw_random_normal(3, 1, i);
            d_y[i] = hw_random_normal(3, 2, i);
        }
        d_y[1] = d_y[0];
        forward[f](y, x, N);
        memcpy(d_x, d_y, sizeof d_y);
        backward[f](d_x, d_x, x, N);
        for (size_t i = 0; i < N; i++)
            assert_true(fabsf(x[i] * d_x[i] - y[i] * d_y[i]) <= 1e-6f * fabsf(x[i] * d_y[i]));
        if (forward[f] != k.relu) assert_true(fabsf(d_x[0] - d_x[1]) < 2e-3f * fabsf(d_y[0]));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_relevance_follows_the_rules_of_the_paper),
        cmocka_unit_test(test_nothing_is_lost_without_biases_and_softmax),
        cmocka_unit_test(test_activations_hand_relevance_on),
    };
    return cmocka_run_group_tests_name("relevance", tests, NULL, NULL);
}
