/* Measures of predictions, as scikit-learn defines them. Pure functions of arrays. */
#ifndef HW_CLASSIFY_METRICS_H
#define HW_CLASSIFY_METRICS_H

#include "base/error.h"

/* The labels of `rows` examples: labels[offsets[r] .. offsets[r + 1]). An index that is
 * not in [0, labels of the model) is a gold label the model does not have. */
typedef struct hw_targets {
    const uint32_t *offsets; /* [rows + 1] */
    const uint32_t *labels;
    size_t rows;
} hw_targets;

/* probabilities: [rows][labels]. Single-label (thresholds NULL): the prediction is the
 * first largest. Multi-label: every label >= its threshold (so possibly none).
 * A single-label row has one label or more, and counts as the predicted one if that is
 * among them, else as its first. Each distinct unknown label is a class of its own, that is
 * never predicted.
 * log_loss: mean of -ln p(gold), p clipped to 1e-15; an unknown gold label counts as
 * clipped. multi-label: mean over rows and the model's labels. ece: 15 equal bins of the largest
 * probability (multi-label: of every label's), Guo et al. 2017 eq. 3. brier: mean sum of
 * squares over labels. Undefined precision/recall/f1 of a label are NaN and count as 0 in
 * averages, as scikit-learn does with zero_division=0. Macro averages run over labels
 * that occur in the targets or in the predictions. confusion is also NULL beyond
 * HW_CONFUSION_LIMIT labels. bag_score and tower_score are left NaN. */
enum { HW_CONFUSION_LIMIT = 4096 };
hw_metrics *hw_metrics_measure(const float *probabilities, hw_targets targets, size_t labels,
                               const float *thresholds, hw_error *err);

/* Single-label: accuracy. Multi-label (thresholds not NULL): micro-F1. */
double hw_metrics_score(const float *probabilities, hw_targets targets, size_t labels,
                        const float *thresholds);
/* hw_metrics.log_loss alone: see above. */
double hw_metrics_log_loss(const float *probabilities, hw_targets targets, size_t labels,
                           const float *thresholds);

#endif
