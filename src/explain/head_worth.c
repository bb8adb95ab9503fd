/* A trial is a session without some heads that classifies all texts; it is compared with the first
 * one text by text. */
#include "explain/head_worth.h"

#include "base/memory.h"
#include "classify/events.h"
#include "statistics/intervals.h"
#include "statistics/tests.h"

#include <math.h>

typedef struct outcome {
    uint64_t gained, lost, right;
    double loss, moved;
} outcome;

static size_t label_count(const hw_head_trials *t) {
    return (size_t)t->classifier->summary.labels;
}

/* ---- One trial --------------------------------------------------------------------------- */

static bool predicts(const hw_head_trials *t, const float *p, size_t label, size_t largest) {
    const float *thresholds = t->classifier->thresholds;
    return thresholds ? p[label] >= thresholds[label] : label == largest;
}

/* Whether all labels of the text are predicted, and no other. */
static bool is_right(const hw_head_trials *t, size_t row, const float *p) {
    const hw_targets targets = t->corpus->targets;
    const size_t labels = label_count(t), largest = hw_largest_label(p, labels);
    if (!t->classifier->thresholds) return hw_targets_have(targets, row, largest);
    for (uint32_t i = targets.offsets[row]; i < targets.offsets[row + 1]; i++)
        if (targets.labels[i] >= labels) return false;
    for (size_t label = 0; label < labels; label++)
        if (predicts(t, p, label, largest) != hw_targets_have(targets, row, label)) return false;
    return true;
}

static double surprise(double p) {
    return -log(fmax(p, 1e-15));
}

static double loss_of(const hw_head_trials *t, size_t row, const float *p) {
    const hw_targets targets = t->corpus->targets;
    const size_t labels = label_count(t);
    if (!t->classifier->thresholds) {
        const uint32_t gold = hw_targets_gold(targets, row, hw_largest_label(p, labels));
        return surprise(gold < labels ? (double)p[gold] : 0);
    }
    double sum = 0;
    for (size_t label = 0; label < labels; label++) {
        const double probability = (double)p[label];
        sum += surprise(hw_targets_have(targets, row, label) ? probability : 1 - probability);
    }
    return sum / (double)labels;
}

/* Total variation; multi-label: the mean of it over the labels. */
static double distance_of(const hw_head_trials *t, const float *p, const float *q) {
    const size_t labels = label_count(t);
    double sum = 0;
    for (size_t label = 0; label < labels; label++)
        sum += fabs((double)p[label] - (double)q[label]);
    return t->classifier->thresholds ? sum / (double)labels : sum / 2;
}

static outcome compare(const hw_head_trials *t) {
    const size_t labels = label_count(t), rows = t->corpus->targets.rows;
    outcome o = { 0 };
    for (size_t row = 0; row < rows; row++) {
        const float *p = t->corpus->probabilities + row * labels;
        const bool right = is_right(t, row, p);
        o.right += right;
        o.gained += right && !t->right[row];
        o.lost += !right && t->right[row];
        o.loss += loss_of(t, row, p) / (double)rows;
        o.moved += distance_of(t, p, t->probabilities + row * labels) / (double)rows;
    }
    return o;
}

static hw_status try_without(outcome *o, hw_head_trials *t, size_t count, hw_error *err) {
    hw_session_options options = t->session;
    options.masked_heads = t->off;
    options.masked_head_count = count;
    HW_TRY(hw_corpus_run(t->corpus, t->classifier, &options, t->threads, err));
    *o = compare(t);
    hw_corpus_clear(t->corpus);
    return HW_OK;
}

/* ---- All of them ---------------------------------------------------------------------------- */

hw_status hw_head_trials_start(hw_head_trials *t, hw_corpus *corpus,
                               const hw_classifier *classifier, const hw_session_options *session,
                               int32_t threads, hw_error *err) {
    const size_t rows = corpus->targets.rows;
    const hw_summary *summary = &classifier->summary;
    *t = (hw_head_trials){
        .corpus = corpus, .classifier = classifier, .session = *session, .threads = threads
    };
    t->session.masked_head_count = 0;
    t->off = hw_calloc((size_t)summary->layers * (size_t)summary->heads, sizeof *t->off);
    t->right = hw_calloc(rows, sizeof *t->right);
    if (!t->off || !t->right) return hw_fail_memory(err, rows * sizeof *t->right);
    HW_TRY(hw_corpus_run(corpus, classifier, &t->session, threads, err));
    t->probabilities = corpus->probabilities;
    const outcome all = compare(t);
    for (size_t row = 0; row < rows; row++)
        t->right[row] = is_right(t, row, t->probabilities + row * label_count(t));
    t->accuracy = (double)all.right / (double)rows;
    t->loss = all.loss;
    corpus->probabilities = NULL; /* they are the trials' now */
    hw_corpus_clear(corpus);
    return HW_OK;
}

void hw_head_trials_free(hw_head_trials *t) {
    hw_free(t->off);
    hw_free(t->right);
    hw_free(t->probabilities);
    *t = (hw_head_trials){ 0 };
}

static double change_of(const hw_head_trials *t, const outcome *o) {
    return ((double)o->gained - (double)o->lost) / (double)t->corpus->targets.rows;
}

static hw_interval interval_of(const hw_head_trials *t, const outcome *o) {
    return hw_interval_paired((double)o->gained, (double)o->lost, (double)t->corpus->targets.rows);
}

hw_status hw_head_worth_measure(hw_head_worth *worth, hw_head_trials *t, hw_error *err) {
    outcome o;
    t->off[0] = worth->head;
    HW_TRY(try_without(&o, t, 1, err));
    worth->accuracy = (double)o.right / (double)t->corpus->targets.rows;
    worth->change = change_of(t, &o);
    worth->interval = interval_of(t, &o);
    worth->gained = o.gained;
    worth->lost = o.lost;
    worth->p = hw_mcnemar_exact(o.gained, o.lost);
    worth->loss_change = o.loss - t->loss;
    worth->moved = o.moved;
    return HW_OK;
}

hw_status hw_head_step_measure(hw_head_step *step, hw_head_trials *t, size_t count, hw_error *err) {
    outcome o;
    HW_TRY(try_without(&o, t, count, err));
    *step = (hw_head_step){ .head = t->off[count - 1],
                            .accuracy = (double)o.right / (double)t->corpus->targets.rows,
                            .change = change_of(t, &o),
                            .interval = interval_of(t, &o) };
    return HW_OK;
}

/* Negative if a is worth less than b. */
static int compare_worth(const hw_head_worth *a, const hw_head_worth *b) {
    const int64_t a_net = (int64_t)a->lost - (int64_t)a->gained;
    const int64_t b_net = (int64_t)b->lost - (int64_t)b->gained;
    if (a_net != b_net) return a_net < b_net ? -1 : 1;
    return (a->loss_change > b->loss_change) - (a->loss_change < b->loss_change);
}

void hw_head_worth_order(uint32_t *order, const hw_head_worth *worth, size_t count) {
    for (size_t i = 0; i < count; i++) {
        size_t at = i;
        for (; at > 0 && compare_worth(&worth[i], &worth[order[at - 1]]) < 0; at--)
            order[at] = order[at - 1];
        order[at] = (uint32_t)i;
    }
}
