/* Gates that depend on the text (model/head_gates.h) when a classifier is asked: what they are, and
 * what it would say with others in their place. Of a classifier of one tower with
 * HW_HEAD_GATES_INPUT. Invariant: with a text's own gates the answer is the classifier's, but for
 * rounding. */
#ifndef HW_STUDY_GATES_H
#define HW_STUDY_GATES_H

#include "classify/classifier.h"

typedef struct hw_gates hw_gates;

/* The classifier outlives it. */
hw_gates *hw_gates_new(const hw_classifier *classifier, hw_error *err);
void hw_gates_free(hw_gates *gates); /* accepts NULL */

/* Layers times heads. */
size_t hw_gates_count(const hw_gates *gates);
/* values: [hw_gates_count] of a text, in (0, 1). */
hw_status hw_gates_read(float *values, hw_gates *gates, hw_text text, hw_error *err);
/* probabilities: [labels] of a text as if its gates were values. */
hw_status hw_gates_classify(float *probabilities, hw_gates *gates, hw_text text,
                            const float *values, hw_error *err);

#endif
