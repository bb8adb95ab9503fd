/* Every backward pass against central differences, in double precision: this file, the
 * model and the scalar kernels are compiled with -include tests/double.h, which makes
 * every `float` here a double. For random r, the gradient of sum(r * y) is checked along
 * one random direction of each input (all of it at once) and for a few elements. */
#include "base/random.h"
#include "model/attention.h"
#include "model/feedforward.h"
#include "model/loss.h"
#include "model/pooling.h"
#include "model/projection.h"
#include "model/scratch.h"
#include "model/squash.h"
#include "tensor/kernel_tables.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const float step_size = 1e-5;
static const float tolerance = 1e-6;

static const hw_kernels *const kernels = &hw_kernels_scalar;

/* ---- Central differences ------------------------------------------------------------------ */

typedef float loss_fn(void *context);

static uint64_t random_purpose = 1;

static void randomise(float *x, size_t n, float deviation) {
    const uint64_t purpose = random_purpose++;
    for (size_t i = 0; i < n; i++) x[i] = deviation * hw_random_normal(7, purpose, i);
}

static float *new_random(size_t n, float deviation) {
    float *x = calloc(n + 1, sizeof *x);
    assert_non_null(x);
    randomise(x, n, deviation);
    return x;
}

static float *new_zeros(size_t n) {
    float *x = calloc(n + 1, sizeof *x);
    assert_non_null(x);
    return x;
}

static float inner_product(const float *x, const float *y, size_t n) {
    float sum = 0;
    for (size_t i = 0; i < n; i++) sum += x[i] * y[i];
    return sum;
}

/* The derivative of loss when x moves along direction. x is left as it was. */
static float slope(loss_fn *loss, void *context, float *x, const float *direction, size_t n) {
    float *start = new_zeros(n);
    memcpy(start, x, n * sizeof *x);
    for (size_t i = 0; i < n; i++) x[i] = start[i] + step_size * direction[i];
    const float above = loss(context);
    for (size_t i = 0; i < n; i++) x[i] = start[i] - step_size * direction[i];
    const float below = loss(context);
    memcpy(x, start, n * sizeof *x);
    free(start);
    return (above - below) / (2 * step_size);
}

static void assert_slope(const char *name, float expected, float gradient, float size) {
    const float error = fabsf(expected - gradient) / fmaxf(fabsf(expected), size);
    if (!(error <= tolerance))
        fail_msg("%s: gradient %.12g, central difference %.12g, relative error %.3g", name,
                 gradient, expected, error);
}

/* d_x: the gradient of loss with respect to x[n]. */
static void check_gradient(const char *name, loss_fn *loss, void *context, float *x,
                           const float *d_x, size_t n) {
    const float size = sqrtf(inner_product(d_x, d_x, n) / (float)n) + 1e-3;
    float *direction = new_random(n, 1);
    assert_slope(name, slope(loss, context, x, direction, n), inner_product(direction, d_x, n),
                 size);
    memset(direction, 0, n * sizeof *direction);
    for (size_t sample = 0; sample < 6; sample++) {
        const size_t i = hw_random_below(11, random_purpose, sample, n);
        direction[i] = 1;
        assert_slope(name, slope(loss, context, x, direction, n), d_x[i], size);
        direction[i] = 0;
    }
    free(direction);
}

/* ---- Kernels --------------------------------------------------------------------------------- */

enum { ROWS = 3, COLUMNS = 21, FLOATS = ROWS * COLUMNS };

typedef struct rows_case {
    float x[FLOATS], y[FLOATS], weight[FLOATS], gain[COLUMNS], bias[COLUMNS];
} rows_case;

static rows_case random_rows(void) {
    rows_case c;
    randomise(c.x, FLOATS, 1);
    randomise(c.weight, FLOATS, 1);
    randomise(c.gain, COLUMNS, 1);
    randomise(c.bias, COLUMNS, 1);
    return c;
}

static float softmax_loss(void *context) {
    rows_case *c = context;
    memcpy(c->y, c->x, sizeof c->y);
    kernels->softmax(c->y, COLUMNS, ROWS, COLUMNS);
    return inner_product(c->weight, c->y, FLOATS);
}

static void test_softmax_gradient_is_right(void **state) {
    (void)state;
    rows_case c = random_rows();
    float d_x[FLOATS];
    softmax_loss(&c);
    memcpy(d_x, c.weight, sizeof d_x);
    kernels->softmax_backward(d_x, c.y, COLUMNS, ROWS, COLUMNS);
    check_gradient("softmax", softmax_loss, &c, c.x, d_x, FLOATS);
}

