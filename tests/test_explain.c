/* Explanations: they sum to the score, they are what captum and the definitions give, and what they
 * say of removed words is what the classifier says of a text without them. */
#include "base/fault.h"
#include "base/memory.h"
#include "explain/ngram_shares.h"
#include "tiny_encoder.h"
#include "tiny_model.h"
#include "toy_data.h"

#include <jansson.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static hw_error error;

static hw_session *session_of(const hw_classifier *classifier) {
    hw_session *session = hw_session_new(classifier, NULL, &error);
    if (!session) fail_msg("%s", error.message);
    return session;
}

static hw_explanation *explained(hw_session *session, const char *text,
                                 const hw_explain_options *options) {
    hw_explanation *e = hw_explain(session, hw_text_of(text), options, &error);
    if (!e) fail_msg("%s", error.message);
    return e;
}

static float probability_of(hw_session *session, const char *text, int32_t label) {
    const size_t labels = (size_t)hw_classifier_summary(hw_session_classifier(session))->labels;
    float probability[26];
    const hw_text given = hw_text_of(text);
    assert_in_range(labels, 1, 26);
    assert_int_equal(hw_classify(session, &given, 1, probability, &error), HW_OK);
    return probability[label];
}

static double sum_of_words(const hw_explanation *e) {
    size_t count;
    const hw_attribution *words = hw_explanation_words(e, &count);
    double sum = 0;
    for (size_t i = 0; i < count; i++) sum += words[i].score;
    return sum;
}

/* ---- Models of n-grams and towers -------------------------------------------------- */

static const tiny_options kinds[] = {
    { .arch = HW_ARCH_HYBRID },
    { .arch = HW_ARCH_HYBRID, .multi_label = true, .inner_width = 16 },
    { .arch = HW_ARCH_ATTENTION, .towers = 1 },
    { .arch = HW_ARCH_BAG },
    { .arch = HW_ARCH_CAPSULE },
    { .attention = HW_ATTENTION_UNIFORM, .head_gates = HW_HEAD_GATES_INPUT },
    { .arch = HW_ARCH_ATTENTION, .attention = HW_ATTENTION_TIED },
    { .attention = HW_ATTENTION_TALKING, .head_gates = HW_HEAD_GATES_L0 },
    { .arch = HW_ARCH_CAPSULE, .attention = HW_ATTENTION_COLLABORATIVE, .inner_width = 16 },
};
enum { KINDS = sizeof kinds / sizeof *kinds };

static void test_integrated_gradients_sum_to_the_score(void **state) {
    (void)state;
    for (size_t kind = 0; kind < KINDS; kind++) {
        hw_classifier *classifier = tiny_classifier(kinds[kind], &error);
        hw_session *session = session_of(classifier);
        for (size_t i = 0; i < TINY_SENTENCES; i++) {
            hw_explanation *e = explained(session, tiny_sentences[i], NULL);
            const hw_explained *s = hw_explanation_summary(e);
            assert_true(s->gap <= 0.005);
            assert_true(fabs(s->base + sum_of_words(e) - s->score) <=
                        0.005 * fabs(s->score - s->base) + 1e-6);
            assert_true((float)s->probability ==
                        probability_of(session, tiny_sentences[i], s->label));
            hw_explanation_free(e);
        }
        hw_session_free(session);
        hw_classifier_close(classifier);
    }
}

/* A bag's score is linear in its features: nothing is left over but rounding. */
static void test_ngram_shares_are_exact(void **state) {
    (void)state;
    hw_classifier *classifier = tiny_classifier((tiny_options){ .arch = HW_ARCH_BAG }, &error);
    hw_session *session = session_of(classifier);
    for (size_t i = 0; i < TINY_SENTENCES; i++) {
        size_t count;
        hw_explanation *e = explained(session, tiny_sentences[i], NULL);
        const hw_explained *s = hw_explanation_summary(e);
        const hw_attribution *words = hw_explanation_words(e, &count);
        assert_true(fabs(s->base + s->sum - s->score) < 1e-6);
        for (size_t word = 0; word < count; word++)
            assert_true(words[word].score == words[word].ngrams);
        hw_explanation_free(e);
    }
    hw_session_free(session);
    hw_classifier_close(classifier);
}

/* Of a text of one word all is that word's; a word that stands twice has the same share each time.
 */
static void test_shares_go_to_the_words_that_are_covered(void **state) {
    (void)state;
    hw_classifier *classifier = tiny_classifier((tiny_options){ .arch = HW_ARCH_BAG }, &error);
    hw_session *session = session_of(classifier);
    size_t count;
    hw_explanation *e = explained(session, "quiet", NULL);
    const hw_explained *s = hw_explanation_summary(e);
    assert_true(fabs(hw_explanation_words(e, &count)[0].ngrams - (s->score - s->base)) < 1e-6);
    assert_int_equal(count, 1);
    hw_explanation_free(e);
    e = explained(session, "quiet zzz quiet", NULL);
    const hw_attribution *words = hw_explanation_words(e, &count);
    assert_int_equal(count, 3);
    assert_true(words[0].score != 0 && words[0].score == words[2].score);
    assert_true(words[1].score == 0);
    hw_explanation_free(e);
    hw_session_free(session);
    hw_classifier_close(classifier);
}

/* The text with its word-th word (between spaces) replaced. */
static void replace_word(char *out, const char *text, size_t word, const char *by) {
    for (size_t at = 0; *text; at++) {
        const size_t length = strcspn(text, " ");
        if (at) *out++ = ' ';
        const char *piece = at == word ? by : text;
        const size_t bytes = at == word ? strlen(by) : length;
        memcpy(out, piece, bytes);
        out += bytes;
        text += length + (text[length] == ' ');
    }
    *out = 0;
}

