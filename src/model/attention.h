/* Multi-head self-attention with a relative-position bias and a gate for each head. */
#ifndef HW_MODEL_ATTENTION_H
#define HW_MODEL_ATTENTION_H

#include "model/pass.h"

/* y = x + attention(norm(x)) for the tape's x, which y may be. y, x: [tokens][width];
 * layer: its index, for the noise. */
void hw_attention_forward(float *y, const hw_pass *pass, const hw_attention_tape *tape,
                          const hw_tower_layer *weights, size_t layer);

/* d_x[tokens][width] is the gradient of y on entry, of x on return. */
void hw_attention_backward(float *d_x, const hw_tower_layer *gradient, const hw_pass *pass,
                           const hw_attention_tape *tape, const hw_tower_layer *weights,
                           size_t layer);

/* y[tokens][width] = gate * v * W_output of one head, after hw_attention_forward of one text
 * without noise. gate: the learned one times that of model/head_gates.h. */
void hw_attention_head_outputs(float *y, const hw_attention_tape *tape,
                               const hw_tower_config *config, const hw_tower_layer *weights,
                               const hw_kernels *kernels, size_t tokens, size_t head);

#endif
