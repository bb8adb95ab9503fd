/* How much the rows of an attention matrix overlap (Lin et al. 2017, eq. 8): |A A^T - I|^2, the sum
 * of squares of all elements. */
#ifndef HW_MODEL_ORTHOGONALITY_H
#define HW_MODEL_ORTHOGONALITY_H

#include "tensor/kernels.h"

/* a: [rows][n] */
double hw_overlap(const float *a, size_t rows, size_t n, const hw_kernels *kernels);
/* d_a[rows][n] += factor times its gradient, 4 (A A^T - I) A. */
void hw_overlap_backward(float *d_a, const float *a, size_t rows, size_t n, float factor,
                         const hw_kernels *kernels);

#endif
