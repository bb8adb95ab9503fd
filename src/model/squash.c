/* With q = |x|^2 + epsilon, |x| = sqrt(q) everywhere. Invariant: all is smooth and finite at
 * x = 0 too, because q is never 0. */
#include "model/squash.h"

#include <math.h>

static const float half = 0.5f, epsilon = 1e-8f;

static float square_of(const float *x, size_t n, const hw_kernels *kernels) {
    float q = 0.0f;
    kernels->dot(&q, x, x, n);
    return q + epsilon;
}

void hw_squash_forward(float *y, const float *x, size_t rows, size_t n, const hw_kernels *kernels) {
    for (size_t row = 0; row < rows; row++, x += n, y += n) {
        const float q = square_of(x, n, kernels);
        const float factor = sqrtf(q) / (half + q);
        for (size_t i = 0; i < n; i++) y[i] = factor * x[i];
    }
}

/* y = f(q) x with f = sqrt(q) / (0.5 + q), so d_x = f d_y + 2 f' (x d_y) x, where
 * 2 f' = (0.5 - q) / (sqrt(q) (0.5 + q)^2) */
void hw_squash_backward(float *d_x, const float *d_y, const float *x, size_t rows, size_t n,
                        const hw_kernels *kernels) {
    for (size_t row = 0; row < rows; row++, x += n, d_y += n, d_x += n) {
        const float q = square_of(x, n, kernels), length = sqrtf(q);
        float product = 0.0f;
        kernels->dot(&product, x, d_y, n);
        const float along = length / (half + q);
        const float across = product * (half - q) / (length * (half + q) * (half + q));
        for (size_t i = 0; i < n; i++) d_x[i] = along * d_y[i] + across * x[i];
    }
}

void hw_squash_log_odds(float *log_odds, const float *x, size_t rows, size_t n,
                        const hw_kernels *kernels) {
    for (size_t row = 0; row < rows; row++)
        log_odds[row] = logf(square_of(x + row * n, n, kernels) / half);
}

void hw_squash_log_odds_backward(float *d_x, const float *d_log_odds, const float *x, size_t rows,
                                 size_t n, const hw_kernels *kernels) {
    for (size_t row = 0; row < rows; row++, x += n, d_x += n) {
        const float factor = 2.0f * d_log_odds[row] / square_of(x, n, kernels);
        for (size_t i = 0; i < n; i++) d_x[i] = factor * x[i];
    }
}
