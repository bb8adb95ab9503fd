/* Gates of heads, and what can be added to the loss because of heads, against values computed by
 * hand or the long way. */
#include "base/random.h"
#include "model/attention.h"
#include "model/disagreement.h"
#include "model/head_gates.h"
#include "model/noise.h"
#include "model/orthogonality.h"
#include "model/scratch.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { WIDTH = 16, TEXTS = 3, TOKENS = 10, HEADS = 4, LABELS = 2, COLUMNS = 16 };

static const uint32_t offsets[TEXTS + 1] = { 0, 2, 3, TOKENS };
static const double beta = 2.0 / 3, zeta = 1.1, gamma_ = -0.1;

typedef struct gates_case {
    hw_tower_config config;
    hw_tower_views weights;
    hw_tower_scratch *scratch;
    hw_pass pass;
    uint32_t ngrams[TOKENS], token_offsets[TOKENS + 1];
} gates_case;

static void begin(gates_case *c, hw_head_gates head_gates) {
    c->config = (hw_tower_config){ .vocabulary = TOKENS,
                                   .width = WIDTH,
                                   .layers = 1,
                                   .heads = HEADS,
                                   .head_dim = 4,
                                   .window = TOKENS,
                                   .labels = LABELS,
                                   .head_gates = head_gates };
    const size_t floats = hw_tower_floats(&c->config);
    float *block = calloc(floats, sizeof *block);
    assert_non_null(block);
    for (size_t i = 0; i < floats; i++) block[i] = hw_random_normal(1, 1, i);
    hw_tower_view(&c->weights, &c->config, block);
    c->scratch = hw_tower_scratch_new(&c->config, TEXTS, TOKENS, true, NULL);
    assert_non_null(c->scratch);
    for (uint32_t i = 0; i <= TOKENS; i++) c->token_offsets[i] = i;
    for (uint32_t i = 0; i < TOKENS; i++) c->ngrams[i] = i;
    c->pass = (hw_pass){ .config = &c->config,
                         .kernels = hw_kernels_select(),
                         .work = &c->scratch->work,
                         .batch = { c->ngrams, c->token_offsets, offsets, TEXTS } };
    float *y = c->scratch->attention[0].norm.y;
    for (size_t i = 0; i < TOKENS * WIDTH; i++) y[i] = hw_random_normal(1, 2, i);
}

static void end(gates_case *c) {
    free(c->weights.block);
    hw_tower_scratch_free(c->scratch);
}

static double sigmoid(double x) {
    return 1 / (1 + exp(-x));
}

static double hard(double s) {
    return fmin(1, fmax(0, s * (zeta - gamma_) + gamma_));
}

static const float *gates_of(const gates_case *c) {
    hw_head_gates_forward(&c->pass, &c->scratch->attention[0], &c->weights.layer[0], 0);
    return c->scratch->attention[0].gates;
}

/* ---- L0 ----------------------------------------------------------------------------- */

static void test_l0_gates_are_their_formula_at_prediction(void **state) {
    (void)state;
    static const float alpha[HEADS] = { -8, -0.5f, 1.5f, 9 };
    gates_case c;
    begin(&c, HW_HEAD_GATES_L0);
    memcpy(c.weights.layer[0].gate_alpha, alpha, sizeof alpha);
    const float *gates = gates_of(&c);
    for (size_t i = 0; i < TEXTS * HEADS; i++)
        assert_true(fabs((double)gates[i] - hard(sigmoid((double)alpha[i % HEADS]))) < 1e-6);
    assert_true(gates[0] == 0 && gates[3] == 1);
    end(&c);
}

static void test_l0_gates_are_their_formula_in_training(void **state) {
    (void)state;
    gates_case c;
    float logit[HEADS];
    const hw_tower_noise noise = { .seed = 3, .step = 4, .first_text = 5 };
    begin(&c, HW_HEAD_GATES_L0);
    c.pass.noise = &noise;
    const float *gates = gates_of(&c);
    for (size_t text = 0; text < TEXTS; text++) {
        hw_noise_logits(logit, HEADS, &noise, 0, text);
        for (size_t head = 0; head < HEADS; head++) {
            const double alpha = (double)c.weights.layer[0].gate_alpha[head];
            const double expected = hard(sigmoid(((double)logit[head] + alpha) / beta));
            assert_true(fabs((double)gates[text * HEADS + head] - expected) < 1e-6);
        }
    }
    end(&c);
}

