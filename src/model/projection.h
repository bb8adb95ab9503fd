/* y = x W + b, with what its gradient needs; and the transpose of a matrix. */
#ifndef HW_MODEL_PROJECTION_H
#define HW_MODEL_PROJECTION_H

#include "tensor/kernels.h"

typedef struct hw_projection {
    const float *weight; /* [inputs][outputs] */
    const float *bias;   /* [outputs] */
    size_t inputs, outputs;
} hw_projection;

/* y[rows][outputs] = x[rows][inputs] W + b */
void hw_projection_forward(float *y, const float *x, hw_projection projection, size_t rows,
                           const hw_kernels *kernels);
/* y[rows][outputs] += x[rows][inputs] W + b */
void hw_projection_add(float *y, const float *x, hw_projection projection, size_t rows,
                       const hw_kernels *kernels);
/* Floats of W's transpose in the panels of kernels->pack. */
static inline size_t hw_projection_packed(size_t inputs, size_t outputs) {
    return hw_panels(inputs) * HW_PANEL * outputs;
}

/* d_x = d_y W^T, d_weight += x^T d_y, d_bias += the sum of d_y's rows.
 * packed: [hw_projection_packed], overwritten. */
void hw_projection_backward(float *d_x, float *d_weight, float *d_bias, float *packed,
                            const float *d_y, const float *x, hw_projection projection, size_t rows,
                            const hw_kernels *kernels);

/* y[columns][rows] = x[rows][columns]^T, with row strides ldy and ldx. */
void hw_transpose(float *y, size_t ldy, const float *x, size_t ldx, size_t rows, size_t columns);

#endif
