/* What gates [rows][count] of texts say, in numbers. */
#ifndef HW_STUDY_GATE_MEASURES_H
#define HW_STUDY_GATE_MEASURES_H

#include "base/error.h"

/* The deviation of a gate over the texts, mean over the gates. rows > 1. */
double hw_gates_deviation(const float *gates, size_t rows, size_t count);
/* The entropy of a text's gates divided by their sum, as a share of the greatest, mean over the
 * texts: 1 if all heads are let through alike. count > 1. */
double hw_gates_entropy(const float *gates, size_t rows, size_t count);
/* Mutual information of a gate, in thirds of its ranks, and the text's class, in bits, less what
 * chance alone is expected to show (Miller 1955); mean over the gates. classes: [rows], below
 * class_count. */
hw_status hw_gates_information(double *bits, const float *gates, size_t rows, size_t count,
                               const uint32_t *classes, size_t class_count, hw_error *err);

#endif
