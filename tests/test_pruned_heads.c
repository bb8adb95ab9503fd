/* Heads taken out of encoders and of towers: what is left computes what it did with those heads
 * switched off, forwards and backwards. */
#include "base/random.h"
#include "encoder/pass.h"
#include "encoder_case.h"
#include "model/tower.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static hw_error error;

static float *new_floats(size_t count) {
    float *x = calloc(count + 1, sizeof *x);
    assert_non_null(x);
    return x;
}

static void assert_close(const char *what, const float *x, const float *y, size_t count) {
    const double off = encoder_case_error(x, y, count);
    if (!(off <= 1e-6)) fail_msg("%s is off by %.3g of its spread", what, off);
}

/* ---- Encoders ------------------------------------------------------------------------------- */

/* Every other head of layer 0, and one of the layer behind it; of two heads one. */
static bool *some_heads(const hw_encoder_config *c) {
    bool *off = calloc((size_t)(c->layers * c->heads), sizeof *off);
    assert_non_null(off);
    for (int32_t head = 0; head + 1 < c->heads; head += 2) off[head] = true;
    if (c->layers > 1 && c->heads > 1) off[2 * c->heads - 1] = true;
    return off;
}

static encoder_case pruned_case(const encoder_case *c, const bool *off, const char *name) {
    encoder_case pruned = *c;
    pruned.encoder = hw_encoder_prune(c->encoder, off, &error);
    if (!pruned.encoder) fail_msg("%s: %s", name, error.message);
    pruned.config = *hw_encoder_config_of(pruned.encoder);
    assert_true(hw_encoder_floats(&pruned.config) < hw_encoder_floats(&c->config));
    return pruned;
}

static void check_logits(const encoder_case *c, const encoder_case *pruned, const bool *off,
                         const char *name) {
    const size_t count = c->rows * c->columns;
    float *masked = new_floats(count), *left = new_floats(count);
    for (int training = 0; training < 2 && !(training && !hw_encoder_values(c->encoder, 0));
         training++) {
        hw_encoder_scratch *scratch = encoder_case_scratch(c, training, NULL);
        hw_encoder_scratch *smaller = encoder_case_scratch(pruned, training, NULL);
        hw_encoder_scratch_mask_heads(scratch, off);
        encoder_case_logits(masked, c, scratch, NULL);
        encoder_case_logits(left, pruned, smaller, NULL);
        assert_close(name, left, masked, count);
        hw_encoder_scratch_free(scratch);
        hw_encoder_scratch_free(smaller);
    }
    free(masked);
    free(left);
}

/* What arrives at the words, which has gone through all layers. */
static void words_gradient(float *d_words, const encoder_case *c, const bool *off) {
    const size_t count = c->rows * c->columns;
    float *logits = new_floats(count), *d_logits = new_floats(count);
    float *gradient = new_floats(hw_encoder_floats(&c->config));
    hw_encoder_scratch *scratch = encoder_case_scratch(c, true, NULL);
    hw_encoder_scratch_mask_heads(scratch, off);
    encoder_case_logits(logits, c, scratch, NULL);
    for (size_t i = 0; i < count; i++) d_logits[i] = hw_random_normal(1, 1, i);
    hw_encoder_backward(gradient, d_words, scratch, c->encoder, hw_kernels_select(), c->batch,
                        d_logits, NULL, 0);
    hw_encoder_scratch_free(scratch);
    free(logits);
    free(d_logits);
    free(gradient);
}

static void check_gradients(const encoder_case *c, const encoder_case *pruned, const bool *off,
                            const char *name) {
    const size_t count = c->tokens * (size_t)c->config.embedding_width;
    if (c->config.readout == HW_ENCODER_MASKED) return;
    float *masked = new_floats(count), *left = new_floats(count);
    words_gradient(masked, c, off);
    words_gradient(left, pruned, NULL);
    assert_close(name, left, masked, count);
    free(masked);
    free(left);
}

static void check_int8(const encoder_case *c, const bool *off, const char *name) {
    encoder_case small = *c;
    small.encoder = hw_encoder_quantize(c->encoder, &c->batch, NULL);
    assert_non_null(small.encoder);
    encoder_case pruned = pruned_case(&small, off, name);
    const size_t count = c->rows * c->columns;
    float *masked = new_floats(count), *left = new_floats(count);
    hw_encoder_scratch *scratch = encoder_case_scratch(c, false, NULL);
    hw_encoder_scratch_mask_heads(scratch, off);
    encoder_case_logits(masked, &small, scratch, NULL);
    hw_encoder_scratch_mask_heads(scratch, NULL);
    encoder_case_logits(left, &pruned, scratch, NULL);
    assert_close(name, left, masked, count);
    hw_encoder_scratch_free(scratch);
    hw_encoder_free(pruned.encoder);
    hw_encoder_free(small.encoder);
    free(masked);
    free(left);
}