/* P(g > 0), and that it is the share of gates that are open. */
static void test_open_gates_are_as_many_as_the_penalty_says(void **state) {
    (void)state;
    enum { STEPS = 4000 };
    static const float alpha[HEADS] = { -3, -1, 0, 0.5f };
    gates_case c;
    hw_tower_noise noise = { .seed = 1 };
    begin(&c, HW_HEAD_GATES_L0);
    memcpy(c.weights.layer[0].gate_alpha, alpha, sizeof alpha);
    c.pass.noise = &noise;
    size_t open = 0;
    for (noise.step = 0; noise.step < STEPS; noise.step++) {
        const float *gates = gates_of(&c);
        for (size_t i = 0; i < TEXTS * HEADS; i++) open += gates[i] > 0;
    }
    double expected = 0;
    for (size_t i = 0; i < HEADS; i++)
        expected += sigmoid((double)alpha[i] - beta * log(-gamma_ / zeta));
    assert_true(fabs(hw_head_gates_open(&c.config, &c.weights.layer[0]) - expected) < 1e-5);
    assert_true(fabs((double)open / (STEPS * TEXTS) - expected) < 0.05);
    end(&c);
}

/* ---- By the input ---------------------------------------------------------------------- */

static void test_input_gates_read_the_mean_of_the_text(void **state) {
    (void)state;
    gates_case c;
    begin(&c, HW_HEAD_GATES_INPUT);
    const float *gates = gates_of(&c), *y = c.scratch->attention[0].norm.y;
    const hw_tower_layer *w = &c.weights.layer[0];
    for (size_t text = 0; text < TEXTS; text++)
        for (size_t head = 0; head < HEADS; head++) {
            double sum = 0;
            for (size_t token = offsets[text]; token < offsets[text + 1]; token++)
                for (size_t i = 0; i < WIDTH; i++)
                    sum += (double)y[token * WIDTH + i] * (double)w->gate_weight[head * WIDTH + i];
            sum = sum / (offsets[text + 1] - offsets[text]) + (double)w->gate_bias[head];
            assert_true(fabs((double)gates[text * HEADS + head] - sigmoid(sum)) < 1e-5);
        }
    end(&c);
}

static void test_gates_start_nearly_open(void **state) {
    (void)state;
    static const hw_head_gates kinds[] = { HW_HEAD_GATES_L0, HW_HEAD_GATES_INPUT };
    for (size_t i = 0; i < 2; i++) {
        gates_case c;
        begin(&c, kinds[i]);
        hw_tower_init(c.weights.block, &c.config, 1);
        const float *gates = gates_of(&c);
        for (size_t g = 0; g < TEXTS * HEADS; g++) assert_true(gates[g] > 0.85f);
        end(&c);
    }
}

/* A head's output is multiplied with its gate: as if the learned scalar were. */
static void test_outputs_are_multiplied_with_gates(void **state) {
    (void)state;
    gates_case gated, plain;
    float y[TOKENS * WIDTH], expected[TOKENS * WIDTH];
    begin(&gated, HW_HEAD_GATES_L0);
    begin(&plain, HW_HEAD_GATES_NONE);
#define X(name, rows, columns)                                           \
    if ((rows) * (columns) > 0)                                          \
        memcpy(plain.weights.layer[0].name, gated.weights.layer[0].name, \
               (size_t)((rows) * (columns)) * sizeof *plain.weights.layer[0].name);
    const hw_tower_config *c = &plain.config;
    HW_TOWER_LAYER_PARAMETERS(X)
#undef X
    for (size_t i = 0; i < TOKENS * WIDTH; i++)
        plain.scratch->attention[0].norm.x[i] = gated.scratch->attention[0].norm.x[i] =
            hw_random_normal(1, 3, i);
    hw_attention_forward(y, &gated.pass, &gated.scratch->attention[0], &gated.weights.layer[0], 0);
    for (size_t head = 0; head < HEADS; head++)
        plain.weights.layer[0].attention_gate[head] *= gated.scratch->attention[0].gates[head];
    hw_attention_forward(expected, &plain.pass, &plain.scratch->attention[0],
                         &plain.weights.layer[0], 0);
    for (size_t i = 0; i < TOKENS * WIDTH; i++) assert_true(fabsf(y[i] - expected[i]) < 1e-5f);
    end(&gated);
    end(&plain);
}

