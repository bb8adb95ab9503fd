/* How alike the outputs of heads are: by hand, by NumPy (tests/golden/make_heads_golden.py), by the
 * other way to write it, over pairs of tokens; and that outputs are values by weights. */
#include "base/memory.h"
#include "base/random.h"
#include "explain/head_alignment.h"
#include "explain/path.h"
#include "heads_golden.h"
#include "text/dataset.h"
#include "tiny_encoder.h"
#include "toy_data.h"

#include <jansson.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static hw_error error;

/* distance: [heads][heads] of rows [tokens][heads][dim], added some at a time. */
static void measure(double *distance, const float *rows, size_t tokens, size_t heads, size_t dim,
                    size_t at_a_time) {
    hw_head_alignment alignment = { 0 };
    assert_int_equal(hw_head_alignment_start(&alignment, heads, dim, &error), HW_OK);
    for (size_t first = 0; first < tokens; first += at_a_time) {
        const size_t count = tokens - first < at_a_time ? tokens - first : at_a_time;
        hw_head_alignment_add(&alignment, rows + first * heads * dim, count);
    }
    hw_head_alignment_finish(distance, &alignment);
    hw_head_alignment_free(&alignment);
}

/* ---- By hand --------------------------------------------------------------------------------- */

/* Of the four tokens' rows [head][2], where e is (1, -1, 0, 0) and f is (0, 0, 1, -1):
 *
 *     0   e, f
 *     1   5 - 3 f, 3 e - 2: turned by a right angle, three times as large, and elsewhere
 *     2   g, 2 g + 7 of g = (1, 1, -1, -1), which is at right angles to both
 *     3   e, g: X0'X3 = ((2, 0), (0, 0)), X0'X0 = 2 I, X3'X3 = ((2, 0), (0, 4)),
 *         so CKA(0, 3) = 4 / (sqrt(8) sqrt(20)); X2'X3 = ((0, 4), (0, 8)), |X2'X2| = 20
 *     4   always the same */
enum { HAND_HEADS = 5, HAND_PAIRS = HAND_HEADS * HAND_HEADS };
// clang-format off
static const float by_hand[4 * HAND_HEADS * 2] = {
     1,  0,   5,  1,    1, 9,    1,  1,   3, -1,
    -1,  0,   5, -5,    1, 9,   -1,  1,   3, -1,
     0,  1,   2, -2,   -1, 5,    0, -1,   3, -1,
     0, -1,   8, -2,   -1, 5,    0, -1,   3, -1,
};
// clang-format on

static void measure_by_hand(double *distance, size_t tokens) {
    measure(distance, by_hand, tokens, HAND_HEADS, 2, 3);
}

static void test_distances_are_those_by_hand(void **state) {
    (void)state;
    double distance[HAND_PAIRS];
    measure_by_hand(distance, 4);
    const double *from_first = distance, *from_second = distance + HAND_HEADS;
    heads_assert_near(from_first[1], 0, 1e-15);
    heads_assert_near(from_first[2], 1, 1e-15);
    heads_assert_near(from_second[2], 1, 1e-15);
    heads_assert_near(from_first[3], 1 - 4 / sqrt(8 * 20), 1e-15);
    heads_assert_near(from_second[3], 1 - 4 / sqrt(8 * 20), 1e-15);
    heads_assert_near(distance[2 * HAND_HEADS + 3], 1 - 80 / (20 * sqrt(20)), 1e-15);
    for (size_t a = 0; a < 4; a++)
        for (size_t b = 0; b < 4; b++) {
            assert_true(distance[a * HAND_HEADS + b] == distance[b * HAND_HEADS + a]);
            assert_true(a != b || distance[a * HAND_HEADS + b] == 0);
        }
}

static void test_a_head_that_gives_the_same_has_no_distance(void **state) {
    (void)state;
    double distance[HAND_PAIRS];
    measure_by_hand(distance, 4);
    for (size_t i = 0; i < HAND_PAIRS; i++)
        if (i / HAND_HEADS == 4 || i % HAND_HEADS == 4) assert_true(isnan(distance[i]));
    for (size_t tokens = 0; tokens < 2; tokens++) {
        measure_by_hand(distance, tokens);
        for (size_t i = 0; i < HAND_PAIRS; i++) assert_true(isnan(distance[i]));
    }
}