/* What is left is numbered anew; the numbers from before say which row of a bias is whose. */
static void check_twice(const encoder_case *c, const char *name) {
    const int32_t heads = c->config.heads;
    if (heads < 3) return;
    bool *first = calloc((size_t)(c->config.layers * heads), sizeof *first);
    bool *second = calloc((size_t)(c->config.layers * heads), sizeof *second);
    bool *both = calloc((size_t)(c->config.layers * heads), sizeof *both);
    assert_true(first && second && both);
    first[0] = second[1] = both[0] = both[2] = true;
    encoder_case once = pruned_case(c, first, name), twice = pruned_case(&once, second, name);
    assert_int_equal(twice.config.pruned[0], 1 << 0 | 1 << 2);
    check_logits(c, &twice, both, name);
    hw_encoder_free(once.encoder);
    hw_encoder_free(twice.encoder);
    free(first);
    free(second);
    free(both);
}

static void check_config(const encoder_case *pruned, const char *name) {
    hw_encoder_config again;
    json_t *json = hw_encoder_config_json(&pruned->config);
    assert_non_null(json_object_get(json, "pruned_heads"));
    if (hw_encoder_config_load(&again, json, name, &error) != HW_OK) fail_msg("%s", error.message);
    assert_memory_equal(again.pruned, pruned->config.pruned, sizeof again.pruned);
    json_decref(json);
}

static void test_encoders_without_heads_are_those_with_them_off(void **state) {
    (void)state;
    for (size_t i = 0; i < ENCODER_CASES; i++) {
        const char *name = encoder_cases[i];
        encoder_case c = encoder_case_open(name);
        bool *off = some_heads(&c.config);
        if (c.config.shared_layers) {
            assert_null(hw_encoder_prune(c.encoder, off, &error));
            assert_int_equal(error.status, HW_ERROR_UNSUPPORTED);
        } else {
            encoder_case pruned = pruned_case(&c, off, name);
            check_logits(&c, &pruned, off, name);
            check_gradients(&c, &pruned, off, name);
            check_int8(&c, off, name);
            check_twice(&c, name);
            check_config(&pruned, name);
            hw_encoder_free(pruned.encoder);
        }
        free(off);
        encoder_case_close(&c);
    }
}

static void test_a_layer_of_an_encoder_keeps_a_head(void **state) {
    (void)state;
    encoder_case c = encoder_case_open("distilbert");
    bool *off = calloc((size_t)(c.config.layers * c.config.heads), sizeof *off);
    assert_non_null(off);
    for (int32_t head = 0; head < c.config.heads; head++) off[c.config.heads + head] = true;
    assert_null(hw_encoder_prune(c.encoder, off, &error));
    assert_int_equal(error.status, HW_ERROR_ARGUMENT);
    assert_string_equal(error.message, "layer 1 would have no head left");
    free(off);
    encoder_case_close(&c);
}

/* ---- Towers --------------------------------------------------------------------------------- */

enum { TEXTS = 5, TOKENS = 41, COLUMNS = 16 };
static const uint32_t offsets[TEXTS + 1] = { 0, 1, 8, 20, 40, TOKENS };

static const hw_tower_config three = { .vocabulary = TOKENS,
                                       .width = 32,
                                       .layers = 3,
                                       .heads = 4,
                                       .head_dim = 5,
                                       .inner_width = 16,
                                       .distance = 3,
                                       .queries = 2,
                                       .window = 12,
                                       .labels = 5 };

typedef struct tower {
    hw_tower_config config;
    hw_tower_views views;
} tower;

static tower tower_of(const hw_tower_config *config, bool random) {
    tower t = { .config = *config };
    const size_t floats = hw_tower_floats(config);
    float *block = new_floats(floats);
    for (size_t i = 0; i < floats && random; i++) block[i] = 0.3f * hw_random_normal(1, 1, i);
    hw_tower_view(&t.views, config, block);
    return t;
}

