/* The straight line from a baseline x' to the inputs x of towers or an encoder, one vector a token:
 *
 *     value(alpha) = w F(x' + alpha (x - x')),    slope_i(alpha) = w <dF/dx_i, x_i - x'_i>
 *
 * F is the label's logit and w how it counts in the score, so that the value's derivative is the
 * sum of the slopes; for HW_EXPLAIN_LRP, dF/dx_i is what tensor/relevance.h says. Invariant: a
 * point's results do not depend on the other points of the call. */
#ifndef HW_EXPLAIN_PATH_H
#define HW_EXPLAIN_PATH_H

#include "explain/attention_matrices.h"
#include "explain/subject.h"
#include "tensor/relevance.h"

typedef struct hw_path hw_path;

/* values: [count]; slopes: [count][tokens], or NULL. */
typedef hw_status hw_path_fn(double *values, double *slopes, hw_path *path, const double *alphas,
                             size_t count, hw_error *err);

/* What the heads attend to at the end of the line, in one tower or one window of the text.
 * matrices->detail says how much of it is wanted. */
typedef hw_status hw_look_fn(hw_attention_matrices *matrices, hw_path *path, size_t reading,
                             hw_error *err);

/* What every path begins with. */
struct hw_path {
    size_t tokens;
    size_t readings; /* towers or windows */
    hw_kernels kernels;
    hw_path_fn *run;
    hw_look_fn *look;
    void (*free)(hw_path *path);
};

/* x: the sums of the tokens' n-grams, x' = 0, which is what an unknown word has. */
hw_path *hw_tower_path_new(const hw_subject *subject, hw_explain_method method, hw_error *err);
/* x: rows of the word embedding; x': for HW_EXPLAIN_IG that of the subject's unknown token, but x
 * for special tokens; else 0 for all. Methods that need the weights of heads and nothing else
 * (attention, rollout, flow) have `look` alone, which takes no gradient; HW_ERROR_UNSUPPORTED of
 * the others if the encoder is int8. */
hw_path *hw_encoder_path_new(const hw_subject *subject, hw_explain_method method, hw_error *err);

/* The one of the two that fits the subject, which has a network. */
static inline hw_path *hw_path_new(const hw_subject *subject, hw_explain_method method,
                                   hw_error *err) {
    return subject->classifier->encoder ? hw_encoder_path_new(subject, method, err)
                                        : hw_tower_path_new(subject, method, err);
}

/* What the path of a method runs with. */
static inline hw_kernels hw_path_kernels(hw_explain_method method) {
    const hw_kernels *kernels = hw_kernels_select();
    return method == HW_EXPLAIN_LRP ? hw_relevance_kernels(kernels) : *kernels;
}

static inline void hw_path_free(hw_path *path) {
    if (path) path->free(path);
}

#endif
