/* Rows are few (queries of the pooling), so pairs of them are looked at one by one. */
#include "model/orthogonality.h"

/* Element (row, other) of A A^T - I. */
static float excess(const float *a, size_t row, size_t other, size_t n, const hw_kernels *kernels) {
    float product;
    kernels->dot(&product, a + row * n, a + other * n, n);
    return product - (row == other ? 1.0f : 0.0f);
}

double hw_overlap(const float *a, size_t rows, size_t n, const hw_kernels *kernels) {
    double sum = 0.0;
    for (size_t row = 0; row < rows; row++)
        for (size_t other = 0; other < rows; other++) {
            const float e = excess(a, row, other, n, kernels);
            sum += (double)e * (double)e;
        }
    return sum;
}

void hw_overlap_backward(float *d_a, const float *a, size_t rows, size_t n, float factor,
                         const hw_kernels *kernels) {
    for (size_t row = 0; row < rows; row++)
        for (size_t other = 0; other < rows; other++)
            kernels->axpy(d_a + row * n, a + other * n,
                          4.0f * factor * excess(a, row, other, n, kernels), n);
}
