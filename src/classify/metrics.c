/* Measures of predictions, put together from counts (events.h), from the probabilities
 * themselves, and from intervals. */
#include "classify/metrics.h"

#include "base/memory.h"
#include "classify/events.h"
#include "statistics/intervals.h"

#include <assert.h>
#include <math.h>

/* ---- From counts --------------------------------------------------------------------- */

static double ratio(double part, double whole) {
    return whole > 0 ? part / whole : NAN;
}

static double or_zero(double value) {
    return isnan(value) ? 0 : value;
}

static hw_label_metrics label_metrics(hw_tally t) {
    return (hw_label_metrics){ .precision = ratio((double)t.correct, (double)t.predicted),
                               .recall = ratio((double)t.correct, (double)t.support),
                               .f1 =
                                   ratio(2 * (double)t.correct, (double)(t.predicted + t.support)),
                               .support = t.support,
                               .predicted = t.predicted,
                               .correct = t.correct };
}

double hw_tally_macro_f1(const hw_tally *classes, size_t count) {
    double sum = 0;
    size_t present = 0;
    for (size_t class = 0; class < count; class ++) {
        const uint64_t size = classes[class].support + classes[class].predicted;
        if (!size) continue;
        sum += 2 * (double)classes[class].correct / (double)size;
        present++;
    }
    return or_zero(ratio(sum, (double)present));
}

static void average(hw_metrics *metrics, const hw_tally *classes, size_t count) {
    hw_tally all = { 0 };
    double present = 0;
    for (size_t class = 0; class < count; class ++) {
        const hw_label_metrics m = label_metrics(classes[class]);
        const double weight = (double)m.support;
        present += m.support + m.predicted > 0;
        metrics->macro_precision += or_zero(m.precision);
        metrics->macro_recall += or_zero(m.recall);
        metrics->weighted_precision += weight * or_zero(m.precision);
        metrics->weighted_recall += weight * or_zero(m.recall);
        metrics->weighted_f1 += weight * or_zero(m.f1);
        all.support += m.support;
        all.predicted += m.predicted;
        all.correct += m.correct;
    }
    const hw_label_metrics micro = label_metrics(all);
    metrics->micro_precision = or_zero(micro.precision);
    metrics->micro_recall = or_zero(micro.recall);
    metrics->micro_f1 = or_zero(micro.f1);
    metrics->macro_f1 = hw_tally_macro_f1(classes, count);
    metrics->macro_precision = or_zero(ratio(metrics->macro_precision, present));
    metrics->macro_recall = or_zero(ratio(metrics->macro_recall, present));
    metrics->weighted_precision = or_zero(ratio(metrics->weighted_precision, (double)all.support));
    metrics->weighted_recall = or_zero(ratio(metrics->weighted_recall, (double)all.support));
    metrics->weighted_f1 = or_zero(ratio(metrics->weighted_f1, (double)all.support));
}

/* A wrong single-label row is two events: its gold class, then the predicted one. */
static void fill_confusion(uint64_t *confusion, const hw_events *events, size_t labels) {
    for (size_t row = 0; row < events->rows; row++) {
        const hw_event *first = &events->items[events->offsets[row]];
        const hw_event *last = &events->items[events->offsets[row + 1] - 1];
        if (first->class < labels) confusion[first->class * labels + last->class]++;
    }
}

/* ---- From probabilities -------------------------------------------------------------- */

enum { BINS = 15 };
static const double probability_floor = 1e-15;

/* Expected calibration error: bin i holds confidences in (i / BINS, (i + 1) / BINS]. */
typedef struct reliability {
    double confidence[BINS], correct[BINS], total;
} reliability;

static void add_confidence(reliability *bins, double confidence, bool correct) {
    const double place = ceil(confidence * BINS) - 1;
    const size_t bin = place < 0 ? 0 : place >= BINS ? BINS - 1 : (size_t)place;
    bins->confidence[bin] += confidence;
    bins->correct[bin] += correct;
    bins->total++;
}

static double calibration_error(const reliability *bins) {
    double error = 0;
    for (size_t bin = 0; bin < BINS; bin++)
        error += fabs(bins->correct[bin] - bins->confidence[bin]);
    return error / bins->total;
}

static double surprise(double probability) {
    return -log(fmax(probability, probability_floor));
}

static double single_loss(const float *probabilities, hw_targets targets, size_t labels) {
    double sum = 0;
    for (size_t row = 0; row < targets.rows; row++) {
        const float *p = probabilities + row * labels;
        const size_t gold = hw_targets_gold(targets, row, hw_largest_label(p, labels));
        sum += surprise(gold < labels ? (double)p[gold] : 0);
    }
    return sum / (double)targets.rows;
}

static double multi_loss(const float *probabilities, hw_targets targets, size_t labels) {
    double sum = 0;
    for (size_t row = 0; row < targets.rows; row++)
        for (size_t label = 0; label < labels; label++) {
            const double p = (double)probabilities[row * labels + label];
            sum += surprise(hw_targets_have(targets, row, label) ? p : 1 - p);
        }
    return sum / ((double)targets.rows * (double)labels);
}

