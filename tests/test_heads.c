/* What heads do and are worth: by hand, by NumPy and SciPy (tests/golden/make_heads_golden.py), and
 * by what hw_evaluate says of a model without a head. */
#include "base/fault.h"
#include "base/memory.h"
#include "base/random.h"
#include "classify/encoding.h"
#include "explain/head_diversity.h"
#include "explain/head_meaning.h"
#include "explain/head_metrics.h"
#include "explain/head_roles.h"
#include "explain/head_words.h"
#include "explain/head_worth.h"
#include "heads_golden.h"
#include "statistics/correlation.h"
#include "statistics/intervals.h"
#include "statistics/spectrum.h"
#include "tiny_encoder.h"
#include "tiny_model.h"
#include "toy_data.h"

#include <jansson.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { MOST = 16, HEADS = 4, VECTOR = 5 };

static hw_error error;

/* ---- A text by hand -------------------------------------------------------------------------- */

typedef struct made_text {
    hw_head_token tokens[MOST];
    uint32_t query[MOST];
    float vectors[MOST * VECTOR];
    hw_head_text text;
} made_text;

static void finish(made_text *t, size_t count) {
    t->text = (hw_head_text){ .tokens = t->tokens, .count = count, .query = t->query };
    for (size_t i = 0; i < count; i++)
        if (!t->tokens[i].is_special) t->query[t->text.queries++] = (uint32_t)i;
}

/* Three words, the last a mark; the first query looks at itself, the second at both its neighbours,
 * the third everywhere alike. */
static void test_metrics_are_those_of_three_words_by_hand(void **state) {
    (void)state;
    static const float weights[] = { 1, 0, 0, 0.5f, 0, 0.5f, 0.25f, 0.25f, 0.5f };
    made_text t = { .tokens = { { .key = 1 }, { .key = 2 }, { .key = 3, .separates = true } } };
    hw_head_sums sums = { 0 };
    finish(&t, 3);
    hw_head_sums_add(&sums, weights, &t.text);
    assert_true(sums.queries == 3);
    assert_true(fabs(sums.entropy - (log(2) + 1.5 * log(2)) / log(3)) < 1e-12);
    assert_true(sums.confidence == 1 + 0.5 + 0.5);
    assert_true(sums.distance == 0 + 1 + 0.75);
    assert_true(fabs(sums.uniform - (1 + 2.0 / 3 + 1)) < 1e-12); /* 3 (n^2 - 1) / 3n */
    assert_true(sums.sink == 1.75);
    assert_true(sums.separators == 1);
}

static void test_heads_that_look_alike_are_one(void **state) {
    (void)state;
    static const float alike[] = { 1, 0, 0, 1, 1, 0, 0, 1 }, apart[] = { 1, 0, 0, 1, 0, 1, 1, 0 };
    made_text t = { .tokens = { { .key = 1 }, { .key = 2 } } };
    double distance[4];
    hw_head_diversity d = { 0 };
    finish(&t, 2);
    assert_int_equal(hw_head_diversity_start(&d, 2, &error), HW_OK);
    hw_head_diversity_add(&d, alike, &t.text);
    assert_true(fabs(hw_head_diversity_finish(distance, &d) - 1) < 1e-12);
    assert_true(distance[0] == 0 && distance[1] == 0);
    hw_head_diversity_free(&d);
    assert_int_equal(hw_head_diversity_start(&d, 2, &error), HW_OK);
    hw_head_diversity_add(&d, apart, &t.text);
    hw_head_diversity_finish(distance, &d);
    assert_true(distance[1] == 1 && distance[2] == 1);
    hw_head_diversity_free(&d);
}

static void test_effective_number_is_one_to_all(void **state) {
    (void)state;
    assert_true(fabs(hw_effective_number((double[]){ 2, 2, 2 }, 3) - 3) < 1e-12);
    assert_true(hw_effective_number((double[]){ 5, 0, -1e-18 }, 3) == 1);
    assert_true(isnan(hw_effective_number((double[]){ 0, 0 }, 2)));
}

static void test_heads_of_least_worth_come_first(void **state) {
    (void)state;
    static const hw_head_worth worth[] = { { .lost = 5, .gained = 1 },
                                           { .lost = 1, .gained = 2, .loss_change = 0.1 },
                                           { .lost = 3, .gained = 4 },
                                           { .lost = 0, .gained = 0 } };
    uint32_t order[4];
    hw_head_worth_order(order, worth, 4);
    assert_int_equal(order[0], 2);
    assert_int_equal(order[1], 1);
    assert_int_equal(order[2], 3);
    assert_int_equal(order[3], 0);
}

/* ---- The golden file ------------------------------------------------------------------------- */

static double at(const json_t *array, size_t i) {
    return json_number_value(json_array_get(array, i));
}

/* weights: [HEADS][count][count] */
static void read_text(made_text *t, float *weights, const json_t *text) {
    const json_t *key = json_object_get(text, "key");
    const size_t count = json_array_size(key);
    for (size_t i = 0; i < count; i++)
        t->tokens[i] = (hw_head_token){
            .key = (uint64_t)json_integer_value(json_array_get(key, i)),
            .is_special = json_is_true(json_array_get(json_object_get(text, "special"), i)),
            .separates = json_is_true(json_array_get(json_object_get(text, "separates"), i)),
            .rarity = at(json_object_get(text, "rarity"), i),
            .evidence = at(json_object_get(text, "evidence"), i)
        };
    finish(t, count);
    t->text.has_label = true;
    for (size_t i = 0; i < count * VECTOR; i++)
        t->vectors[i] =
            (float)at(json_array_get(json_object_get(text, "vectors"), i / VECTOR), i % VECTOR);
    for (size_t i = 0; i < HEADS * count * count; i++)
        weights[i] = (float)at(
            json_array_get(json_array_get(json_object_get(text, "weights"), i / (count * count)),
                           i / count % count),
            i % count);
}