/* ---- By chance ----------------------------------------------------------------------------- */

enum { MANY = 400, PAIR = 2, DIM = 16 };

static void fill_by_chance(float *rows) {
    for (size_t i = 0; i < MANY * PAIR * DIM; i++) rows[i] = hw_random_normal(1, 2, i);
}

/* docs/heads.md says how far apart heads are that have nothing to do with each other. */
static void test_outputs_by_chance_are_nearly_apart(void **state) {
    (void)state;
    static float rows[MANY * PAIR * DIM];
    double distance[PAIR * PAIR];
    fill_by_chance(rows);
    measure(distance, rows, MANY, PAIR, DIM, MANY);
    heads_assert_near(distance[1], MANY / (double)(MANY + DIM), 0.012);
    measure(distance, rows, DIM, PAIR, DIM, MANY);
    heads_assert_near(distance[1], 0.5, 0.1);
}

static void test_it_does_not_matter_which_tokens_come_together(void **state) {
    (void)state;
    static float rows[MANY * PAIR * DIM];
    double whole[PAIR * PAIR], pieces[PAIR * PAIR];
    fill_by_chance(rows);
    measure(whole, rows, MANY, PAIR, DIM, MANY);
    for (size_t at_a_time = 1; at_a_time < 20; at_a_time += 6) {
        measure(pieces, rows, MANY, PAIR, DIM, at_a_time);
        assert_memory_equal(pieces, whole, sizeof whole);
    }
}

/* ---- NumPy ----------------------------------------------------------------------------------- */

static void test_distances_are_numpys(void **state) {
    (void)state;
    const json_t *rows = json_object_get(heads_golden, "outputs");
    const json_t *expected = json_object_get(heads_golden, "output_distance");
    const size_t tokens = json_array_size(rows), heads = json_array_size(expected);
    const size_t width = json_array_size(json_array_get(rows, 0));
    assert_true(tokens > 0 && heads > 1 && width % heads == 0);
    float *given = hw_calloc(tokens * width, sizeof *given);
    double *distance = hw_calloc(heads * heads, sizeof *distance);
    assert_true(given && distance);
    for (size_t i = 0; i < tokens * width; i++)
        given[i] =
            (float)json_number_value(json_array_get(json_array_get(rows, i / width), i % width));
    measure(distance, given, tokens, heads, width / heads, 7);
    for (size_t i = 0; i < heads * heads; i++)
        heads_assert_near(
            distance[i],
            json_number_value(json_array_get(json_array_get(expected, i / heads), i % heads)),
            1e-12);
    hw_free(given);
    hw_free(distance);
}

/* ---- Models ---------------------------------------------------------------------------------- */

enum { TEXTS = 20 };

/* Two towers of two layers of four heads. */
static hw_classifier *trained(void) {
    toy_write("train", (toy_shape){ .rows = 120, .labels = 3 });
    toy_write("test", (toy_shape){ .rows = TEXTS, .labels = 3, .seed = 9 });
    hw_train_options options = toy_options("train");
    options.arch = HW_ARCH_ATTENTION;
    options.towers = options.layers = 2;
    options.heads = 4;
    return toy_train(&options);
}

/* Two layers of two heads. */
static hw_classifier *opened(const char *folder) {
    toy_write("test", (toy_shape){ .rows = TEXTS, .labels = 3, .seed = 9 });
    tiny_encoder_write_classifier(folder, 3, false, 5);
    hw_classifier *encoder = hw_classifier_open(folder, &error);
    assert_non_null(encoder);
    return encoder;
}

static hw_classifier *without(hw_classifier *classifier, hw_head_id gone) {
    hw_classifier *pruned = hw_classifier_prune(classifier, &gone, 1, &error);
    if (!pruned) fail_msg("%s", error.message);
    hw_classifier_close(classifier);
    return pruned;
}

static hw_attention_matrices look(const hw_subject *subject, hw_explain_method method,
                                  hw_attention_detail detail, size_t reading) {
    hw_attention_matrices m = { .detail = detail };
    hw_path *path = hw_path_new(subject, method, &error);
    if (!path || path->look(&m, path, reading, &error) != HW_OK) fail_msg("%s", error.message);
    m.token_of = NULL; /* the path's, as are the vectors */
    m.vectors = NULL;
    hw_path_free(path);
    return m;
}

