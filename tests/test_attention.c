/* Attention of every kind against its formula, computed the long way in double precision. */
#include "base/random.h"
#include "model/attention.h"
#include "model/scratch.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { WIDTH = 16, TOKENS = 9, HEADS = 3, HEAD_DIM = 4, DISTANCE = 2, SHARED_DIM = 6 };

typedef double matrices[HEADS][TOKENS][TOKENS];

typedef struct layer_case {
    hw_tower_config config;
    hw_tower_views weights;
    hw_tower_scratch *scratch;
    hw_pass pass;
} layer_case;

static const uint32_t offsets[] = { 0, TOKENS };

/* One layer over one text that is one window. No weight is 0. */
static void begin(layer_case *c, hw_attention attention) {
    c->config = (hw_tower_config){ .vocabulary = 1,
                                   .width = WIDTH,
                                   .layers = 1,
                                   .heads = HEADS,
                                   .head_dim = HEAD_DIM,
                                   .distance = DISTANCE,
                                   .window = TOKENS,
                                   .labels = 2,
                                   .attention = attention };
    if (attention == HW_ATTENTION_COLLABORATIVE) c->config.shared_dim = SHARED_DIM;
    assert_int_equal(hw_tower_config_check(&c->config, NULL), HW_OK);
    const size_t floats = hw_tower_floats(&c->config);
    float *block = calloc(floats, sizeof *block);
    assert_non_null(block);
    for (size_t i = 0; i < floats; i++) block[i] = 0.5f * hw_random_normal(1, 1, i);
    hw_tower_view(&c->weights, &c->config, block);
    c->scratch = hw_tower_scratch_new(&c->config, 1, TOKENS, false, NULL);
    assert_non_null(c->scratch);
    c->pass = (hw_pass){ .config = &c->config,
                         .kernels = hw_kernels_select(),
                         .work = &c->scratch->work,
                         .batch = { .offsets = offsets, .texts = 1 } };
    float *x = c->scratch->attention[0].norm.x, y[TOKENS * WIDTH];
    for (size_t i = 0; i < TOKENS * WIDTH; i++) x[i] = hw_random_normal(1, 2, i);
    hw_attention_forward(y, &c->pass, &c->scratch->attention[0], &c->weights.layer[0], 0);
}

static void end(layer_case *c) {
    free(c->weights.block);
    hw_tower_scratch_free(c->scratch);
}

/* Column `column` of a token's queries, keys and values, before any scaling. */
static double projected(const layer_case *c, size_t token, size_t column) {
    const hw_tower_layer *w = &c->weights.layer[0];
    const size_t columns = (size_t)hw_tower_qkv_width(&c->config);
    const float *y = c->scratch->attention[0].norm.y + token * WIDTH;
    double sum = (double)w->qkv_bias[column];
    for (size_t i = 0; i < WIDTH; i++) sum += (double)y[i] * (double)w->qkv[i * columns + column];
    return sum;
}

static double bias(const layer_case *c, size_t row, size_t i, size_t j) {
    const int offset = (int)j - (int)i;
    const int clipped = offset < -DISTANCE ? -DISTANCE : offset > DISTANCE ? DISTANCE : offset;
    const size_t at = row * (2 * DISTANCE + 1) + (size_t)(clipped + DISTANCE);
    return (double)c->weights.layer[0].position[at];
}

/* q_i k_j / sqrt(dim) + position, the columns weighed by m if there is one. */
static void pattern(double scores[TOKENS][TOKENS], const layer_case *c, size_t q, size_t k,
                    size_t dim, const float *m, size_t row) {
    for (size_t i = 0; i < TOKENS; i++)
        for (size_t j = 0; j < TOKENS; j++) {
            double sum = 0;
            for (size_t d = 0; d < dim; d++)
                sum += projected(c, i, q + d) * projected(c, j, k + d) * (m ? (double)m[d] : 1);
            scores[i][j] = sum / sqrt((double)dim) + bias(c, row, i, j);
        }
}

static void softmax(matrices a) {
    for (size_t h = 0; h < HEADS; h++)
        for (size_t i = 0; i < TOKENS; i++) {
            double sum = 0;
            for (size_t j = 0; j < TOKENS; j++) sum += exp(a[h][i][j]);
            for (size_t j = 0; j < TOKENS; j++) a[h][i][j] = exp(a[h][i][j]) / sum;
        }
}

static void mix(matrices y, matrices x, const float *weights) {
    memset(y, 0, sizeof(matrices));
    for (size_t g = 0; g < HEADS; g++)
        for (size_t h = 0; h < HEADS; h++)
            for (size_t i = 0; i < TOKENS; i++)
                for (size_t j = 0; j < TOKENS; j++)
                    y[g][i][j] += (double)weights[g * HEADS + h] * x[h][i][j];
}

/* Values stand in the last HEADS * HEAD_DIM columns. */
static void check(const layer_case *c, matrices a) {
    const size_t values = (size_t)hw_tower_qkv_width(&c->config) - HEADS * HEAD_DIM;
    for (size_t i = 0; i < TOKENS; i++)
        for (size_t column = 0; column < HEADS * HEAD_DIM; column++) {
            double expected = 0;
            for (size_t j = 0; j < TOKENS; j++)
                expected += a[column / HEAD_DIM][i][j] * projected(c, j, values + column);
            const float got = c->scratch->attention[0].heads[i * HEADS * HEAD_DIM + column];
            if (!(fabs((double)got - expected) < 1e-5))
                fail_msg("token %zu, column %zu: %.7g, expected %.7g", i, column, (double)got,
                         expected);
        }
}

