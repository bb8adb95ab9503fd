/* The tower as its users see it: the same bits for a text wherever and with whatever it is
 * computed, and shapes and limits. */
#include "base/fault.h"
#include "base/random.h"
#include "model/scratch.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { TEXTS = 9, LABELS = 5, COLUMNS = 16, MAX_TOKENS = 200, MAX_NGRAMS = 4 /* a token */ };

static const hw_tower_config deep = { .vocabulary = 50,
                                      .width = 32,
                                      .layers = 2,
                                      .heads = 3,
                                      .head_dim = 8,
                                      .inner_width = 48,
                                      .distance = 4,
                                      .queries = 3,
                                      .window = 12,
                                      .labels = LABELS };

/* `deep` with heads of every kind. */
static const struct {
    hw_attention attention;
    hw_head_gates head_gates;
} kinds[] = { { HW_ATTENTION_LEARNED, HW_HEAD_GATES_NONE },
              { HW_ATTENTION_UNIFORM, HW_HEAD_GATES_INPUT },
              { HW_ATTENTION_TIED, HW_HEAD_GATES_L0 },
              { HW_ATTENTION_TALKING, HW_HEAD_GATES_L0 },
              { HW_ATTENTION_COLLABORATIVE, HW_HEAD_GATES_INPUT } };

static hw_tower_config kind_of(size_t i) {
    hw_tower_config config = deep;
    config.attention = kinds[i].attention;
    config.head_gates = kinds[i].head_gates;
    config.shared_dim = config.attention == HW_ATTENTION_COLLABORATIVE ? 5 : 0;
    return config;
}

static void for_each_kind(void (*check)(const hw_tower_config *config)) {
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        const hw_tower_config config = kind_of(i);
        check(&config);
    }
}

/* Some are longer than the window. */
static const uint32_t lengths[TEXTS] = { 1, 2, 7, 12, 13, 25, 40, 1, 16 };

typedef struct model {
    hw_tower_config config;
    hw_tower_views weights;
    uint32_t ngrams[MAX_TOKENS * MAX_NGRAMS];
    uint32_t token_offsets[MAX_TOKENS + 1];
    uint32_t offsets[TEXTS + 1];
} model;

static float *new_floats(size_t n) {
    float *x = calloc(n, sizeof *x);
    assert_non_null(x);
    return x;
}

/* Tokens of 0 to MAX_NGRAMS n-grams. No parameter is 0, so that every part of the tower has
 * a say. */
static void begin(model *m, const hw_tower_config *config) {
    m->config = *config;
    const size_t floats = hw_tower_floats(config);
    hw_tower_view(&m->weights, config, new_floats(floats));
    for (size_t i = 0; i < floats; i++) m->weights.block[i] = 0.3f * hw_random_normal(1, 1, i);
    m->offsets[0] = 0;
    for (size_t t = 0; t < TEXTS; t++) m->offsets[t + 1] = m->offsets[t] + lengths[t];
    assert_true(m->offsets[TEXTS] <= MAX_TOKENS);
    m->token_offsets[0] = 0;
    for (size_t i = 0; i < MAX_TOKENS; i++)
        m->token_offsets[i + 1] =
            m->token_offsets[i] + (uint32_t)hw_random_below(1, 3, i, MAX_NGRAMS + 1);
    for (size_t i = 0; i < MAX_TOKENS * MAX_NGRAMS; i++)
        m->ngrams[i] = (uint32_t)hw_random_below(1, 2, i, (uint64_t)config->vocabulary);
}

static void end(model *m) {
    free(m->weights.block);
}

static hw_tower_scratch *new_scratch(const model *m, bool training) {
    hw_tower_scratch *scratch = hw_tower_scratch_new(&m->config, TEXTS, MAX_TOKENS, training, NULL);
    assert_non_null(scratch);
    return scratch;
}

