/* How much the heads of a layer agree (Li et al. 2018, section 3.2, with the sign turned): the mean
 * over a text's tokens and all pairs of heads of the cosine between what the heads have for the
 * token - their values ("subspace"), or what they attend to ("output"). From 0 to 1; the same
 * vector in every head gives 1. */
#ifndef HW_MODEL_DISAGREEMENT_H
#define HW_MODEL_DISAGREEMENT_H

#include <stddef.h>

/* x: the heads' vectors side by side, [tokens][heads * head_dim], rows `stride` apart. */
typedef struct hw_head_vectors {
    const float *x;
    size_t stride, tokens, heads, head_dim;
} hw_head_vectors;

double hw_head_agreement(const hw_head_vectors *vectors);
/* d_x, like x, += factor times its gradient. */
void hw_head_agreement_backward(float *d_x, const hw_head_vectors *vectors, float factor);

#endif
