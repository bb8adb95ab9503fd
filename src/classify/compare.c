/* hw_compare: what two classifiers make of the same labelled file. Invariant: everything is by the
 * label indices of the first one, whatever the second one's order is. */
#include "classify/comparison.h"

#include "base/memory.h"

/* ---- The same labels ------------------------------------------------------------------- */

/* Fails if a label of `owner` is none of `other`. */
static hw_status find_labels(const hw_classifier *owner, const hw_classifier *other,
                             const char *name, hw_error *err) {
    for (int32_t label = 0; label < owner->summary.labels; label++) {
        const char *text = hw_classifier_label(owner, label);
        if (hw_classifier_find_label(other, hw_text_of(text)) < 0)
            return hw_fail(err, HW_ERROR_ARGUMENT,
                           "the classifiers have different labels: only the %s has \"%.200s\"",
                           name, text);
    }
    return HW_OK;
}

static hw_status check_comparable(const hw_classifier *first, const hw_classifier *second,
                                  hw_error *err) {
    HW_TRY(hw_classifier_check_labels(first, err));
    HW_TRY(hw_classifier_check_labels(second, err));
    if (first->summary.multi_label != second->summary.multi_label)
        return hw_fail(err, HW_ERROR_ARGUMENT,
                       "only the %s classifier is multi-label: there is nothing to compare",
                       first->summary.multi_label ? "first" : "second");
    HW_TRY(find_labels(first, second, "first", err));
    return find_labels(second, first, "second", err);
}

/* ---- Predictions --------------------------------------------------------------------------- */

/* place: [labels] where `owner` has each of the first's labels; values: [rows][labels] of `owner`,
 * brought into the first's order; scratch: [labels]. */
static void reorder(float *values, const uint32_t *place, size_t rows, size_t labels,
                    float *scratch) {
    for (size_t row = 0; row < rows; row++, values += labels) {
        memcpy(scratch, values, labels * sizeof *scratch);
        for (size_t label = 0; label < labels; label++) values[label] = scratch[place[label]];
    }
}

static void find_places(uint32_t *place, const hw_classifier *owner, const hw_classifier *first) {
    for (int32_t label = 0; label < first->summary.labels; label++) {
        const hw_text name = hw_text_of(hw_classifier_label(first, label));
        place[label] = (uint32_t)hw_classifier_find_label(owner, name);
    }
}

/* Events of what `owner` predicted, by the first's labels. */
static hw_status collect(hw_events *events, hw_corpus *corpus, const hw_classifier *owner,
                         const hw_classifier *first, hw_error *err) {
    const size_t labels = (size_t)first->summary.labels, rows = corpus->targets.rows;
    uint32_t *place = hw_calloc(labels, sizeof *place);
    float *scratch = hw_calloc(2 * labels, sizeof *scratch);
    hw_status status = HW_OK;
    if (place && scratch) {
        float *thresholds = owner->thresholds ? scratch + labels : NULL;
        find_places(place, owner, first);
        reorder(corpus->probabilities, place, rows, labels, scratch);
        if (thresholds) {
            memcpy(thresholds, owner->thresholds, labels * sizeof *thresholds);
            reorder(thresholds, place, 1, labels, scratch);
        }
        status = hw_events_collect(events, corpus->probabilities, corpus->targets, labels,
                                   thresholds, err);
    } else {
        status = hw_fail_memory(err, labels * (sizeof *place + 2 * sizeof *scratch));
    }
    hw_free(place);
    hw_free(scratch);
    return status;
}

static hw_status predict(hw_compared *c, const hw_classifier *const classifiers[2],
                         const hw_session_options *session, int32_t threads, hw_error *err) {
    for (int i = 0; i < 2; i++) {
        HW_TRY(hw_corpus_run(&c->corpus, classifiers[i], session, threads, err));
        HW_TRY(collect(&c->events[i], &c->corpus, classifiers[i], classifiers[0], err));
        hw_corpus_clear(&c->corpus);
    }
    return HW_OK;
}

/* ---- All of it ---------------------------------------------------------------------------- */

static void count_unknown_labels(hw_comparison *result, hw_targets targets) {
    for (uint32_t i = 0; i < targets.offsets[targets.rows]; i++)
        result->unknown_labels += targets.labels[i] >= (uint32_t)result->labels;
}

static hw_status fill(hw_compared *c, const hw_classifier *const classifiers[2], const char *path,
                      const hw_reader_options *reader, const hw_session_options *session,
                      int32_t threads, hw_error *err) {
    c->result.multi_label = classifiers[0]->summary.multi_label;
    c->result.labels = classifiers[0]->summary.labels;
    HW_TRY(hw_corpus_load(&c->corpus, classifiers[0], path, reader, err));
    count_unknown_labels(&c->result, c->corpus.targets);
    HW_TRY(predict(c, classifiers, session, threads, err));
    HW_TRY(hw_changes_of_texts(c, err));
    HW_TRY(hw_changes_of_labels(c, err));
    return hw_flips_collect(c, classifiers[0], err);
}

void hw_comparison_free(hw_comparison *comparison) {
    hw_compared *c = (hw_compared *)comparison;
    if (!c) return;
    hw_corpus_free(&c->corpus);
    hw_events_free(&c->events[0]);
    hw_events_free(&c->events[1]);
    hw_free(c->names);
    hw_free(c->result.per_label);
    hw_free(c->result.flip);
    hw_free(c);
}

hw_comparison *hw_compare(const hw_classifier *first, const hw_classifier *second, const char *path,
                          const hw_reader_options *reader, const hw_session_options *session,
                          int32_t threads, hw_error *err) {
    if (check_comparable(first, second, err) != HW_OK) return NULL;
    hw_compared *c = hw_calloc(1, sizeof *c);
    if (!c) {
        hw_fail_memory(err, sizeof *c);
        return NULL;
    }
    const hw_classifier *const classifiers[] = { first, second };
    if (threads <= 0) threads = hw_cpu_count();
    if (fill(c, classifiers, path, reader, session, threads, err) == HW_OK) return &c->result;
    hw_comparison_free(&c->result);
    return NULL;
}
