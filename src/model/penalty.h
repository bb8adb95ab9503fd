/* What a training pass's loss has beside the labels' (hw_tower_penalties): its gradients, each
 * added where the backward pass comes by. Without noise there are none. */
#ifndef HW_MODEL_PENALTY_H
#define HW_MODEL_PENALTY_H

#include "model/pass.h"

/* d_heads[tokens][heads * head_dim] += */
void hw_outputs_penalty_backward(float *d_heads, const hw_pass *pass,
                                 const hw_attention_tape *tape);
/* d_qkv[tokens][hw_tower_qkv_width] += */
void hw_values_penalty_backward(float *d_qkv, const hw_pass *pass, const hw_attention_tape *tape);
void hw_gates_penalty_backward(const hw_tower_layer *gradient, const hw_pass *pass,
                               const hw_tower_layer *weights);
/* d_attention += of one text; attention: [queries][tokens] */
void hw_overlap_penalty_backward(float *d_attention, const float *attention, size_t tokens,
                                 const hw_pass *pass);

#endif
