/* hw_cross_validate: every row is scored by a classifier that has not seen it. The training of a
 * fold gets the other rows as a data set of its own, so it cannot tell that there are more. */
#include "base/memory.h"
#include "train/folds.h"
#include "train/training.h"

#include <math.h>

typedef struct validation {
    const hw_train_options *options;
    hw_dataset *dataset, *valid; /* valid: NULL without options->valid */
    uint32_t folds, fold;        /* fold: the current one */
    uint32_t *fold_of;           /* [dataset->count] */
    int32_t *label_of;           /* [dataset->label_count] column of a label, or -1: too rare */
    size_t labels;
    hw_dataset part;   /* some rows of the dataset: a view, with two arrays of its own */
    int32_t *column;   /* [labels] index in the fold's classifier, or -1 */
    float *own;        /* [labels] of one row, in the order of the fold's classifier */
    float *thresholds; /* [labels] */
    float *rows;       /* [part.count][labels] probabilities of the fold's rows */
    uint32_t *offsets, *gold;
    bool stopped;
} validation;

/* ---- Progress: a share of a fold becomes one of the whole ---------------------------- */

static bool report(void *user, const hw_progress *progress) {
    validation *v = user;
    if (!v->options->progress) return true;
    hw_progress whole = *progress;
    whole.overall = (v->fold + progress->overall) / v->folds;
    v->stopped = v->stopped || !v->options->progress(v->options->user, &whole);
    return !v->stopped;
}

static hw_status end_fold(validation *v, double score, hw_error *err) {
    report(v, &(hw_progress){ .stage = "fold",
                              .done = v->fold + 1,
                              .total = v->folds,
                              .overall = 1,
                              .loss = NAN,
                              .learning_rate = NAN,
                              .texts_per_second = NAN,
                              .valid_score = score,
                              .valid_loss = NAN });
    return v->stopped ? hw_fail(err, HW_ERROR_STOPPED, "cross-validation was stopped") : HW_OK;
}

/* ---- A fold ---------------------------------------------------------------------------- */

/* The rows of the current fold, or all others. A label that is too rare in the whole has no
 * example in any part. */
static void select_rows(validation *v, bool of_the_fold) {
    const hw_dataset *all = v->dataset;
    v->part.count = 0;
    for (size_t i = 0; i < all->label_count; i++) v->part.label_examples[i] = 0;
    for (size_t row = 0; row < all->count; row++) {
        if ((v->fold_of[row] == v->fold) != of_the_fold) continue;
        const hw_example *example = &all->examples[row];
        v->part.examples[v->part.count++] = *example;
        for (uint32_t i = 0; i < example->labels; i++) {
            const uint32_t label = all->label_index[example->first_label + i];
            if (v->label_of[label] >= 0) v->part.label_examples[label]++;
        }
    }
}

static hw_classifier *train_on_others(validation *v, hw_error *err) {
    hw_train_options options = *v->options;
    options.min_count_label = 1;
    options.checkpoint = NULL;
    options.resume = false;
    options.progress = report;
    options.user = v;
    select_rows(v, false);
    v->part.bad_lines = v->fold > 0 ? 0 : v->dataset->bad_lines; /* told once */
    return hw_train_on(&options, &v->part, v->valid, err);
}

/* A label without an example outside the fold has no column there and is never predicted. */
static void map_columns(validation *v, const hw_classifier *classifier) {
    const float *thresholds = hw_classifier_thresholds(classifier);
    for (size_t name = 0; name < v->dataset->label_count; name++) {
        if (v->label_of[name] < 0) continue;
        const int32_t column =
            hw_classifier_find_label(classifier, hw_text_of(v->dataset->label_names[name]));
        v->column[v->label_of[name]] = column;
        v->thresholds[v->label_of[name]] = column < 0 || !thresholds ? 2 : thresholds[column];
    }
}

static hw_status classify_rows(validation *v, hw_session *session, hw_error *err) {
    for (size_t row = 0; row < v->part.count; row++) {
        HW_TRY(hw_classify(session, &v->part.examples[row].text, 1, v->own, err));
        for (size_t i = 0; i < v->labels; i++)
            v->rows[row * v->labels + i] = v->column[i] < 0 ? 0 : v->own[v->column[i]];
    }
    return HW_OK;
}

/* As hw_evaluate counts: a label that was too rare is one the classifier does not know. */
static double score_rows(validation *v, bool multi_label) {
    uint32_t used = 0;
    for (size_t row = 0; row < v->part.count; row++) {
        const hw_example *example = &v->part.examples[row];
        for (uint32_t i = 0; i < example->labels; i++) {
            const uint32_t name = v->dataset->label_index[example->first_label + i];
            v->gold[used++] =
                v->label_of[name] < 0 ? (uint32_t)v->labels + name : (uint32_t)v->label_of[name];
        }
        v->offsets[row + 1] = used;
    }
    const hw_targets targets = { v->offsets, v->gold, v->part.count };
    return hw_metrics_score(v->rows, targets, v->labels, multi_label ? v->thresholds : NULL);
}

static hw_status score_fold(validation *v, double *score, const hw_classifier *classifier,
                            hw_error *err) {
    hw_session *session = hw_session_new(classifier, NULL, err);
    if (!session) return HW_ERROR_MEMORY;
    select_rows(v, true);
    map_columns(v, classifier);
    const hw_status status = classify_rows(v, session, err);
    if (status == HW_OK) *score = score_rows(v, hw_classifier_summary(classifier)->multi_label);
    hw_session_free(session);
    return status;
}

