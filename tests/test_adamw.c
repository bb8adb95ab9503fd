/* AdamW against torch.optim.AdamW (golden/make_adamw_golden.py), with the word embedding by rows
 * and dense; what is frozen; the schedule. */
#include "base/memory.h"
#include "train/adamw.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum { VOCABULARY = 32, WIDTH = 16, STEPS = 40 };

static hw_encoder_config config;

static int load_config(void **state) {
    (void)state;
    static const char text[] =
        "{\"model_type\": \"bert\", \"vocab_size\": 32, \"hidden_size\": 16,"
        " \"num_hidden_layers\": 2, \"num_attention_heads\": 2, \"intermediate_size\": 32,"
        " \"max_position_embeddings\": 16, \"type_vocab_size\": 1, \"hidden_act\": \"gelu\"}";
    json_t *json = json_loads(text, 0, NULL);
    const hw_status status = hw_encoder_config_load(&config, json, "tiny", NULL);
    json_decref(json);
    config.types = 0;
    config.readout = HW_ENCODER_LABELS;
    config.labels = 16;
    return status == HW_OK ? 0 : -1;
}

static const hw_adamw_options by_rows = {
    .schedule = { .rate = 0.01, .steps = STEPS, .warm_up = 10 },
    .weight_decay = 0.1,
    .layer_decay = 0.8,
    .readout_rate = 2,
};

static hw_adamw *adamw_of(hw_adamw_options options, hw_pool *pool) {
    hw_error err;
    hw_adamw *adamw = hw_adamw_new(&config, &options, hw_kernels_select(), pool, &err);
    if (!adamw) fail_msg("%s", err.message);
    return adamw;
}

/* As in the script: uniform in [-1/2, 1/2). step -1: the weights at the start. */
static float value_at(size_t place, int step) {
    const uint64_t whole = UINT64_C(1) << 32;
    uint64_t hashed = (place * 2654435761u + (uint64_t)(step + 1) * 40503u) % whole;
    hashed = (hashed ^ (hashed >> 15)) * 2246822519u % whole;
    return (float)(hashed >> 12) / (float)(1 << 20) - 0.5f;
}

static bool is_touched(size_t row, int step) {
    return (row * 7 + (size_t)step * 3) % 11 == 0 && row != 5;
}

static float *weights_at_start(void) {
    const size_t floats = hw_encoder_floats(&config);
    float *weights = hw_calloc(floats, sizeof *weights);
    assert_non_null(weights);
    for (size_t i = 0; i < floats; i++) weights[i] = value_at(i, -1);
    return weights;
}

/* rows may be NULL: the word embedding's gradient is dense. */
static void fill_gradient(float *gradient, hw_row_gradients *rows, int step) {
    const size_t words = VOCABULARY * WIDTH;
    for (size_t i = words; i < hw_encoder_floats(&config); i++) gradient[i] = value_at(i, step);
    for (size_t row = 0; row < VOCABULARY; row++) {
        float d[WIDTH];
        for (size_t i = 0; i < WIDTH; i++)
            d[i] = is_touched(row, step) ? value_at(row * WIDTH + i, step) : 0;
        if (!rows)
            memcpy(gradient + row * WIDTH, d, sizeof d);
        else if (is_touched(row, step))
            hw_row_gradients_add(rows, (uint32_t)row, d, 1, hw_kernels_select());
    }
}

static void run(hw_adamw *adamw, float *weights, hw_row_gradients *rows, int from, int to) {
    for (int step = from; step < to; step++) {
        if (rows) hw_row_gradients_start(rows);
        fill_gradient(hw_adamw_gradient(adamw), rows, step);
        assert_true(hw_adamw_step(adamw, weights, rows));
    }
}

static hw_row_gradients new_rows(void) {
    hw_row_gradients rows = { 0 };
    assert_int_equal(hw_row_gradients_reserve(&rows, VOCABULARY, WIDTH, VOCABULARY, NULL), HW_OK);
    return rows;
}

static float *trained_by_rows(hw_pool *pool) {
    hw_adamw *adamw = adamw_of(by_rows, pool);
    hw_row_gradients rows = new_rows();
    float *weights = weights_at_start();
    run(adamw, weights, &rows, 0, STEPS);
    hw_adamw_settle(adamw, weights);
    hw_row_gradients_free(&rows);
    hw_adamw_free(adamw);
    return weights;
}

static void assert_golden(const float *weights) {
    const size_t floats = hw_encoder_floats(&config);
    float *golden = hw_calloc(floats, sizeof *golden);
    FILE *file = fopen("tests/golden/adamw.bin", "rb");
    assert_non_null(file);
    assert_int_equal(fread(golden, sizeof *golden, floats, file), floats);
    assert_int_equal(fgetc(file), EOF);
    fclose(file);
    for (size_t i = 0; i < floats; i++)
        if (!(fabsf(weights[i] - golden[i]) < 2e-6f))
            fail_msg("weight %zu is %.8f, not %.8f", i, (double)weights[i], (double)golden[i]);
    hw_free(golden);
}

static void test_rows_are_updated_as_torch_updates_the_whole(void **state) {
    (void)state;
    float *weights = trained_by_rows(NULL);
    assert_golden(weights);
    hw_free(weights);
}

static void test_a_dense_word_embedding_is_updated_as_in_torch(void **state) {
    (void)state;
    hw_adamw_options options = by_rows;
    options.dense_words = true;
    hw_adamw *adamw = adamw_of(options, NULL);
    float *weights = weights_at_start();
    run(adamw, weights, NULL, 0, STEPS);
    assert_golden(weights);
    hw_adamw_free(adamw);
    hw_free(weights);
}

