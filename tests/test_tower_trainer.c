/* The tower's training steps: the loss falls, a state that was saved goes on bit for bit, what
 * is not finite is given up on, and the average of rarely touched rows is the plain one. */
#include "base/memory.h"
#include "base/random.h"
#include "train/tower_scores.h"
#include "train/tower_trainer.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { TEXTS = 60, TOKENS = 6, NGRAMS = 2, VOCABULARY = 50, LABELS = 3 };

static hw_error error;

/* Texts of TOKENS tokens of NGRAMS n-grams; the first token tells the label. */
typedef struct task {
    hw_tower_config config;
    hw_token_lists texts;
    hw_targets targets;
    size_t text_offsets[TEXTS + 1], token_offsets[TEXTS * TOKENS + 1];
    uint32_t ngrams[TEXTS * TOKENS * NGRAMS];
    uint32_t offsets[TEXTS + 1], gold[TEXTS], rows[TEXTS];
} task;

static const hw_tower_trainer_options plain = { .epochs = 20,
                                                .batch = 8,
                                                .crop = 4,
                                                .learning_rate = 0.01f,
                                                .embedding_rate = 1,
                                                .weight_decay = 0.01f,
                                                .average = 0.9f,
                                                .seed = 7 };

static hw_tower_trainer_options noisy(void) {
    hw_tower_trainer_options options = plain;
    options.dropout = 0.3f;
    options.embedding_dropout = 0.1f;
    options.drop_head = 0.1f;
    options.ngram_dropout = 0.5f;
    options.token_dropout = 0.2f;
    options.label_smoothing = 0.1f;
    return options;
}

static task *task_new(void) {
    task *t = calloc(1, sizeof *t);
    assert_non_null(t);
    t->config = (hw_tower_config){ .vocabulary = VOCABULARY,
                                   .width = 16,
                                   .layers = 1,
                                   .heads = 2,
                                   .head_dim = 8,
                                   .distance = 2,
                                   .queries = 2,
                                   .window = 16,
                                   .labels = LABELS };
    for (uint32_t text = 0; text < TEXTS; text++) {
        t->text_offsets[text + 1] = (text + 1) * TOKENS;
        t->offsets[text + 1] = text + 1;
        t->gold[text] = text % LABELS;
        t->rows[text] = text;
    }
    for (uint32_t i = 0; i <= TEXTS * TOKENS; i++) t->token_offsets[i] = i * NGRAMS;
    for (uint32_t i = 0; i < TEXTS * TOKENS * NGRAMS; i++) {
        const uint32_t text = i / (TOKENS * NGRAMS);
        const bool tells = i / NGRAMS % TOKENS >= TOKENS - 3; /* in every stretch of 4 */
        t->ngrams[i] = tells ? t->gold[text]
                             : LABELS + (uint32_t)hw_random_below(1, 1, i, VOCABULARY - LABELS);
    }
    t->texts = (hw_token_lists){ t->text_offsets, t->token_offsets, t->ngrams };
    t->targets = (hw_targets){ t->offsets, t->gold, TEXTS };
    return t;
}

static hw_tower_trainer *trainer_of(const task *t, hw_tower_trainer_options options) {
    hw_tower_trainer *trainer =
        hw_tower_trainer_new(&t->config, &t->texts, t->targets, t->rows, TEXTS, NULL, &options,
                             hw_kernels_select(), &error);
    assert_non_null(trainer);
    return trainer;
}

static unsigned char *state_of(const hw_tower_trainer *trainer) {
    unsigned char *bytes = calloc(1, hw_tower_trainer_state_bytes(trainer));
    assert_non_null(bytes);
    hw_tower_trainer_save(bytes, trainer);
    return bytes;
}

static float *average_of(const task *t, const hw_tower_trainer *trainer) {
    float *block = hw_calloc(hw_tower_floats(&t->config), sizeof *block);
    assert_non_null(block);
    hw_tower_trainer_average(block, trainer);
    return block;
}

/* The weights themselves are what the average is without memory. */
static hw_tower_trainer_options without_average(hw_tower_trainer_options options) {
    options.average = 1e-30f;
    return options;
}