/* logits[count][COLUMNS] of the texts from first on. Only token_offsets need not start at 0. */
static void forward(float *logits, const model *m, hw_tower_scratch *scratch,
                    const hw_kernels *kernels, size_t first, size_t count,
                    const hw_tower_noise *noise) {
    uint32_t offsets[TEXTS + 1];
    for (size_t t = 0; t <= count; t++) offsets[t] = m->offsets[first + t] - m->offsets[first];
    const hw_batch batch = { m->ngrams, m->token_offsets + m->offsets[first], offsets, count };
    hw_tower_forward(logits, scratch, &m->config, &m->weights, kernels, batch, noise);
}

static void check_batches(const hw_tower_config *config) {
    model m;
    begin(&m, config);
    float expected[TEXTS][COLUMNS], got[TEXTS][COLUMNS];
    hw_tower_scratch *scratch = new_scratch(&m, true);
    forward(expected[0], &m, scratch, hw_kernels_select(), 0, TEXTS, NULL);
    for (size_t first = 0; first < TEXTS; first++)
        for (size_t count = 1; first + count <= TEXTS; count++) {
            forward(got[0], &m, scratch, hw_kernels_select(), first, count, NULL);
            assert_memory_equal(got, expected[first], count * sizeof *got);
        }
    hw_tower_scratch_free(scratch);
    end(&m);
}

static void test_text_has_same_logits_alone_and_in_any_batch(void **state) {
    (void)state;
    for_each_kind(check_batches);
}

static void check_scratches(const hw_tower_config *config) {
    model m;
    begin(&m, config);
    float expected[TEXTS][COLUMNS], got[TEXTS][COLUMNS];
    hw_tower_scratch *taping = new_scratch(&m, true), *plain = new_scratch(&m, false);
    forward(expected[0], &m, taping, hw_kernels_select(), 0, TEXTS, NULL);
    for (int again = 0; again < 2; again++) {
        forward(got[0], &m, plain, hw_kernels_select(), 0, TEXTS, NULL);
        assert_memory_equal(got, expected, sizeof got);
    }
    hw_tower_scratch_free(taping);
    hw_tower_scratch_free(plain);
    end(&m);
}

static void test_scratch_without_training_gives_same_logits(void **state) {
    (void)state;
    for_each_kind(check_scratches);
}

/* ---- Looking inside ----------------------------------------------------------------------- */

/* A head's weights of one layer, summed over heads with what each brings: [n][width]. */
typedef struct watched {
    size_t layer, n, width, blocks;
    const float *outputs; /* [heads][n][width] */
    float *sum;
} watched;

static void add_block(void *context, const hw_attention_block *b) {
    watched *w = context;
    if (b->layer != w->layer) return;
    w->blocks++;
    for (size_t i = 0; i < b->rows; i++)
        for (size_t j = 0; j < b->columns; j++)
            for (size_t c = 0; c < w->width; c++)
                w->sum[(b->query + i) * w->width + c] +=
                    b->weights[i * b->stride + j] *
                    w->outputs[(b->head * w->n + b->key + j) * w->width + c];
}

