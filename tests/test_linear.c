/* The n-gram branch's solver against scikit-learn's LinearSVC, and what a convex problem must
 * obey: a weight of 2 is the row twice, two labels mirror each other, threads change nothing. */
#include "base/random.h"
#include "train/linear.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

/* The solver stops when no row violates the conditions by more than 0.02; what that leaves in
 * the weights. */
static const float near = 0.05f;

static hw_error error;

/* A problem with its solution; every array is of this process. */
typedef struct problem {
    hw_sparse x;
    size_t *feature_offsets;
    hw_feature *features;
    hw_targets targets;
    uint32_t *offsets, *gold, *rows;
    float *weights;
    size_t labels;
    double regularization;
    float *table, *bias;
} problem;

static void *zeros(size_t count, size_t bytes) {
    void *block = calloc(count + 1, bytes);
    assert_non_null(block);
    return block;
}

static problem problem_of_size(size_t rows, size_t columns, size_t labels, size_t features,
                               size_t golds) {
    problem p = { .labels = labels, .regularization = 0.5 };
    p.feature_offsets = zeros(rows + 1, sizeof *p.feature_offsets);
    p.features = zeros(features, sizeof *p.features);
    p.offsets = zeros(rows + 1, sizeof *p.offsets);
    p.gold = zeros(golds, sizeof *p.gold);
    p.rows = zeros(rows, sizeof *p.rows);
    p.weights = zeros(rows, sizeof *p.weights);
    p.table = zeros(columns * labels, sizeof *p.table);
    p.bias = zeros(labels, sizeof *p.bias);
    for (size_t row = 0; row < rows; row++) {
        p.rows[row] = (uint32_t)row;
        p.weights[row] = 1;
    }
    p.x = (hw_sparse){ p.feature_offsets, p.features, rows, columns };
    p.targets = (hw_targets){ p.offsets, p.gold, rows };
    return p;
}

static void problem_free(problem *p) {
    void *blocks[] = { p->feature_offsets, p->features, p->offsets, p->gold, p->rows,
                       p->weights,         p->table,    p->bias };
    for (size_t i = 0; i < sizeof blocks / sizeof *blocks; i++) free(blocks[i]);
}

static void add_row(problem *p, size_t row, const hw_feature *features, size_t count,
                    const uint32_t *gold, size_t golds) {
    const size_t at = p->feature_offsets[row];
    if (count) memcpy(p->features + at, features, count * sizeof *features);
    if (golds) memcpy(p->gold + p->offsets[row], gold, golds * sizeof *gold);
    p->feature_offsets[row + 1] = at + count;
    p->offsets[row + 1] = p->offsets[row] + (uint32_t)golds;
}

/* `labels` noisy directions; a row carries the label of the first column it has. */
static problem random_problem(size_t rows, size_t labels, uint64_t seed) {
    enum { COLUMNS = 20, EACH = 5 };
    problem p = problem_of_size(rows, COLUMNS, labels, rows * EACH, rows);
    for (size_t row = 0; row < rows; row++) {
        hw_feature features[EACH];
        for (uint64_t i = 0; i < EACH; i++) {
            const uint64_t index = hw_random_below(seed, i, row, COLUMNS / EACH);
            features[i] = (hw_feature){ (uint32_t)(i * (COLUMNS / EACH) + index),
                                        0.5f + hw_random_uniform(seed, 10 + i, row) };
        }
        const uint32_t gold = (uint32_t)((features[0].index + features[1].index) % labels);
        add_row(&p, row, features, EACH, &gold, 1);
    }
    return p;
}

static void solve_with(problem *p, const float *label_weights, hw_pool *pool) {
    const hw_linear_options options = { .regularization = p->regularization,
                                        .weights = p->weights,
                                        .label_weights = label_weights,
                                        .seed = 1 };
    assert_int_equal(hw_linear_train(p->table, p->bias, &p->x, p->targets, p->rows, p->x.rows,
                                     p->labels, &options, pool, NULL, NULL, &error),
                     HW_OK);
}

static void solve(problem *p) {
    solve_with(p, NULL, NULL);
}

static void assert_near(const float *a, const float *b, size_t count) {
    for (size_t i = 0; i < count; i++)
        if (!(fabsf(a[i] - b[i]) < near * (1 + fabsf(b[i]))))
            fail_msg("%zu: %g, not %g", i, (double)a[i], (double)b[i]);
}

static void assert_same_solution(const problem *a, const problem *b) {
    assert_near(a->table, b->table, a->x.columns * a->labels);
    assert_near(a->bias, b->bias, a->labels);
}

/* ---- Against scikit-learn -------------------------------------------------------------- */