/* ---- Learning ------------------------------------------------------------------------ */

static size_t right_answers(const task *t, float *block) {
    hw_tower_scorer *scorer = hw_tower_scorer_new(&t->config, &t->texts, t->rows, TEXTS, &error);
    assert_non_null(scorer);
    float logits[TEXTS * LABELS];
    hw_tower_scorer_run(logits, scorer, block, hw_kernels_select());
    hw_tower_scorer_free(scorer);
    size_t right = 0;
    for (size_t text = 0; text < TEXTS; text++) {
        const float *row = logits + text * LABELS;
        size_t best = 0;
        for (size_t label = 1; label < LABELS; label++)
            if (row[label] > row[best]) best = label;
        right += best == t->gold[text];
    }
    return right;
}

static void test_loss_falls_and_answers_become_right(void **state) {
    (void)state;
    task *t = task_new();
    hw_tower_trainer *trainer = trainer_of(t, plain);
    assert_int_equal(hw_tower_trainer_steps_per_epoch(trainer), 8);
    assert_int_equal(hw_tower_trainer_steps(trainer), 160);
    hw_tower_trainer_run(trainer, 8);
    const double before = hw_tower_trainer_loss(trainer);
    hw_tower_trainer_run(trainer, SIZE_MAX);
    assert_int_equal(hw_tower_trainer_done(trainer), 160);
    assert_true(hw_tower_trainer_loss(trainer) < 0.5 * before);
    assert_false(hw_tower_trainer_diverged(trainer));
    float *block = average_of(t, trainer);
    assert_int_equal(right_answers(t, block), TEXTS);
    hw_free(block);
    hw_tower_trainer_free(trainer);
    free(t);
}

/* The i-th array of [hw_tower_floats] in a saved state: weights, two moments, average. */
static float *array_of(const task *t, const hw_tower_trainer *trainer, size_t i) {
    const size_t floats = hw_tower_floats(&t->config);
    const size_t behind = 4 * floats * sizeof(float) + VOCABULARY * sizeof(uint32_t);
    unsigned char *state = state_of(trainer);
    float *array = hw_calloc(floats, sizeof *array);
    assert_non_null(array);
    memcpy(array,
           state + hw_tower_trainer_state_bytes(trainer) - behind + i * floats * sizeof *array,
           floats * sizeof *array);
    free(state);
    return array;
}

/* Queries, keys and positions are what they were, in weights and average, and have no part in
 * what is learned. */
static void check_frozen(const task *t, float *first, float *now, bool is_moment) {
    hw_tower_views before, after;
    hw_tower_view(&before, &t->config, first);
    hw_tower_view(&after, &t->config, now);
    const hw_tower_layer *a = &before.layer[0], *b = &after.layer[0];
    for (size_t row = 0; row < 16; row++)
        for (size_t column = 0; column < 48; column++) {
            const float was = is_moment ? 0 : a->qkv[row * 48 + column];
            assert_true((column < 32) == (b->qkv[row * 48 + column] == was));
        }
    for (size_t i = 0; i < 10; i++) assert_true(b->position[i] == (is_moment ? 0 : a->position[i]));
    for (size_t i = 0; i < 32; i++) assert_true(b->qkv_bias[i] == 0);
    assert_memory_not_equal(a->attention_gate, b->attention_gate, 2 * sizeof(float));
}

static void test_frozen_attention_stays_at_its_first_values(void **state) {
    (void)state;
    enum { WEIGHTS, MOMENT, AVERAGE = 3 };
    static const size_t arrays[] = { WEIGHTS, MOMENT, AVERAGE };
    task *t = task_new();
    t->config.attention = HW_ATTENTION_FROZEN;
    hw_tower_trainer *trainer = trainer_of(t, plain);
    float *first = average_of(t, trainer);
    hw_tower_trainer_run(trainer, 40);
    for (size_t i = 0; i < 3; i++) {
        float *now = array_of(t, trainer, arrays[i]);
        check_frozen(t, first, now, arrays[i] == MOMENT);
        hw_free(now);
    }
    hw_tower_trainer_run(trainer, SIZE_MAX);
    float *last = average_of(t, trainer);
    assert_true(right_answers(t, last) >= TEXTS - 3);
    hw_tower_trainer_free(trainer);
    hw_free(first);
    hw_free(last);
    free(t);
}

