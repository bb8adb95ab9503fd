/* Files are opened as hw_classifier_open does it, but for their tokenizer. */
#include "encoder_case.h"

#include "encoder/weights.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

const char *const encoder_cases[ENCODER_CASES] = {
    "bert",        "bert_multi_label", "bert_masked", "distilbert",    "roberta",
    "xlm_roberta", "electra",          "albert",      "albert_masked", "mpnet",
    "modernbert",  "modernbert_mean",  "deberta_v2",  "deberta_v3",
};

static void path_of(char path[256], const char *name, const char *file) {
    snprintf(path, 256, "tests/golden/encoders/%s/%s", name, file);
}

char *encoder_case_config_text(const char *name) {
    char path[256];
    path_of(path, name, "config.json");
    json_t *json = json_load_file(path, 0, NULL);
    assert_non_null(json);
    char *text = json_dumps(json, 0);
    json_decref(json);
    assert_non_null(text);
    return text;
}

const hw_tensor *encoder_case_find(void *context, const char *name) {
    return hw_safetensors_find(context, name);
}

static hw_encoder_config load_config(const char *name) {
    hw_error err = { 0 };
    hw_encoder_config config;
    char *text = encoder_case_config_text(name);
    json_t *json = json_loads(text, 0, NULL);
    if (hw_encoder_config_load(&config, json, name, &err) != HW_OK) fail_msg("%s", err.message);
    if (strstr(name, "masked")) config.readout = HW_ENCODER_MASKED;
    json_decref(json);
    free(text);
    return config;
}

static hw_safetensors *open_file(const char *name, const char *file) {
    char path[256];
    hw_error err = { 0 };
    path_of(path, name, file);
    hw_safetensors *tensors = hw_safetensors_open(path, false, &err);
    if (!tensors) fail_msg("%s", err.message);
    return tensors;
}

static void set_batch(encoder_case *c) {
    const hw_tensor *offsets = hw_safetensors_find(c->expected, "offsets");
    const hw_tensor *places = hw_safetensors_find(c->expected, "places");
    const bool masked = c->config.readout == HW_ENCODER_MASKED;
    c->batch = (hw_encoder_batch){ hw_safetensors_find(c->expected, "tokens")->data, offsets->data,
                                   offsets->shape[0] - 1, NULL };
    c->tokens = c->batch.offsets[c->batch.texts];
    c->longest = 0;
    for (size_t text = 0; text < c->batch.texts; text++) {
        const size_t n = c->batch.offsets[text + 1] - c->batch.offsets[text];
        if (n > c->longest) c->longest = n;
    }
    c->places = places->data;
    c->rows = masked ? places->shape[0] : c->batch.texts;
    c->columns = (size_t)(masked ? c->config.vocabulary : c->config.labels);
}

encoder_case encoder_case_open(const char *name) {
    hw_error err = { 0 };
    encoder_case c = { .config = load_config(name),
                       .weights = open_file(name, "model.safetensors"),
                       .expected = open_file(name, "expected.safetensors") };
    const hw_encoder_source source = { .name = name,
                                       .find = encoder_case_find,
                                       .context = c.weights };
    c.encoder = hw_encoder_new(&c.config, &source, NULL, &err);
    if (!c.encoder) fail_msg("%s", err.message);
    set_batch(&c);
    return c;
}

void encoder_case_close(encoder_case *c) {
    hw_encoder_free(c->encoder);
    hw_safetensors_close(c->weights);
    hw_safetensors_close(c->expected);
}

const float *encoder_case_expected(const encoder_case *c, const char *name) {
    const hw_tensor *tensor = hw_safetensors_find(c->expected, name);
    return tensor ? tensor->data : NULL;
}

hw_encoder_scratch *encoder_case_scratch(const encoder_case *c, bool training, hw_pool *pool) {
    hw_error err = { 0 };
    hw_encoder_scratch *scratch = hw_encoder_scratch_new(&c->config, c->batch.texts, c->tokens,
                                                         c->longest, training, pool, &err);
    if (!scratch) fail_msg("%s", err.message);
    return scratch;
}

void encoder_case_logits(float *logits, const encoder_case *c, hw_encoder_scratch *scratch,
                         const hw_encoder_noise *noise) {
    const hw_kernels *kernels = hw_kernels_select();
    if (c->config.readout == HW_ENCODER_MASKED)
        hw_encoder_masked_forward(logits, scratch, c->encoder, kernels, c->batch, c->places,
                                  c->rows, noise);
    else
        hw_encoder_forward(logits, scratch, c->encoder, kernels, c->batch, noise);
}

static void see_nothing(void *context, const hw_attention_block *block) {
    (void)context;
    (void)block;
}

const hw_attention_watch encoder_case_watch = { .see = see_nothing };

bool *encoder_case_cut_last_heads(const encoder_case *c) {
    const size_t heads = (size_t)c->config.heads, head_dim = (size_t)c->config.head_dim;
    bool *off = calloc((size_t)c->config.layers * heads, sizeof *off);
    float *weights = hw_encoder_thaw(c->encoder, NULL);
    assert_non_null(off);
    assert_non_null(weights);
    for (int32_t l = 0; l < c->config.layers; l++) {
        const hw_module *output = &hw_layer_modules(c->encoder, l)[HW_MODULE_OUTPUT];
        off[(size_t)(l + 1) * heads - 1] = true;
        for (size_t row = 0; row < output->rows; row++)
            memset(weights + output->weight_at + (row + 1) * output->columns - head_dim, 0,
                   head_dim * sizeof *weights);
    }
    hw_encoder_pack(c->encoder, hw_kernels_select(), NULL);
    return off;
}

double encoder_case_error(const float *x, const float *y, size_t n) {
    double error = 0, least = INFINITY, most = -INFINITY;
    for (size_t i = 0; i < n; i++) {
        const double difference = fabs((double)x[i] - (double)y[i]);
        if (!(difference <= error)) error = difference;
        if (y[i] < least) least = y[i];
        if (y[i] > most) most = y[i];
    }
    return error / fmax(most - least, 1e-3);
}