static void test_metrics_are_numpys(void **state) {
    (void)state;
    const json_t *texts = json_object_get(heads_golden, "texts");
    static float weights[HEADS * MOST * MOST];
    hw_head_sums sums[HEADS] = { 0 };
    for (size_t i = 0; i < json_array_size(texts); i++) {
        made_text t = { 0 };
        read_text(&t, weights, json_array_get(texts, i));
        for (size_t head = 0; head < HEADS; head++)
            hw_head_sums_add(&sums[head], weights + head * t.text.count * t.text.count, &t.text);
    }
    for (size_t head = 0; head < HEADS; head++) {
        const json_t *expected = json_array_get(json_object_get(heads_golden, "metrics"), head);
        const hw_head_sums *s = &sums[head];
        const struct {
            const char *name;
            double value;
        } got[] = {
            { "entropy", s->entropy / s->queries },   { "confidence", s->confidence / s->queries },
            { "distance", s->distance / s->queries }, { "ratio", s->distance / s->uniform },
            { "sink", s->sink / s->queries },         { "separators", s->separators / s->queries }
        };
        for (size_t i = 0; i < sizeof got / sizeof *got; i++)
            heads_assert_near(got[i].value,
                              json_number_value(json_object_get(expected, got[i].name)), 1e-6);
    }
}

static void test_diversity_is_numpys(void **state) {
    (void)state;
    const json_t *texts = json_object_get(heads_golden, "texts");
    static float weights[HEADS * MOST * MOST];
    double distance[HEADS * HEADS];
    hw_head_diversity all = { 0 };
    assert_int_equal(hw_head_diversity_start(&all, HEADS, &error), HW_OK);
    for (size_t i = 0; i < json_array_size(texts); i++) {
        made_text t = { 0 };
        hw_head_diversity one = { 0 };
        assert_int_equal(hw_head_diversity_start(&one, HEADS, &error), HW_OK);
        read_text(&t, weights, json_array_get(texts, i));
        hw_head_diversity_add(&one, weights, &t.text);
        hw_head_diversity_merge(&all, &one);
        hw_head_diversity_free(&one);
    }
    heads_assert_near(hw_head_diversity_finish(distance, &all),
                      json_number_value(json_object_get(heads_golden, "effective")), 1e-9);
    for (size_t i = 0; i < HEADS * HEADS; i++)
        heads_assert_near(
            distance[i],
            at(json_array_get(json_object_get(heads_golden, "divergence"), i / HEADS), i % HEADS),
            1e-6);
    hw_head_diversity_free(&all);
}

static void test_scores_of_roles_are_numpys(void **state) {
    (void)state;
    const json_t *texts = json_object_get(heads_golden, "texts");
    static float weights[HEADS * MOST * MOST];
    hw_role_tally *tally = hw_calloc(HEADS, sizeof *tally);
    hw_role_texts *shuffles = hw_role_texts_new(&error);
    assert_true(tally && shuffles);
    for (size_t i = 0; i < json_array_size(texts); i++) {
        made_text t = { 0 };
        read_text(&t, weights, json_array_get(texts, i));
        assert_int_equal(hw_role_texts_take(shuffles, &t.text, i, &error), HW_OK);
        hw_role_texts_embed(shuffles, t.vectors, VECTOR);
        for (size_t head = 0; head < HEADS; head++)
            hw_role_tally_add(&tally[head], shuffles, weights + head * t.text.count * t.text.count);
    }
    for (size_t head = 0; head < HEADS; head++) {
        const json_t *expected = json_array_get(json_object_get(heads_golden, "roles"), head);
        hw_role_test tests[HW_HEAD_ROLES] = { 0 };
        int32_t offset;
        size_t tested = 0;
        hw_role_tally_judge(tests, &offset, &tally[head]);
        for (int role = 0; role < HW_HEAD_ROLES; role++) {
            const json_t *score = json_object_get(expected, hw_head_role_text((hw_head_role)role));
            if (!score) continue;
            heads_assert_near(tests[role].score, json_number_value(score), 1e-6);
            tested++;
        }
        assert_int_equal(tested, json_object_size(expected));
        if (head == 1) assert_int_equal(offset, 1);
    }
    hw_role_texts_free(shuffles);
    hw_free(tally);
}