static float gelu_loss(void *context) {
    rows_case *c = context;
    kernels->gelu(c->y, c->x, FLOATS);
    return inner_product(c->weight, c->y, FLOATS);
}

static void test_gelu_gradient_is_right(void **state) {
    (void)state;
    rows_case c = random_rows();
    float d_x[FLOATS];
    kernels->gelu_backward(d_x, c.weight, c.x, FLOATS);
    check_gradient("gelu", gelu_loss, &c, c.x, d_x, FLOATS);
}

static float norm_loss(void *context) {
    rows_case *c = context;
    kernels->norm(c->y, NULL, NULL, c->x, c->gain, c->bias, 1e-5f, ROWS, COLUMNS);
    return inner_product(c->weight, c->y, FLOATS);
}

static void test_norm_gradient_is_right(void **state) {
    (void)state;
    rows_case c = random_rows();
    float d_x[FLOATS] = { 0 }, d_gain[COLUMNS] = { 0 }, d_bias[COLUMNS] = { 0 };
    float mean[ROWS], rstd[ROWS];
    kernels->norm(c.y, mean, rstd, c.x, c.gain, c.bias, 1e-5f, ROWS, COLUMNS);
    kernels->norm_backward(d_x, d_gain, d_bias, c.weight, c.x, mean, rstd, c.gain, ROWS, COLUMNS);
    check_gradient("norm x", norm_loss, &c, c.x, d_x, FLOATS);
    check_gradient("norm gain", norm_loss, &c, c.gain, d_gain, COLUMNS);
    check_gradient("norm bias", norm_loss, &c, c.bias, d_bias, COLUMNS);
}

/* ---- Projection --------------------------------------------------------------------------- */

enum { INPUTS = 7, OUTPUTS = COLUMNS };

typedef struct projection_case {
    float x[ROWS * INPUTS], y[FLOATS], r[FLOATS], weight[INPUTS * OUTPUTS], bias[OUTPUTS];
} projection_case;

static float projection_loss(void *context) {
    projection_case *c = context;
    const hw_projection projection = { c->weight, c->bias, INPUTS, OUTPUTS };
    hw_projection_forward(c->y, c->x, projection, ROWS, kernels);
    return inner_product(c->r, c->y, FLOATS);
}

static void test_projection_gradient_is_right(void **state) {
    (void)state;
    projection_case c;
    float d_x[ROWS * INPUTS], d_weight[INPUTS * OUTPUTS] = { 0 }, d_bias[OUTPUTS] = { 0 };
    float *packed = new_random(hw_projection_packed(INPUTS, OUTPUTS), 1);
    randomise(c.x, ROWS * INPUTS, 1);
    randomise(c.r, FLOATS, 1);
    randomise(c.weight, INPUTS * OUTPUTS, 1);
    randomise(c.bias, OUTPUTS, 1);
    const hw_projection projection = { c.weight, c.bias, INPUTS, OUTPUTS };
    hw_projection_backward(d_x, d_weight, d_bias, packed, c.r, c.x, projection, ROWS, kernels);
    free(packed);
    check_gradient("projection x", projection_loss, &c, c.x, d_x, ROWS * INPUTS);
    check_gradient("projection weight", projection_loss, &c, c.weight, d_weight, INPUTS * OUTPUTS);
    check_gradient("projection bias", projection_loss, &c, c.bias, d_bias, OUTPUTS);
}

/* ---- Losses ------------------------------------------------------------------------------- */

enum { LABELS = 5 };

static const float label_targets[LABELS] = { 1, 0, 1, 1, 0 };

static float softmax_label_loss(void *context) {
    float d_logits[LABELS];
    return hw_softmax_loss(d_logits, context, LABELS, 3, 0.1, 1.7, kernels);
}

static float sigmoid_label_loss(void *context) {
    float d_logits[LABELS];
    return hw_sigmoid_loss(d_logits, context, label_targets, LABELS, 1.7);
}

static float margin_label_loss(void *context) {
    float d_logits[LABELS];
    return hw_margin_loss(d_logits, context, label_targets, LABELS, 1.7);
}

static void test_loss_gradients_are_right(void **state) {
    (void)state;
    float logits[LABELS], d_logits[LABELS];
    randomise(logits, LABELS, 2);
    hw_softmax_loss(d_logits, logits, LABELS, 3, 0.1, 1.7, kernels);
    check_gradient("softmax loss", softmax_label_loss, logits, logits, d_logits, LABELS);
    hw_sigmoid_loss(d_logits, logits, label_targets, LABELS, 1.7);
    check_gradient("sigmoid loss", sigmoid_label_loss, logits, logits, d_logits, LABELS);
    hw_margin_loss(d_logits, logits, label_targets, LABELS, 1.7);
    check_gradient("margin loss", margin_label_loss, logits, logits, d_logits, LABELS);
}