/* The trainer of `options` after `state`, and one step. */
static unsigned char *state_after_a_step(const task *t, hw_tower_trainer_options options,
                                         const unsigned char *state) {
    hw_tower_trainer *trainer = trainer_of(t, options);
    assert_true(hw_tower_trainer_load(trainer, state));
    hw_tower_trainer_run(trainer, 1);
    unsigned char *after = state_of(trainer);
    hw_tower_trainer_free(trainer);
    return after;
}

/* At first it is the whole rate, half-way 0, in between the half. */
static void test_the_rate_of_dropped_heads_is_v_shaped(void **state) {
    (void)state;
    static const struct {
        size_t step;
        float rate;
    } expected[] = { { 0, 0.6f }, { 40, 0.3f }, { 80, 0 }, { 120, 0.3f } };
    task *t = task_new();
    hw_tower_trainer_options v = plain, constant = plain;
    v.drop_head = 0.6f;
    v.drop_head_v = true;
    for (size_t i = 0; i < 4; i++) {
        hw_tower_trainer *trainer = trainer_of(t, v);
        hw_tower_trainer_run(trainer, expected[i].step);
        unsigned char *before = state_of(trainer);
        constant.drop_head = expected[i].rate;
        unsigned char *a = state_after_a_step(t, v, before);
        unsigned char *b = state_after_a_step(t, constant, before);
        assert_memory_equal(a, b, hw_tower_trainer_state_bytes(trainer));
        hw_tower_trainer_free(trainer);
        free(before);
        free(a);
        free(b);
    }
    free(t);
}

/* A penalty on open gates closes them, and a heavier one more of them. */
static void test_a_penalty_closes_gates(void **state) {
    (void)state;
    static const float weights[] = { 0, 0.02f, 1 };
    double open[3];
    for (size_t i = 0; i < 3; i++) {
        task *t = task_new();
        t->config.head_gates = HW_HEAD_GATES_L0;
        hw_tower_trainer_options options = plain;
        options.penalties.open_gates = weights[i];
        hw_tower_trainer *trainer = trainer_of(t, options);
        hw_tower_trainer_run(trainer, SIZE_MAX);
        float *block = average_of(t, trainer);
        hw_tower_views views;
        hw_tower_view(&views, &t->config, block);
        open[i] = (double)views.layer[0].gate_alpha[0] + (double)views.layer[0].gate_alpha[1];
        hw_tower_trainer_free(trainer);
        hw_free(block);
        free(t);
    }
    assert_true(open[0] > open[1] && open[1] > open[2]);
}

static void test_the_rate_warms_up_and_decays(void **state) {
    (void)state;
    task *t = task_new();
    hw_tower_trainer *trainer = trainer_of(t, plain);
    double highest = 0;
    assert_true(hw_tower_trainer_rate(trainer) < 0.1 * (double)plain.learning_rate);
    for (int step = 0; step < 160; step++) {
        hw_tower_trainer_run(trainer, 1);
        highest = fmax(highest, hw_tower_trainer_rate(trainer));
    }
    assert_true(highest > 0.7 * (double)plain.learning_rate);
    assert_true(highest <= (double)plain.learning_rate);
    assert_true(hw_tower_trainer_rate(trainer) < 0.05 * (double)plain.learning_rate);
    hw_tower_trainer_free(trainer);
    free(t);
}

