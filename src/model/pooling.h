/* From tokens to one vector a text: [mean | max | one attention for each query]. */
#ifndef HW_MODEL_POOLING_H
#define HW_MODEL_POOLING_H

#include "model/pass.h"

/* tape->pooled from tape->norm.x, the output of the last layer. */
void hw_pooling_forward(const hw_pass *pass, const hw_pooling_tape *tape,
                        const hw_tower_views *weights);

/* d_x[tokens][width] from work->d_pooled[texts][hw_pooled_width]. */
void hw_pooling_backward(float *d_x, const hw_tower_views *gradient, const hw_pass *pass,
                         const hw_pooling_tape *tape, const hw_tower_views *weights);

#endif