static void test_evidence_of_words_is_numpys(void **state) {
    (void)state;
    const json_t *texts = json_object_get(heads_golden, "evidence");
    hw_head_words words = { 0 };
    assert_int_equal(hw_head_words_start(&words, 3, &error), HW_OK);
    for (int pass = 0; pass < 2; pass++) {
        for (size_t i = 0; i < json_array_size(texts); i++) {
            const json_t *text = json_array_get(texts, i), *keys = json_object_get(text, "words");
            const size_t label = (size_t)json_integer_value(json_object_get(text, "label"));
            made_text t = { 0 };
            for (size_t k = 0; k < json_array_size(keys); k++)
                t.tokens[k].key = (uint64_t)json_integer_value(json_array_get(keys, k));
            finish(&t, json_array_size(keys));
            if (pass == 0) {
                assert_int_equal(hw_head_words_add(&words, &t.text, label, &error), HW_OK);
                continue;
            }
            hw_head_words_judge(&t.text, &words, label);
            for (size_t k = 0; k < json_array_size(keys); k++) {
                const json_t *expected = json_array_get(json_object_get(text, "expected"), k);
                heads_assert_near(t.tokens[k].rarity, at(expected, 0), 1e-12);
                heads_assert_near(t.tokens[k].evidence, at(expected, 1), 1e-12);
            }
        }
        hw_head_words_seal(&words);
    }
    hw_head_words_free(&words);
}