/* A weight scales a text's loss: one of 0 leaves no trace of its n-grams. */
static void test_weights_scale_the_loss(void **state) {
    (void)state;
    task *t = task_new();
    float weights[TEXTS];
    for (size_t i = 0; i < TEXTS; i++) weights[i] = i % LABELS == 2 ? 0 : 1;
    hw_tower_trainer *trainer =
        hw_tower_trainer_new(&t->config, &t->texts, t->targets, t->rows, TEXTS, weights, &plain,
                             hw_kernels_select(), &error);
    hw_tower_trainer_run(trainer, SIZE_MAX);
    float *block = average_of(t, trainer);
    const size_t right = right_answers(t, block);
    assert_in_range(right, TEXTS / LABELS * 2, TEXTS - 1);
    hw_free(block);
    hw_tower_trainer_free(trainer);
    free(t);
}

/* ---- State -------------------------------------------------------------------------------- */

static void test_a_saved_state_goes_on_bit_for_bit(void **state) {
    (void)state;
    task *t = task_new();
    const hw_tower_trainer_options options = noisy();
    for (size_t at = 0; at <= 60; at += 15) { /* at the start, amid epochs, ... */
        hw_tower_trainer *whole = trainer_of(t, options), *resumed = trainer_of(t, options);
        hw_tower_trainer_run(whole, at);
        unsigned char *middle = state_of(whole);
        hw_tower_trainer_run(resumed, 3); /* anything: it is replaced */
        assert_true(hw_tower_trainer_load(resumed, middle));
        hw_tower_trainer_run(whole, 70);
        for (int i = 0; i < 70; i++) hw_tower_trainer_run(resumed, 1);
        unsigned char *a = state_of(whole), *b = state_of(resumed);
        assert_memory_equal(a, b, hw_tower_trainer_state_bytes(whole));
        free(middle);
        free(a);
        free(b);
        hw_tower_trainer_free(whole);
        hw_tower_trainer_free(resumed);
    }
    free(t);
}

static void test_an_impossible_state_is_not_loaded(void **state) {
    (void)state;
    task *t = task_new();
    hw_tower_trainer *trainer = trainer_of(t, plain);
    hw_tower_trainer_run(trainer, 20);
    unsigned char *good = state_of(trainer), *bad = state_of(trainer);
    const size_t bytes = hw_tower_trainer_state_bytes(trainer);
    const uint64_t steps = 161;
    const uint32_t later = 21;
    memcpy(bad, &steps, sizeof steps);
    assert_false(hw_tower_trainer_load(trainer, bad));
    memcpy(bad, good, bytes);
    memcpy(bad + bytes - sizeof later, &later, sizeof later);
    assert_false(hw_tower_trainer_load(trainer, bad));
    unsigned char *after = state_of(trainer);
    assert_memory_equal(after, good, bytes);
    free(good);
    free(bad);
    free(after);
    hw_tower_trainer_free(trainer);
    free(t);
}

/* ---- What is not finite --------------------------------------------------------------------- */

/* Writes a value over the first weight of the saved state and loads it. */
static void spoil(hw_tower_trainer *trainer, float value) {
    unsigned char *bytes = state_of(trainer);
    const size_t weights = 4 * sizeof(uint64_t); /* after the counters */
    for (size_t i = 0; i < LABELS * 16; i++)
        memcpy(bytes + weights + i * sizeof value, &value, sizeof value);
    assert_true(hw_tower_trainer_load(trainer, bytes));
    free(bytes);
}

static void test_weights_that_are_not_finite_are_given_up_on(void **state) {
    (void)state;
    static const float values[] = { NAN, INFINITY, 3e38f };
    task *t = task_new();
    for (size_t i = 0; i < 3; i++) {
        hw_tower_trainer *trainer = trainer_of(t, noisy());
        hw_tower_trainer_run(trainer, 5);
        spoil(trainer, values[i]);
        hw_tower_trainer_run(trainer, SIZE_MAX);
        assert_true(hw_tower_trainer_diverged(trainer));
        assert_true(hw_tower_trainer_done(trainer) < 40);
        hw_tower_trainer_free(trainer);
    }
    free(t);
}