/* z of a label, by the definition of the probability: enough for differences. */
static double log_odds(hw_session *session, const char *text, int32_t label, int32_t other) {
    return log((double)probability_of(session, text, label)) -
           log((double)probability_of(session, text, other));
}

/* What a removed word leaves is what an unknown word leaves: differences of two labels' scores are
 * logarithms of what their probabilities' quotients change by. */
static void expect_left_out(hw_session *session, const char *text, const char *unknown) {
    char without[512];
    size_t count;
    hw_explain_options options = { .method = HW_EXPLAIN_LOO, .label = "a", .random_orders = -1 };
    hw_explanation *a = explained(session, text, &options);
    options.label = "b";
    hw_explanation *b = explained(session, text, &options);
    const hw_attribution *of_a = hw_explanation_words(a, &count);
    const hw_attribution *of_b = hw_explanation_words(b, &count);
    for (size_t word = 0; word < count; word++) {
        replace_word(without, text, word, unknown);
        const double expected = log_odds(session, text, 0, 1) - log_odds(session, without, 0, 1);
        assert_true(fabs(of_a[word].score - of_b[word].score - expected) < 1e-5);
    }
    hw_explanation_free(a);
    hw_explanation_free(b);
}

static void test_a_word_left_out_is_an_unknown_word(void **state) {
    (void)state;
    for (size_t kind = 0; kind < KINDS; kind++) {
        if (kinds[kind].multi_label) continue;
        hw_classifier *classifier = tiny_classifier(kinds[kind], &error);
        hw_session *session = session_of(classifier);
        expect_left_out(session, "no quiet film at all", "7q7q7q");
        expect_left_out(session, "film film quiet film", "7q7q7q");
        hw_session_free(session);
        hw_classifier_close(classifier);
    }
}

/* ---- Heads of every kind, and heads that are off --------------------------------------- */

static void test_every_method_has_scores_for_every_kind(void **state) {
    (void)state;
    for (size_t kind = 0; kind < KINDS; kind++) {
        hw_classifier *classifier = tiny_classifier(kinds[kind], &error);
        hw_session *session = session_of(classifier);
        for (hw_explain_method method = HW_EXPLAIN_IG; method <= HW_EXPLAIN_GRAD_ATTENTION;
             method++) {
            const hw_explain_options options = { .method = method };
            if (method == HW_EXPLAIN_LRP && kinds[kind].arch == HW_ARCH_CAPSULE) continue;
            size_t count;
            hw_explanation *e = explained(session, "no quiet film at all", &options);
            const hw_attribution *words = hw_explanation_words(e, &count);
            double size = 0;
            assert_int_equal(count, 5);
            for (size_t i = 0; i < count; i++) size += fabs(words[i].score);
            assert_true(isfinite(size) && size > 0);
            assert_true(isfinite(hw_explanation_summary(e)->comprehensiveness));
            hw_explanation_free(e);
        }
        hw_session_free(session);
        hw_classifier_close(classifier);
    }
}

static void test_capsules_have_no_relevance(void **state) {
    (void)state;
    const hw_explain_options options = { .method = HW_EXPLAIN_LRP };
    hw_classifier *classifier = tiny_classifier((tiny_options){ .arch = HW_ARCH_CAPSULE }, &error);
    hw_session *session = session_of(classifier);
    assert_null(hw_explain(session, hw_text_of("a film"), &options, &error));
    assert_int_equal(error.status, HW_ERROR_UNSUPPORTED);
    assert_non_null(strstr(error.message, "ig, grad-input, loo"));
    hw_session_free(session);
    hw_classifier_close(classifier);
}

/* The n-grams' part does not depend on the method. */
static void test_relevance_leaves_the_ngrams_as_they_are(void **state) {
    (void)state;
    hw_classifier *classifier = tiny_classifier((tiny_options){ 0 }, &error);
    hw_session *session = session_of(classifier);
    const hw_explain_options options = { .method = HW_EXPLAIN_LRP };
    size_t count;
    hw_explanation *lrp = explained(session, tiny_sentences[1], &options);
    hw_explanation *ig = explained(session, tiny_sentences[1], NULL);
    const hw_attribution *words = hw_explanation_words(lrp, &count);
    const hw_attribution *others = hw_explanation_words(ig, &count);
    for (size_t i = 0; i < count; i++) {
        assert_true(words[i].ngrams != 0 && words[i].ngrams == others[i].ngrams);
        assert_true(words[i].score != others[i].score);
    }
    hw_explanation_free(lrp);
    hw_explanation_free(ig);
    hw_session_free(session);
    hw_classifier_close(classifier);
}

/* A head that is off has no say in what is explained: the sum is that of the other heads' model. */
static void expect_masked(const hw_classifier *classifier, const char *text, int32_t head) {
    const hw_head_id off = { 0, head };
    const hw_session_options options = { .masked_heads = &off, .masked_head_count = 1 };
    hw_session *whole = session_of(classifier);
    hw_session *masked = hw_session_new(classifier, &options, &error);
    assert_non_null(masked);
    hw_explanation *e = explained(masked, text, &(hw_explain_options){ .tolerance = 1e-4 });
    const hw_explained *s = hw_explanation_summary(e);
    assert_true(s->gap <= 1e-4);
    assert_true((float)s->probability == probability_of(masked, text, s->label));
    assert_true((float)s->probability != probability_of(whole, text, s->label));
    hw_explanation_free(e);
    hw_session_free(masked);
    hw_session_free(whole);
}

static void test_heads_that_are_off_explain_nothing(void **state) {
    (void)state;
    const tiny_options options = { .arch = HW_ARCH_ATTENTION, .inner_width = 16 };
    hw_classifier *classifier = tiny_classifier(options, &error);
    hw_classifier *encoder = hw_classifier_open("tests/golden/explain/bert", &error);
    assert_non_null(encoder);
    for (int32_t head = 0; head < 2; head++) {
        expect_masked(classifier, "no quiet film at all", head);
        expect_masked(encoder, "the good film", head);
    }
    hw_classifier_close(classifier);
    hw_classifier_close(encoder);
}