/* ---- Capsules ----------------------------------------------------------------------------- */

static float squash_loss(void *context) {
    rows_case *c = context;
    hw_squash_forward(c->y, c->x, ROWS, COLUMNS, kernels);
    return inner_product(c->weight, c->y, FLOATS);
}

static float log_odds_loss(void *context) {
    rows_case *c = context;
    hw_squash_log_odds(c->y, c->x, ROWS, COLUMNS, kernels);
    return inner_product(c->weight, c->y, ROWS);
}

/* Lengths below and above the one from which a vector shrinks the slope of its squash. */
static void test_squash_gradients_are_right(void **state) {
    (void)state;
    rows_case c = random_rows();
    float d_x[FLOATS];
    for (size_t i = 0; i < COLUMNS; i++) c.x[i] *= 0.05;
    hw_squash_backward(d_x, c.weight, c.x, ROWS, COLUMNS, kernels);
    check_gradient("squash", squash_loss, &c, c.x, d_x, FLOATS);
    hw_squash_log_odds_backward(d_x, c.weight, c.x, ROWS, COLUMNS, kernels);
    check_gradient("log-odds", log_odds_loss, &c, c.x, d_x, FLOATS);
}

/* ---- The tower and its blocks ------------------------------------------------------------- */

enum { TEXTS = 4, TOKENS = 23, NGRAMS = 46 };

static const uint32_t offsets[TEXTS + 1] = { 0, 1, 3, 10, 23 };

static const hw_tower_config configs[] = {
    { .layers = 0, .heads = 1, .head_dim = 1, .queries = 2, .window = 64 },
    { .layers = 1, .heads = 1, .head_dim = 16, .distance = 3, .queries = 0, .window = 64 },
    { .layers = 1, .heads = 4, .head_dim = 5, .distance = 2, .queries = 3, .window = 4 },
    { .layers = 2, .heads = 2, .head_dim = 7, .inner_width = 32, .distance = 20, .window = 6 },
    { .layers = 2, .heads = 3, .head_dim = 3, .inner_width = 16, .queries = 1, .window = 1 },
    { .layers = 1, .heads = 3, .head_dim = 4, .window = 5, .attention = HW_ATTENTION_UNIFORM },
    { .layers = 1,
      .heads = 3,
      .head_dim = 4,
      .distance = 2,
      .window = 5,
      .attention = HW_ATTENTION_TIED },
    { .layers = 1,
      .heads = 4,
      .head_dim = 3,
      .distance = 2,
      .window = 6,
      .attention = HW_ATTENTION_TALKING },
    { .layers = 2,
      .heads = 3,
      .head_dim = 4,
      .distance = 2,
      .window = 6,
      .attention = HW_ATTENTION_COLLABORATIVE,
      .shared_dim = 5 },
    { .layers = 2,
      .heads = 6,
      .head_dim = 3,
      .distance = 1,
      .queries = 3,
      .window = 8,
      .head_gates = HW_HEAD_GATES_L0 },
    { .layers = 2,
      .heads = 3,
      .head_dim = 4,
      .distance = 1,
      .queries = 2,
      .window = 8,
      .inner_width = 16,
      .head_gates = HW_HEAD_GATES_INPUT },
    { .layers = 1,
      .heads = 3,
      .head_dim = 4,
      .window = 8,
      .attention = HW_ATTENTION_TIED,
      .head_gates = HW_HEAD_GATES_INPUT },
    { .layers = 0, .heads = 2, .head_dim = 5, .window = 64, .capsule_dim = 4, .routing = 3 },
    { .layers = 1, .heads = 1, .head_dim = 16, .window = 64, .capsule_dim = 7, .routing = 1 },
    { .layers = 2, .heads = 3, .head_dim = 5, .window = 9, .capsule_dim = 16, .routing = 2 },
    { .layers = 1,
      .heads = 4,
      .head_dim = 8,
      .inner_width = 16,
      .window = 64,
      .capsule_dim = 3,
      .routing = 5 },
};
enum { CONFIGS = sizeof configs / sizeof *configs };

typedef struct tower_case {
    hw_tower_config config;
    hw_tower_views weights, gradient;
    hw_tower_scratch *scratch;
    hw_tower_noise noise;
    hw_pass pass;
    uint32_t ngrams[NGRAMS], token_offsets[TOKENS + 1];
    float *r, *y, *d_x; /* [TOKENS][width] */
} tower_case;