static size_t total(const json_t *lists) {
    size_t sum = 0;
    for (size_t i = 0; i < json_array_size(lists); i++)
        sum += json_array_size(json_array_get(lists, i));
    return sum;
}

static problem problem_of_json(const json_t *json) {
    const json_t *rows = json_object_get(json, "rows"), *gold = json_object_get(json, "gold");
    const json_t *weights = json_object_get(json, "weights");
    problem p = problem_of_size(
        json_array_size(rows), (size_t)json_integer_value(json_object_get(json, "columns")),
        (size_t)json_integer_value(json_object_get(json, "labels")), total(rows), total(gold));
    p.regularization = json_number_value(json_object_get(json, "c"));
    for (size_t row = 0; row < p.x.rows; row++) {
        hw_feature features[64];
        uint32_t golds[64];
        const json_t *cells = json_array_get(rows, row), *labels = json_array_get(gold, row);
        for (size_t i = 0; i < json_array_size(cells); i++) {
            const json_t *cell = json_array_get(cells, i);
            features[i].index = (uint32_t)json_integer_value(json_array_get(cell, 0));
            features[i].value = (float)json_number_value(json_array_get(cell, 1));
        }
        for (size_t i = 0; i < json_array_size(labels); i++)
            golds[i] = (uint32_t)json_integer_value(json_array_get(labels, i));
        add_row(&p, row, features, json_array_size(cells), golds, json_array_size(labels));
        p.weights[row] = (float)json_number_value(json_array_get(weights, row));
    }
    return p;
}

static void compare_with_json(const problem *p, const json_t *json) {
    const json_t *table = json_object_get(json, "table"), *bias = json_object_get(json, "bias");
    for (size_t label = 0; label < p->labels; label++) {
        const float theirs = (float)json_number_value(json_array_get(bias, label));
        assert_near(&p->bias[label], &theirs, 1);
        for (size_t column = 0; column < p->x.columns; column++) {
            const json_t *row = json_array_get(table, column);
            const float weight = (float)json_number_value(json_array_get(row, label));
            assert_near(&p->table[column * p->labels + label], &weight, 1);
        }
    }
}

static void test_weights_equal_those_of_scikit_learn(void **state) {
    (void)state;
    json_t *root = json_load_file("tests/golden/linear.json", 0, NULL);
    assert_true(json_array_size(root) == 3);
    for (size_t i = 0; i < json_array_size(root); i++) {
        problem p = problem_of_json(json_array_get(root, i));
        solve(&p);
        compare_with_json(&p, json_array_get(root, i));
        problem_free(&p);
    }
    json_decref(root);
}

/* ---- What must hold of itself -------------------------------------------------------------- */

static void test_weight_two_is_the_row_twice(void **state) {
    (void)state;
    enum { ROWS = 60 };
    problem once = random_problem(ROWS, 3, 2), twice = random_problem(2 * ROWS, 3, 2);
    size_t rows = 0;
    for (size_t row = 0; row < ROWS; row++) {
        once.weights[row] = row % 3 ? 1 : 2;
        twice.rows[rows++] = (uint32_t)row;
        if (row % 3 == 0) twice.rows[rows++] = (uint32_t)row;
    }
    solve(&once);
    const hw_linear_options options = { .regularization = 0.5, .seed = 3 };
    assert_int_equal(hw_linear_train(twice.table, twice.bias, &twice.x, twice.targets, twice.rows,
                                     rows, 3, &options, NULL, NULL, NULL, &error),
                     HW_OK);
    assert_same_solution(&once, &twice);
    problem_free(&once);
    problem_free(&twice);
}

static void test_weight_zero_is_no_row(void **state) {
    (void)state;
    problem all = random_problem(60, 3, 4), some = random_problem(60, 3, 4);
    for (size_t row = 40; row < 60; row++) all.weights[row] = 0;
    some.x.rows = some.targets.rows = 40;
    solve(&all);
    solve(&some);
    assert_same_solution(&all, &some);
    problem_free(&all);
    problem_free(&some);
}

/* A label's weight counts in its own problem only, and there for its own rows only. */
static void test_label_weights_are_weights_of_positive_rows(void **state) {
    (void)state;
    static const float label_weights[] = { 1, 4, 1 };
    problem labelled = random_problem(60, 3, 5), weighted = random_problem(60, 3, 5);
    problem plain = random_problem(60, 3, 5);
    for (size_t row = 0; row < 60; row++)
        if (weighted.gold[row] == 1) weighted.weights[row] = 4;
    solve_with(&labelled, label_weights, NULL);
    solve(&weighted);
    solve(&plain);
    for (size_t column = 0; column < plain.x.columns; column++) {
        assert_near(&labelled.table[column * 3 + 1], &weighted.table[column * 3 + 1], 1);
        assert_near(&labelled.table[column * 3], &plain.table[column * 3], 1);
    }
    assert_true(labelled.bias[1] > plain.bias[1] + near);
    problem_free(&labelled);
    problem_free(&weighted);
    problem_free(&plain);
}