/* What all heads bring is 0, so the method that weighs it has nothing to say. */
static void test_heads_that_are_off_bring_nothing(void **state) {
    (void)state;
    static const hw_head_id off[] = { { 0, 0 }, { 0, 1 } };
    const hw_session_options masked = { .masked_heads = off, .masked_head_count = 2 };
    hw_classifier *classifier =
        tiny_classifier((tiny_options){ .arch = HW_ARCH_ATTENTION }, &error);
    hw_session *session = hw_session_new(classifier, &masked, &error);
    const hw_explain_options options = { .method = HW_EXPLAIN_NORM, .random_orders = -1 };
    size_t count;
    hw_explanation *e = explained(session, tiny_sentences[1], &options);
    const hw_attribution *words = hw_explanation_words(e, &count);
    for (size_t i = 0; i < count; i++) assert_true(words[i].score == 0);
    hw_explanation_free(e);
    hw_session_free(session);
    hw_classifier_close(classifier);
}

/* Whether a head of the first layer has no weight but 0. */
static bool is_blank(const hw_attention_map *map, size_t head) {
    const size_t square = map->count * map->count;
    for (size_t i = 0; i < square; i++)
        if (map->weights[head * square + i] != 0) return false;
    return true;
}

static void expect_blank_map(const hw_classifier *classifier, int32_t head) {
    const hw_head_id off = { 0, head };
    const hw_session_options options = { .masked_heads = &off, .masked_head_count = 1 };
    hw_session *session = hw_session_new(classifier, &options, &error);
    hw_attention_map *map = hw_attend(session, hw_text_of("the good film"), 0, &error);
    assert_non_null(map);
    for (size_t other = 0; other < map->heads; other++)
        assert_int_equal(is_blank(map, other), other == (size_t)head);
    hw_attention_map_free(map);
    hw_session_free(session);
}

static void test_heads_that_are_off_attend_to_nothing(void **state) {
    (void)state;
    hw_classifier *classifier = tiny_classifier((tiny_options){ 0 }, &error);
    hw_classifier *encoder = hw_classifier_open("tests/golden/explain/bert", &error);
    assert_non_null(encoder);
    for (int32_t head = 0; head < 2; head++) {
        expect_blank_map(classifier, head);
        expect_blank_map(encoder, head);
    }
    hw_classifier_close(classifier);
    hw_classifier_close(encoder);
}

/* ---- Faithfulness ------------------------------------------------------------------ */

/* Two words: every share up to 50 % is one of them. */
static void test_faithfulness_is_that_of_the_texts_left_over(void **state) {
    (void)state;
    hw_classifier *classifier = tiny_classifier((tiny_options){ 0 }, &error);
    hw_session *session = session_of(classifier);
    static const char text[] = "quiet film";
    char without[64], only[64];
    size_t count;
    hw_explanation *e = explained(session, text, NULL);
    const hw_explained *s = hw_explanation_summary(e);
    const hw_attribution *words = hw_explanation_words(e, &count);
    assert_int_equal(count, 2);
    const size_t top = words[1].score > words[0].score;
    replace_word(without, text, top, "7q7q7q");
    replace_word(only, text, 1 - top, "7q7q7q");
    const double comprehensiveness =
        s->probability - (double)probability_of(session, without, s->label);
    const double sufficiency = s->probability - (double)probability_of(session, only, s->label);
    assert_true(fabs(s->comprehensiveness - comprehensiveness) < 1e-7);
    assert_true(fabs(s->sufficiency - sufficiency) < 1e-7);
    /* At random, half of the orders are this one and half are the other. */
    assert_true(s->random_comprehensiveness >= fmin(comprehensiveness, sufficiency) - 1e-7);
    assert_true(s->random_comprehensiveness <= fmax(comprehensiveness, sufficiency) + 1e-7);
    assert_true(fabs(s->random_comprehensiveness + s->random_sufficiency - comprehensiveness -
                     sufficiency) < 1e-6);
    hw_explanation_free(e);
    hw_session_free(session);
    hw_classifier_close(classifier);
}

/* The most probable label of the text; of several labels, whether label 0 has its threshold. */
static int32_t decision_of(hw_session *session, const char *text) {
    const hw_classifier *classifier = hw_session_classifier(session);
    const float *thresholds = hw_classifier_thresholds(classifier);
    if (thresholds) return probability_of(session, text, 0) >= thresholds[0];
    int32_t best = 0;
    for (int32_t label = 1; label < hw_classifier_summary(classifier)->labels; label++)
        if (probability_of(session, text, label) > probability_of(session, text, best))
            best = label;
    return best;
}

/* Two words again: without the top one, the decision is that of the text which is left over.
 * Returns whether it is another one. */
static bool expect_flips(hw_session *session, const char *text) {
    char without[64], only[64];
    size_t count;
    const hw_explain_options options = { .label = "a" };
    hw_explanation *e = explained(session, text, &options);
    const hw_explained *s = hw_explanation_summary(e);
    const hw_attribution *words = hw_explanation_words(e, &count);
    assert_int_equal(count, 2);
    const size_t top = words[1].score > words[0].score;
    replace_word(without, text, top, "7q7q7q");
    replace_word(only, text, 1 - top, "7q7q7q");
    const int32_t decision = decision_of(session, text);
    const bool flips = decision_of(session, without) != decision;
    const bool rest_flips = decision_of(session, only) != decision;
    for (size_t i = 0; i < HW_REMOVALS; i++) {
        assert_true(s->removals[i].flips_top == (double)flips);
        if (flips == rest_flips) /* whatever the order */
            assert_true(fabs(s->removals[i].flips_random - (double)flips) < 1e-9);
        else
            assert_true(s->removals[i].flips_random > 0 && s->removals[i].flips_random < 1);
    }
    hw_explanation_free(e);
    return flips;
}

