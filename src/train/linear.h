/* Linear one-against-the-rest classifiers over sparse features: the n-gram branch.
 * For each label k, with y = +1 for rows that carry k and -1 for the others, minimises
 *     1/2 |w|^2 + C sum_i weight_i max(0, 1 - y_i (w . x_i + b))^2
 * by dual coordinate descent with shrinking (Hsieh et al. 2008, algorithm 3; the bias b is
 * a feature that is always 1). Convex: the result does not depend on a start value.
 * Invariant: a label's problem is solved by one thread in an order that depends on the
 * seed, the label and the rows alone. */
#ifndef HW_TRAIN_LINEAR_H
#define HW_TRAIN_LINEAR_H

#include "base/threads.h"
#include "classify/features.h"
#include "classify/metrics.h"
#include "tensor/kernels.h"

typedef struct hw_sparse {
    const size_t *offsets; /* [rows + 1] into items */
    const hw_feature *items;
    size_t rows, columns;
} hw_sparse;

typedef struct hw_linear_options {
    double regularization;      /* C */
    const float *weights;       /* [rows] of the examples, or NULL: all 1 */
    const float *label_weights; /* [labels] of positive rows, or NULL: all 1 */
    uint64_t seed;
} hw_linear_options;

/* Called on the calling thread between groups of labels; false stops. */
typedef bool hw_linear_progress_fn(void *user, size_t labels_done);

/* rows: [count] the rows of x and targets to learn from. table: [x.columns][labels] and
 * bias: [labels] receive the weights. With two labels that exclude each other one problem
 * is solved and mirrored. HW_ERROR_STOPPED if progress returned false. */
hw_status hw_linear_train(float *table, float *bias, const hw_sparse *x, hw_targets targets,
                          const uint32_t *rows, size_t count, size_t labels,
                          const hw_linear_options *options, hw_pool *pool,
                          hw_linear_progress_fn *progress, void *user, hw_error *err);

/* logits[labels] = bias + sum of value * table row, in the order of the features. */
void hw_linear_logits(float *logits, const float *table, const float *bias,
                      const hw_feature *features, size_t count, size_t labels,
                      const hw_kernels *kernels);

#endif