/* x + sum over heads and tokens of weight * output + bias is what the layer makes of x. */
static void check_what_heads_do(const hw_tower_config *config) {
    enum { LONG_TEXT = 5, LAYER = 1 };
    model m;
    begin(&m, config);
    const hw_kernels *kernels = hw_kernels_select();
    hw_tower_scratch *scratch = new_scratch(&m, true);
    const size_t n = lengths[LONG_TEXT], width = (size_t)config->width,
                 heads = (size_t)config->heads;
    const uint32_t offsets[2] = { 0, lengths[LONG_TEXT] };
    const hw_batch batch = { m.ngrams, m.token_offsets + m.offsets[LONG_TEXT], offsets, 1 };
    float logits[COLUMNS], d_logits[COLUMNS] = { 1 };
    float *outputs = new_floats(heads * n * width), *sum = new_floats(n * width);
    float *d_tokens = new_floats(n * width), *block = new_floats(hw_tower_floats(config));
    hw_tower_views gradient;
    hw_tower_view(&gradient, config, block);
    hw_tower_forward(logits, scratch, config, &m.weights, kernels, batch, NULL);
    for (size_t head = 0; head < heads; head++)
        hw_tower_head_outputs(outputs + head * n * width, scratch, config, &m.weights, kernels, n,
                              LAYER, head);
    watched seen = { LAYER, n, width, 0, outputs, sum };
    hw_tower_watch(scratch, &(hw_attention_watch){ .see = add_block, .context = &seen });
    hw_tower_backward(&gradient, d_tokens, scratch, config, &m.weights, kernels, batch, d_logits,
                      NULL);
    assert_int_equal(seen.blocks,
                     heads * ((n + (size_t)config->window - 1) / (size_t)config->window));
    for (size_t i = 0; i < n * width; i++) {
        const float before = scratch->attention[LAYER].norm.x[i];
        const float after = scratch->feedforward[LAYER].norm.x[i];
        const float made = before + sum[i] + m.weights.layer[LAYER].output_bias[i % width];
        assert_true(fabsf(made - after) < 1e-4f);
    }
    hw_tower_watch(scratch, NULL);
    hw_tower_backward(&gradient, d_tokens, scratch, config, &m.weights, kernels, batch, d_logits,
                      NULL);
    assert_int_equal(seen.blocks, heads * 3);
    hw_tower_scratch_free(scratch);
    free(outputs);
    free(sum);
    free(d_tokens);
    free(block);
    end(&m);
}

static void test_what_heads_are_seen_to_do_is_what_the_layer_does(void **state) {
    (void)state;
    for_each_kind(check_what_heads_do);
}

static void test_readout_rows_sum_to_one(void **state) {
    (void)state;
    for (int32_t queries = -1; queries <= 3; queries++) {
        hw_tower_config config = deep;
        config.queries = queries < 0 ? 0 : queries;
        config.capsule_dim = config.routing = queries < 0 ? 2 : 0;
        model m;
        begin(&m, &config);
        float logits[COLUMNS], row[MAX_TOKENS], sum = 0;
        hw_tower_scratch *scratch = new_scratch(&m, true);
        forward(logits, &m, scratch, hw_kernels_select(), 6, 1, NULL);
        hw_tower_readout_row(row, scratch, &config, lengths[6]);
        for (size_t i = 0; i < lengths[6]; i++) sum += row[i];
        assert_true(fabsf(sum - 1) < 1e-5f);
        hw_tower_scratch_free(scratch);
        end(&m);
    }
}

/* ---- Embedding ---------------------------------------------------------------------------- */

/* logits[COLUMNS] of a text of one token with these n-grams. */
static void one_token_logits(float *logits, const model *m, hw_tower_scratch *scratch,
                             const uint32_t *ngrams, uint32_t count) {
    const uint32_t token_offsets[] = { 0, count }, offsets[] = { 0, 1 };
    hw_tower_forward(logits, scratch, &m->config, &m->weights, hw_kernels_select(),
                     (hw_batch){ ngrams, token_offsets, offsets, 1 }, NULL);
}

static void test_token_is_the_scaled_sum_of_its_ngrams(void **state) {
    (void)state;
    model m;
    begin(&m, &deep);
    float expected[COLUMNS], got[COLUMNS];
    hw_tower_scratch *scratch = new_scratch(&m, false);
    static const uint32_t four[] = { 7, 3, 9, 7 };
    one_token_logits(got, &m, scratch, four, 4);
    float *row = m.weights.embedding + 11 * 32;
    for (size_t i = 0; i < 32; i++) { /* one more row that is what the four make */
        row[i] = 0;
        for (size_t n = 0; n < 4; n++)
            row[i] = fmaf(0.5f, m.weights.embedding[four[n] * 32 + i], row[i]);
    }
    one_token_logits(expected, &m, scratch, (const uint32_t[]){ 11 }, 1);
    assert_memory_equal(got, expected, sizeof got);
    assert_true(hw_token_scale(0) == 0);
    assert_true(hw_token_scale(1) == 1);
    assert_true(hw_token_scale(4) == 0.5f);
    hw_tower_scratch_free(scratch);
    end(&m);
}