static void test_decisions_flip_as_the_texts_left_over_say(void **state) {
    (void)state;
    static const char *const texts[] = { "quiet film", "no film", "at all", "film quiet", "all a" };
    enum { TEXTS = sizeof texts / sizeof *texts };
    for (size_t kind = 0; kind < 2; kind++) {
        size_t flips = 0;
        hw_classifier *classifier =
            tiny_classifier((tiny_options){ .multi_label = kind == 1 }, &error);
        hw_session *session = session_of(classifier);
        for (size_t i = 0; i < TEXTS; i++) flips += expect_flips(session, texts[i]);
        if (kind == 0) assert_true(flips > 0 && flips < TEXTS);
        hw_session_free(session);
        hw_classifier_close(classifier);
    }
}

static double sign_of(double x) {
    return (double)((x > 0) - (x < 0));
}

/* By the definition of tau, where no two scores are alike. */
static void test_tau_is_that_of_the_scores_without_each_word(void **state) {
    (void)state;
    static const char text[] = "no quiet film at all";
    hw_classifier *classifier = tiny_classifier((tiny_options){ 0 }, &error);
    hw_session *session = session_of(classifier);
    size_t count;
    hw_explanation *e = explained(session, text, NULL);
    hw_explanation *loo =
        explained(session, text, &(hw_explain_options){ .method = HW_EXPLAIN_LOO });
    const hw_attribution *x = hw_explanation_words(e, &count);
    const hw_attribution *y = hw_explanation_words(loo, &count);
    double surplus = 0;
    for (size_t i = 0; i < count; i++)
        for (size_t j = 0; j < i; j++) {
            assert_true(x[i].score != x[j].score && y[i].score != y[j].score);
            surplus += sign_of(x[i].score - x[j].score) * sign_of(y[i].score - y[j].score);
        }
    assert_true(fabs(hw_explanation_summary(e)->tau - surplus / 10) < 1e-12);
    assert_true(fabs(hw_explanation_summary(loo)->tau - 1) < 1e-12);
    hw_explanation_free(e);
    hw_explanation_free(loo);
    hw_session_free(session);
    hw_classifier_close(classifier);
}

/* One word has no order; of more than HW_TAU_WORDS words none is asked for. */
static void test_tau_is_not_there_where_it_means_nothing(void **state) {
    (void)state;
    char many[2 * (HW_TAU_WORDS + 1) + 1] = { 0 };
    for (size_t i = 0; i <= HW_TAU_WORDS; i++) memcpy(many + 2 * i, "a ", 2);
    const hw_explain_options unmeasured = { .random_orders = -1 }, one = { .random_orders = 1 };
    hw_classifier *classifier = tiny_classifier((tiny_options){ .arch = HW_ARCH_BAG }, &error);
    hw_session *session = session_of(classifier);
    const struct {
        const char *text;
        const hw_explain_options *options;
    } cases[] = { { "quiet", &one }, { "quiet film", &unmeasured }, { many, &one }, { "", &one } };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        hw_explanation *e = explained(session, cases[i].text, cases[i].options);
        assert_true(isnan(hw_explanation_summary(e)->tau));
        hw_explanation_free(e);
    }
    hw_session_free(session);
    hw_classifier_close(classifier);
}

/* Three texts by hand: one was not measured, and one has no tau. */
static void test_means_leave_out_what_is_not_there(void **state) {
    (void)state;
    hw_faithfulness means = { 0 };
    hw_explained e = { .comprehensiveness = 0.5,
                       .random_comprehensiveness = 0.25,
                       .sufficiency = 0.125,
                       .random_sufficiency = 0.25,
                       .tau = 0.5 };
    for (size_t i = 0; i < HW_REMOVALS; i++) {
        e.removals[i].flips_top = i >= 3;
        e.removals[i].flips_random = 0.25 * (double)i;
    }
    hw_faithfulness_add(&means, &e);
    hw_faithfulness_add(&means, &(hw_explained){ .comprehensiveness = NAN, .tau = NAN });
    e = (hw_explained){ .comprehensiveness = 0.25,
                        .random_comprehensiveness = 0.5,
                        .sufficiency = 0.5,
                        .random_sufficiency = 0.125,
                        .tau = NAN };
    hw_faithfulness_add(&means, &e);
    assert_int_equal(means.texts, 2);
    assert_int_equal(means.ranked, 1);
    assert_true(means.comprehensiveness == 0); /* 0.25 and -0.25 */
    assert_true(means.sufficiency == -0.125);  /* 0.125 and -0.375 */
    assert_true(means.tau == 0.5);
    for (size_t i = 0; i < HW_REMOVALS; i++) {
        assert_true(means.flips_top[i] == (i >= 3 ? 0.5 : 0));
        assert_true(means.flips_random[i] == 0.125 * (double)i);
    }
}

static void test_chance_depends_on_the_seed_alone(void **state) {
    (void)state;
    hw_classifier *classifier = tiny_classifier((tiny_options){ 0 }, &error);
    hw_session *session = session_of(classifier);
    double seen[3];
    for (size_t i = 0; i < 3; i++) {
        const hw_explain_options options = { .method = HW_EXPLAIN_RANDOM, .seed = i / 2 };
        hw_explanation *e = explained(session, tiny_sentences[0], &options);
        const hw_explained *s = hw_explanation_summary(e);
        seen[i] = s->random_comprehensiveness + s->sum;
        assert_true(isnan(s->gap));
        hw_explanation_free(e);
    }
    assert_true(seen[0] == seen[1]);
    assert_true(seen[0] != seen[2]);
    hw_session_free(session);
    hw_classifier_close(classifier);
}

