/* Losses over logits. Invariant: finite logits give a finite loss and gradient, however
 * large they are. */
#include "model/loss.h"

#include "tensor/exp_scalar.h"

#include <math.h>
#include <string.h>

static size_t largest(const float *x, size_t n) {
    size_t best = 0;
    for (size_t i = 1; i < n; i++)
        if (x[i] > x[best]) best = i;
    return best;
}

/* log sum exp(logits) = the largest logit - log of its probability, which is >= 1 / labels */
double hw_softmax_loss(float *d_logits, const float *logits, size_t labels, size_t label,
                       float smoothing, float weight, const hw_kernels *kernels) {
    memcpy(d_logits, logits, labels * sizeof *d_logits);
    kernels->softmax(d_logits, labels, 1, labels);
    const size_t best = largest(logits, labels);
    const double log_sum = (double)logits[best] - log((double)d_logits[best]);
    const float share = smoothing / (float)labels; /* of each label in the target */
    double expected = (1.0 - (double)smoothing) * (double)logits[label];
    for (size_t i = 0; i < labels; i++) {
        const float target = share + (i == label ? 1.0f - smoothing : 0.0f);
        expected += (double)share * (double)logits[i];
        d_logits[i] = weight * (d_logits[i] - target);
    }
    return (double)weight * (log_sum - expected);
}

/* -t log p - (1 - t) log(1 - p) = max(x, 0) - t x + log(1 + exp(-|x|)) */
double hw_sigmoid_loss(float *d_logits, const float *logits, const float *targets, size_t labels,
                       float weight) {
    double loss = 0.0;
    for (size_t i = 0; i < labels; i++) {
        const double x = (double)logits[i];
        loss += fmax(x, 0.0) - (double)targets[i] * x + log1p(exp(-fabs(x)));
        d_logits[i] = weight * (hw_sigmoid_scalar(logits[i]) - targets[i]);
    }
    return (double)weight * loss;
}

/* da / dx = a (1 - a) */
double hw_margin_loss(float *d_logits, const float *logits, const float *targets, size_t labels,
                      float weight) {
    static const float present = 0.9f, absent = 0.1f, absent_weight = 0.25f;
    double loss = 0.0;
    for (size_t i = 0; i < labels; i++) {
        const float a = hw_sigmoid_scalar(logits[i]), t = targets[i];
        const float low = fmaxf(0.0f, present - a), high = fmaxf(0.0f, a - absent);
        const float share = absent_weight * (1.0f - t);
        loss += (double)(t * low * low + share * high * high);
        d_logits[i] = weight * 2.0f * (share * high - t * low) * a * (1.0f - a);
    }
    return (double)weight * loss;
}
