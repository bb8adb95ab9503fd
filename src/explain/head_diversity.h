/* How different the heads of a layer look, from the weights of the same queries. */
#ifndef HW_EXPLAIN_HEAD_DIVERSITY_H
#define HW_EXPLAIN_HEAD_DIVERSITY_H

#include "explain/head_text.h"

typedef struct hw_head_diversity {
    size_t heads;
    double queries;
    double *divergence; /* [heads][heads] sums of Jensen-Shannon divergences (Lin 1991), by ln 2 */
    double *gram;       /* [heads][heads] sums of products of weights less 1 / n */
} hw_head_diversity;

hw_status hw_head_diversity_start(hw_head_diversity *diversity, size_t heads, hw_error *err);
void hw_head_diversity_free(hw_head_diversity *diversity);
/* Adds a text of at least two tokens. weights: [heads][text->count][text->count] */
void hw_head_diversity_add(hw_head_diversity *diversity, const float *weights,
                           const hw_head_text *text);
void hw_head_diversity_merge(hw_head_diversity *diversity, const hw_head_diversity *more);
/* distance: [heads][heads] in [0, 1], 0: two heads look alike. Returns how many heads there are in
 * effect, 1 to heads: exp of the entropy of the shares of variance of the principal directions of
 * the weights less uniform ones. NaN if no head is other than uniform. Destroys the sums. */
double hw_head_diversity_finish(double *distance, hw_head_diversity *diversity);

#endif