static void test_token_without_ngrams_is_zero(void **state) {
    (void)state;
    model m;
    begin(&m, &deep);
    float expected[COLUMNS], got[COLUMNS];
    hw_tower_scratch *scratch = new_scratch(&m, false);
    one_token_logits(got, &m, scratch, NULL, 0);
    memset(m.weights.embedding, 0, 32 * sizeof(float));
    one_token_logits(expected, &m, scratch, (const uint32_t[]){ 0 }, 1);
    assert_memory_equal(got, expected, sizeof got);
    hw_tower_scratch_free(scratch);
    end(&m);
}

/* ---- Noise, instruction sets, windows ------------------------------------------------------- */

static void check_chunks(const hw_tower_config *config) {
    model m;
    begin(&m, config);
    float expected[TEXTS][COLUMNS], got[TEXTS][COLUMNS], quiet[TEXTS][COLUMNS];
    hw_tower_scratch *scratch = new_scratch(&m, true);
    hw_tower_noise noise = { 0.3f, 0.4f, 0.1f, .seed = 5, .step = 2, .first_text = 32 };
    forward(quiet[0], &m, scratch, hw_kernels_select(), 0, TEXTS, NULL);
    forward(expected[0], &m, scratch, hw_kernels_select(), 0, TEXTS, &noise);
    for (size_t t = 0; t < TEXTS; t++) {
        noise.first_text = 32 + t;
        forward(got[t], &m, scratch, hw_kernels_select(), t, 1, &noise);
        assert_memory_not_equal(got[t], quiet[t], sizeof *got);
    }
    assert_memory_equal(got, expected, sizeof got);
    noise.first_text = 32;
    noise.step++;
    forward(got[0], &m, scratch, hw_kernels_select(), 0, 1, &noise);
    assert_memory_not_equal(got, expected, sizeof *got);
    hw_tower_scratch_free(scratch);
    end(&m);
}

static void test_noise_does_not_depend_on_chunks(void **state) {
    (void)state;
    for_each_kind(check_chunks);
}

/* logits, d_tokens and the gradient block, one after the other */
static float *new_training_pass(const model *m, const hw_kernels *kernels, size_t *floats) {
    const size_t logits = TEXTS * COLUMNS, d_tokens = MAX_TOKENS * (size_t)m->config.width;
    *floats = logits + d_tokens + hw_tower_floats(&m->config);
    float *all = new_floats(*floats), d_logits[TEXTS * COLUMNS] = { 0 };
    hw_tower_views gradient;
    hw_tower_view(&gradient, &m->config, all + logits + d_tokens);
    hw_tower_scratch *scratch = new_scratch(m, true);
    const hw_tower_noise noise = {
        .dropout = 0.3f, .drop_head = 0.2f, .seed = 5, .penalties = { 0.1f, 0.2f, 0.3f, 0.4f, 0.5f }
    };
    const hw_batch batch = { m->ngrams, m->token_offsets, m->offsets, TEXTS };
    forward(all, m, scratch, kernels, 0, TEXTS, &noise);
    for (size_t i = 0; i < TEXTS * COLUMNS; i++)
        d_logits[i] = i % COLUMNS < LABELS ? hw_random_normal(1, 3, i) : 0.0f;
    hw_tower_backward(&gradient, all + logits, scratch, &m->config, &m->weights, kernels, batch,
                      d_logits, &noise);
    hw_tower_scratch_free(scratch);
    return all;
}

static void check_instruction_sets(const hw_tower_config *config) {
    model m;
    begin(&m, config);
    size_t floats = 0;
    float *expected = new_training_pass(&m, hw_kernels_at(0), &floats);
    const hw_kernels *kernels = NULL;
    for (size_t i = 1; (kernels = hw_kernels_at(i)); i++) {
        float *got = new_training_pass(&m, kernels, &floats);
        assert_memory_equal(got, expected, floats * sizeof *got);
        free(got);
    }
    free(expected);
    end(&m);
}

static void test_every_instruction_set_gives_same_bits(void **state) {
    (void)state;
    for_each_kind(check_instruction_sets);
}

/* A text said twice, with a window of its length, has the same mean, maximum and query
 * attention as the text said once. */
