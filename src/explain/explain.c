/* hw_explain: the n-grams' shares, then what the method says of the towers or the encoder, then how
 * faithful it is. Invariant: an explanation is a function of classifier, text and options. */
#include "explain/attention_scores.h"
#include "explain/faithfulness.h"
#include "explain/integral.h"
#include "explain/ngram_shares.h"

#include "base/memory.h"
#include "base/random.h"

#include <assert.h>
#include <math.h>
#include <string.h>

enum { PURPOSE_SCORES = 62, STEPS = 32, STEPS_LIMIT = 4096, ORDERS = 20, ORDERS_LIMIT = 10000 };

struct hw_explanation {
    hw_explained summary;
    hw_attribution *words, *tokens; /* tokens: NULL if they are the words */
    size_t word_count, token_count;
};

/* What is being worked on. */
typedef struct task {
    hw_subject subject;
    hw_explain_options options; /* without defaults */
    hw_explained summary;
    size_t decision; /* of the whole text */
} task;

/* ---- Options ----------------------------------------------------------------------- */

/* Chance is mixed with the text, so that no order of places is that of all texts. */
static hw_status take_options(task *t, const hw_explain_options *options, hw_text text,
                              hw_error *err) {
    static const hw_explain_options none = { 0 };
    t->options = options ? *options : none;
    hw_explain_options *o = &t->options;
    if (o->method == HW_EXPLAIN_DEFAULT) o->method = HW_EXPLAIN_IG;
    if (o->steps == 0) o->steps = STEPS;
    if (o->tolerance == 0) o->tolerance = 0.005;
    if (o->random_orders == 0) o->random_orders = ORDERS;
    if (o->steps < 1 || o->steps > STEPS_LIMIT)
        return hw_fail(err, HW_ERROR_ARGUMENT, "steps is %d; it can be 1 to %d", (int)o->steps,
                       STEPS_LIMIT);
    if (!(o->tolerance > 0 && o->tolerance < 1))
        return hw_fail(err, HW_ERROR_ARGUMENT, "tolerance is %g; it must be between 0 and 1",
                       o->tolerance);
    if (o->random_orders > ORDERS_LIMIT)
        return hw_fail(err, HW_ERROR_ARGUMENT, "random_orders is %d; it can be up to %d",
                       (int)o->random_orders, ORDERS_LIMIT);
    o->steps = (o->steps + 3) / 4 * 4;
    o->seed ^= hw_hash_bytes(text.bytes, text.length);
    return HW_OK;
}

/* ---- Methods that take gradients ----------------------------------------------------- */

/* scores: [tokens of the path]; the towers' tokens are the words. */
static void add_token_scores(hw_subject *s, const double *scores) {
    if (!s->tokens) {
        for (size_t i = 0; i < s->word_count; i++) s->words[i].score += scores[i];
        return;
    }
    for (size_t i = 0; i < s->token_count; i++) {
        s->tokens[i].score = scores[i];
        if (s->word_of[i] != HW_NO_WORD) s->words[s->word_of[i]].score += scores[i];
    }
}

static hw_status follow_path(task *t, hw_path *path, hw_error *err) {
    static const double end = 1;
    double value, *scores = hw_calloc(path->tokens, sizeof *scores);
    if (!scores) return hw_fail_memory(err, path->tokens * sizeof *scores);
    hw_status status;
    if (t->options.method == HW_EXPLAIN_IG) {
        const double change = fabs(t->summary.score - t->summary.base);
        status = hw_integrate(scores, &t->summary.steps, path, (size_t)t->options.steps,
                              t->options.tolerance * change, err);
    } else {
        status = path->run(&value, scores, path, &end, 1, err);
        t->summary.steps = 1;
    }
    if (status == HW_OK) add_token_scores(&t->subject, scores);
    hw_free(scores);
    return status;
}

/* ---- Methods that look at attention ------------------------------------------------------ */