static void test_two_labels_mirror_each_other(void **state) {
    (void)state;
    static const float same[] = { 1, 1 }; /* with label weights both problems are solved */
    problem mirrored = random_problem(80, 2, 6), solved = random_problem(80, 2, 6);
    solve(&mirrored);
    solve_with(&solved, same, NULL);
    for (size_t column = 0; column < mirrored.x.columns; column++)
        assert_true(mirrored.table[column * 2] == -mirrored.table[column * 2 + 1]);
    assert_true(mirrored.bias[0] == -mirrored.bias[1]);
    assert_same_solution(&mirrored, &solved);
    problem_free(&mirrored);
    problem_free(&solved);
}

static void test_two_labels_of_one_row_are_two_problems(void **state) {
    (void)state;
    problem p = random_problem(80, 2, 7);
    uint32_t both[81] = { 0, 0, 1 }; /* row 0 carries both labels */
    memcpy(both + 3, p.gold + 1, 78 * sizeof *both);
    for (size_t row = 1; row <= 79; row++) p.offsets[row] = (uint32_t)row + 1;
    p.targets.labels = both + 1;
    p.x.rows = p.targets.rows = 79;
    solve(&p);
    assert_true(p.bias[0] != -p.bias[1]);
    problem_free(&p);
}

static void test_threads_give_the_same_bits(void **state) {
    (void)state;
    problem one = random_problem(200, 70, 8), many = random_problem(200, 70, 8);
    solve(&one);
    for (int32_t threads = 2; threads <= 8; threads += 3) {
        hw_pool *pool = hw_pool_new(threads, &error);
        assert_non_null(pool);
        solve_with(&many, NULL, pool);
        hw_pool_free(pool);
        assert_memory_equal(one.table, many.table, 20 * 70 * sizeof(float));
        assert_memory_equal(one.bias, many.bias, 70 * sizeof(float));
    }
    problem_free(&one);
    problem_free(&many);
}

static void test_rows_without_features_give_a_bias(void **state) {
    (void)state;
    problem p = problem_of_size(6, 0, 2, 0, 6);
    for (size_t row = 0; row < 6; row++) add_row(&p, row, NULL, 0, &(uint32_t){ row < 4 }, 1);
    solve(&p);
    assert_true(p.bias[1] > 0 && p.bias[0] == -p.bias[1]);
    problem_free(&p);
}

/* ---- Stopping and logits ------------------------------------------------------------------- */

static bool stop_after_a_group(void *user, size_t labels_done) {
    size_t *seen = user;
    *seen = labels_done;
    return false;
}

static void test_progress_can_stop(void **state) {
    (void)state;
    problem p = random_problem(100, 100, 9);
    const hw_linear_options options = { .regularization = 0.5 };
    size_t seen = 0;
    assert_int_equal(hw_linear_train(p.table, p.bias, &p.x, p.targets, p.rows, p.x.rows, p.labels,
                                     &options, NULL, stop_after_a_group, &seen, &error),
                     HW_ERROR_STOPPED);
    assert_true(seen > 0 && seen < 100);
    problem_free(&p);
}

static void test_logits_are_bias_and_products(void **state) {
    (void)state;
    problem p = random_problem(50, 3, 10);
    solve(&p);
    for (size_t row = 0; row < 50; row++) {
        const hw_feature *features = p.features + p.feature_offsets[row];
        float logits[3];
        hw_linear_logits(logits, p.table, p.bias, features, 5, 3, hw_kernels_select());
        for (size_t label = 0; label < 3; label++) {
            double sum = (double)p.bias[label];
            for (size_t i = 0; i < 5; i++)
                sum += (double)features[i].value * (double)p.table[features[i].index * 3 + label];
            assert_true(fabs(sum - (double)logits[label]) < 1e-5);
        }
    }
    problem_free(&p);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_weights_equal_those_of_scikit_learn),
        cmocka_unit_test(test_weight_two_is_the_row_twice),
        cmocka_unit_test(test_weight_zero_is_no_row),
        cmocka_unit_test(test_label_weights_are_weights_of_positive_rows),
        cmocka_unit_test(test_two_labels_mirror_each_other),
        cmocka_unit_test(test_two_labels_of_one_row_are_two_problems),
        cmocka_unit_test(test_threads_give_the_same_bits),
        cmocka_unit_test(test_rows_without_features_give_a_bias),
        cmocka_unit_test(test_progress_can_stop),
        cmocka_unit_test(test_logits_are_bias_and_products),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
