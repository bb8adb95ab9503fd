/* Multi-head self-attention of an encoder's layer. */
#ifndef HW_ENCODER_ATTENTION_H
#define HW_ENCODER_ATTENTION_H

#include "encoder/pass.h"

/* y[rows][width] = W_o heads + bias, from tape->attention.u[tokens][width]. */
void hw_encoder_attention_forward(float *y, const hw_encoder_pass *pass, int32_t layer);
/* d_u[tokens][width] from d_y[rows][width]. */
void hw_encoder_attention_backward(float *d_u, float *gradient, const hw_encoder_pass *pass,
                                   int32_t layer, const float *d_y);

#endif
