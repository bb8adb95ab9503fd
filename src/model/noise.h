/* The masks of a training pass. Invariant: a mask is a function of (seed, step, number of
 * the text in the step, layer), not of how a step is cut into batches. */
#ifndef HW_MODEL_NOISE_H
#define HW_MODEL_NOISE_H

#include "model/tower.h"

/* Dropout (Srivastava et al. 2014) of one text's embedded tokens x[tokens][width], and of
 * its pooled vector x[n]: kept elements are divided by the share that is kept. The
 * gradient is masked by the same call. */
void hw_noise_drop_embedding(float *x, size_t n, const hw_tower_noise *noise, size_t text);
void hw_noise_drop_pooled(float *x, size_t n, const hw_tower_noise *noise, size_t text);

/* logit[heads]: ln u - ln(1 - u) for u uniform in (0, 1), of a text's L0 gates. noise may be NULL:
 * all 0. */
void hw_noise_logits(float *logit, size_t heads, const hw_tower_noise *noise, size_t layer,
                     size_t text);

/* factor[heads]: 0 for a dropped head, else heads / kept heads (Zhou et al. 2020). At
 * least one head is kept. noise may be NULL: all 1. */
void hw_noise_heads(float *factor, size_t heads, const hw_tower_noise *noise, size_t layer,
                    size_t text);

#endif
