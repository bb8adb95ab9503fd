/* Fitting what turns scores into probabilities and probabilities into decisions, on data
 * that the classifier was not trained on. */
#ifndef HW_CLASSIFY_CALIBRATION_H
#define HW_CLASSIFY_CALIBRATION_H

#include "classify/metrics.h"

/* The temperature T > 0 that minimises the log-loss of logits / T (Guo et al. 2017), by
 * golden section on ln T in [-4, 4]; 1 without data. multi_label: of sigmoids instead of a
 * softmax. */
double hw_temperature_fit(const float *logits, hw_targets targets, size_t labels, bool multi_label);

/* thresholds: [labels]. A single threshold for all labels is chosen that maximises
 * micro-F1; then a label with at least 20 held-back examples gets its own one where that
 * raises micro-F1 further (cyclic, Fan and Lin 2007), shrunk half-way to the common one.
 * A threshold lies half-way between two probabilities and is at least 0.01. */
hw_status hw_thresholds_fit(float *thresholds, const float *probabilities, hw_targets targets,
                            size_t labels, hw_error *err);

#endif
