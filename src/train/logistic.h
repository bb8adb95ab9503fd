/* Logistic regression over dense features: minimises, over weights W and a bias b that is free,
 *     1/sum(weight_i) sum_i weight_i loss(W x_i + b, labels of i) + strength / 2 |W|^2
 * where the loss is that of a softmax, multi-label: the mean over labels of that of sigmoids.
 * Convex, by L-BFGS (Liu and Nocedal 1989). Invariant: the result does not depend on the number of
 * threads. */
#ifndef HW_TRAIN_LOGISTIC_H
#define HW_TRAIN_LOGISTIC_H

#include "base/threads.h"
#include "train/label_loss.h"

typedef struct hw_logistic {
    const float *x; /* [rows of loss.targets][width] */
    size_t width;
    const uint32_t *rows; /* [count] those to learn from */
    size_t count;
    hw_label_loss loss;
    double strength;
} hw_logistic;

/* w: [width + 1][labels], the last row is the bias; it holds the values to start from. */
hw_status hw_logistic_fit(float *w, const hw_logistic *problem, const hw_kernels *kernels,
                          hw_pool *pool, hw_error *err);
/* logits: [count][labels] of rows[count] of x [][width]. */
void hw_logistic_logits(float *logits, const float *w, const float *x, size_t width, size_t labels,
                        const uint32_t *rows, size_t count, const hw_kernels *kernels);

#endif