/* Adds the scores of one tower or window to totals, a token of which may be in several windows. */
static hw_status add_reading(double *totals, const task *t, hw_path *path, size_t reading,
                             hw_error *err) {
    hw_attention_matrices m = { .detail = hw_attention_detail_of(t->options.method) };
    double *scores = NULL;
    hw_status status = path->look(&m, path, reading, err);
    if (status == HW_OK && !(scores = hw_calloc(m.tokens, sizeof *scores)))
        status = hw_fail_memory(err, m.tokens * sizeof *scores);
    if (status == HW_OK) status = hw_attention_scores(scores, &m, t->options.method, err);
    for (size_t i = 0; i < m.tokens && status == HW_OK; i++) {
        const size_t token = m.token_of ? m.token_of[i] : i;
        if (token < path->tokens) totals[token] += scores[i] / (double)path->readings;
    }
    hw_free(scores);
    hw_attention_matrices_free(&m);
    return status;
}

/* Brings the scores of words' tokens to the size of what the towers add to the score, so that they
 * can stand beside the n-grams' shares. */
static void scale_to_towers(double *totals, size_t tokens, const task *t) {
    const hw_subject *s = &t->subject;
    double change = t->summary.score - t->summary.base, sum = 0;
    for (size_t i = 0; i < s->word_count; i++) change -= s->words[i].ngrams;
    for (size_t i = 0; i < tokens; i++) sum += fabs(totals[i]);
    for (size_t i = 0; i < tokens; i++) totals[i] *= sum > 0 ? fabs(change) / sum : 0;
}

static hw_status look_around(task *t, hw_path *path, hw_error *err) {
    double *totals = hw_calloc(path->tokens, sizeof *totals);
    if (!totals) return hw_fail_memory(err, path->tokens * sizeof *totals);
    hw_status status = HW_OK;
    for (size_t reading = 0; reading < path->readings && status == HW_OK; reading++)
        status = add_reading(totals, t, path, reading, err);
    if (status == HW_OK) {
        if (t->subject.classifier->bag_bias) scale_to_towers(totals, path->tokens, t);
        add_token_scores(&t->subject, totals);
    }
    hw_free(totals);
    return status;
}

static hw_status ask_network(task *t, hw_error *err) {
    if (!hw_subject_has_network(&t->subject)) return HW_OK;
    if (t->options.method == HW_EXPLAIN_LRP && t->subject.classifier->config.tower.capsule_dim > 0)
        return hw_fail(
            err, HW_ERROR_UNSUPPORTED,
            "lrp has no rule for capsules; ig, grad-input, loo and the methods that look "
            "at attention work");
    hw_path *path = hw_path_new(&t->subject, t->options.method, err);
    if (!path) return err->status;
    const hw_status status = hw_is_attention_method(t->options.method) ? look_around(t, path, err)
                                                                       : follow_path(t, path, err);
    hw_path_free(path);
    return status;
}

/* ---- Methods that do not --------------------------------------------------------------- */

/* The n-grams' part included. */
static hw_status leave_out(task *t, hw_error *err) {
    hw_subject *s = &t->subject;
    double *drops = hw_calloc(s->word_count, sizeof *drops);
    if (!drops) return hw_fail_memory(err, s->word_count * sizeof *drops);
    const hw_status status = hw_subject_leave_out(drops, s, t->summary.score, err);
    for (size_t i = 0; i < s->word_count && status == HW_OK; i++) s->words[i].score = drops[i];
    hw_free(drops);
    return status;
}

static void draw_scores(task *t) {
    hw_subject *s = &t->subject;
    for (size_t i = 0; i < s->word_count; i++)
        s->words[i].score = (double)hw_random_uniform(t->options.seed, PURPOSE_SCORES, i);
}

/* ---- All of it --------------------------------------------------------------------------- */

static hw_status score_words(task *t, hw_error *err) {
    switch (t->options.method) {
    case HW_EXPLAIN_LOO:
        return leave_out(t, err);
    case HW_EXPLAIN_RANDOM:
        draw_scores(t);
        return HW_OK;
    default:
        HW_TRY(hw_ngram_shares(&t->subject, err));
        return ask_network(t, err);
    }
}