static void test_weights_stay_finite_at_any_rate(void **state) {
    (void)state;
    static const float rates[] = { 1, 100, 1e6f, 1e20f };
    task *t = task_new();
    for (size_t i = 0; i < sizeof rates / sizeof *rates; i++) {
        hw_tower_trainer_options options = noisy();
        options.learning_rate = rates[i];
        options.weight_decay = 0;
        hw_tower_trainer *trainer = trainer_of(t, options);
        hw_tower_trainer_run(trainer, SIZE_MAX);
        float *block = average_of(t, trainer);
        if (!hw_tower_trainer_diverged(trainer))
            for (size_t j = 0; j < hw_tower_floats(&t->config); j++)
                assert_true(isfinite(block[j]));
        hw_free(block);
        hw_tower_trainer_free(trainer);
    }
    free(t);
}

/* ---- The average ------------------------------------------------------------------------ */

/* The same steps are run twice: once for the weights after each, of which a plain average is
 * kept here, once for the trainer's own average, which touches few rows a step. */
static void test_the_lazy_average_is_the_plain_one(void **state) {
    (void)state;
    task *t = task_new();
    const size_t floats = hw_tower_floats(&t->config);
    hw_tower_trainer *lazy = trainer_of(t, noisy());
    hw_tower_trainer *weights = trainer_of(t, without_average(noisy()));
    float *start = average_of(t, lazy);
    double *plain_average = calloc(floats, sizeof *plain_average);
    for (size_t i = 0; i < floats; i++) plain_average[i] = (double)start[i];
    for (int step = 1; step <= 100; step++) {
        hw_tower_trainer_run(lazy, 1);
        hw_tower_trainer_run(weights, 1);
        float *now = average_of(t, weights), *average = average_of(t, lazy);
        const double decay = fmin(0.9, (1.0 + step) / (10.0 + step));
        for (size_t i = 0; i < floats; i++) {
            plain_average[i] = decay * plain_average[i] + (1 - decay) * (double)now[i];
            assert_true(fabs(plain_average[i] - (double)average[i]) < 2e-5);
        }
        hw_free(now);
        hw_free(average);
    }
    free(plain_average);
    hw_free(start);
    hw_tower_trainer_free(lazy);
    hw_tower_trainer_free(weights);
    free(t);
}

/* ---- Scores ----------------------------------------------------------------------------- */

/* A text's logits do not depend on the texts beside it. */
static void test_scores_do_not_depend_on_company(void **state) {
    (void)state;
    task *t = task_new();
    hw_tower_trainer *trainer = trainer_of(t, plain);
    hw_tower_trainer_run(trainer, 30);
    float *block = average_of(t, trainer), all[TEXTS * LABELS], one[LABELS];
    hw_tower_scorer *scorer = hw_tower_scorer_new(&t->config, &t->texts, t->rows, TEXTS, &error);
    hw_tower_scorer_run(all, scorer, block, hw_kernels_select());
    hw_tower_scorer_free(scorer);
    for (uint32_t text = 0; text < TEXTS; text++) {
        scorer = hw_tower_scorer_new(&t->config, &t->texts, &text, 1, &error);
        hw_tower_scorer_run(one, scorer, block, hw_kernels_select());
        assert_memory_equal(one, all + text * LABELS, sizeof one);
        hw_tower_scorer_free(scorer);
    }
    hw_free(block);
    hw_tower_trainer_free(trainer);
    free(t);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_loss_falls_and_answers_become_right),
        cmocka_unit_test(test_frozen_attention_stays_at_its_first_values),
        cmocka_unit_test(test_the_rate_of_dropped_heads_is_v_shaped),
        cmocka_unit_test(test_a_penalty_closes_gates),
        cmocka_unit_test(test_the_rate_warms_up_and_decays),
        cmocka_unit_test(test_weights_scale_the_loss),
        cmocka_unit_test(test_a_saved_state_goes_on_bit_for_bit),
        cmocka_unit_test(test_an_impossible_state_is_not_loaded),
        cmocka_unit_test(test_weights_that_are_not_finite_are_given_up_on),
        cmocka_unit_test(test_weights_stay_finite_at_any_rate),
        cmocka_unit_test(test_the_lazy_average_is_the_plain_one),
        cmocka_unit_test(test_scores_do_not_depend_on_company),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