static void test_learned_heads_have_their_own_weights(void **state) {
    (void)state;
    static const hw_attention kinds[] = { HW_ATTENTION_LEARNED, HW_ATTENTION_FROZEN };
    for (size_t i = 0; i < 2; i++) {
        layer_case c;
        matrices a;
        begin(&c, kinds[i]);
        for (size_t h = 0; h < HEADS; h++)
            pattern(a[h], &c, h * HEAD_DIM, (HEADS + h) * HEAD_DIM, HEAD_DIM, NULL, h);
        softmax(a);
        check(&c, a);
        end(&c);
    }
}

static void test_uniform_heads_take_the_mean(void **state) {
    (void)state;
    layer_case c;
    matrices a;
    begin(&c, HW_ATTENTION_UNIFORM);
    for (size_t h = 0; h < HEADS; h++)
        for (size_t i = 0; i < TOKENS; i++)
            for (size_t j = 0; j < TOKENS; j++) a[h][i][j] = 1.0 / TOKENS;
    check(&c, a);
    assert_int_equal(hw_tower_qkv_width(&c.config), HEADS * HEAD_DIM);
    end(&c);
}

static void test_tied_heads_share_one_matrix(void **state) {
    (void)state;
    layer_case c;
    matrices a;
    begin(&c, HW_ATTENTION_TIED);
    for (size_t h = 0; h < HEADS; h++) pattern(a[h], &c, 0, HEAD_DIM, HEAD_DIM, NULL, 0);
    softmax(a);
    check(&c, a);
    assert_int_equal(hw_tower_qkv_width(&c.config), (HEADS + 2) * HEAD_DIM);
    end(&c);
}

static void test_talking_heads_mix_scores_and_weights(void **state) {
    (void)state;
    layer_case c;
    matrices scores, a;
    begin(&c, HW_ATTENTION_TALKING);
    for (size_t h = 0; h < HEADS; h++)
        pattern(scores[h], &c, h * HEAD_DIM, (HEADS + h) * HEAD_DIM, HEAD_DIM, NULL, h);
    mix(a, scores, c.weights.layer[0].mix_scores);
    softmax(a);
    mix(scores, a, c.weights.layer[0].mix_weights);
    check(&c, scores);
    end(&c);
}

static void test_collaborative_heads_weigh_shared_columns(void **state) {
    (void)state;
    layer_case c;
    matrices a;
    begin(&c, HW_ATTENTION_COLLABORATIVE);
    for (size_t h = 0; h < HEADS; h++)
        pattern(a[h], &c, 0, SHARED_DIM, SHARED_DIM,
                c.weights.layer[0].mix_queries + h * SHARED_DIM, h);
    softmax(a);
    check(&c, a);
    end(&c);
}

/* Talking starts with matrices that change nothing. */
static void test_heads_do_not_talk_at_first(void **state) {
    (void)state;
    hw_tower_config config = { .vocabulary = 1,
                               .width = WIDTH,
                               .layers = 1,
                               .heads = HEADS,
                               .head_dim = HEAD_DIM,
                               .window = 8,
                               .labels = 2,
                               .attention = HW_ATTENTION_TALKING };
    hw_tower_views views;
    float *block = calloc(hw_tower_floats(&config), sizeof *block);
    hw_tower_init(block, &config, 1);
    hw_tower_view(&views, &config, block);
    for (size_t g = 0; g < HEADS; g++)
        for (size_t h = 0; h < HEADS; h++) {
            assert_true(views.layer[0].mix_scores[g * HEADS + h] == (g == h));
            assert_true(views.layer[0].mix_weights[g * HEADS + h] == (g == h));
        }
    free(block);
}

static void test_impossible_shapes_are_refused(void **state) {
    (void)state;
    hw_tower_config fine = { .vocabulary = 1,
                             .width = WIDTH,
                             .layers = 1,
                             .heads = 256,
                             .head_dim = 1,
                             .window = 256,
                             .labels = 2,
                             .attention = HW_ATTENTION_TALKING };
    assert_int_equal(hw_tower_config_check(&fine, NULL), HW_OK);
    fine.window = 257;
    assert_int_equal(hw_tower_config_check(&fine, NULL), HW_ERROR_ARGUMENT);
    fine.attention = HW_ATTENTION_LEARNED;
    assert_int_equal(hw_tower_config_check(&fine, NULL), HW_OK);
    fine.shared_dim = 1;
    assert_int_equal(hw_tower_config_check(&fine, NULL), HW_ERROR_ARGUMENT);
    fine.attention = HW_ATTENTION_COLLABORATIVE;
    assert_int_equal(hw_tower_config_check(&fine, NULL), HW_OK);
    fine.shared_dim = 0;
    assert_int_equal(hw_tower_config_check(&fine, NULL), HW_ERROR_ARGUMENT);
    fine.attention = HW_ATTENTION_COLLABORATIVE + 1;
    assert_int_equal(hw_tower_config_check(&fine, NULL), HW_ERROR_ARGUMENT);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_learned_heads_have_their_own_weights),
        cmocka_unit_test(test_uniform_heads_take_the_mean),
        cmocka_unit_test(test_tied_heads_share_one_matrix),
        cmocka_unit_test(test_talking_heads_mix_scores_and_weights),
        cmocka_unit_test(test_collaborative_heads_weigh_shared_columns),
        cmocka_unit_test(test_heads_do_not_talk_at_first),
        cmocka_unit_test(test_impossible_shapes_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
