/* The loss that moves texts of one label together and others apart: over all pairs of a batch,
 *     1/2 mean over pairs with a common label (1 - cos)^2 + 1/2 mean over the others cos^2
 * of their features, which is the cosine loss of SetFit (Tunstall et al. 2022) with both kinds of
 * pairs weighing the same. */
#ifndef HW_TRAIN_CONTRAST_H
#define HW_TRAIN_CONTRAST_H

#include "classify/metrics.h"
#include "tensor/kernels.h"

/* features, d_features, unit: [count][width], unit is scratch; rows: [count] of targets. Returns
 * the loss. */
double hw_contrast_loss(float *d_features, float *unit, const float *features, size_t width,
                        hw_targets targets, const uint32_t *rows, size_t count,
                        const hw_kernels *kernels);

#endif