/* Texts of 1, 2, 7 and 13 tokens of 1 to 3 n-grams, each of which comes twice; nothing is 0. */
static void begin_tower(tower_case *c, const hw_tower_config *config) {
    c->config = *config;
    c->config.vocabulary = TOKENS;
    c->config.width = 16;
    c->config.labels = LABELS;
    assert_int_equal(hw_tower_config_check(&c->config, NULL), HW_OK);
    const size_t floats = hw_tower_floats(&c->config), wide = TOKENS * 16;
    hw_tower_view(&c->weights, &c->config, new_random(floats, 0.5));
    hw_tower_view(&c->gradient, &c->config, new_zeros(floats));
    c->scratch = hw_tower_scratch_new(&c->config, TEXTS, TOKENS, true, NULL);
    assert_non_null(c->scratch);
    c->noise = (hw_tower_noise){ 0.2, 0.4, 0.1, .seed = 3, .step = 5, .first_text = 8 };
    for (uint32_t i = 0; i < NGRAMS; i++) c->ngrams[i] = (i * 5) % TOKENS;
    for (uint32_t i = 0; i <= TOKENS; i++) c->token_offsets[i] = 2 * i + (i % 2);
    c->token_offsets[TOKENS] = NGRAMS;
    c->pass = (hw_pass){ .config = &c->config,
                         .kernels = kernels,
                         .work = &c->scratch->work,
                         .batch = { c->ngrams, c->token_offsets, offsets, TEXTS },
                         .noise = &c->noise };
    c->r = new_random(wide, 1);
    c->y = new_zeros(wide);
    c->d_x = new_zeros(wide);
    memcpy(c->d_x, c->r, wide * sizeof *c->r);
}

static void end_tower(tower_case *c) {
    free(c->weights.block);
    free(c->gradient.block);
    hw_tower_scratch_free(c->scratch);
    free(c->r);
    free(c->y);
    free(c->d_x);
}

/* Every parameter whose name starts with prefix. */
static void check_parameters(tower_case *c, const char *prefix, loss_fn *loss) {
    hw_tower_parameter p;
    for (size_t i = 0; hw_tower_parameter_at(&p, &c->config, i); i++)
        if (strncmp(p.name, prefix, strlen(prefix)) == 0)
            check_gradient(p.name, loss, c, c->weights.block + p.offset,
                           c->gradient.block + p.offset, p.rows * p.columns);
}

static float attention_loss(void *context) {
    tower_case *c = context;
    const hw_attention_tape *tape = &c->scratch->attention[0];
    hw_attention_forward(c->y, &c->pass, tape, &c->weights.layer[0], 0);
    return inner_product(c->r, c->y, TOKENS * 16);
}

static void check_attention(const hw_tower_config *config, bool noisy) {
    tower_case c;
    begin_tower(&c, config);
    if (!noisy) c.pass.noise = NULL;
    const hw_attention_tape *tape = &c.scratch->attention[0];
    randomise(tape->norm.x, TOKENS * 16, 1);
    attention_loss(&c);
    hw_attention_backward(c.d_x, &c.gradient.layer[0], &c.pass, tape, &c.weights.layer[0], 0);
    check_gradient("attention x", attention_loss, &c, tape->norm.x, c.d_x, TOKENS * 16);
    check_parameters(&c, "layer.0.attention", attention_loss);
    check_parameters(&c, "layer.0.qkv", attention_loss);
    check_parameters(&c, "layer.0.position", attention_loss);
    check_parameters(&c, "layer.0.mix", attention_loss);
    check_parameters(&c, "layer.0.gate", attention_loss);
    check_parameters(&c, "layer.0.output", attention_loss);
    end_tower(&c);
}

static void test_attention_gradient_is_right(void **state) {
    (void)state;
    for (size_t i = 0; i < CONFIGS; i++) {
        if (!configs[i].layers || configs[i].capsule_dim) continue;
        check_attention(&configs[i], true);
        check_attention(&configs[i], false);
    }
}

static float feedforward_loss(void *context) {
    tower_case *c = context;
    hw_feedforward_forward(c->y, &c->pass, &c->scratch->feedforward[0], &c->weights.layer[0]);
    return inner_product(c->r, c->y, TOKENS * 16);
}

static void test_feedforward_gradient_is_right(void **state) {
    (void)state;
    tower_case c;
    begin_tower(&c, &configs[3]);
    const hw_feedforward_tape *tape = &c.scratch->feedforward[0];
    randomise(tape->norm.x, TOKENS * 16, 1);
    feedforward_loss(&c);
    hw_feedforward_backward(c.d_x, &c.gradient.layer[0], &c.pass, tape, &c.weights.layer[0]);
    check_gradient("feedforward x", feedforward_loss, &c, tape->norm.x, c.d_x, TOKENS * 16);
    check_parameters(&c, "layer.0.inner", feedforward_loss);
    end_tower(&c);
}