/* Of the encoder's last layer, [width][heads * head_dim]. */
static hw_matrix encoder_output(const hw_classifier *classifier) {
    hw_matrix matrix;
    for (size_t i = 0; hw_classifier_matrix(classifier, i, &matrix); i++)
        if (strstr(matrix.name, "layer.1.attention.output.dense.weight")) return matrix;
    fail_msg("no output projection");
    return matrix;
}

/* The part of `column` of the last layer's output that comes from one column of what heads give. */
static double output_weight(const hw_subject *s, size_t tower, size_t from, size_t column) {
    const hw_classifier *c = s->classifier;
    if (c->encoder) {
        const hw_matrix output = encoder_output(c);
        return (double)output.values[column * output.columns + from];
    }
    const hw_tower_layer *layer =
        &hw_session_towers(s->session)[tower].layer[c->summary.layers - 1];
    return (double)layer->output[from * (size_t)c->summary.width + column] *
           (double)layer->attention_gate[from / (size_t)c->summary.head_dim];
}

/* What heads give, projected, is the sum by weights of what tokens bring (HW_ATTENTION_LAST). */
static void expect_given(const hw_subject *s, size_t tower) {
    hw_attention_matrices all = look(s, HW_EXPLAIN_ATTENTION, HW_ATTENTION_GIVEN, tower);
    hw_attention_matrices again = look(s, HW_EXPLAIN_NORM, HW_ATTENTION_GIVEN, tower);
    hw_attention_matrices m = look(s, HW_EXPLAIN_NORM, HW_ATTENTION_LAST, tower);
    const size_t n = m.tokens, last = m.layers - 1, width = m.layer_heads[last] * m.head_dim;
    for (size_t layer = 0; layer < m.layers; layer++)
        for (size_t i = 0; i < n * m.layer_heads[layer] * m.head_dim; i++)
            heads_assert_near((double)hw_attention_given(&all, layer)[i],
                              (double)hw_attention_given(&again, layer)[i], 1e-5);
    for (size_t i = 0; i < n * m.width; i++) {
        const size_t query = i / m.width, column = i % m.width;
        double projected = 0, expected = 0;
        for (size_t from = 0; from < width; from++)
            projected += (double)hw_attention_given(&all, last)[query * width + from] *
                         output_weight(s, tower, from, column);
        for (size_t head = 0; head < m.layer_heads[last]; head++)
            for (size_t key = 0; key < n; key++)
                expected += (double)m.kept[(head * n + query) * n + key] *
                            (double)m.outputs[(head * n + key) * m.width + column];
        heads_assert_near(projected, expected, 1e-5);
    }
    hw_attention_matrices_free(&all);
    hw_attention_matrices_free(&again);
    hw_attention_matrices_free(&m);
}

static void expect_values_by_weights(hw_classifier *classifier) {
    hw_dataset *texts = hw_dataset_load("test", NULL, &error);
    hw_session *session = hw_session_new(classifier, NULL, &error);
    assert_true(texts && session);
    for (size_t row = 0; row < 3; row++) {
        hw_subject s = { 0 };
        assert_int_equal(hw_subject_start(&s, session, texts->examples[row].text, "a", &error),
                         HW_OK);
        expect_given(&s, 0);
        if (!classifier->encoder) expect_given(&s, 1);
        hw_subject_free(&s);
    }
    hw_session_free(session);
    hw_dataset_free(texts);
    hw_classifier_close(classifier);
}

static void test_outputs_are_values_by_weights(void **state) {
    (void)state;
    expect_values_by_weights(trained());
    expect_values_by_weights(opened("values"));
    expect_values_by_weights(without(trained(), (hw_head_id){ 1, 2 }));
    expect_values_by_weights(without(opened("fewer"), (hw_head_id){ 1, 0 }));
}

/* ---- hw_heads ---------------------------------------------------------------------------------
 */

enum { MOST_ROWS = 16 * TEXTS, MOST_WIDTH = 64 };

/* What a layer's heads give to the texts' own tokens. */
typedef struct gathered {
    double rows[MOST_ROWS][MOST_WIDTH];
    size_t count, width;
} gathered;

