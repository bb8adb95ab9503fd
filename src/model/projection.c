/* y = x W + b as one gemm over all rows, started from the bias. Invariant: a row of y
 * depends on its row of x alone, bit for bit. */
#include "model/projection.h"

#include <string.h>

static void add_product(float *y, const float *x, hw_projection p, size_t rows,
                        const hw_kernels *kernels) {
    kernels->gemm(y, p.outputs, x, p.inputs, 1, p.weight, p.outputs, rows, p.outputs, p.inputs,
                  true);
}

void hw_projection_forward(float *y, const float *x, hw_projection p, size_t rows,
                           const hw_kernels *kernels) {
    for (size_t row = 0; row < rows; row++)
        memcpy(y + row * p.outputs, p.bias, p.outputs * sizeof *y);
    add_product(y, x, p, rows, kernels);
}

void hw_projection_add(float *y, const float *x, hw_projection p, size_t rows,
                       const hw_kernels *kernels) {
    for (size_t row = 0; row < rows; row++) kernels->add(y + row * p.outputs, p.bias, p.outputs);
    add_product(y, x, p, rows, kernels);
}

void hw_projection_backward(float *d_x, float *d_weight, float *d_bias, float *packed,
                            const float *d_y, const float *x, hw_projection p, size_t rows,
                            const hw_kernels *kernels) {
    for (size_t row = 0; row < rows; row++) kernels->add(d_bias, d_y + row * p.outputs, p.outputs);
    kernels->gemm(d_weight, p.outputs, x, 1, p.inputs, d_y, p.outputs, p.inputs, p.outputs, rows,
                  true);
    kernels->pack(packed, p.weight, p.outputs, p.inputs, p.outputs);
    kernels->gemm_packed(d_x, p.inputs, d_y, p.outputs, packed, NULL, rows, p.inputs, p.outputs);
}

/* In strips of 16 columns, whose 16 rows of y stay in the cache. */
void hw_transpose(float *y, size_t ldy, const float *x, size_t ldx, size_t rows, size_t columns) {
    for (size_t strip = 0; strip < columns; strip += 16) {
        const size_t end = strip + 16 < columns ? strip + 16 : columns;
        for (size_t row = 0; row < rows; row++)
            for (size_t column = strip; column < end; column++)
                y[column * ldy + row] = x[row * ldx + column];
    }
}
