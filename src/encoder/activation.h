/* Activations by name, shared by the pool. */
#ifndef HW_ENCODER_ACTIVATION_H
#define HW_ENCODER_ACTIVATION_H

#include "encoder/pass.h"

/* y[rows][n] = activation(x), row strides n and ldx. gated: x's rows are [a | b] of n elements
 * each, and y = activation(a) * b (Shazeer 2020). */
void hw_activate(float *y, const float *x, hw_activation activation, bool gated, size_t rows,
                 size_t n, const hw_encoder_pass *pass);
/* d_x (like x) from d_y[rows][n]; d_y may be overwritten. */
void hw_activate_backward(float *d_x, float *d_y, const float *x, hw_activation activation,
                          bool gated, size_t rows, size_t n, const hw_encoder_pass *pass);

#endif
