/* Gradients of encoders of every family against PyTorch's, and what must not change them. */
#include "encoder/weights.h"
#include "encoder_case.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const double tolerance = 1e-4; /* of a gradient's largest element */

static float *new_floats(size_t count) {
    float *x = calloc(count + 1, sizeof *x);
    assert_non_null(x);
    return x;
}

static void for_each_case(void (*check)(encoder_case *c, const char *name)) {
    for (size_t i = 0; i < ENCODER_CASES; i++) {
        encoder_case c = encoder_case_open(encoder_cases[i]);
        assert_non_null(hw_encoder_thaw(c.encoder, NULL));
        check(&c, encoder_cases[i]);
        encoder_case_close(&c);
    }
}

/* d_words[tokens] added to the rows of the word embedding, which begins the gradient. */
static void scatter(float *gradient, const float *d_words, const encoder_case *c) {
    const size_t width = (size_t)c->config.embedding_width;
    for (size_t token = 0; token < c->tokens; token++)
        for (size_t i = 0; i < width; i++)
            gradient[c->batch.tokens[token] * width + i] += d_words[token * width + i];
}

static const hw_attention_watch *watch; /* of `differentiate`, or NULL */

/* gradient: a block, overwritten by that of sum d_logits * logits, words' included. off: heads that
 * are switched off, or NULL. */
static void differentiate_without(float *gradient, const encoder_case *c, hw_pool *pool,
                                  const bool *off, const hw_encoder_noise *noise,
                                  const float *d_logits, int32_t lowest) {
    const hw_kernels *kernels = hw_kernels_select();
    float *logits = new_floats(c->rows * c->columns);
    float *d_words = new_floats(c->tokens * (size_t)c->config.embedding_width);
    hw_encoder_scratch *scratch = encoder_case_scratch(c, true, pool);
    hw_encoder_scratch_mask_heads(scratch, off);
    hw_encoder_watch(scratch, watch);
    memset(gradient, 0, hw_encoder_floats(&c->config) * sizeof *gradient);
    encoder_case_logits(logits, c, scratch, noise);
    if (c->config.readout == HW_ENCODER_MASKED)
        hw_encoder_masked_backward(gradient, d_words, scratch, c->encoder, kernels, c->batch,
                                   c->places, c->rows, d_logits, noise);
    else
        hw_encoder_backward(gradient, d_words, scratch, c->encoder, kernels, c->batch, d_logits,
                            noise, lowest);
    scatter(gradient, d_words, c);
    hw_encoder_scratch_free(scratch);
    free(d_words);
    free(logits);
}

static void differentiate(float *gradient, const encoder_case *c, hw_pool *pool,
                          const hw_encoder_noise *noise, const float *d_logits, int32_t lowest) {
    differentiate_without(gradient, c, pool, NULL, noise, d_logits, lowest);
}

/* ---- Against PyTorch -------------------------------------------------------------------- */

static void check_parameter(const encoder_case *c, const char *name, const float *gradient,
                            const hw_encoder_parameter *parameter) {
    char key[128];
    snprintf(key, sizeof key, "d.%s", parameter->name);
    const float *expected = encoder_case_expected(c, key);
    if (!expected) fail_msg("%s: no gradient of %s to compare with", name, parameter->name);
    double error = 0, most = 0;
    for (size_t i = 0; i < parameter->rows * parameter->columns; i++) {
        const double difference = fabs((double)gradient[parameter->offset + i] - expected[i]);
        if (!(difference <= error)) error = difference;
        most = fmax(most, fabs((double)expected[i]));
    }
    if (!(error <= tolerance * most + 1e-7))
        fail_msg("%s: the gradient of %s is off by %.3g of %.3g", name, parameter->name, error,
                 most);
}

static void check_gradients(encoder_case *c, const char *name) {
    float *gradient = new_floats(hw_encoder_floats(&c->config));
    hw_encoder_parameter parameter;
    differentiate(gradient, c, NULL, NULL, encoder_case_expected(c, "d_logits"), 0);
    for (size_t i = 0; hw_encoder_parameter_at(&parameter, &c->config, i); i++)
        check_parameter(c, name, gradient, &parameter);
    free(gradient);
}

static void test_gradients_are_those_of_pytorch(void **state) {
    (void)state;
    for_each_case(check_gradients);
}

/* ---- Dropout ---------------------------------------------------------------------------- */

static const hw_encoder_noise noise = { .hidden_dropout = 0.2f,
                                        .attention_dropout = 0.3f,
                                        .readout_dropout = 0.25f,
                                        .seed = 1,
                                        .step = 2,
                                        .first_text = 3 };

static double loss_of(const encoder_case *c, hw_encoder_scratch *scratch, const float *d_logits) {
    double loss = 0;
    float *logits = new_floats(c->rows * c->columns);
    encoder_case_logits(logits, c, scratch, &noise);
    for (size_t i = 0; i < c->rows * c->columns; i++)
        loss += (double)logits[i] * (double)d_logits[i];
    free(logits);
    return loss;
}