static void test_long_text_is_attended_in_windows_and_pooled_whole(void **state) {
    (void)state;
    model m;
    begin(&m, &deep);
    m.offsets[1] = 12;
    m.offsets[2] = 36;
    m.offsets[3] = 60;
    for (uint32_t i = 0; i <= MAX_TOKENS; i++) m.token_offsets[i] = i;
    for (size_t i = 0; i < 24; i++) m.ngrams[12 + i] = m.ngrams[i % 12]; /* twice */
    for (size_t i = 0; i < 24; i++) m.ngrams[36 + i] = m.ngrams[i / 2];  /* not twice */
    float logits[3][COLUMNS];
    hw_tower_scratch *scratch = new_scratch(&m, false);
    forward(logits[0], &m, scratch, hw_kernels_select(), 0, 3, NULL);
    float largest = 0.0f;
    for (size_t i = 0; i < LABELS; i++) {
        assert_true(fabsf(logits[1][i] - logits[0][i]) < 1e-4f);
        largest = fmaxf(largest, fabsf(logits[2][i] - logits[0][i]));
    }
    assert_true(largest > 1e-2f);
    hw_tower_scratch_free(scratch);
    end(&m);
}

/* The only token of a text gives all its attention to itself, whatever its score. */
static void test_single_token_attends_to_itself(void **state) {
    (void)state;
    model m;
    begin(&m, &deep);
    float before[COLUMNS], after[COLUMNS];
    hw_tower_scratch *scratch = new_scratch(&m, false);
    forward(before, &m, scratch, hw_kernels_select(), 0, 1, NULL);
    for (size_t i = 0; i < 3 * 9; i++) m.weights.layer[0].position[i] += (float)i;
    forward(after, &m, scratch, hw_kernels_select(), 0, 1, NULL);
    for (size_t i = 0; i < LABELS; i++) {
        assert_true(isfinite(before[i]));
        assert_true(before[i] == after[i]);
    }
    hw_tower_scratch_free(scratch);
    end(&m);
}

static void test_tower_without_layers_works(void **state) {
    (void)state;
    model m;
    hw_tower_config config = deep;
    config.layers = 0;
    config.queries = 0;
    begin(&m, &config);
    float expected[TEXTS][COLUMNS], got[TEXTS][COLUMNS];
    hw_tower_scratch *taping = new_scratch(&m, true), *plain = new_scratch(&m, false);
    forward(expected[0], &m, taping, hw_kernels_select(), 0, TEXTS, NULL);
    forward(got[0], &m, plain, hw_kernels_select(), 0, TEXTS, NULL);
    assert_memory_equal(got, expected, sizeof got);
    assert_memory_not_equal(got[2], got[3], sizeof *got);
    hw_tower_scratch_free(taping);
    hw_tower_scratch_free(plain);
    end(&m);
}

/* ---- Parameters ------------------------------------------------------------------------- */

static void test_config_check_names_the_field(void **state) {
    (void)state;
    hw_error err;
    hw_tower_config config = deep;
    assert_int_equal(hw_tower_config_check(&config, &err), HW_OK);
    config.width = 24;
    assert_int_equal(hw_tower_config_check(&config, &err), HW_ERROR_ARGUMENT);
    assert_non_null(strstr(err.message, "width is 24"));
    config = deep;
    config.heads = HW_TOWER_HEADS + 1;
    assert_int_equal(hw_tower_config_check(&config, &err), HW_ERROR_ARGUMENT);
    assert_non_null(strstr(err.message, "heads is 257"));
    config = deep;
    config.labels = 0;
    assert_int_equal(hw_tower_config_check(&config, NULL), HW_ERROR_ARGUMENT);
}

static void check_walk(const hw_tower_config *config, size_t expected) {
    hw_tower_parameter p;
    size_t count = 0, end_of_last = 0;
    for (; hw_tower_parameter_at(&p, config, count); count++) {
        assert_int_equal(p.offset % 16, 0);
        assert_true(p.offset >= end_of_last && p.offset < end_of_last + 16);
        assert_true(p.rows * p.columns > 0);
        end_of_last = p.offset + p.rows * p.columns;
    }
    assert_int_equal(count, expected);
    assert_true(hw_tower_floats(config) - end_of_last < 16);
}