static int compare_doubles(const void *a, const void *b) {
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void test_eigenvalues_are_numpys(void **state) {
    (void)state;
    const json_t *rows = json_object_get(heads_golden, "matrix");
    const size_t n = json_array_size(rows);
    double matrix[64], values[8];
    for (size_t i = 0; i < n * n; i++) matrix[i] = at(json_array_get(rows, i / n), i % n);
    hw_symmetric_eigenvalues(values, matrix, n);
    qsort(values, n, sizeof *values, compare_doubles);
    for (size_t i = 0; i < n; i++)
        heads_assert_near(values[i], at(json_object_get(heads_golden, "eigenvalues"), i), 1e-12);
}

static void test_paired_intervals_are_numpys(void **state) {
    (void)state;
    const json_t *cases = json_object_get(heads_golden, "paired");
    for (size_t i = 0; i < json_array_size(cases); i++) {
        const json_t *counts = json_array_get(json_array_get(cases, i), 0);
        const json_t *expected = json_array_get(json_array_get(cases, i), 1);
        const hw_interval interval =
            hw_interval_paired(at(counts, 0), at(counts, 1), at(counts, 2));
        heads_assert_near(interval.low, at(expected, 0), 1e-12);
        heads_assert_near(interval.high, at(expected, 1), 1e-12);
    }
}

/* ---- Tests of roles ----------------------------------------------------------------------- */

enum { TEXTS = 40, WORDS = 9 };

static double cosine(const float *a, const float *b, size_t width) {
    double ab = 0, aa = 0, bb = 0;
    for (size_t c = 0; c < width; c++) {
        ab += (double)a[c] * (double)b[c];
        aa += (double)a[c] * (double)a[c];
        bb += (double)b[c] * (double)b[c];
    }
    return aa > 0 && bb > 0 ? ab / sqrt(aa * bb) : 0;
}

/* Random words of few kinds, weights by chance. planted: the role whose weight is added. */
static void make_text(made_text *t, float *weights, uint64_t number, hw_head_role planted) {
    *t = (made_text){ 0 };
    for (size_t i = 0; i < WORDS; i++)
        t->tokens[i] = (hw_head_token){ .key = hw_random_below(1, number, i, 6),
                                        .separates = hw_random_below(2, number, i, 5) == 0,
                                        .rarity = (double)hw_random_uniform(3, number, i),
                                        .evidence = (double)hw_random_uniform(4, number, i) };
    finish(t, WORDS);
    t->text.has_label = true;
    for (size_t i = 0; i < WORDS * VECTOR; i++) t->vectors[i] = hw_random_normal(6, number, i);
    for (size_t i = 0; i < WORDS; i++) {
        float sum = 0;
        for (size_t j = 0; j < WORDS; j++) {
            const bool chosen =
                (planted == HW_ROLE_SINK && j == 0) ||
                (planted == HW_ROLE_POSITION && j + 2 == i) ||
                (planted == HW_ROLE_SEPARATOR && t->tokens[j].separates) ||
                (planted == HW_ROLE_SAME && i != j && t->tokens[i].key == t->tokens[j].key) ||
                (planted == HW_ROLE_LOCAL && j + 2 >= i && j <= i + 2);
            float *w = &weights[i * WORDS + j];
            *w = 0.05f + hw_random_uniform(5, number, i * WORDS + j) + (chosen ? 20 : 0);
            if (planted == HW_ROLE_RARITY) *w += 6 * (float)t->tokens[j].rarity;
            if (planted == HW_ROLE_EVIDENCE) *w += 6 * (float)t->tokens[j].evidence;
            if (planted == HW_ROLE_SEMANTIC)
                *w +=
                    2 + 2 * (float)cosine(t->vectors + i * VECTOR, t->vectors + j * VECTOR, VECTOR);
            if (planted == HW_ROLE_RAREST) *w += 40 * powf((float)t->tokens[j].rarity, 8);
            sum += *w;
        }
        for (size_t j = 0; j < WORDS; j++) weights[i * WORDS + j] /= sum;
    }
}

/* first: the number of the first text, so that every call has others. */
static void judge(hw_role_test tests[HW_HEAD_ROLES], int32_t *offset, uint64_t first,
                  hw_head_role planted) {
    static float weights[WORDS * WORDS];
    hw_role_tally *tally = hw_calloc(1, sizeof *tally);
    hw_role_texts *shuffles = hw_role_texts_new(&error);
    assert_true(tally && shuffles);
    for (uint64_t i = first; i < first + TEXTS; i++) {
        made_text t;
        make_text(&t, weights, i, planted);
        assert_int_equal(hw_role_texts_take(shuffles, &t.text, i, &error), HW_OK);
        hw_role_texts_embed(shuffles, t.vectors, VECTOR);
        hw_role_tally_add(tally, shuffles, weights);
    }
    hw_role_tally_judge(tests, offset, tally);
    hw_role_texts_free(shuffles);
    hw_free(tally);
}

static void test_a_planted_role_is_found(void **state) {
    (void)state;
    for (hw_head_role role = HW_ROLE_SINK; role <= HW_ROLE_LOCAL; role++) {
        hw_role_test tests[HW_HEAD_ROLES] = { 0 };
        int32_t offset;
        judge(tests, &offset, 0, role);
        if (!(tests[role].p < 1e-6) || !hw_role_reaches(role, tests[role].score, tests[role].base))
            fail_msg("%s: score %g, p %g", hw_head_role_text(role), tests[role].score,
                     tests[role].p);
        if (role == HW_ROLE_POSITION) assert_int_equal(offset, -2);
    }
}

/* Of heads without any role, one test in twenty has p < 0.05: of 9 * 100 of them 45, and more than
 * 66 with a probability of less than 0.001 if they were independent. */
static void test_p_of_heads_without_a_role_is_by_chance(void **state) {
    (void)state;
    size_t small = 0;
    for (uint64_t head = 0; head < 100; head++) {
        hw_role_test tests[HW_HEAD_ROLES] = { 0 };
        int32_t offset;
        judge(tests, &offset, 1000 + head * TEXTS, HW_ROLE_NONE);
        for (int role = 0; role < HW_HEAD_ROLES; role++)
            small += hw_role_is_tested((hw_head_role)role) && tests[role].p < 0.05;
    }
    assert_in_range(small, 15, 66);
}

/* ---- Like meaning ---------------------------------------------------------------------------- */

/* Four words, of which the first two mean the same and the third half of it; the first and the last
 * have nothing in common. */
static void test_weights_that_follow_cosines_correlate(void **state) {
    (void)state;
    static const float vectors[] = { 1, 0, 2, 0, 1, 1, 0, 4 };
    static const float with[] = { 9, 4, 3, 0, 4, 9, 3, 0, 3, 3, 9, 3, 0, 0, 3, 9 };
    static const float alike[] = { 9, 1, 1, 1, 1, 9, 1, 1, 1, 1, 9, 1, 1, 1, 1, 9 };
    float against[16];
    made_text t = { .tokens = { { .key = 1 }, { .key = 2 }, { .key = 3 }, { .key = 4 } } };
    hw_head_meaning *meaning = hw_calloc(1, sizeof *meaning);
    assert_non_null(meaning);
    finish(&t, 4);
    for (size_t i = 0; i < 16; i++) against[i] = -with[i];
    hw_head_meaning_take(meaning, &t.text, 1);
    hw_head_meaning_embed(meaning, &t.text, vectors, 2);
    assert_true(hw_head_meaning_look(meaning, &t.text, with));
    heads_assert_near(hw_head_meaning_correlation(meaning, 0), 1, 1e-12);
    assert_true(hw_head_meaning_look(meaning, &t.text, against));
    heads_assert_near(hw_head_meaning_correlation(meaning, 0), -1, 1e-12);
    assert_false(hw_head_meaning_look(meaning, &t.text, alike));
    hw_head_meaning_embed(meaning, &t.text, NULL, 0);
    assert_false(hw_head_meaning_look(meaning, &t.text, with));
    hw_free(meaning);
}

/* Before what a label would explain, and after what the word itself would. */
static void test_semantic_heads_have_a_correlation_of_three_tenths(void **state) {
    (void)state;
    assert_true(hw_role_reaches(HW_ROLE_SEMANTIC, 0.3, (double)NAN));
    assert_false(hw_role_reaches(HW_ROLE_SEMANTIC, 0.299, (double)NAN));
    assert_true(hw_role_is_tested(HW_ROLE_SEMANTIC));
    assert_int_equal(HW_ROLE_SEMANTIC, HW_ROLE_SAME + 1);
    assert_int_equal(HW_ROLE_EVIDENCE, HW_ROLE_SEMANTIC + 1);
}

enum { LONG = HW_MEANING_WORDS + 7 };

/* Weights and vectors of the words beyond are changed, and nothing else with them. */
static void test_first_words_of_long_texts_stand_for_all(void **state) {
    (void)state;
    static float weights[LONG * LONG], vectors[LONG];
    hw_head_token tokens[LONG] = { { 0 } };
    uint32_t query[LONG];
    hw_head_text text = { .tokens = tokens, .count = LONG, .query = query, .queries = LONG };
    hw_head_meaning *meaning = hw_calloc(1, sizeof *meaning);
    double expected[HW_COPIES];
    assert_non_null(meaning);
    for (size_t i = 0; i < LONG; i++) query[i] = (uint32_t)i;
    for (uint64_t variant = 0; variant < 2; variant++) {
        for (size_t i = 0; i < LONG * LONG; i++) {
            const bool beyond = i / LONG >= HW_MEANING_WORDS || i % LONG >= HW_MEANING_WORDS;
            weights[i] = hw_random_uniform(7, beyond ? variant : 2, i);
        }
        for (size_t i = 0; i < LONG; i++)
            vectors[i] = hw_random_normal(8, i >= HW_MEANING_WORDS ? variant : 2, i);
        hw_head_meaning_take(meaning, &text, 3);
        hw_head_meaning_embed(meaning, &text, vectors, 1);
        assert_true(hw_head_meaning_look(meaning, &text, weights));
        for (size_t copy = 0; copy < HW_COPIES; copy++) {
            const double got = hw_head_meaning_correlation(meaning, copy);
            if (variant == 0) expected[copy] = got;
            assert_true(got == expected[copy]);
        }
    }
    assert_true(expected[1] != expected[0] && expected[2] != expected[1]);
    hw_free(meaning);
}

/* ---- hw_heads ----------------------------------------------------------------------------- */

static hw_classifier *train(bool multi_label, hw_arch arch) {
    toy_write("train", (toy_shape){ .rows = 120, .labels = 3, .multi_label = multi_label });
    toy_write("test",
              (toy_shape){ .rows = 70, .labels = 3, .multi_label = multi_label, .seed = 9 });
    hw_train_options options = toy_options("train");
    options.arch = arch;
    options.towers = 2;
    options.epochs = 4;
    if (multi_label) options.loss = HW_LOSS_OVA;
    return toy_train(&options);
}

/* Two towers of two layers of four heads. */
static hw_classifier *trained_of_four(void) {
    toy_write("train", (toy_shape){ .rows = 120, .labels = 3 });
    toy_write("test", (toy_shape){ .rows = 70, .labels = 3, .seed = 9 });
    hw_train_options options = toy_options("train");
    options.arch = HW_ARCH_ATTENTION;
    options.towers = options.layers = 2;
    options.heads = 4;
    return toy_train(&options);
}

static hw_classifier *opened_encoder(const char *folder) {
    toy_write("test", (toy_shape){ .rows = 70, .labels = 3, .seed = 9 });
    tiny_encoder_write_classifier(folder, 3, false, 5);
    hw_classifier *encoder = hw_classifier_open(folder, &error);
    assert_non_null(encoder);
    return encoder;
}

static hw_head_report *measured(const hw_classifier *classifier, const hw_heads_options *options) {
    hw_head_report *report = hw_heads(classifier, "test", options, &error);
    if (!report) fail_msg("%s", error.message);
    return report;
}

static double accuracy_without(const hw_classifier *classifier, const hw_head_id *heads,
                               size_t count) {
    const hw_session_options session = { .masked_heads = heads, .masked_head_count = count };
    hw_metrics *metrics = hw_evaluate(classifier, "test", NULL, &session, 1, &error);
    assert_non_null(metrics);
    const double accuracy = metrics->accuracy;
    hw_metrics_free(metrics);
    return accuracy;
}

static void expect_worth(const hw_classifier *classifier) {
    hw_head_report *r = measured(classifier, NULL);
    hw_head_id off[64];
    assert_int_equal(r->texts, 70);
    assert_int_equal(r->looked + r->skipped, r->texts);
    assert_true(r->accuracy == accuracy_without(classifier, NULL, 0));
    for (size_t i = 0; i < r->count; i++) {
        const hw_head_worth *w = &r->worth[i];
        assert_true(w->accuracy == accuracy_without(classifier, &w->head, 1));
        heads_assert_near(w->change, w->accuracy - r->accuracy, 1e-12);
        assert_true(w->interval.low <= w->change && w->change <= w->interval.high);
        assert_true(w->p > 0 && w->p <= w->p_holm && w->p_holm <= 1);
        assert_true(w->moved >= 0 && w->moved <= 1);
    }
    for (size_t i = 0; i < r->steps; i++) {
        off[i] = r->step[i].head;
        assert_true(r->step[i].accuracy == accuracy_without(classifier, off, i + 1));
        assert_true((i < r->removable) == (-r->step[i].change <= r->tolerance + 1e-12));
    }
    hw_head_report_free(r);
}

static void test_worth_is_what_evaluation_says(void **state) {
    (void)state;
    static const hw_arch archs[] = { HW_ARCH_ATTENTION, HW_ARCH_CAPSULE };
    for (size_t i = 0; i < 2 * sizeof archs / sizeof *archs; i++) {
        hw_classifier *classifier = train(i % 2, archs[i / 2]);
        expect_worth(classifier);
        hw_classifier_close(classifier);
    }
    hw_classifier *hybrid = tiny_classifier((tiny_options){ 0 }, &error);
    expect_worth(hybrid);
    hw_classifier_close(hybrid);
    tiny_encoder_write_classifier("encoder", 3, false, 5);
    hw_classifier *encoder = hw_classifier_open("encoder", &error);
    assert_non_null(encoder);
    expect_worth(encoder);
    hw_classifier_close(encoder);
}

static void expect_same(const hw_head_report *a, const hw_head_report *b) {
    const size_t pairs = a->towers * a->layers * a->heads * a->heads;
    assert_int_equal(a->count, b->count);
    assert_memory_equal(a->worth, b->worth, a->count * sizeof *a->worth);
    assert_memory_equal(a->look, b->look, a->towers * a->count * sizeof *a->look);
    assert_memory_equal(a->distance, b->distance, pairs * sizeof *a->distance);
    assert_memory_equal(a->output_distance, b->output_distance, pairs * sizeof *a->output_distance);
    assert_memory_equal(a->effective, b->effective, a->towers * a->layers * sizeof *a->effective);
    assert_int_equal(a->removable, b->removable);
}

static void test_threads_change_nothing(void **state) {
    (void)state;
    hw_classifier *classifier = train(false, HW_ARCH_ATTENTION);
    hw_head_report *one = measured(classifier, &(hw_heads_options){ .threads = 1 });
    hw_head_report *three = measured(classifier, &(hw_heads_options){ .threads = 3 });
    assert_int_equal(one->towers, 2);
    expect_same(one, three);
    for (size_t i = 0; i < one->towers * one->count; i++) {
        const hw_head_look *look = &one->look[i];
        assert_true(look->entropy >= 0 && look->entropy <= 1);
        assert_in_range(look->role, 0, HW_ROLE_NONE);
    }
    hw_head_report_free(one);
    hw_head_report_free(three);
    hw_classifier_close(classifier);
}

static bool stop_at_once(void *user, const hw_progress *progress) {
    (void)user;
    return progress->done == 0 && progress->overall > 1;
}

static void test_what_cannot_be_measured_is_an_error(void **state) {
    (void)state;
    hw_classifier *classifier = train(false, HW_ARCH_BAG);
    assert_null(hw_heads(classifier, "test", NULL, &error));
    assert_int_equal(error.status, HW_ERROR_ARGUMENT);
    hw_classifier_close(classifier);
    classifier = train(false, HW_ARCH_ATTENTION);
    assert_null(hw_heads(classifier, "nowhere", NULL, &error));
    assert_int_equal(error.status, HW_ERROR_IO);
    assert_null(
        hw_heads(classifier, "test", &(hw_heads_options){ .progress = stop_at_once }, &error));
    assert_int_equal(error.status, HW_ERROR_STOPPED);
    hw_head_report *some = measured(classifier, &(hw_heads_options){ .texts = 9 });
    assert_int_equal(some->texts, 9);
    assert_int_equal(some->available, 70);
    hw_head_report_free(some);
    hw_classifier_close(classifier);
}

/* ---- Which vectors --------------------------------------------------------------------------- */

enum { MOST_TOKENS = 32, MOST_WIDTH = 64 };

/* [tokens][width] up to a factor: the sum of a word's n-grams in a tower, a row of an encoder. */
static size_t read_vectors(float *vectors, const hw_classifier *c, hw_text text,
                           const hw_attention_map *map, size_t tower) {
    hw_encoding e = { 0 };
    const size_t width =
        c->encoder ? (size_t)c->pretrained.config.embedding_width : (size_t)c->config.tower.width;
    assert_true(width <= MOST_WIDTH && map->count <= MOST_TOKENS);
    memset(vectors, 0, map->count * width * sizeof *vectors);
    if (!c->encoder) {
        assert_int_equal(hw_encoding_make(&e, text, &c->config.ngram_options, &c->ngrams, &error),
                         HW_OK);
        assert_int_equal(hw_encoding_sort(&e, &error), HW_OK);
        assert_int_equal(e.tokens, map->count);
    }
    for (size_t i = 0; i < map->count * width; i++) {
        const size_t token = i / width, column = i % width;
        if (c->encoder)
            vectors[i] = hw_encoder_values(c->encoder, 0)[map->tokens[token].id * width + column];
        for (size_t k = 0; !c->encoder && k < e.token_offsets[token + 1] - e.token_offsets[token];
             k++)
            vectors[i] +=
                c->towers[tower]
                    .embedding[e.token_ngrams[e.token_offsets[token] + k] * width + column];
    }
    hw_encoding_free(&e);
    return width;
}

/* Spearman's correlation over the pairs of the text's own tokens. */
static double correlation_of(const hw_attention_map *map, const float *weights,
                             const float *vectors, size_t width) {
    static double x[MOST_TOKENS * MOST_TOKENS], y[MOST_TOKENS * MOST_TOKENS];
    static double ranks[2 * MOST_TOKENS * MOST_TOKENS];
    static hw_ranked order[MOST_TOKENS * MOST_TOKENS];
    size_t pairs = 0;
    for (size_t i = 0; i < map->count; i++)
        for (size_t j = 0; j < map->count; j++) {
            const hw_attribution *a = &map->tokens[i], *b = &map->tokens[j];
            if (i == j || a->begin == a->end || b->begin == b->end) continue;
            const double product = cosine(vectors + i * width, vectors + j * width, width);
            x[pairs] = (double)weights[i * map->count + j];
            y[pairs++] = round(product * 1e9); /* whichever way it was rounded */
        }
    return hw_spearman(x, y, pairs, order, ranks).coefficient;
}

static void expect_semantic_scores(hw_classifier *classifier) {
    static float vectors[MOST_TOKENS * MOST_WIDTH];
    hw_dataset *texts = hw_dataset_load("test", NULL, &error);
    hw_session *session = hw_session_new(classifier, NULL, &error);
    hw_head_report *r = measured(classifier, NULL);
    assert_true(texts && session && r->count <= 64);
    for (size_t tower = 0; tower < r->towers; tower++) {
        double sums[64] = { 0 };
        for (size_t row = 0; row < texts->count; row++) {
            const hw_text text = texts->examples[row].text;
            hw_attention_map *map = hw_attend(session, text, tower, &error);
            assert_non_null(map);
            const size_t width = read_vectors(vectors, classifier, text, map, tower);
            for (size_t head = 0; head < r->count; head++)
                sums[head] += correlation_of(map, map->weights + head * map->count * map->count,
                                             vectors, width);
            hw_attention_map_free(map);
        }
        for (size_t head = 0; head < r->count; head++) {
            const hw_role_test *test = &r->look[tower * r->count + head].tests[HW_ROLE_SEMANTIC];
            heads_assert_near(test->score, sums[head] / (double)texts->count, 1e-6);
            assert_true(test->p > 0 && test->p <= test->p_holm && test->p_holm <= 1);
        }
    }
    hw_head_report_free(r);
    hw_session_free(session);
    hw_dataset_free(texts);
    hw_classifier_close(classifier);
}

static void test_likeness_is_that_of_the_embedding(void **state) {
    (void)state;
    expect_semantic_scores(trained_of_four());
    expect_semantic_scores(opened_encoder("likeness"));
}

/* ---- Models that heads were taken out of, and int8 ones -------------------------------------- */

/* Closes the one it is made from. */
static hw_classifier *without(hw_classifier *classifier, const hw_head_id *gone, size_t count) {
    hw_classifier *pruned = hw_classifier_prune(classifier, gone, count, &error);
    if (!pruned) fail_msg("%s", error.message);
    hw_classifier_close(classifier);
    return pruned;
}

static hw_classifier *quantized(hw_classifier *classifier) {
    hw_classifier *small = hw_classifier_quantize(classifier, HW_QUANTIZED_INT8, &error);
    if (!small) fail_msg("%s", error.message);
    hw_classifier_close(classifier);
    return small;
}

static const double looks_near = 1e-5, looks_near_int8 = 0.02;

static void expect_near_look(const hw_head_look *a, const hw_head_look *b, double most) {
    heads_assert_near(a->entropy, b->entropy, most);
    heads_assert_near(a->confidence, b->confidence, most);
    heads_assert_near(a->distance_ratio, b->distance_ratio, most);
    heads_assert_near(a->sink, b->sink, most);
    heads_assert_near(a->separators, b->separators, most);
}

/* What heads of the last layer look at does not depend on the other heads of that layer. */
static void expect_last_layer_pruned(hw_classifier *classifier, const hw_head_id *gone,
                                     size_t count) {
    hw_head_report *whole = measured(classifier, NULL);
    const size_t heads = whole->heads, all = whole->layers * heads;
    hw_classifier *pruned = without(classifier, gone, count);
    hw_head_report *r = measured(pruned, NULL);
    assert_int_equal(whole->count, all);
    assert_int_equal(r->count, all - count);
    assert_int_equal(r->layer_heads[r->layers - 1], heads - count);
    for (size_t i = 0; i < r->towers * r->count; i++) {
        const hw_head_id head = r->worth[i % r->count].head;
        const size_t before = (size_t)hw_classifier_original_head(pruned, head.layer, head.head);
        const size_t tower = i / r->count, at = (size_t)head.layer * heads + before;
        expect_near_look(&r->look[i], &whole->look[tower * all + at], looks_near);
        heads_assert_near(r->look[i].tests[HW_ROLE_POSITION].score,
                          whole->look[tower * all + at].tests[HW_ROLE_POSITION].score, looks_near);
    }
    hw_head_report_free(r);
    hw_head_report_free(whole);
    hw_classifier_close(pruned);
}

static void test_heads_that_are_left_look_where_they_did(void **state) {
    (void)state;
    static const hw_head_id gone[] = { { 1, 0 }, { 1, 2 } };
    expect_last_layer_pruned(trained_of_four(), gone, 2);
    expect_last_layer_pruned(opened_encoder("whole"), gone, 1);
}

/* Distances of a layer with fewer heads stand without gaps. */
static void test_distances_are_of_the_heads_that_are_left(void **state) {
    (void)state;
    static const hw_head_id gone[] = { { 1, 0 }, { 1, 2 } };
    hw_classifier *classifier = trained_of_four();
    hw_head_report *whole = measured(classifier, NULL);
    hw_classifier *pruned = without(classifier, gone, 2);
    hw_head_report *r = measured(pruned, NULL);
    for (size_t tower = 0; tower < 2; tower++) {
        const double *all = whole->distance + (tower * 2 + 1) * 16;
        const double *left = r->distance + (tower * 2 + 1) * 16;
        heads_assert_near(left[1], all[1 * 4 + 3], looks_near);
        assert_true(left[0] == 0 && left[1] == left[2] && left[3] == 0);
        heads_assert_near(r->output_distance[(tower * 2 + 1) * 16 + 1],
                          whole->output_distance[(tower * 2 + 1) * 16 + 1 * 4 + 3], looks_near);
        assert_true(r->effective[tower * 2 + 1] >= 1 && r->effective[tower * 2 + 1] <= 2);
    }
    hw_head_report_free(r);
    hw_head_report_free(whole);
    hw_classifier_close(pruned);
}

static void test_heads_that_are_left_are_worth_what_evaluation_says(void **state) {
    (void)state;
    static const hw_head_id gone[] = { { 0, 0 }, { 0, 2 }, { 1, 3 } };
    hw_classifier *towers = without(trained_of_four(), gone, 3);
    expect_worth(towers);
    assert_int_equal(hw_classifier_original_head(towers, 0, 0), 1);
    assert_int_equal(hw_classifier_original_head(towers, 0, 1), 3);
    assert_int_equal(hw_classifier_original_head(towers, 1, 2), 2);
    hw_classifier_close(towers);
    hw_classifier *encoder = without(opened_encoder("pruned"), gone, 1);
    expect_worth(encoder);
    assert_int_equal(hw_classifier_original_head(encoder, 0, 0), 1);
    hw_classifier_close(encoder);
}

static void test_int8_encoders_are_measured(void **state) {
    (void)state;
    hw_classifier *encoder = opened_encoder("float");
    hw_head_report *whole = measured(encoder, NULL);
    hw_classifier *small = quantized(encoder);
    hw_head_report *r = measured(small, NULL);
    assert_true(hw_classifier_summary(small)->quantized);
    expect_worth(small);
    for (size_t i = 0; i < r->count; i++) {
        expect_near_look(&r->look[i], &whole->look[i], looks_near_int8);
        assert_true(r->look[i].entropy > 0 && r->look[i].entropy != whole->look[i].entropy);
    }
    hw_head_report_free(whole);
    hw_head_report_free(r);
    hw_classifier_close(small);
}

static void test_threads_change_nothing_of_what_is_left_in_int8(void **state) {
    (void)state;
    hw_classifier *small = quantized(without(opened_encoder("both"), &(hw_head_id){ 1, 0 }, 1));
    hw_head_report *one = measured(small, &(hw_heads_options){ .threads = 1 });
    hw_head_report *three = measured(small, &(hw_heads_options){ .threads = 3 });
    assert_int_equal(one->count, 3);
    expect_same(one, three);
    hw_head_report_free(one);
    hw_head_report_free(three);
    hw_classifier_close(small);
}

/* A text without words and one of a single word are classified, but say nothing of attention. */
static void test_texts_that_are_too_short_are_skipped(void **state) {
    (void)state;
    hw_classifier *classifier = train(false, HW_ARCH_ATTENTION);
    toy_write_text("test",
                   "__label__a \n__label__b word\n__label__a two words\n__label__q odd one\n");
    hw_head_report *r = measured(classifier, NULL);
    assert_int_equal(r->looked, 2);
    assert_int_equal(r->looked + r->skipped, r->texts);
    hw_head_report_free(r);
    toy_write_text("test", "__label__b word\n");
    r = measured(classifier, NULL);
    assert_int_equal(r->looked, 0);
    assert_true(isnan(r->look[0].entropy));
    hw_head_report_free(r);
    hw_classifier_close(classifier);
}

#ifdef HW_FAULTS

static void expect_reported(const hw_classifier *classifier) {
    hw_head_report *report = NULL;
    uint64_t failing = 0;
    for (uint64_t step = 1; !report; failing += step, step += failing / 64) {
        hw_fault_arm(HW_FAULT_MEMORY, failing + 1, false);
        report =
            hw_heads(classifier, "test", &(hw_heads_options){ .threads = 1, .texts = 3 }, &error);
        hw_fault_arm(HW_FAULT_MEMORY, 0, false);
        if (!report) assert_int_equal(error.status, HW_ERROR_MEMORY);
    }
    assert_true(failing > 20);
    hw_head_report_free(report);
}

static void test_failing_allocations_are_reported(void **state) {
    (void)state;
    toy_write("test", (toy_shape){ .rows = 10, .labels = 3 });
    hw_classifier *classifier = tiny_classifier((tiny_options){ 0 }, &error);
    expect_reported(classifier);
    hw_classifier_close(classifier);
    tiny_encoder_write_classifier("faulty", 3, false, 5);
    classifier = hw_classifier_open("faulty", &error);
    assert_non_null(classifier);
    expect_reported(classifier);
    hw_classifier_close(classifier);
}

#endif

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_metrics_are_those_of_three_words_by_hand),
        cmocka_unit_test(test_heads_that_look_alike_are_one),
        cmocka_unit_test(test_effective_number_is_one_to_all),
        cmocka_unit_test(test_heads_of_least_worth_come_first),
        cmocka_unit_test(test_metrics_are_numpys),
        cmocka_unit_test(test_diversity_is_numpys),
        cmocka_unit_test(test_scores_of_roles_are_numpys),
        cmocka_unit_test(test_evidence_of_words_is_numpys),
        cmocka_unit_test(test_eigenvalues_are_numpys),
        cmocka_unit_test(test_paired_intervals_are_numpys),
        cmocka_unit_test(test_a_planted_role_is_found),
        cmocka_unit_test(test_p_of_heads_without_a_role_is_by_chance),
        cmocka_unit_test(test_weights_that_follow_cosines_correlate),
        cmocka_unit_test(test_semantic_heads_have_a_correlation_of_three_tenths),
        cmocka_unit_test(test_first_words_of_long_texts_stand_for_all),
        cmocka_unit_test(test_worth_is_what_evaluation_says),
        cmocka_unit_test(test_threads_change_nothing),
        cmocka_unit_test(test_what_cannot_be_measured_is_an_error),
        cmocka_unit_test(test_likeness_is_that_of_the_embedding),
        cmocka_unit_test(test_heads_that_are_left_look_where_they_did),
        cmocka_unit_test(test_distances_are_of_the_heads_that_are_left),
        cmocka_unit_test(test_heads_that_are_left_are_worth_what_evaluation_says),
        cmocka_unit_test(test_int8_encoders_are_measured),
        cmocka_unit_test(test_threads_change_nothing_of_what_is_left_in_int8),
        cmocka_unit_test(test_texts_that_are_too_short_are_skipped),
#ifdef HW_FAULTS
        cmocka_unit_test(test_failing_allocations_are_reported),
#endif
    };
    return cmocka_run_group_tests(tests, heads_golden_open, heads_golden_close);
}
