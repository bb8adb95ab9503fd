/* Collaborative heads (Cordonnier et al. 2020, eq. 8): all heads of a layer share queries and keys
 * of shared_dim columns, and each weighs these columns with a vector of its own,
 *
 *   L_h = q diag(mix_queries[h]) k^T + position_h,    A_h = softmax(L_h)
 *
 * q being divided by sqrt(shared_dim). The vectors start as normal deviates, so that heads differ
 * from the first step on. */
#ifndef HW_MODEL_COLLABORATIVE_H
#define HW_MODEL_COLLABORATIVE_H

#include "model/attention_weights.h"

/* As hw_weights_forward and hw_weights_backward. */
void hw_collaborative_forward(const hw_head_group *group);
void hw_collaborative_backward(float *d_qkv, const hw_tower_layer *gradient,
                               const hw_head_group *group);

#endif
