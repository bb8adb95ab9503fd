/* Losses over logits, with their gradients. */
#ifndef HW_MODEL_LOSS_H
#define HW_MODEL_LOSS_H

#include "tensor/kernels.h"

/* Cross-entropy of softmax(logits) against (1-smoothing) * one-hot + smoothing / labels,
 * times weight (Szegedy et al. 2016, section 7). logits: [labels]; d_logits: [labels] =
 * weight * (p - target). Returns the loss. */
double hw_softmax_loss(float *d_logits, const float *logits, size_t labels, size_t label,
                       float smoothing, float weight, const hw_kernels *kernels);

/* Sum over labels of binary cross-entropy of sigmoid(logits); targets: [labels], 0 or 1. */
double hw_sigmoid_loss(float *d_logits, const float *logits, const float *targets, size_t labels,
                       float weight);

/* Margin loss of the activations a = sigmoid(logits) of capsules: the sum over labels of
 * t max(0, 0.9 - a)^2 + 0.25 (1 - t) max(0, a - 0.1)^2 (Sabour et al. 2017, eq. 4, with the weight
 * of Zhao et al. 2018); targets: [labels], 0 or 1. */
double hw_margin_loss(float *d_logits, const float *logits, const float *targets, size_t labels,
                      float weight);

#endif