/* Calibration error and Brier score. */
static void score_single(hw_metrics *metrics, const float *probabilities, hw_targets targets,
                         size_t labels) {
    reliability bins = { 0 };
    for (size_t row = 0; row < targets.rows; row++) {
        const float *p = probabilities + row * labels;
        const size_t predicted = hw_largest_label(p, labels);
        const size_t gold = hw_targets_gold(targets, row, predicted);
        for (size_t label = 0; label < labels; label++)
            metrics->brier += pow((double)p[label] - (label == gold), 2);
        add_confidence(&bins, (double)p[predicted], predicted == gold);
    }
    metrics->brier /= (double)targets.rows;
    metrics->ece = calibration_error(&bins);
}

static void score_multi(hw_metrics *metrics, const float *probabilities, hw_targets targets,
                        size_t labels) {
    reliability bins = { 0 };
    for (size_t row = 0; row < targets.rows; row++)
        for (size_t label = 0; label < labels; label++) {
            const double p = (double)probabilities[row * labels + label];
            const bool gold = hw_targets_have(targets, row, label);
            metrics->brier += pow(p - gold, 2);
            add_confidence(&bins, p, gold);
        }
    metrics->brier /= (double)targets.rows;
    metrics->ece = calibration_error(&bins);
}

/* ---- The public functions ------------------------------------------------------------ */

static hw_metrics *new_metrics(size_t labels, bool confusion, hw_error *err) {
    hw_metrics *metrics = hw_calloc(1, sizeof *metrics);
    if (metrics) {
        metrics->labels = (int32_t)labels;
        metrics->per_label = hw_calloc(labels, sizeof *metrics->per_label);
        if (confusion) metrics->confusion = hw_calloc(labels * labels, sizeof *metrics->confusion);
        if (metrics->per_label && (metrics->confusion || !confusion)) return metrics;
    }
    hw_metrics_free(metrics);
    hw_fail_memory(err, labels * sizeof *metrics->per_label);
    return NULL;
}

static void count_matches(hw_metrics *metrics, const hw_events *events, size_t labels) {
    uint64_t exact = 0;
    for (size_t row = 0; row < events->rows; row++) exact += hw_events_match(events, row);
    metrics->examples = events->rows;
    metrics->exact_match = (double)exact / (double)events->rows;
    metrics->accuracy = metrics->exact_match;
    metrics->accuracy_interval = hw_interval_wilson((double)exact, (double)events->rows);
    if (metrics->confusion) fill_confusion(metrics->confusion, events, labels);
}

static hw_status measure_events(hw_metrics *metrics, const hw_events *events, size_t labels,
                                hw_error *err) {
    hw_tally *classes = hw_calloc(events->classes, sizeof *classes);
    if (!classes) return hw_fail_memory(err, events->classes * sizeof *classes);
    for (size_t row = 0; row < events->rows; row++) hw_tally_row(classes, events, row);
    for (size_t label = 0; label < labels; label++)
        metrics->per_label[label] = label_metrics(classes[label]);
    average(metrics, classes, events->classes);
    hw_free(classes);
    count_matches(metrics, events, labels);
    return hw_interval_bootstrap(&metrics->macro_f1_interval, events, err);
}

hw_metrics *hw_metrics_measure(const float *probabilities, hw_targets targets, size_t labels,
                               const float *thresholds, hw_error *err) {
    assert(targets.rows > 0 && labels > 0);
    hw_events events = { 0 };
    hw_metrics *metrics = new_metrics(labels, !thresholds && labels <= HW_CONFUSION_LIMIT, err);
    if (!metrics) return NULL;
    hw_status status = hw_events_collect(&events, probabilities, targets, labels, thresholds, err);
    if (status == HW_OK) status = measure_events(metrics, &events, labels, err);
    hw_events_free(&events);
    if (status != HW_OK) {
        hw_metrics_free(metrics);
        return NULL;
    }
    for (size_t i = targets.offsets[0]; i < targets.offsets[targets.rows]; i++)
        metrics->unknown_labels += targets.labels[i] >= labels;
    if (thresholds)
        score_multi(metrics, probabilities, targets, labels);
    else
        score_single(metrics, probabilities, targets, labels);
    metrics->log_loss = hw_metrics_log_loss(probabilities, targets, labels, thresholds);
    metrics->bag_score = metrics->tower_score = NAN;
    return metrics;
}

void hw_metrics_free(hw_metrics *metrics) {
    if (!metrics) return;
    hw_free(metrics->per_label);
    hw_free(metrics->confusion);
    hw_free(metrics);
}

double hw_metrics_score(const float *probabilities, hw_targets targets, size_t labels,
                        const float *thresholds) {
    uint64_t correct = 0, predicted = 0;
    const uint64_t support = targets.offsets[targets.rows] - targets.offsets[0];
    for (size_t row = 0; row < targets.rows; row++) {
        const float *p = probabilities + row * labels;
        if (!thresholds) {
            correct += hw_targets_have(targets, row, hw_largest_label(p, labels));
            continue;
        }
        for (size_t label = 0; label < labels; label++) {
            if (!(p[label] >= thresholds[label])) continue;
            predicted++;
            correct += hw_targets_have(targets, row, label);
        }
    }
    if (!thresholds) return or_zero(ratio((double)correct, (double)targets.rows));
    return or_zero(ratio(2 * (double)correct, (double)(predicted + support)));
}

double hw_metrics_log_loss(const float *probabilities, hw_targets targets, size_t labels,
                           const float *thresholds) {
    return thresholds ? multi_loss(probabilities, targets, labels)
                      : single_loss(probabilities, targets, labels);
}