static void test_threads_do_not_matter(void **state) {
    (void)state;
    float *alone = trained_by_rows(NULL);
    for (int32_t threads = 2; threads <= 3; threads++) {
        hw_pool *pool = hw_pool_new(threads, NULL);
        float *weights = trained_by_rows(pool);
        assert_memory_equal(alone, weights, hw_encoder_floats(&config) * sizeof *weights);
        hw_free(weights);
        hw_pool_free(pool);
    }
    hw_free(alone);
}

static void test_a_saved_state_goes_on_bit_for_bit(void **state) {
    (void)state;
    float *whole = trained_by_rows(NULL), *weights = weights_at_start();
    hw_row_gradients rows = new_rows();
    hw_adamw *first = adamw_of(by_rows, NULL), *second = adamw_of(by_rows, NULL);
    run(first, weights, &rows, 0, 17);
    for (size_t i = 0; i < HW_ADAMW_ARRAYS; i++) {
        const hw_state_array from = hw_adamw_state(first, i), to = hw_adamw_state(second, i);
        assert_int_equal(from.bytes, to.bytes);
        memcpy(to.data, from.data, from.bytes);
    }
    assert_false(hw_adamw_resume(second, STEPS + 1));
    assert_false(hw_adamw_resume(second, 16)); /* rows were touched later */
    assert_true(hw_adamw_resume(second, 17));
    run(second, weights, &rows, 17, STEPS);
    hw_adamw_settle(second, weights);
    assert_memory_equal(whole, weights, hw_encoder_floats(&config) * sizeof *weights);
    hw_adamw_free(first);
    hw_adamw_free(second);
    hw_row_gradients_free(&rows);
    hw_free(whole);
    hw_free(weights);
}

static void test_what_is_frozen_does_not_change(void **state) {
    (void)state;
    for (int32_t lowest = 1; lowest <= 3; lowest++) {
        hw_adamw_options options = by_rows;
        options.lowest = lowest;
        hw_adamw *adamw = adamw_of(options, NULL);
        float *weights = weights_at_start(), *gradient = hw_adamw_gradient(adamw);
        for (size_t i = 0; i < hw_encoder_floats(&config); i++) gradient[i] = value_at(i, 0);
        assert_true(hw_adamw_step(adamw, weights, NULL));
        hw_encoder_parameter p;
        for (size_t i = 0; hw_encoder_parameter_at(&p, &config, i); i++)
            assert_int_equal(weights[p.offset] == value_at(p.offset, -1), p.depth < lowest);
        hw_adamw_free(adamw);
        hw_free(weights);
    }
}

static void test_a_gradient_that_is_not_finite_changes_nothing(void **state) {
    (void)state;
    static const float values[] = { NAN, INFINITY, 3e38f };
    hw_row_gradients rows = new_rows();
    for (size_t i = 0; i < 3; i++)
        for (int in_rows = 0; in_rows < 2; in_rows++) {
            hw_adamw *adamw = adamw_of(by_rows, NULL);
            float *weights = weights_at_start(), *before = weights_at_start();
            hw_row_gradients_start(&rows);
            fill_gradient(hw_adamw_gradient(adamw), &rows, 0);
            if (in_rows)
                rows.values[3] = values[i];
            else
                hw_adamw_gradient(adamw)[VOCABULARY * WIDTH + 3] = values[i];
            assert_false(hw_adamw_step(adamw, weights, &rows));
            assert_memory_equal(weights, before, hw_encoder_floats(&config) * sizeof *weights);
            assert_int_equal(hw_adamw_steps(adamw), 0);
            run(adamw, weights, &rows, 0, STEPS); /* and leaves no trace */
            hw_adamw_settle(adamw, weights);
            assert_golden(weights);
            hw_adamw_free(adamw);
            hw_free(weights);
            hw_free(before);
        }
    hw_row_gradients_free(&rows);
}

static void test_the_rate_rises_then_falls(void **state) {
    (void)state;
    const hw_schedule schedule = { .rate = 1, .steps = 100, .warm_up = 10 };
    assert_true(hw_schedule_rate(&schedule, 0) > 0);
    for (size_t step = 0; step < 10; step++)
        assert_true(hw_schedule_rate(&schedule, step) < hw_schedule_rate(&schedule, step + 1));
    assert_true(hw_schedule_rate(&schedule, 10) == 1);
    for (size_t step = 10; step < 100; step++)
        assert_true(hw_schedule_rate(&schedule, step) > hw_schedule_rate(&schedule, step + 1));
    assert_true(hw_schedule_rate(&schedule, 100) == 0);
    const hw_schedule without = { .rate = 1, .steps = 4 };
    assert_true(hw_schedule_rate(&without, 0) == 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows_are_updated_as_torch_updates_the_whole),
        cmocka_unit_test(test_a_dense_word_embedding_is_updated_as_in_torch),
        cmocka_unit_test(test_threads_do_not_matter),
        cmocka_unit_test(test_a_saved_state_goes_on_bit_for_bit),
        cmocka_unit_test(test_what_is_frozen_does_not_change),
        cmocka_unit_test(test_a_gradient_that_is_not_finite_changes_nothing),
        cmocka_unit_test(test_the_rate_rises_then_falls),
    };
    return cmocka_run_group_tests(tests, load_config, NULL);
}
