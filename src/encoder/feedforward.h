/* The feed-forward block of an encoder's layer. */
#ifndef HW_ENCODER_FEEDFORWARD_H
#define HW_ENCODER_FEEDFORWARD_H

#include "encoder/pass.h"

/* y[rows][width] = W_2 activation(W_1 u + b_1) + b_2, from tape->inner.u. */
void hw_encoder_feedforward_forward(float *y, const hw_encoder_pass *pass, int32_t layer);
/* d_u[rows][width] from d_y. */
void hw_encoder_feedforward_backward(float *d_u, float *gradient, const hw_encoder_pass *pass,
                                     int32_t layer, const float *d_y);

#endif
