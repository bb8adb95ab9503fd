/* The feed-forward block: y = x + gate * (gelu(norm(x) W_1 + b_1) W_2 + b_2). */
#ifndef HW_MODEL_FEEDFORWARD_H
#define HW_MODEL_FEEDFORWARD_H

#include "model/pass.h"

/* y: [tokens][width], may be the tape's x. */
void hw_feedforward_forward(float *y, const hw_pass *pass, const hw_feedforward_tape *tape,
                            const hw_tower_layer *weights);

/* d_x[tokens][width] is the gradient of y on entry, of x on return. */
void hw_feedforward_backward(float *d_x, const hw_tower_layer *gradient, const hw_pass *pass,
                             const hw_feedforward_tape *tape, const hw_tower_layer *weights);

#endif