/* ---- Texts and options ------------------------------------------------------------- */

static void test_offsets_are_bytes_and_characters(void **state) {
    (void)state;
    hw_classifier *classifier = tiny_classifier((tiny_options){ 0 }, &error);
    hw_session *session = session_of(classifier);
    size_t count;
    /* two bytes, four bytes, an invalid byte */
    hw_explanation *e = explained(session, "\xc3\xa9t\xc3\xa9 \xf0\x9f\x98\x80 \xff ok", NULL);
    const hw_attribution *w = hw_explanation_words(e, &count);
    assert_int_equal(count, 4);
    static const size_t expected[4][4] = {
        { 0, 5, 0, 3 }, { 6, 10, 4, 5 }, { 11, 12, 6, 7 }, { 13, 15, 8, 10 }
    };
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(w[i].begin, expected[i][0]);
        assert_int_equal(w[i].end, expected[i][1]);
        assert_int_equal(w[i].character_begin, expected[i][2]);
        assert_int_equal(w[i].character_end, expected[i][3]);
    }
    assert_ptr_equal(hw_explanation_tokens(e, &count), w);
    hw_explanation_free(e);
    hw_session_free(session);
    hw_classifier_close(classifier);
}

static void test_texts_without_words_have_no_explanation_but_a_score(void **state) {
    (void)state;
    static const char *const empty[] = { "", " \t ", "zzzqqq" };
    for (size_t kind = 0; kind < KINDS; kind++) {
        hw_classifier *classifier = tiny_classifier(kinds[kind], &error);
        hw_session *session = session_of(classifier);
        for (size_t i = 0; i < 3; i++) {
            size_t count;
            hw_explanation *e = explained(session, empty[i], NULL);
            const hw_explained *s = hw_explanation_summary(e);
            hw_explanation_words(e, &count);
            assert_int_equal(count, i == 2);
            assert_true(s->score == s->base && s->gap == 0 && s->sum == 0);
            assert_int_equal(isnan(s->comprehensiveness) != 0, i < 2);
            hw_explanation_free(e);
        }
        hw_session_free(session);
        hw_classifier_close(classifier);
    }
}

static void test_options_outside_their_range_are_refused(void **state) {
    (void)state;
    static const hw_explain_options refused[] = { { .label = "nobody" },
                                                  { .steps = -1 },
                                                  { .steps = 5000 },
                                                  { .tolerance = -0.5 },
                                                  { .tolerance = (double)NAN },
                                                  { .random_orders = 20000 } };
    hw_classifier *classifier = tiny_classifier((tiny_options){ 0 }, &error);
    hw_session *session = session_of(classifier);
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        assert_null(hw_explain(session, hw_text_of("a"), &refused[i], &error));
        assert_int_equal(error.status, HW_ERROR_ARGUMENT);
    }
    assert_null(hw_explain(session, hw_text_of("a"), &refused[0], NULL));
    hw_session_free(session);
    hw_classifier_close(classifier);
}

static void test_any_label_can_be_explained(void **state) {
    (void)state;
    hw_classifier *classifier = tiny_classifier((tiny_options){ 0 }, &error);
    hw_session *session = session_of(classifier);
    for (int32_t label = 0; label < 3; label++) {
        const hw_explain_options options = { .label = hw_classifier_label(classifier, label) };
        hw_explanation *e = explained(session, tiny_sentences[1], &options);
        const hw_explained *s = hw_explanation_summary(e);
        assert_int_equal(s->label, label);
        assert_true((float)s->probability == probability_of(session, tiny_sentences[1], label));
        assert_true(s->gap <= 0.005);
        hw_explanation_free(e);
    }
    hw_session_free(session);
    hw_classifier_close(classifier);
}

/* ---- Encoders ------------------------------------------------------------------------ */

static const char *const golden[] = { "bert", "modernbert_mean" };
enum { GOLDEN = sizeof golden / sizeof *golden };

typedef struct golden_case {
    hw_classifier *classifier;
    hw_session *session;
    json_t *expected;
} golden_case;

static golden_case open_golden(const char *name) {
    char path[200];
    golden_case c;
    snprintf(path, sizeof path, "tests/golden/explain/%s", name);
    c.classifier = hw_classifier_open(path, &error);
    if (!c.classifier) fail_msg("%s", error.message);
    c.session = session_of(c.classifier);
    snprintf(path, sizeof path, "tests/golden/explain/%s/expected.json", name);
    c.expected = json_load_file(path, 0, NULL);
    assert_non_null(c.expected);
    return c;
}

static void close_golden(golden_case *c) {
    json_decref(c->expected);
    hw_session_free(c->session);
    hw_classifier_close(c->classifier);
}

static double number_at(const json_t *list, size_t i) {
    return json_number_value(json_array_get(list, i));
}

/* The tokens' or, of loo, the words' scores of a method within 1e-5 of the largest. */
static void expect_scores(const golden_case *c, const char *name, hw_explain_method method) {
    size_t at;
    json_t *text;
    json_array_foreach(c->expected, at, text) {
        const json_t *list = json_object_get(text, name);
        const hw_explain_options options = { .method = method,
                                             .tolerance = 1e-6,
                                             .random_orders = -1 };
        size_t count;
        hw_explanation *e =
            explained(c->session, json_string_value(json_object_get(text, "text")), &options);
        const hw_attribution *scores = method == HW_EXPLAIN_LOO ? hw_explanation_words(e, &count)
                                                                : hw_explanation_tokens(e, &count);
        const hw_explained *s = hw_explanation_summary(e);
        assert_int_equal(count, json_array_size(list));
        assert_int_equal(s->label, json_integer_value(json_object_get(text, "label")));
        assert_true(fabs(s->score - json_number_value(json_object_get(text, "score"))) < 1e-5);
        assert_true(fabs(s->base - json_number_value(json_object_get(text, "base"))) < 1e-5);
        for (size_t i = 0; i < count; i++)
            if (!(fabs(scores[i].score - number_at(list, i)) < 1e-5))
                fail_msg("%s of token %zu of text %zu: %g, not %g", name, i, at, scores[i].score,
                         number_at(list, i));
        hw_explanation_free(e);
    }
}

