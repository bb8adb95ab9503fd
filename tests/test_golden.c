/* The tower against PyTorch (tests/golden/make_attention_golden.py): logits, every
 * gradient, and ten losses of training with Adam. */
#include "model/loss.h"
#include "model/tower.h"
#include "tensor/safetensors.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { LABELS = 5, COLUMNS = 16, MAX_TEXTS = 8, STEPS = 10 };

static const double tolerance = 1e-5;
static const double learning_rate = 0.002, epsilon = 1e-8;
static const float beta1 = 0.9f, beta2 = 0.999f;

static const hw_tower_config config = { .vocabulary = 40,
                                        .width = 32,
                                        .layers = 2,
                                        .heads = 3,
                                        .head_dim = 8,
                                        .inner_width = 32,
                                        .distance = 4,
                                        .queries = 2,
                                        .window = 12,
                                        .labels = LABELS };

typedef struct golden {
    hw_safetensors *file;
    hw_batch batch;
    const int32_t *labels; /* [texts] */
    size_t floats;         /* of the three blocks */
    hw_tower_views weights, gradient;
    hw_tower_scratch *scratch;
} golden;

static const void *tensor(const golden *g, const char *prefix, const char *name, size_t elements) {
    char full_name[96];
    snprintf(full_name, sizeof full_name, "%s%s", prefix, name);
    const hw_tensor *found = hw_safetensors_find(g->file, full_name);
    assert_non_null(found);
    assert_int_equal(found->bytes, elements * 4);
    return found->data;
}

static float *new_floats(size_t n) {
    float *x = calloc(n, sizeof *x);
    assert_non_null(x);
    return x;
}

static int set_up(void **state) {
    golden *g = calloc(1, sizeof *g);
    assert_non_null(g);
    hw_error err = { 0 };
    g->file = hw_safetensors_open("tests/golden/attention.safetensors", false, &err);
    if (!g->file) fail_msg("%s", err.message);
    const hw_tensor *labels = hw_safetensors_find(g->file, "labels");
    assert_non_null(labels);
    const size_t texts = labels->shape[0];
    assert_true(texts <= MAX_TEXTS);
    const uint32_t *offsets = tensor(g, "offsets", "", texts + 1);
    g->labels = labels->data;
    const uint32_t *token_offsets = tensor(g, "token_offsets", "", offsets[texts] + 1);
    g->batch = (hw_batch){ tensor(g, "ngrams", "", token_offsets[offsets[texts]]), token_offsets,
                           offsets, texts };
    g->floats = hw_tower_floats(&config);
    hw_tower_view(&g->weights, &config, new_floats(g->floats));
    hw_tower_view(&g->gradient, &config, new_floats(g->floats));
    hw_tower_parameter p;
    for (size_t i = 0; hw_tower_parameter_at(&p, &config, i); i++)
        memcpy(g->weights.block + p.offset, tensor(g, "weight.", p.name, p.rows * p.columns),
               p.rows * p.columns * sizeof(float));
    g->scratch = hw_tower_scratch_new(&config, texts, offsets[texts], true, NULL);
    assert_non_null(g->scratch);
    *state = g;
    return 0;
}

static int tear_down(void **state) {
    golden *g = *state;
    hw_tower_scratch_free(g->scratch);
    free(g->weights.block);
    free(g->gradient.block);
    hw_safetensors_close(g->file);
    free(g);
    return 0;
}

/* d_embedding[vocabulary][width] += from d_token[width], the gradient of one token */
static void scatter(float *d_embedding, const float *d_token, const hw_batch *batch, size_t token) {
    const size_t width = (size_t)config.width;
    const uint32_t begin = batch->token_offsets[token], end = batch->token_offsets[token + 1];
    for (uint32_t i = begin; i < end; i++)
        hw_kernels_select()->axpy(d_embedding + batch->ngrams[i] * width, d_token,
                                  hw_token_scale(end - begin), width);
}

/* logits: [MAX_TEXTS][COLUMNS]. Leaves the gradient of the returned loss in g->gradient. */
static double run(golden *g, float *logits) {
    const hw_kernels *kernels = hw_kernels_select();
    const size_t width = (size_t)config.width;
    float d_logits[MAX_TEXTS * COLUMNS] = { 0 };
    float *d_tokens = new_floats(g->batch.offsets[g->batch.texts] * width);
    double loss = 0.0;
    memset(g->gradient.block, 0, g->floats * sizeof(float));
    hw_tower_forward(logits, g->scratch, &config, &g->weights, kernels, g->batch, NULL);
    for (size_t t = 0; t < g->batch.texts; t++)
        loss += hw_softmax_loss(d_logits + t * COLUMNS, logits + t * COLUMNS, LABELS,
                                (size_t)g->labels[t], 0.0f, 1.0f, kernels);
    hw_tower_backward(&g->gradient, d_tokens, g->scratch, &config, &g->weights, kernels, g->batch,
                      d_logits, NULL);
    for (size_t token = 0; token < g->batch.offsets[g->batch.texts]; token++)
        scatter(g->gradient.embedding, d_tokens + token * width, &g->batch, token);
    free(d_tokens);
    return loss;
}

/* Relative to the largest element. */
static void assert_close(const char *name, const float *got, const float *expected, size_t n) {
    double size = 0.0, error = 0.0;
    for (size_t i = 0; i < n; i++) {
        size = fmax(size, fabs((double)expected[i]));
        error = fmax(error, fabs((double)got[i] - (double)expected[i]));
    }
    if (!(error <= tolerance * size))
        fail_msg("%s: relative error %.3g of [%zu]", name, error / size, n);
}

static void test_logits_equal_pytorch(void **state) {
    golden *g = *state;
    float logits[MAX_TEXTS * COLUMNS];
    run(g, logits);
    const size_t n = g->batch.texts * COLUMNS;
    assert_close("logits", logits, tensor(g, "logits", "", n), n);
}

static void test_gradients_equal_pytorch(void **state) {
    golden *g = *state;
    float logits[MAX_TEXTS * COLUMNS];
    run(g, logits);
    hw_tower_parameter p;
    for (size_t i = 0; hw_tower_parameter_at(&p, &config, i); i++) {
        const size_t n = p.rows * p.columns;
        assert_close(p.name, g->gradient.block + p.offset, tensor(g, "gradient.", p.name, n), n);
    }
}

static void test_training_losses_equal_pytorch(void **state) {
    golden *g = *state;
    const hw_kernels *kernels = hw_kernels_select();
    const float *expected = tensor(g, "losses", "", STEPS);
    float *m = new_floats(g->floats), *v = new_floats(g->floats);
    float logits[MAX_TEXTS * COLUMNS];
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
        kernels->adam(g->weights.block, m, v, g->gradient.block, &adam, g->floats);
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