/* logits[TEXTS][COLUMNS], and what arrives at the words: d_words[TOKENS][width]. */
static void run_tower(float *logits, float *d_words, const tower *t) {
    uint32_t ngrams[TOKENS], token_offsets[TOKENS + 1];
    for (uint32_t i = 0; i <= TOKENS; i++) token_offsets[i] = i;
    for (uint32_t i = 0; i < TOKENS; i++) ngrams[i] = i;
    const hw_batch batch = { ngrams, token_offsets, offsets, TEXTS };
    const hw_kernels *kernels = hw_kernels_select();
    tower gradient = tower_of(&t->config, false);
    float d_logits[TEXTS * COLUMNS] = { 0 };
    for (size_t text = 0; text < TEXTS; text++)
        for (size_t label = 0; label < (size_t)t->config.labels; label++)
            d_logits[text * COLUMNS + label] = hw_random_normal(2, text, label);
    hw_tower_scratch *scratch = hw_tower_scratch_new(&t->config, TEXTS, TOKENS, true, NULL);
    assert_non_null(scratch);
    hw_tower_forward(logits, scratch, &t->config, &t->views, kernels, batch, NULL);
    hw_tower_backward(&gradient.views, d_words, scratch, &t->config, &t->views, kernels, batch,
                      d_logits, NULL);
    hw_tower_scratch_free(scratch);
    scratch = hw_tower_scratch_new(&t->config, TEXTS, TOKENS, false, NULL);
    float again[TEXTS * COLUMNS];
    hw_tower_forward(again, scratch, &t->config, &t->views, kernels, batch, NULL);
    assert_memory_equal(again, logits, sizeof again);
    hw_tower_scratch_free(scratch);
    free(gradient.views.block);
}

/* Of four heads of three layers. */
static const bool off_towers[12] = { true,  false, true, true, false, true,
                                     false, false, true, true, false, false };

static void check_tower(hw_attention attention, hw_head_gates gates) {
    hw_tower_config config = three;
    config.attention = attention;
    config.head_gates = gates;
    config.shared_dim = attention == HW_ATTENTION_COLLABORATIVE ? 6 : 0;
    tower whole = tower_of(&config, true), pruned;
    assert_int_equal(hw_tower_prune_config(&config, &whole.config, off_towers, &error), HW_OK);
    assert_int_equal(hw_tower_layer_heads(&config, 0), 1);
    assert_int_equal(hw_tower_layer_heads(&config, 1), 3);
    assert_int_equal(hw_tower_layer_heads(&config, 2), 2);
    pruned = tower_of(&config, false);
    hw_tower_prune(pruned.views.block, &config, &whole.config, &whole.views, off_towers);
    for (size_t i = 0; i < 12; i++)
        if (off_towers[i]) whole.views.layer[i / 4].attention_gate[i % 4] = 0;
    float masked[TEXTS * COLUMNS], left[TEXTS * COLUMNS];
    float d_masked[TOKENS * 32], d_left[TOKENS * 32];
    run_tower(masked, d_masked, &whole);
    run_tower(left, d_left, &pruned);
    assert_close("a tower", left, masked, TEXTS * COLUMNS);
    assert_close("a tower's gradient", d_left, d_masked, TOKENS * 32);
    assert_true(hw_tower_operations(&config, 10) < hw_tower_operations(&whole.config, 10));
    free(whole.views.block);
    free(pruned.views.block);
}

static void test_towers_without_heads_are_those_with_gates_of_0(void **state) {
    (void)state;
    check_tower(HW_ATTENTION_LEARNED, HW_HEAD_GATES_NONE);
    check_tower(HW_ATTENTION_FROZEN, HW_HEAD_GATES_INPUT);
    check_tower(HW_ATTENTION_UNIFORM, HW_HEAD_GATES_L0);
    check_tower(HW_ATTENTION_TIED, HW_HEAD_GATES_INPUT);
    check_tower(HW_ATTENTION_COLLABORATIVE, HW_HEAD_GATES_L0);
}

static void test_heads_that_are_not_apart_stay(void **state) {
    (void)state;
    hw_tower_config config = three, pruned;
    config.attention = HW_ATTENTION_TALKING;
    assert_int_equal(hw_tower_prune_config(&pruned, &config, off_towers, &error),
                     HW_ERROR_UNSUPPORTED);
    config = three;
    config.capsule_dim = 4;
    assert_int_equal(hw_tower_prune_config(&pruned, &config, off_towers, &error),
                     HW_ERROR_UNSUPPORTED);
    bool off[12];
    memcpy(off, off_towers, sizeof off);
    off[8] = off[9] = false;
    assert_int_equal(hw_tower_prune_config(&pruned, &config, off, &error), HW_OK);
    memset(off + 4, true, 4);
    assert_int_equal(hw_tower_prune_config(&pruned, &three, off, &error), HW_ERROR_ARGUMENT);
    assert_string_equal(error.message, "layer 1 would have no head left");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_encoders_without_heads_are_those_with_them_off),
        cmocka_unit_test(test_a_layer_of_an_encoder_keeps_a_head),
        cmocka_unit_test(test_towers_without_heads_are_those_with_gates_of_0),
        cmocka_unit_test(test_heads_that_are_not_apart_stay),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