static void test_encoders_are_explained_as_captum_explains_them(void **state) {
    (void)state;
    for (size_t i = 0; i < GOLDEN; i++) {
        golden_case c = open_golden(golden[i]);
        expect_scores(&c, "ig", HW_EXPLAIN_IG);
        expect_scores(&c, "grad-input", HW_EXPLAIN_GRAD_INPUT);
        expect_scores(&c, "loo", HW_EXPLAIN_LOO);
        close_golden(&c);
    }
}

static void test_relevance_is_that_of_the_changed_model(void **state) {
    (void)state;
    for (size_t i = 0; i < GOLDEN; i++) {
        golden_case c = open_golden(golden[i]);
        expect_scores(&c, "lrp", HW_EXPLAIN_LRP);
        close_golden(&c);
    }
}

static void test_attention_is_followed_as_the_papers_say(void **state) {
    (void)state;
    for (size_t i = 0; i < GOLDEN; i++) {
        golden_case c = open_golden(golden[i]);
        expect_scores(&c, "attention", HW_EXPLAIN_ATTENTION);
        expect_scores(&c, "rollout", HW_EXPLAIN_ROLLOUT);
        expect_scores(&c, "flow", HW_EXPLAIN_FLOW);
        expect_scores(&c, "norm", HW_EXPLAIN_NORM);
        expect_scores(&c, "grad-attention", HW_EXPLAIN_GRAD_ATTENTION);
        close_golden(&c);
    }
}

static void expect_matrices(const hw_attention_map *map, const json_t *layers) {
    const size_t n = map->count;
    assert_int_equal(map->layers, json_array_size(layers));
    for (size_t layer = 0; layer < map->layers; layer++) {
        const json_t *heads = json_array_get(layers, layer);
        assert_int_equal(map->heads, json_array_size(heads));
        for (size_t i = 0; i < map->heads * n * n; i++) {
            const json_t *row = json_array_get(json_array_get(heads, i / (n * n)), i / n % n);
            const double weight = (double)map->weights[layer * map->heads * n * n + i];
            assert_true(fabs(weight - number_at(row, i % n)) < 1e-6);
        }
    }
}

static void test_matrices_are_those_of_transformers(void **state) {
    (void)state;
    for (size_t i = 0; i < GOLDEN; i++) {
        golden_case c = open_golden(golden[i]);
        size_t at;
        json_t *text;
        json_array_foreach(c.expected, at, text) {
            const json_t *ids = json_object_get(text, "tokens");
            const char *string = json_string_value(json_object_get(text, "text"));
            hw_attention_map *map = hw_attend(c.session, hw_text_of(string), 0, &error);
            assert_non_null(map);
            assert_int_equal(map->readings, 1);
            assert_int_equal(map->count, json_array_size(ids));
            for (size_t token = 0; token < map->count; token++)
                assert_int_equal(map->tokens[token].id,
                                 json_integer_value(json_array_get(ids, token)));
            expect_matrices(map, json_object_get(text, "matrices"));
            hw_attention_map_free(map);
        }
        assert_null(hw_attend(c.session, hw_text_of("a"), 1, &error));
        assert_int_equal(error.status, HW_ERROR_ARGUMENT);
        close_golden(&c);
    }
}

/* More than a block of queries, in a model whose layers 1 and 3 see two tokens to each side. */
static void test_local_layers_see_their_neighbours_only(void **state) {
    (void)state;
    golden_case c = open_golden("modernbert_mean");
    char text[2000] = { 0 };
    for (size_t i = 0; i < 70; i++) strcat(text, i % 3 ? "good " : "a film ");
    hw_attention_map *map = hw_attend(c.session, hw_text_of(text), 0, &error);
    assert_non_null(map);
    const size_t n = map->count;
    assert_int_equal(n, 96);
    for (size_t row = 0; row < map->layers * map->heads * n; row++) {
        const bool is_local = row / (map->heads * n) % 2 == 1;
        const size_t i = row % n;
        double sum = 0;
        for (size_t j = 0; j < n; j++) {
            const double weight = (double)map->weights[row * n + j];
            if (is_local && (j + 2 < i || i + 2 < j)) assert_true(weight == 0);
            sum += weight;
        }
        assert_true(fabs(sum - 1) < 1e-5);
    }
    hw_attention_map_free(map);
    close_golden(&c);
}

/* Towers: rows sum to 1 within their window of 4 tokens, and are 0 outside of it. */
static void test_towers_attend_within_their_windows(void **state) {
    (void)state;
    hw_classifier *classifier = tiny_classifier((tiny_options){ 0 }, &error);
    hw_session *session = session_of(classifier);
    for (size_t reading = 0; reading < 2; reading++) {
        hw_attention_map *map =
            hw_attend(session, hw_text_of("a quiet film , no film at all"), reading, &error);
        assert_int_equal(map->readings, 2);
        assert_int_equal(map->count, 8);
        double readout = 0;
        for (size_t i = 0; i < map->count; i++) readout += map->tokens[i].score;
        assert_true(fabs(readout - 1) < 1e-6);
        for (size_t row = 0; row < map->heads * 8; row++) {
            double sum = 0;
            for (size_t j = 0; j < 8; j++) {
                const double weight = (double)map->weights[row * 8 + j];
                if ((row % 8 < 4) != (j < 4)) assert_true(weight == 0);
                sum += weight;
            }
            assert_true(fabs(sum - 1) < 1e-6);
        }
        hw_attention_map_free(map);
    }
    hw_session_free(session);
    hw_classifier_close(classifier);
}