/* Text by text in passes of their own. */
static void test_a_text_has_the_same_gates_in_any_batch(void **state) {
    (void)state;
    static const hw_head_gates kinds[] = { HW_HEAD_GATES_L0, HW_HEAD_GATES_INPUT };
    for (size_t i = 0; i < 2; i++) {
        gates_case c;
        float together[TEXTS * COLUMNS], alone[COLUMNS];
        hw_tower_noise noise = { .drop_head = 0.3f, .seed = 3, .step = 4, .first_text = 5 };
        begin(&c, kinds[i]);
        hw_tower_forward(together, c.scratch, &c.config, &c.weights, c.pass.kernels, c.pass.batch,
                         &noise);
        for (size_t text = 0; text < TEXTS; text++, noise.first_text++) {
            const uint32_t ends[2] = { 0, offsets[text + 1] - offsets[text] };
            const hw_batch one = { c.ngrams, c.token_offsets + offsets[text], ends, 1 };
            hw_tower_forward(alone, c.scratch, &c.config, &c.weights, c.pass.kernels, one, &noise);
            assert_memory_equal(alone, together + text * COLUMNS, LABELS * sizeof *alone);
        }
        end(&c);
    }
}

/* ---- Penalties --------------------------------------------------------------------------- */

static void test_agreement_is_the_mean_cosine(void **state) {
    (void)state;
    static const float same[] = { 1, 2, 2, 4, 3, 6, /**/ -1, 0, -5, 0, -2, 0 };
    static const float crossed[] = { 3, 0, 0, 5, /**/ 0, 1, 2, 0 };
    static const float opposed[] = { 1, 1, -2, -2 };
    const hw_head_vectors three = { same, 6, 2, 3, 2 }, two = { crossed, 4, 2, 2, 2 },
                          one = { opposed, 4, 1, 2, 2 };
    assert_true(fabs(hw_head_agreement(&three) - 1) < 1e-6);
    assert_true(fabs(hw_head_agreement(&two) - 0.5) < 1e-6); /* each head with itself */
    assert_true(fabs(hw_head_agreement(&one)) < 1e-6);
}

static void test_overlap_is_the_squared_distance_from_orthogonality(void **state) {
    (void)state;
    const hw_kernels *kernels = hw_kernels_select();
    static const float apart[] = { 1, 0, 0, /**/ 0, 0, 1 };
    static const float half[] = { 0.5f, 0.5f, 0, /**/ 0, 0.5f, 0.5f };
    assert_true(hw_overlap(apart, 2, 3, kernels) == 0);
    /* A A^T = [[1/2, 1/4], [1/4, 1/2]] */
    assert_true(fabs(hw_overlap(half, 2, 3, kernels) - (2 * 0.25 + 2 * 0.0625)) < 1e-6);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_l0_gates_are_their_formula_at_prediction),
        cmocka_unit_test(test_l0_gates_are_their_formula_in_training),
        cmocka_unit_test(test_open_gates_are_as_many_as_the_penalty_says),
        cmocka_unit_test(test_input_gates_read_the_mean_of_the_text),
        cmocka_unit_test(test_gates_start_nearly_open),
        cmocka_unit_test(test_outputs_are_multiplied_with_gates),
        cmocka_unit_test(test_a_text_has_the_same_gates_in_any_batch),
        cmocka_unit_test(test_agreement_is_the_mean_cosine),
        cmocka_unit_test(test_overlap_is_the_squared_distance_from_orthogonality),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
