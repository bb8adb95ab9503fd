/* Linear layers of an encoder: y = x W^T + bias, W [out][in], in float, bfloat16 or int8. Modules
 * that read the same x stand side by side (query, key, value): their outputs are columns of one y.
 * Invariant: an element of a result does not depend on how the work is split. */
#ifndef HW_ENCODER_LINEAR_H
#define HW_ENCODER_LINEAR_H

#include "encoder/pass.h"

/* y: [rows][...], row stride ldy, the outputs of modules[count] side by side. x: [rows][in] */
void hw_linears_forward(float *y, size_t ldy, const hw_module *modules, size_t count,
                        const float *x, size_t rows, const hw_encoder_pass *pass);
static inline void hw_linear_forward(float *y, const hw_module *module, const float *x, size_t rows,
                                     const hw_encoder_pass *pass) {
    hw_linears_forward(y, module->rows, module, 1, x, rows, pass);
}

/* d_x[rows][in] = or (add) += the modules' d_y W; NULL: not wanted. gradient: a block like the
 * weights', to which d_y^T x and the sums of d_y's columns are added. */
void hw_linears_backward(float *d_x, float *gradient, const float *d_y, size_t ldy,
                         const hw_module *modules, size_t count, const float *x, size_t rows,
                         const hw_encoder_pass *pass, bool add);
static inline void hw_linear_backward(float *d_x, float *gradient, const float *d_y,
                                      const hw_module *module, const float *x, size_t rows,
                                      const hw_encoder_pass *pass) {
    hw_linears_backward(d_x, gradient, d_y, module->rows, module, 1, x, rows, pass, false);
}

#endif
