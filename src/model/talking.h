/* Talking heads (Shazeer et al. 2020, section 4): across the heads of a window, scores are mixed
 * before the softmax and weights after it,
 *
 *   L'_g = sum over h of mix_scores[g][h] L_h,    S = softmax(L'),
 *   A_g  = sum over h of mix_weights[g][h] S_h
 *
 * with h x h matrices that start as the identity: as heads that do not talk. */
#ifndef HW_MODEL_TALKING_H
#define HW_MODEL_TALKING_H

#include "model/attention_weights.h"

/* As hw_weights_forward and hw_weights_backward. */
void hw_talking_forward(const hw_head_group *group);
void hw_talking_backward(float *d_qkv, const hw_tower_layer *gradient, const hw_head_group *group);

#endif