/* Along the gradient the loss rises by |gradient|^2: central differences, in float. */
static void check_dropout(encoder_case *c, const char *name) {
    const size_t floats = hw_encoder_floats(&c->config);
    const float *d_logits = encoder_case_expected(c, "d_logits");
    float *weights = hw_encoder_thaw(c->encoder, NULL), *gradient = new_floats(floats);
    float *start = new_floats(floats);
    double squares = 0, loss[2];
    hw_encoder_scratch *scratch = encoder_case_scratch(c, true, NULL);
    memcpy(start, weights, floats * sizeof *start);
    differentiate(gradient, c, NULL, &noise, d_logits, 0);
    for (size_t i = 0; i < floats; i++) squares += (double)gradient[i] * (double)gradient[i];
    const double step = 2e-3 / sqrt(squares);
    for (int side = 0; side < 2; side++) {
        const float move = (float)(side ? -step : step);
        for (size_t i = 0; i < floats; i++) weights[i] = start[i] + move * gradient[i];
        hw_encoder_pack(c->encoder, hw_kernels_select(), NULL);
        loss[side] = loss_of(c, scratch, d_logits);
    }
    const double slope = (loss[0] - loss[1]) / (2 * step);
    if (!(fabs(slope - squares) <= 0.01 * squares))
        fail_msg("%s: slope %.6g, gradient %.6g", name, slope, squares);
    hw_encoder_scratch_free(scratch);
    free(start);
    free(gradient);
}

static void test_gradients_with_dropout_are_slopes(void **state) {
    (void)state;
    for_each_case(check_dropout);
}

/* Texts [first, first + texts) of the case as a batch of their own. */
static void check_pieces(encoder_case *c, const char *name) {
    if (c->config.readout == HW_ENCODER_MASKED) return;
    const size_t count = c->rows * c->columns;
    float *whole = new_floats(count), *pieces = new_floats(count);
    hw_encoder_scratch *scratch = encoder_case_scratch(c, true, NULL);
    encoder_case_logits(whole, c, scratch, &noise);
    for (size_t text = 0; text < c->batch.texts; text++) {
        const uint32_t begin = c->batch.offsets[text];
        const uint32_t offsets[2] = { 0, c->batch.offsets[text + 1] - begin };
        const hw_encoder_batch one = { c->batch.tokens + begin, offsets, 1, NULL };
        hw_encoder_noise moved = noise;
        moved.first_text += text;
        hw_encoder_forward(pieces + text * c->columns, scratch, c->encoder, hw_kernels_select(),
                           one, &moved);
    }
    if (memcmp(whole, pieces, count * sizeof *whole) != 0)
        fail_msg("%s: masks depend on how a batch is cut", name);
    hw_encoder_scratch_free(scratch);
    free(whole);
    free(pieces);
}

static void test_masks_do_not_depend_on_the_batch(void **state) {
    (void)state;
    for_each_case(check_pieces);
}

/* ---- First tokens ---------------------------------------------------------------------- */

/* Who watches sees all tokens of the last layer, which must not change what is learned. */
static void check_first_tokens(encoder_case *c, const char *name) {
    const size_t floats = hw_encoder_floats(&c->config);
    const float *d_logits = encoder_case_expected(c, "d_logits");
    float *first = new_floats(floats), *all = new_floats(floats);
    watch = NULL;
    differentiate(first, c, NULL, &noise, d_logits, 0);
    watch = &encoder_case_watch;
    differentiate(all, c, NULL, &noise, d_logits, 0);
    watch = NULL;
    if (encoder_case_error(first, all, floats) > 1e-6) fail_msg("%s: another gradient", name);
    free(first);
    free(all);
}

static void test_first_tokens_alone_have_the_gradient_of_all(void **state) {
    (void)state;
    for_each_case(check_first_tokens);
}

/* ---- Heads switched off ----------------------------------------------------------------- */

/* The gradient is that of weights that read nothing from those heads, but for those weights'. */
static void check_heads_off(encoder_case *c, const char *name) {
    const size_t floats = hw_encoder_floats(&c->config), head_dim = (size_t)c->config.head_dim;
    const float *d_logits = encoder_case_expected(c, "d_logits");
    float *masked = new_floats(floats), *cut = new_floats(floats);
    encoder_case other = encoder_case_open(name);
    bool *off = encoder_case_cut_last_heads(&other);
    differentiate_without(masked, c, NULL, off, NULL, d_logits, 0);
    differentiate(cut, &other, NULL, NULL, d_logits, 0);
    for (int32_t l = 0; l < c->config.layers; l++) {
        const hw_module *output = &hw_layer_modules(c->encoder, l)[HW_MODULE_OUTPUT];
        for (size_t row = 0; row < output->rows; row++)
            memset(cut + output->weight_at + (row + 1) * output->columns - head_dim, 0,
                   head_dim * sizeof *cut);
    }
    if (encoder_case_error(masked, cut, floats) > 0) fail_msg("%s: the gradient is another", name);
    encoder_case_close(&other);
    free(off);
    free(masked);
    free(cut);
}

