/* Softmax or sigmoids by model/loss.h, and what class weights add to the latter. */
#include "train/label_loss.h"

#include "model/loss.h"

#include <math.h>

/* Counts a label's positive examples label_weights times: adds what they count beyond once. */
static double weigh_positives(float *d_logits, const float *logits, const float *label_weights,
                              const uint32_t *gold, size_t golds, float weight) {
    double loss = 0;
    for (size_t i = 0; i < golds; i++) {
        const double x = (double)logits[gold[i]];
        const double once = fmax(-x, 0) + log1p(exp(-fabs(x))); /* -ln sigmoid(x) */
        loss += (double)weight * ((double)label_weights[gold[i]] - 1) * once;
        d_logits[gold[i]] *= label_weights[gold[i]];
    }
    return loss;
}

double hw_label_loss_of(float *d_logits, float *target, const hw_label_loss *l, const float *logits,
                        uint32_t row, float share, const hw_kernels *kernels) {
    const uint32_t *gold = l->targets.labels + l->targets.offsets[row];
    const size_t golds = l->targets.offsets[row + 1] - l->targets.offsets[row];
    const float weight = share * l->weights[row];
    if (!l->multi_label)
        return hw_softmax_loss(d_logits, logits, l->labels, gold[0], 0, weight, kernels);
    for (size_t i = 0; i < l->labels; i++) target[i] = 0;
    for (size_t i = 0; i < golds; i++) target[gold[i]] = 1;
    const double loss = hw_sigmoid_loss(d_logits, logits, target, l->labels, weight);
    if (!l->label_weights) return loss;
    return loss + weigh_positives(d_logits, logits, l->label_weights, gold, golds, weight);
}
