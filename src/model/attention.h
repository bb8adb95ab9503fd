/* Multi-head self-attention with a relative-position bias and a gate for each head. */
#ifndef HW_MODEL_ATTENTION_H
#define HW_MODEL_ATTENTION_H

#include "model/pass.h"

/* qkv[rows][3 * heads * head_dim] of norm.x[rows][width]: all that is done before tokens
 * meet. norm.y is overwritten. */
void hw_attention_project(float *qkv, const hw_pass *pass, const hw_norm_tape *norm,
                          const hw_tower_layer *weights, size_t rows);

/* y = x + attention(x), after hw_attention_project filled the tape; y may be the tape's x.
 * y, x: [tokens][width]; layer: its index, for the noise. */
void hw_attention_forward(float *y, const hw_pass *pass, const hw_attention_tape *tape,
                          const hw_tower_layer *weights, size_t layer);

/* d_x[tokens][width] is the gradient of y on entry, of x on return. */
void hw_attention_backward(float *d_x, const hw_tower_layer *gradient, const hw_pass *pass,
                           const hw_attention_tape *tape, const hw_tower_layer *weights,
                           size_t layer);

#endif
