/* How the scores change from one classifier to the other, over the texts and label by label.
 * Invariant: a change is tested on the texts where the two differ, each text once. */
#include "classify/comparison.h"

#include "base/memory.h"
#include "statistics/intervals.h"
#include "statistics/tests.h"

#include <math.h>

enum { DRAWS = 10000 };
static const uint64_t bootstrap_seed = 0x706d6f63; /* "comp" */

/* ---- Texts ---------------------------------------------------------------------------------- */

/* Of one text. */
typedef struct text_score {
    bool right[2];
    uint32_t correct[2], predicted[2], gold; /* labels */
} text_score;

static text_score score_text(const hw_events events[2], size_t row) {
    text_score score = { 0 };
    for (int i = 0; i < 2; i++) {
        score.right[i] = hw_events_match(&events[i], row);
        score.gold = 0;
        for (size_t at = events[i].offsets[row]; at < events[i].offsets[row + 1]; at++) {
            const hw_event *e = &events[i].items[at];
            score.correct[i] += e->gold & e->predicted;
            score.predicted[i] += e->predicted;
            score.gold += e->gold;
        }
    }
    return score;
}

typedef double score_fn(const text_score *scores, const uint32_t *rows, size_t count, int i);

static double accuracy_of(const text_score *scores, const uint32_t *rows, size_t count, int i) {
    size_t right = 0;
    for (size_t at = 0; at < count; at++) right += scores[rows ? rows[at] : at].right[i];
    return (double)right / (double)count;
}

static double micro_f1_of(const text_score *scores, const uint32_t *rows, size_t count, int i) {
    uint64_t correct = 0, total = 0;
    for (size_t at = 0; at < count; at++) {
        const text_score *score = &scores[rows ? rows[at] : at];
        correct += score->correct[i];
        total += score->predicted[i] + score->gold;
    }
    return total ? 2 * (double)correct / (double)total : 0;
}

typedef struct scored_texts {
    const text_score *scores;
    score_fn *score;
} scored_texts;

static double change_of(void *context, const uint32_t *rows, size_t count) {
    const scored_texts *texts = context;
    return texts->score(texts->scores, rows, count, 1) -
           texts->score(texts->scores, rows, count, 0);
}

static hw_score_change compare_scores(const text_score *scores, size_t count, score_fn *score,
                                      const hw_resampling *resampling) {
    scored_texts texts = { scores, score };
    return (
        hw_score_change){ .score = { score(scores, NULL, count, 0), score(scores, NULL, count, 1) },
                          .change = change_of(&texts, NULL, count),
                          .interval = hw_interval_rows(change_of, &texts, count, resampling) };
}

static void count_right(hw_comparison *result, const text_score *scores, size_t count) {
    for (size_t row = 0; row < count; row++) {
        const bool *right = scores[row].right;
        result->both_right += right[0] && right[1];
        result->both_wrong += !right[0] && !right[1];
        for (int i = 0; i < 2; i++) result->only_right[i] += right[i] && !right[1 - i];
    }
    result->p = hw_mcnemar_exact(result->only_right[0], result->only_right[1]);
}

hw_status hw_changes_of_texts(hw_compared *c, hw_error *err) {
    const size_t count = c->corpus.targets.rows;
    hw_comparison *result = &c->result;
    text_score *scores = hw_calloc(count, sizeof *scores);
    double *draws = hw_calloc(DRAWS, sizeof *draws);
    uint32_t *rows = hw_calloc(count, sizeof *rows);
    const bool reserved = scores && draws && rows;
    if (reserved) {
        const hw_resampling resampling = { bootstrap_seed, DRAWS, 0.95, draws, rows };
        for (size_t row = 0; row < count; row++) scores[row] = score_text(c->events, row);
        result->examples = count;
        count_right(result, scores, count);
        result->accuracy = compare_scores(scores, count, accuracy_of, &resampling);
        result->micro_f1 = result->multi_label
                               ? compare_scores(scores, count, micro_f1_of, &resampling)
                               : result->accuracy;
    }
    hw_free(scores);
    hw_free(draws);
    hw_free(rows);
    return reserved ? HW_OK : hw_fail_memory(err, count * (sizeof *scores + sizeof *rows));
}

/* ---- Labels ------------------------------------------------------------------------------- */

/* Where one predicts a label of a text and the other does not, one of the two is right. */
static void count_decisions(hw_label_change *per_label, const hw_events events[2], size_t row) {
    for (int i = 0; i < 2; i++) {
        for (size_t at = events[i].offsets[row]; at < events[i].offsets[row + 1]; at++) {
            const hw_event *e = &events[i].items[at];
            if (e->predicted && !hw_events_predict(&events[1 - i], row, e->class))
                per_label[e->class].only_right[e->gold ? i : 1 - i]++;
        }
    }
}

static double f1_of(hw_tally tally) {
    const uint64_t total = tally.support + tally.predicted;
    return total ? 2 * (double)tally.correct / (double)total : (double)NAN;
}

/* classes: [events->classes] zeros. */
static void measure_f1(hw_label_change *per_label, size_t labels, int i, const hw_events *events,
                       hw_tally *classes) {
    for (size_t row = 0; row < events->rows; row++) hw_tally_row(classes, events, row);
    for (size_t label = 0; label < labels; label++) {
        per_label[label].support = classes[label].support;
        per_label[label].f1[i] = f1_of(classes[label]);
    }
}

/* p, order: [labels] scratch. */
static void finish_labels(hw_label_change *per_label, size_t labels, double *p, hw_ranked *order) {
    for (size_t i = 0; i < labels; i++) {
        hw_label_change *label = &per_label[i];
        label->change = label->f1[1] - label->f1[0];
        p[i] = label->p = hw_mcnemar_exact(label->only_right[0], label->only_right[1]);
    }
    hw_adjust_holm(p, p, labels, order);
    for (size_t i = 0; i < labels; i++) per_label[i].p_holm = p[i];
}

hw_status hw_changes_of_labels(hw_compared *c, hw_error *err) {
    const size_t labels = (size_t)c->result.labels, classes = c->events[0].classes;
    hw_label_change *per_label = hw_calloc(labels, sizeof *per_label);
    hw_tally *tallies = hw_calloc(2 * classes, sizeof *tallies); /* events[1] has as many */
    double *p = hw_calloc(labels, sizeof *p);
    hw_ranked *order = hw_calloc(labels, sizeof *order);
    c->result.per_label = per_label;
    const bool reserved = per_label && tallies && p && order;
    if (reserved) {
        for (size_t row = 0; row < c->events[0].rows; row++)
            count_decisions(per_label, c->events, row);
        for (int i = 0; i < 2; i++)
            measure_f1(per_label, labels, i, &c->events[i], tallies + (size_t)i * classes);
        finish_labels(per_label, labels, p, order);
    }
    hw_free(tallies);
    hw_free(p);
    hw_free(order);
    return reserved ? HW_OK : hw_fail_memory(err, labels * sizeof *per_label);
}
