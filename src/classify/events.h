/* Predictions against targets as one list of events: (row, class, whether the class is a
 * true label of the row, a predicted one, or both). Single-label and multi-label reports,
 * and their bootstrap, are counts over it. Invariant: classes are the model's labels and,
 * after them, each distinct unknown label; a row has each class at most once. */
#ifndef HW_CLASSIFY_EVENTS_H
#define HW_CLASSIFY_EVENTS_H

#include "classify/metrics.h"

typedef struct hw_event {
    uint32_t class;
    uint8_t gold, predicted; /* 0 or 1 */
} hw_event;

typedef struct hw_events {
    hw_event *items; /* of row r: items[offsets[r] .. offsets[r + 1]) */
    size_t *offsets; /* [rows + 1] */
    size_t rows, classes, capacity;
    uint32_t *unknown; /* [unknowns] the distinct unknown labels, ascending */
    size_t unknowns;
} hw_events;

/* Arguments as of hw_metrics_measure. A wrong single-label row is two events: its true class,
 * then the predicted one. *events is zero before, and freed by hw_events_free also on
 * failure. */
hw_status hw_events_collect(hw_events *events, const float *probabilities, hw_targets targets,
                            size_t labels, const float *thresholds, hw_error *err);
void hw_events_free(hw_events *events);

/* True if `label` is among the row's predicted ones. */
bool hw_events_predict(const hw_events *events, size_t row, uint32_t label);
/* True if the row's predicted labels are its true ones. */
bool hw_events_match(const hw_events *events, size_t row);

typedef struct hw_tally {
    uint64_t support, predicted, correct;
} hw_tally;

/* Adds a row's events to classes[events->classes]. */
static inline void hw_tally_row(hw_tally *classes, const hw_events *events, size_t row) {
    for (size_t i = events->offsets[row]; i < events->offsets[row + 1]; i++) {
        const hw_event e = events->items[i];
        classes[e.class].support += e.gold;
        classes[e.class].predicted += e.predicted;
        classes[e.class].correct += e.gold & e.predicted;
    }
}

/* Over the classes that occur; 0 if none does. */
double hw_tally_macro_f1(const hw_tally *classes, size_t count);

/* 95 %: percentile bootstrap of the macro-F1 over rows (Efron 1979), 1,000 resamples. */
hw_status hw_interval_bootstrap(hw_interval *interval, const hw_events *events, hw_error *err);

/* The first largest of probabilities[labels]. */
size_t hw_largest_label(const float *probabilities, size_t labels);
/* The one true label of a single-label row: see hw_metrics_measure. */
uint32_t hw_targets_gold(hw_targets targets, size_t row, size_t predicted);
/* True if row has this label. */
bool hw_targets_have(hw_targets targets, size_t row, size_t label);

#endif
