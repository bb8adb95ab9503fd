/* Weights are copied, so that a test may change them. */
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

static const double tolerance = 1e-5;

const hw_tower_config golden_attention = { .vocabulary = 40,
                                           .width = 32,
                                           .layers = 2,
                                           .heads = 3,
                                           .head_dim = 8,
                                           .inner_width = 32,
                                           .distance = 4,
                                           .queries = 2,
                                           .window = 12,
                                           .labels = GOLDEN_LABELS };

const void *golden_tensor(const tower_golden *g, const char *prefix, const char *name,
                          size_t elements) {
    char full_name[96];
    snprintf(full_name, sizeof full_name, "%s%s", prefix, name);
    const hw_tensor *found = hw_safetensors_find(g->file, full_name);
    if (!found || found->bytes != elements * 4) fail_msg("no tensor %s of its size", full_name);
    return found->data;
}

float *new_floats(size_t n) {
    float *x = calloc(n, sizeof *x);
    assert_non_null(x);
    return x;
}

static hw_batch batch_of(const tower_golden *g) {
    const hw_tensor *ends = hw_safetensors_find(g->file, "offsets");
    assert_non_null(ends);
    const size_t texts = ends->shape[0] - 1;
    assert_true(texts <= GOLDEN_TEXTS);
    const uint32_t *offsets = golden_tensor(g, "offsets", "", texts + 1);
    const uint32_t *token_offsets = golden_tensor(g, "token_offsets", "", offsets[texts] + 1);
    return (hw_batch){ golden_tensor(g, "ngrams", "", token_offsets[offsets[texts]]), token_offsets,
                       offsets, texts };
}

static void copy_weights(const tower_golden *g) {
    hw_tower_parameter p;
    for (size_t i = 0; hw_tower_parameter_at(&p, g->config, i); i++)
        memcpy(g->weights.block + p.offset, golden_tensor(g, "weight.", p.name, p.rows * p.columns),
               p.rows * p.columns * sizeof(float));
}

tower_golden *tower_golden_open(const char *name, const hw_tower_config *config) {
    char path[96];
    hw_error err = { 0 };
    tower_golden *g = calloc(1, sizeof *g);
    assert_non_null(g);
    snprintf(path, sizeof path, "tests/golden/%s.safetensors", name);
    g->config = config;
    g->kernels = hw_kernels_select();
    g->file = hw_safetensors_open(path, false, &err);
    if (!g->file) fail_msg("%s", err.message);
    g->batch = batch_of(g);
    hw_tower_view(&g->weights, config, new_floats(hw_tower_floats(config)));
    hw_tower_view(&g->gradient, config, new_floats(hw_tower_floats(config)));
    copy_weights(g);
    const size_t texts = g->batch.texts;
    g->scratch = hw_tower_scratch_new(config, texts, g->batch.offsets[texts], true, NULL);
    assert_non_null(g->scratch);
    return g;
}

void tower_golden_close(tower_golden *g) {
    hw_tower_scratch_free(g->scratch);
    free(g->weights.block);
    free(g->gradient.block);
    hw_safetensors_close(g->file);
    free(g);
}

void golden_scatter(const tower_golden *g, const float *d_tokens) {
    const size_t width = (size_t)g->config->width;
    for (size_t token = 0; token < g->batch.offsets[g->batch.texts]; token++) {
        const uint32_t begin = g->batch.token_offsets[token];
        const uint32_t end = g->batch.token_offsets[token + 1];
        for (uint32_t i = begin; i < end; i++)
            g->kernels->axpy(g->gradient.embedding + g->batch.ngrams[i] * width,
                             d_tokens + token * width, hw_token_scale(end - begin), width);
    }
}

void assert_close(const char *name, const float *got, const float *expected, size_t n) {
    double size = 0.0, error = 0.0;
    for (size_t i = 0; i < n; i++) {
        size = fmax(size, fabs((double)expected[i]));
        error = fmax(error, fabs((double)got[i] - (double)expected[i]));
    }
    if (!(error <= tolerance * size))
        fail_msg("%s: relative error %.3g of [%zu]", name, error / size, n);
}