static void gather_text(gathered *g, const hw_subject *s, size_t tower, size_t layer) {
    hw_attention_matrices m = look(s, HW_EXPLAIN_ATTENTION, HW_ATTENTION_GIVEN, tower);
    g->width = m.layer_heads[layer] * m.head_dim;
    assert_true(g->width <= MOST_WIDTH && g->count + m.tokens <= MOST_ROWS);
    for (size_t i = 0; i < m.tokens; i++) {
        if (s->tokens && s->tokens[i].begin == s->tokens[i].end) continue; /* [CLS] */
        for (size_t c = 0; c < g->width; c++)
            g->rows[g->count][c] = (double)hw_attention_given(&m, layer)[i * g->width + c];
        g->count++;
    }
    hw_attention_matrices_free(&m);
}

static void gather(gathered *g, hw_session *session, const hw_dataset *texts, size_t tower,
                   size_t layer) {
    g->count = 0;
    for (size_t row = 0; row < texts->count; row++) {
        hw_subject s = { 0 };
        assert_int_equal(hw_subject_start(&s, session, texts->examples[row].text, "a", &error),
                         HW_OK);
        gather_text(g, &s, tower, layer);
        hw_subject_free(&s);
    }
    for (size_t c = 0; c < g->width; c++) {
        double mean = 0;
        for (size_t i = 0; i < g->count; i++) mean += g->rows[i][c] / (double)g->count;
        for (size_t i = 0; i < g->count; i++) g->rows[i][c] -= mean;
    }
}

/* Of two tokens, in one head. */
static double product(const gathered *g, size_t i, size_t j, size_t head, size_t dim) {
    double sum = 0;
    for (size_t c = head * dim; c < (head + 1) * dim; c++) sum += g->rows[i][c] * g->rows[j][c];
    return sum;
}

/* tr(Ka Kb) / sqrt(tr(Ka Ka) tr(Kb Kb)) with K = X X' (Kornblith et al. 2019, section 3). */
static double alignment_over_tokens(const gathered *g, size_t a, size_t b, size_t dim) {
    double aa = 0, ab = 0, bb = 0;
    for (size_t i = 0; i < g->count; i++)
        for (size_t j = 0; j < g->count; j++) {
            const double x = product(g, i, j, a, dim), y = product(g, i, j, b, dim);
            aa += x * x;
            ab += x * y;
            bb += y * y;
        }
    return ab / sqrt(aa * bb);
}

static void expect_distances(hw_classifier *classifier) {
    static gathered g;
    hw_dataset *texts = hw_dataset_load("test", NULL, &error);
    hw_session *session = hw_session_new(classifier, NULL, &error);
    hw_head_report *r = hw_heads(classifier, "test", &(hw_heads_options){ .threads = 2 }, &error);
    assert_true(texts && session && r);
    const size_t dim = (size_t)classifier->summary.head_dim;
    for (size_t i = 0; i < r->towers * r->layers; i++) {
        const size_t heads = r->layer_heads[i % r->layers];
        const double *distance = r->output_distance + i * r->heads * r->heads;
        gather(&g, session, texts, i / r->layers, i % r->layers);
        for (size_t pair = 0; pair < heads * heads; pair++) {
            const double expected = 1 - alignment_over_tokens(&g, pair / heads, pair % heads, dim);
            heads_assert_near(distance[pair], expected, 1e-9);
            assert_true(pair / heads == pair % heads || distance[pair] > 1e-3);
        }
    }
    hw_head_report_free(r);
    hw_session_free(session);
    hw_dataset_free(texts);
    hw_classifier_close(classifier);
}

static void test_reported_distances_are_those_over_pairs_of_tokens(void **state) {
    (void)state;
    expect_distances(trained());
    expect_distances(opened("distances"));
    expect_distances(without(trained(), (hw_head_id){ 0, 1 }));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_distances_are_those_by_hand),
        cmocka_unit_test(test_a_head_that_gives_the_same_has_no_distance),
        cmocka_unit_test(test_outputs_by_chance_are_nearly_apart),
        cmocka_unit_test(test_it_does_not_matter_which_tokens_come_together),
        cmocka_unit_test(test_distances_are_numpys),
        cmocka_unit_test(test_outputs_are_values_by_weights),
        cmocka_unit_test(test_reported_distances_are_those_over_pairs_of_tokens),
    };
    return cmocka_run_group_tests(tests, heads_golden_open, heads_golden_close);
}