static void test_parameters_tile_the_block(void **state) {
    (void)state;
    hw_tower_config config = deep;
    check_walk(&config, 6 + 2 * 15);
    config.inner_width = 0;
    check_walk(&config, 6 + 2 * 8);
    config.queries = 0;
    config.layers = 0;
    check_walk(&config, 5);
}

static void test_parameters_are_where_the_views_say(void **state) {
    (void)state;
    model m;
    begin(&m, &deep);
    hw_tower_parameter p;
    assert_true(hw_tower_parameter_at(&p, &deep, 0));
    assert_string_equal(p.name, "embedding");
    assert_int_equal(p.offset, 0);
    assert_true(hw_tower_parameter_at(&p, &deep, 6 + 15 + 6));
    assert_string_equal(p.name, "layer.1.output");
    assert_ptr_equal(m.weights.block + p.offset, m.weights.layer[1].output);
    assert_int_equal(p.rows, 24);
    assert_int_equal(p.columns, 32);
    end(&m);
}

static void test_init_depends_on_the_seed_alone(void **state) {
    (void)state;
    const size_t floats = hw_tower_floats(&deep);
    float *first = new_floats(floats), *second = new_floats(floats);
    memset(second, 0xff, floats * sizeof *second);
    hw_tower_init(first, &deep, 3);
    hw_tower_init(second, &deep, 3);
    assert_memory_equal(first, second, floats * sizeof *first);
    hw_tower_init(second, &deep, 4);
    assert_memory_not_equal(first, second, floats * sizeof *first);
    free(first);
    free(second);
}

#ifdef HW_FAULTS
static void test_scratch_survives_each_failed_allocation(void **state) {
    (void)state;
    hw_error err;
    for (int training = 0; training < 2; training++) {
        hw_tower_scratch *scratch = NULL;
        for (uint64_t at = 1; !scratch; at++) {
            hw_fault_arm(HW_FAULT_MEMORY, at, false);
            scratch = hw_tower_scratch_new(&deep, TEXTS, MAX_TOKENS, training, &err);
            if (!scratch) assert_int_equal(err.status, HW_ERROR_MEMORY);
            assert_true(at < 10);
        }
        hw_fault_arm(HW_FAULT_MEMORY, 0, false);
        hw_tower_scratch_free(scratch);
    }
}
#endif

static void test_scratch_of_impossible_size_is_refused(void **state) {
    (void)state;
    hw_error err;
    assert_null(hw_tower_scratch_new(&deep, 1, SIZE_MAX / 8, true, &err));
    assert_int_equal(err.status, HW_ERROR_MEMORY);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_text_has_same_logits_alone_and_in_any_batch),
        cmocka_unit_test(test_what_heads_are_seen_to_do_is_what_the_layer_does),
        cmocka_unit_test(test_readout_rows_sum_to_one),
        cmocka_unit_test(test_scratch_without_training_gives_same_logits),
        cmocka_unit_test(test_token_is_the_scaled_sum_of_its_ngrams),
        cmocka_unit_test(test_token_without_ngrams_is_zero),
        cmocka_unit_test(test_noise_does_not_depend_on_chunks),
        cmocka_unit_test(test_every_instruction_set_gives_same_bits),
        cmocka_unit_test(test_long_text_is_attended_in_windows_and_pooled_whole),
        cmocka_unit_test(test_single_token_attends_to_itself),
        cmocka_unit_test(test_tower_without_layers_works),
        cmocka_unit_test(test_config_check_names_the_field),
        cmocka_unit_test(test_parameters_tile_the_block),
        cmocka_unit_test(test_parameters_are_where_the_views_say),
        cmocka_unit_test(test_init_depends_on_the_seed_alone),
#ifdef HW_FAULTS
        cmocka_unit_test(test_scratch_survives_each_failed_allocation),
#endif
        cmocka_unit_test(test_scratch_of_impossible_size_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