/* Puts the fold's rows where they belong among all. */
static void place_rows(float *probabilities, const validation *v) {
    const float *from = v->rows;
    for (size_t row = 0; row < v->dataset->count; row++) {
        if (v->fold_of[row] != v->fold) continue;
        memcpy(probabilities + row * v->labels, from, v->labels * sizeof *from);
        from += v->labels;
    }
}

static hw_status run_fold(validation *v, double *score, float *probabilities, hw_error *err) {
    hw_error why = { HW_ERROR_MEMORY, "" };
    hw_classifier *classifier = train_on_others(v, &why);
    if (!classifier) return hw_fail(err, why.status, "%s", why.message);
    const hw_status status = score_fold(v, score, classifier, err);
    hw_classifier_close(classifier);
    HW_TRY(status);
    if (probabilities) place_rows(probabilities, v);
    return end_fold(v, *score, err);
}

/* ---- The whole -------------------------------------------------------------------------- */

static hw_status load(validation *v, hw_error *err) {
    hw_error why = { 0 };
    v->dataset = hw_dataset_load(v->options->input, &v->options->reader, &why);
    if (v->dataset && v->options->valid)
        v->valid = hw_dataset_load(v->options->valid, &v->options->reader, &why);
    if (!v->dataset || (v->options->valid && !v->valid))
        return hw_fail(err, why.status, "%s", why.message);
    if (v->folds > v->dataset->count)
        return hw_fail(err, HW_ERROR_ARGUMENT, "%s: %u folds of %zu texts", v->options->input,
                       v->folds, v->dataset->count);
    return HW_OK;
}

static hw_status reserve(validation *v, hw_error *err) {
    const hw_dataset *all = v->dataset;
    size_t golds = 0;
    for (size_t row = 0; row < all->count; row++) golds += all->examples[row].labels;
    v->part = *all;
    v->part.examples = hw_calloc(all->count, sizeof *v->part.examples);
    v->part.label_examples = hw_calloc(all->label_count, sizeof *v->part.label_examples);
    v->fold_of = hw_calloc(all->count, sizeof *v->fold_of);
    v->label_of = hw_calloc(all->label_count, sizeof *v->label_of);
    v->column = hw_calloc(all->label_count, sizeof *v->column);
    v->own = hw_calloc(all->label_count, sizeof *v->own);
    v->thresholds = hw_calloc(all->label_count, sizeof *v->thresholds);
    v->offsets = hw_calloc(all->count + 1, sizeof *v->offsets);
    v->gold = hw_calloc(golds, sizeof *v->gold);
    /* A fold has one row more than the smallest at most. */
    v->rows = hw_calloc(all->count / v->folds + 1, all->label_count * sizeof *v->rows);
    const bool reserved = v->part.examples && v->part.label_examples && v->fold_of && v->label_of &&
                          v->column && v->own && v->thresholds && v->offsets && v->gold && v->rows;
    return reserved ? HW_OK : hw_fail_memory(err, all->count * sizeof *v->part.examples);
}

static void number_labels(validation *v) {
    const int32_t least = v->options->min_count_label;
    for (size_t name = 0; name < v->dataset->label_count; name++) {
        const bool is_rare = least > 0 && v->dataset->label_examples[name] < (uint32_t)least;
        v->label_of[name] = is_rare ? -1 : (int32_t)v->labels++;
    }
}

static hw_status validate(validation *v, double *scores, float **probabilities, hw_error *err) {
    HW_TRY(load(v, err));
    HW_TRY(reserve(v, err));
    number_labels(v);
    HW_TRY(hw_folds_deal(v->fold_of, v->dataset, v->folds, v->options->seed, err));
    if (probabilities) {
        *probabilities = hw_calloc(v->dataset->count, v->labels * sizeof **probabilities);
        if (!*probabilities)
            return hw_fail_memory(err, v->dataset->count * v->labels * sizeof **probabilities);
    }
    for (v->fold = 0; v->fold < v->folds; v->fold++)
        HW_TRY(run_fold(v, &scores[v->fold], probabilities ? *probabilities : NULL, err));
    return HW_OK;
}

static void free_all(validation *v) {
    void *blocks[] = { v->part.examples, v->part.label_examples, v->fold_of, v->label_of, v->column,
                       v->own,           v->thresholds,          v->rows,    v->offsets,  v->gold };
    for (size_t i = 0; i < sizeof blocks / sizeof *blocks; i++) hw_free(blocks[i]);
    hw_dataset_free(v->dataset);
    hw_dataset_free(v->valid);
}

hw_status hw_cross_validate(const hw_train_options *options, int32_t folds, double *scores,
                            float **probabilities, size_t *examples, int32_t *labels,
                            hw_error *err) {
    if (probabilities) *probabilities = NULL;
    if (folds < 2) return hw_fail(err, HW_ERROR_ARGUMENT, "%d folds; at least 2", folds);
    validation v = { .options = options, .folds = (uint32_t)folds };
    const hw_status status = validate(&v, scores, probabilities, err);
    if (status == HW_OK && probabilities) {
        *examples = v.dataset->count;
        *labels = (int32_t)v.labels;
    } else if (probabilities) {
        hw_free(*probabilities);
        *probabilities = NULL;
    }
    free_all(&v);
    return status;
}
