/* The loss of one text's logits against its labels, weighted: what everything that learns labels by
 * gradients shares. */
#ifndef HW_TRAIN_LABEL_LOSS_H
#define HW_TRAIN_LABEL_LOSS_H

#include "classify/metrics.h"
#include "tensor/kernels.h"

typedef struct hw_label_loss {
    hw_targets targets;
    const float *weights;       /* [targets.rows] of the examples */
    const float *label_weights; /* [labels] of a label's positive examples, or NULL: all 1 */
    size_t labels;
    bool multi_label; /* the sum over labels of the sigmoid's loss, not the softmax's */
} hw_label_loss;

/* share times the row's weight times its loss, and d_logits [labels] of that. target: [labels]
 * scratch. */
double hw_label_loss_of(float *d_logits, float *target, const hw_label_loss *loss,
                        const float *logits, uint32_t row, float share, const hw_kernels *kernels);

#endif
