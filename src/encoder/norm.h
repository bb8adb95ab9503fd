/* LayerNorm over the rows of a block, shared by the pool. */
#ifndef HW_ENCODER_NORM_H
#define HW_ENCODER_NORM_H

#include "encoder/pass.h"

/* y[rows][n] from x; mean and rstd [rows] may be NULL. */
void hw_norm_forward(float *y, float *mean, float *rstd, const float *x, const hw_module *module,
                     size_t rows, const hw_encoder_pass *pass);
/* d_x[rows][n] += ..., and the module's part of gradient. */
void hw_norm_backward(float *d_x, float *gradient, const float *d_y, const float *x,
                      const float *mean, const float *rstd, const hw_module *module, size_t rows,
                      const hw_encoder_pass *pass);

#endif