/* r is read as [TEXTS][hw_pooled_width]. */
static float pooling_loss(void *context) {
    tower_case *c = context;
    hw_pooling_forward(&c->pass, &c->scratch->pooling, &c->weights);
    return inner_product(c->r, c->scratch->pooling.pooled, TEXTS * hw_pooled_width(&c->config));
}

static void test_pooling_gradient_is_right(void **state) {
    (void)state;
    for (size_t i = 0; i < CONFIGS; i++) {
        if (configs[i].capsule_dim) continue;
        tower_case c;
        begin_tower(&c, &configs[i]);
        const hw_pooling_tape *tape = &c.scratch->pooling;
        randomise(tape->norm.x, TOKENS * 16, 1);
        pooling_loss(&c);
        memcpy(c.scratch->work.d_pooled, c.r, TEXTS * hw_pooled_width(&c.config) * sizeof *c.r);
        hw_pooling_backward(c.d_x, &c.gradient, &c.pass, tape, &c.weights);
        check_gradient("pooling x", pooling_loss, &c, tape->norm.x, c.d_x, TOKENS * 16);
        check_parameters(&c, "norm", pooling_loss);
        check_parameters(&c, "query", pooling_loss);
        end_tower(&c);
    }
}

/* logits and d_logits: [TEXTS][16] */
static float tower_forward(tower_case *c, float *d_logits) {
    float logits[TEXTS * 16], loss = 0;
    hw_tower_forward(logits, c->scratch, &c->config, &c->weights, kernels, c->pass.batch,
                     &c->noise);
    memset(d_logits, 0, sizeof logits);
    for (size_t t = 0; t < TEXTS; t++)
        loss += hw_softmax_loss(d_logits + t * 16, logits + t * 16, LABELS, t, 0.05, 1, kernels);
    return loss + hw_tower_penalty(c->scratch, &c->config, &c->weights, kernels, c->pass.batch,
                                   &c->noise.penalties);
}

static float tower_loss(void *context) {
    float d_logits[TEXTS * 16];
    return tower_forward(context, d_logits);
}

/* d_embedding[TOKENS][16] += from d_x, the gradient of the tokens */
static void scatter(float *d_embedding, const tower_case *c) {
    for (size_t token = 0; token < TOKENS; token++) {
        const uint32_t begin = c->token_offsets[token], end = c->token_offsets[token + 1];
        for (uint32_t i = begin; i < end; i++)
            kernels->axpy(d_embedding + c->ngrams[i] * 16, c->d_x + token * 16,
                          hw_token_scale(end - begin), 16);
    }
}

static void check_tower(const hw_tower_config *config, hw_tower_penalties penalties) {
    tower_case c;
    float d_logits[TEXTS * 16];
    begin_tower(&c, config);
    c.noise.penalties = penalties;
    tower_forward(&c, d_logits);
    hw_tower_backward(&c.gradient, c.d_x, c.scratch, &c.config, &c.weights, kernels, c.pass.batch,
                      d_logits, &c.noise);
    scatter(c.gradient.embedding, &c);
    check_parameters(&c, "", tower_loss);
    end_tower(&c);
}

static void test_tower_gradient_is_right(void **state) {
    (void)state;
    for (size_t i = 0; i < CONFIGS; i++) check_tower(&configs[i], (hw_tower_penalties){ 0 });
}

/* Draws are such that no maximum changes its place within a step. */
static void test_penalty_gradients_are_right(void **state) {
    (void)state;
    static const hw_tower_penalties all = { 0.3, 0.5, 0.6, 0.7, 0.8 };
    for (size_t i = 0; i < CONFIGS; i++) check_tower(&configs[i], all);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_softmax_gradient_is_right),
        cmocka_unit_test(test_gelu_gradient_is_right),
        cmocka_unit_test(test_norm_gradient_is_right),
        cmocka_unit_test(test_projection_gradient_is_right),
        cmocka_unit_test(test_loss_gradients_are_right),
        cmocka_unit_test(test_squash_gradients_are_right),
        cmocka_unit_test(test_attention_gradient_is_right),
        cmocka_unit_test(test_feedforward_gradient_is_right),
        cmocka_unit_test(test_pooling_gradient_is_right),
        cmocka_unit_test(test_tower_gradient_is_right),
        cmocka_unit_test(test_penalty_gradients_are_right),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