static void test_heads_that_are_off_have_no_gradient(void **state) {
    (void)state;
    for_each_case(check_heads_off);
}

/* ---- Threads, frozen layers ------------------------------------------------------------- */

static void check_threads(encoder_case *c, const char *name) {
    const size_t floats = hw_encoder_floats(&c->config);
    const float *d_logits = encoder_case_expected(c, "d_logits");
    float *one = new_floats(floats), *many = new_floats(floats);
    differentiate(one, c, NULL, &noise, d_logits, 0);
    for (int32_t threads = 2; threads <= 3; threads++) {
        hw_pool *pool = hw_pool_new(threads, NULL);
        assert_non_null(pool);
        differentiate(many, c, pool, &noise, d_logits, 0);
        if (memcmp(one, many, floats * sizeof *one) != 0)
            fail_msg("%s: %d threads change the gradient", name, threads);
        hw_pool_free(pool);
    }
    free(one);
    free(many);
}

static void test_threads_do_not_change_a_bit_of_the_gradient(void **state) {
    (void)state;
    for_each_case(check_threads);
}

/* Of depth `lowest` and more the gradient is the whole one's. */
static void check_frozen(encoder_case *c, const char *name) {
    if (c->config.readout == HW_ENCODER_MASKED || c->config.shared_layers) return;
    const size_t floats = hw_encoder_floats(&c->config);
    const float *d_logits = encoder_case_expected(c, "d_logits");
    float *whole = new_floats(floats), *upper = new_floats(floats);
    differentiate(whole, c, NULL, NULL, d_logits, 0);
    for (int32_t lowest = 1; lowest <= c->config.layers + 1; lowest++) {
        hw_encoder_parameter p;
        differentiate(upper, c, NULL, NULL, d_logits, lowest);
        for (size_t i = 0; hw_encoder_parameter_at(&p, &c->config, i); i++)
            if (p.depth >= lowest &&
                memcmp(whole + p.offset, upper + p.offset, p.rows * p.columns * sizeof *whole) != 0)
                fail_msg("%s: %s differs if what is below %d is frozen", name, p.name, lowest);
    }
    free(whole);
    free(upper);
}

static void test_frozen_layers_leave_the_others_gradients(void **state) {
    (void)state;
    for_each_case(check_frozen);
}

/* The readout's own backward, then that of features, make the whole one. */
static void check_features(encoder_case *c, const char *name) {
    if (c->config.readout == HW_ENCODER_MASKED) return;
    const size_t floats = hw_encoder_floats(&c->config), width = (size_t)c->config.width;
    const hw_kernels *kernels = hw_kernels_select();
    float *one = new_floats(floats), *two = new_floats(floats);
    float *d_features = new_floats(c->batch.texts * width);
    float *features = new_floats(c->batch.texts * width);
    float *d_words = new_floats(c->tokens * (size_t)c->config.embedding_width);
    hw_encoder_scratch *scratch = encoder_case_scratch(c, true, NULL);
    for (size_t i = 0; i < c->batch.texts * width; i++) d_features[i] = (float)(i % 7) - 3;
    hw_encoder_features(features, scratch, c->encoder, kernels, c->batch);
    hw_encoder_features_backward(one, d_words, scratch, c->encoder, kernels, c->batch, d_features,
                                 0);
    for (size_t i = 0; i < c->batch.texts * width; i++) d_features[i] *= 2;
    hw_encoder_features_backward(two, d_words, scratch, c->encoder, kernels, c->batch, d_features,
                                 0);
    double sum = 0;
    for (size_t i = 0; i < floats; i++) {
        sum += fabs((double)one[i]);
        if (one[i] * 2 != two[i]) fail_msg("%s: the gradient of features is not linear", name);
    }
    assert_true(sum > 0);
    hw_encoder_scratch_free(scratch);
    free(one);
    free(two);
    free(features);
    free(d_features);
    free(d_words);
}

static void test_features_have_a_gradient_of_their_own(void **state) {
    (void)state;
    for_each_case(check_features);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_gradients_are_those_of_pytorch),
        cmocka_unit_test(test_gradients_with_dropout_are_slopes),
        cmocka_unit_test(test_first_tokens_alone_have_the_gradient_of_all),
        cmocka_unit_test(test_heads_that_are_off_have_no_gradient),
        cmocka_unit_test(test_masks_do_not_depend_on_the_batch),
        cmocka_unit_test(test_threads_do_not_change_a_bit_of_the_gradient),
        cmocka_unit_test(test_frozen_layers_leave_the_others_gradients),
        cmocka_unit_test(test_features_have_a_gradient_of_their_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
