/* How alike the outputs of a layer's heads are: linear CKA (Kornblith et al. 2019, section 3),
 *
 *     CKA(a, b) = |Xa' Xb|^2 / (|Xa' Xa| |Xb' Xb|)
 *
 * X: what a head gives to every token, [tokens][head_dim], columns centred; |.|: Frobenius norm. It
 * is 1 of outputs that are the same but for a rotation and a factor.
 * Invariant: sums are over tokens one by one, so it does not matter which of them come together;
 * memory does not grow with the tokens: (heads * head_dim)^2 / 2 numbers and a little. */
#ifndef HW_EXPLAIN_HEAD_ALIGNMENT_H
#define HW_EXPLAIN_HEAD_ALIGNMENT_H

#include "base/error.h"

#include <stddef.h>

typedef struct hw_head_alignment {
    size_t heads, head_dim;
    double tokens;
    double *sum;      /* [heads][head_dim] over the tokens */
    double *products; /* [heads (heads + 1) / 2][head_dim][head_dim] Xa' Xb of columns as they are;
                       * the pairs are (0, 0), (0, 1), ..., (1, 1), (1, 2), ... */
} hw_head_alignment;

hw_status hw_head_alignment_start(hw_head_alignment *alignment, size_t heads, size_t head_dim,
                                  hw_error *err);
void hw_head_alignment_free(hw_head_alignment *alignment);
/* rows: [tokens][heads][head_dim] */
void hw_head_alignment_add(hw_head_alignment *alignment, const float *rows, size_t tokens);
/* distance: [heads][heads] 1 - CKA, in [0, 1]; NaN with a head that always gives the same. */
void hw_head_alignment_finish(double *distance, const hw_head_alignment *alignment);

#endif