/* The score and probability of the text, and the score when all its words are unknown. */
static hw_status measure_ends(task *t, hw_error *err) {
    const size_t words = t->subject.word_count;
    hw_outcome outcomes[2];
    bool *removed = hw_calloc(2 * words, sizeof *removed);
    if (!removed) return hw_fail_memory(err, 2 * words * sizeof *removed);
    for (size_t i = 0; i < words; i++) removed[words + i] = true;
    const hw_status status = hw_subject_run(outcomes, &t->subject, removed, 2, err);
    hw_free(removed);
    HW_TRY(status);
    t->summary.score = outcomes[0].score;
    t->summary.base = outcomes[1].score;
    t->summary.probability = outcomes[0].probability;
    t->decision = outcomes[0].decision;
    return HW_OK;
}

static void measure_gap(hw_explained *summary, const hw_subject *s) {
    const double change = summary->score - summary->base;
    summary->sum = 0;
    for (size_t i = 0; i < s->word_count; i++) summary->sum += s->words[i].score;
    const double difference = fabs(summary->sum - change);
    if (summary->method == HW_EXPLAIN_RANDOM || hw_is_attention_method(summary->method))
        summary->gap = NAN;
    else
        summary->gap = difference == 0 ? 0 : difference / fabs(change);
}

static hw_status work(task *t, hw_error *err) {
    hw_explained *summary = &t->summary;
    summary->method = t->options.method;
    summary->label = (int32_t)t->subject.label;
    HW_TRY(measure_ends(t, err));
    HW_TRY(score_words(t, err));
    measure_gap(summary, &t->subject);
    summary->comprehensiveness = summary->sufficiency = NAN;
    summary->random_comprehensiveness = summary->random_sufficiency = summary->tau = NAN;
    if (t->options.random_orders < 0 || t->subject.word_count == 0) return HW_OK;
    HW_TRY(hw_faithfulness_rank(summary, &t->subject, t->subject.words, err));
    return hw_faithfulness_measure(summary, &t->subject, t->subject.words, t->decision,
                                   (size_t)t->options.random_orders, t->options.seed, err);
}

/* Takes what the task has found. */
static hw_explanation *explanation_of(task *t, hw_error *err) {
    hw_explanation *e = hw_calloc(1, sizeof *e);
    if (!e) {
        hw_fail_memory(err, sizeof *e);
        return NULL;
    }
    e->summary = t->summary;
    e->words = t->subject.words;
    e->word_count = t->subject.word_count;
    e->tokens = t->subject.tokens;
    e->token_count = t->subject.token_count;
    t->subject.words = t->subject.tokens = NULL;
    return e;
}

hw_explanation *hw_explain(hw_session *session, hw_text text, const hw_explain_options *options,
                           hw_error *err) {
    hw_error own;
    if (!err) err = &own;
    assert(session && (text.bytes || !text.length));
    task t = { 0 };
    hw_explanation *e = NULL;
    if (take_options(&t, options, text, err) == HW_OK &&
        hw_subject_start(&t.subject, session, text, t.options.label, err) == HW_OK &&
        work(&t, err) == HW_OK)
        e = explanation_of(&t, err);
    hw_subject_free(&t.subject);
    return e;
}

void hw_explanation_free(hw_explanation *e) {
    if (!e) return;
    hw_free(e->words);
    hw_free(e->tokens);
    hw_free(e);
}

const hw_explained *hw_explanation_summary(const hw_explanation *e) {
    return &e->summary;
}

const hw_attribution *hw_explanation_words(const hw_explanation *e, size_t *count) {
    *count = e->word_count;
    return e->words;
}

const hw_attribution *hw_explanation_tokens(const hw_explanation *e, size_t *count) {
    *count = e->tokens ? e->token_count : e->word_count;
    return e->tokens ? e->tokens : e->words;
}
