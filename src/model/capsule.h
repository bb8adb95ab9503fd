/* The capsule readout: from tokens to the logits of labels by routing by agreement. */
#ifndef HW_MODEL_CAPSULE_H
#define HW_MODEL_CAPSULE_H

#include "model/pass.h"

/* logits[texts][hw_tower_columns] from tape->norm.x, the output of the last layer, and
 * tape->heads, its heads. */
void hw_capsule_forward(float *logits, const hw_pass *pass, const hw_capsule_tape *tape,
                        const hw_tower_views *weights);

/* d_x[tokens][width] and tape->d_heads from d_logits. */
void hw_capsule_backward(float *d_x, const hw_tower_views *gradient, const hw_pass *pass,
                         const hw_capsule_tape *tape, const hw_tower_views *weights,
                         const float *d_logits);

#endif