/* Of a model with n-grams, where the towers look has the size of what they add to the score, also
 * if that is below 0. */
static void test_attention_stands_beside_the_ngrams(void **state) {
    (void)state;
    hw_classifier *classifier = tiny_classifier((tiny_options){ 0 }, &error);
    hw_session *session = session_of(classifier);
    size_t against = 0;
    for (size_t i = 0; i < 15; i++) {
        const hw_explain_method method = HW_EXPLAIN_ATTENTION + (hw_explain_method)(i % 5);
        const hw_explain_options options = { .method = method,
                                             .label =
                                                 hw_classifier_label(classifier, (int32_t)i / 5) };
        size_t count;
        hw_explanation *e = explained(session, tiny_sentences[1], &options);
        const hw_explained *s = hw_explanation_summary(e);
        const hw_attribution *words = hw_explanation_words(e, &count);
        double ngrams = 0;
        for (size_t word = 0; word < count; word++) {
            ngrams += words[word].ngrams;
            assert_true(words[word].score >= words[word].ngrams);
        }
        const double change = s->score - s->base - ngrams;
        assert_true(isnan(s->gap) && ngrams != 0);
        assert_true(fabs(s->sum - ngrams - fabs(change)) < 1e-6);
        against += change < 0;
        hw_explanation_free(e);
    }
    assert_true(against > 0);
    hw_session_free(session);
    hw_classifier_close(classifier);
}

static void test_bags_have_no_attention(void **state) {
    (void)state;
    hw_classifier *classifier = tiny_classifier((tiny_options){ .arch = HW_ARCH_BAG }, &error);
    hw_session *session = session_of(classifier);
    assert_null(hw_attend(session, hw_text_of("a"), 0, &error));
    assert_int_equal(error.status, HW_ERROR_ARGUMENT);
    hw_session_free(session);
    hw_classifier_close(classifier);
}

static void test_tokens_of_a_word_are_one_word(void **state) {
    (void)state;
    golden_case c = open_golden("bert");
    size_t words, tokens;
    const char *text = "Un good, quietly\xe2\x80\x99"
                       "s";
    hw_explanation *e = explained(c.session, text, NULL);
    const hw_attribution *word = hw_explanation_words(e, &words);
    const hw_attribution *token = hw_explanation_tokens(e, &tokens);
    assert_int_equal(words, 4); /* un | good | , | quietly's */
    assert_int_equal(tokens, 9);
    assert_int_equal(word[3].begin, 9);
    assert_int_equal(word[3].end, strlen(text));
    double sum = 0;
    for (size_t i = 0; i < tokens; i++)
        if (token[i].begin >= 9) sum += token[i].score;
    assert_true(fabs(sum - word[3].score) < 1e-12);
    assert_true(token[0].begin == token[0].end && token[0].score == 0);
    hw_explanation_free(e);
    close_golden(&c);
}

/* Windows share tokens; their logits' mean is what is explained. */
static void test_long_texts_are_explained_in_windows(void **state) {
    (void)state;
    golden_case c = open_golden("bert");
    char text[2000] = { 0 };
    for (size_t i = 0; i < 60; i++) strcat(text, i % 7 ? "the good film " : "a bad plot , ");
    hw_explanation *e = explained(c.session, text, &(hw_explain_options){ .random_orders = 1 });
    const hw_explained *s = hw_explanation_summary(e);
    size_t count;
    const hw_attribution *words = hw_explanation_words(e, &count);
    assert_int_equal(count, 189);
    assert_true(words[0].score != 0 && words[count - 1].score != 0);
    assert_true(s->gap <= 0.005);
    assert_true((float)s->probability == probability_of(c.session, text, s->label));
    hw_explanation_free(e);
    close_golden(&c);
}

static void test_int8_encoders_are_explained_without_gradients(void **state) {
    (void)state;
    static const hw_explain_method with[] = { HW_EXPLAIN_DEFAULT, HW_EXPLAIN_GRAD_INPUT,
                                              HW_EXPLAIN_LRP, HW_EXPLAIN_NORM,
                                              HW_EXPLAIN_GRAD_ATTENTION };
    static const hw_explain_method able[] = { HW_EXPLAIN_LOO, HW_EXPLAIN_ATTENTION,
                                              HW_EXPLAIN_ROLLOUT, HW_EXPLAIN_FLOW };
    golden_case c = open_golden("bert");
    hw_classifier *small = hw_classifier_quantize(c.classifier, HW_QUANTIZED_INT8, &error);
    hw_session *session = session_of(small);
    for (size_t i = 0; i < sizeof with / sizeof *with; i++) {
        const hw_explain_options options = { .method = with[i] };
        assert_null(hw_explain(session, hw_text_of("good film"), &options, &error));
        assert_int_equal(error.status, HW_ERROR_UNSUPPORTED);
        assert_non_null(strstr(error.message, "loo, attention, rollout or flow"));
    }
    for (size_t i = 0; i < sizeof able / sizeof *able; i++)
        hw_explanation_free(
            explained(session, "good film", &(hw_explain_options){ .method = able[i] }));
    hw_session_free(session);
    hw_classifier_close(small);
    close_golden(&c);
}

/* In all layers, and for all queries: also where the readout reads the first token alone. */
static void test_int8_heads_look_nearly_where_others_do(void **state) {
    (void)state;
    golden_case c = open_golden("bert");
    hw_classifier *small = hw_classifier_quantize(c.classifier, HW_QUANTIZED_INT8, &error);
    hw_session *session = session_of(small);
    const hw_text text = hw_text_of("the good film");
    hw_attention_map *a = hw_attend(c.session, text, 0, &error);
    hw_attention_map *b = hw_attend(session, text, 0, &error);
    assert_true(a && b);
    for (size_t i = 0; i < a->layers * a->heads * a->count * a->count; i++)
        assert_true(fabs((double)(a->weights[i] - b->weights[i])) < 0.02 && b->weights[i] > 0);
    assert_memory_not_equal(a->weights, b->weights,
                            a->layers * a->heads * a->count * a->count * sizeof *a->weights);
    hw_attention_map_free(a);
    hw_attention_map_free(b);
    hw_session_free(session);
    hw_classifier_close(small);
    close_golden(&c);
}

/* ---- Memory ---------------------------------------------------------------------------- */

#ifdef HW_FAULTS

static void expect_reported(const hw_classifier *classifier, hw_explain_method method) {
    const hw_explain_options options = { .method = method, .random_orders = 1 };
    hw_explanation *e = NULL;
    uint64_t at = 0;
    while (!e) {
        hw_session *session = session_of(classifier);
        hw_fault_arm(HW_FAULT_MEMORY, ++at, false);
        e = hw_explain(session, hw_text_of(tiny_sentences[0]), &options, &error);
        hw_fault_arm(HW_FAULT_MEMORY, 0, false);
        if (!e) assert_int_equal(error.status, HW_ERROR_MEMORY);
        hw_session_free(session);
    }
    assert_true(at > 10);
    hw_explanation_free(e);
}

static void test_every_failing_allocation_of_a_map_is_reported(void **state) {
    (void)state;
    golden_case c = open_golden("bert");
    hw_attention_map *map = NULL;
    for (uint64_t at = 1; !map; at++) {
        hw_session *session = session_of(c.classifier);
        hw_fault_arm(HW_FAULT_MEMORY, at, false);
        map = hw_attend(session, hw_text_of("a fine film"), 0, &error);
        hw_fault_arm(HW_FAULT_MEMORY, 0, false);
        if (!map) assert_int_equal(error.status, HW_ERROR_MEMORY);
        hw_session_free(session);
    }
    hw_attention_map_free(map);
    close_golden(&c);
}

static void test_every_failing_allocation_is_reported(void **state) {
    (void)state;
    static const hw_explain_method methods[] = {
        HW_EXPLAIN_IG,     HW_EXPLAIN_LRP,  HW_EXPLAIN_LOO,
        HW_EXPLAIN_RANDOM, HW_EXPLAIN_FLOW, HW_EXPLAIN_NORM
    };
    hw_classifier *hybrid = tiny_classifier((tiny_options){ 0 }, &error);
    golden_case c = open_golden("bert");
    hw_classifier *capsule = tiny_classifier((tiny_options){ .arch = HW_ARCH_CAPSULE }, &error);
    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++) {
        expect_reported(hybrid, methods[i]);
        if (methods[i] != HW_EXPLAIN_LRP) expect_reported(capsule, methods[i]);
        expect_reported(c.classifier, methods[i]);
    }
    hw_classifier_close(hybrid);
    hw_classifier_close(capsule);
    close_golden(&c);
}

#endif

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_integrated_gradients_sum_to_the_score),
        cmocka_unit_test(test_ngram_shares_are_exact),
        cmocka_unit_test(test_shares_go_to_the_words_that_are_covered),
        cmocka_unit_test(test_a_word_left_out_is_an_unknown_word),
        cmocka_unit_test(test_every_method_has_scores_for_every_kind),
        cmocka_unit_test(test_capsules_have_no_relevance),
        cmocka_unit_test(test_relevance_leaves_the_ngrams_as_they_are),
        cmocka_unit_test(test_heads_that_are_off_explain_nothing),
        cmocka_unit_test(test_heads_that_are_off_bring_nothing),
        cmocka_unit_test(test_heads_that_are_off_attend_to_nothing),
        cmocka_unit_test(test_faithfulness_is_that_of_the_texts_left_over),
        cmocka_unit_test(test_decisions_flip_as_the_texts_left_over_say),
        cmocka_unit_test(test_tau_is_that_of_the_scores_without_each_word),
        cmocka_unit_test(test_tau_is_not_there_where_it_means_nothing),
        cmocka_unit_test(test_means_leave_out_what_is_not_there),
        cmocka_unit_test(test_chance_depends_on_the_seed_alone),
        cmocka_unit_test(test_offsets_are_bytes_and_characters),
        cmocka_unit_test(test_texts_without_words_have_no_explanation_but_a_score),
        cmocka_unit_test(test_options_outside_their_range_are_refused),
        cmocka_unit_test(test_any_label_can_be_explained),
        cmocka_unit_test(test_encoders_are_explained_as_captum_explains_them),
        cmocka_unit_test(test_relevance_is_that_of_the_changed_model),
        cmocka_unit_test(test_attention_is_followed_as_the_papers_say),
        cmocka_unit_test(test_matrices_are_those_of_transformers),
        cmocka_unit_test(test_local_layers_see_their_neighbours_only),
        cmocka_unit_test(test_towers_attend_within_their_windows),
        cmocka_unit_test(test_attention_stands_beside_the_ngrams),
        cmocka_unit_test(test_bags_have_no_attention),
        cmocka_unit_test(test_tokens_of_a_word_are_one_word),
        cmocka_unit_test(test_long_texts_are_explained_in_windows),
        cmocka_unit_test(test_int8_encoders_are_explained_without_gradients),
        cmocka_unit_test(test_int8_heads_look_nearly_where_others_do),
#ifdef HW_FAULTS
        cmocka_unit_test(test_every_failing_allocation_is_reported),
        cmocka_unit_test(test_every_failing_allocation_of_a_map_is_reported),
#endif
    };
    return cmocka_run_group_tests_name("explain", tests, NULL, NULL);
}
