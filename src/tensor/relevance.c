/* Invariant: rows and elements stand alone, as in the kernels that these take the place of. */
#include "tensor/relevance.h"

enum { PIECE = 64 };

typedef void activate_fn(float *y, const float *x, size_t n);

/* d_x = d_y * y(x) / x; d_x may be d_y. slope: y / x where x is 0. */
static void activation_backward(float *d_x, const float *d_y, const float *x, size_t n,
                                activate_fn *activate, float slope) {
    float y[PIECE];
    for (size_t first = 0; first < n; first += PIECE) {
        const size_t count = n - first < PIECE ? n - first : PIECE;
        activate(y, x + first, count);
        for (size_t i = 0; i < count; i++) {
            const float in = x[first + i];
            d_x[first + i] = d_y[first + i] * (in != 0 ? y[i] / in : slope);
        }
    }
}

static void gelu_backward(float *d_x, const float *d_y, const float *x, size_t n) {
    activation_backward(d_x, d_y, x, n, hw_kernels_select()->gelu, 0.5f);
}

static void gelu_erf_backward(float *d_x, const float *d_y, const float *x, size_t n) {
    activation_backward(d_x, d_y, x, n, hw_kernels_select()->gelu_erf, 0.5f);
}

static void silu_backward(float *d_x, const float *d_y, const float *x, size_t n) {
    activation_backward(d_x, d_y, x, n, hw_kernels_select()->silu, 0.5f);
}

static void tanh_backward(float *d_x, const float *d_y, const float *x, size_t n) {
    activation_backward(d_x, d_y, x, n, hw_kernels_select()->tanh, 1.0f);
}

/* Of y = (x - mean(x)) * rstd * gain + bias with a constant rstd. */
static void norm_backward(float *d_x, float *d_gain, float *d_bias, const float *d_y,
                          const float *x, const float *mean, const float *rstd, const float *gain,
                          size_t rows, size_t n) {
    (void)d_gain, (void)d_bias, (void)x, (void)mean;
    for (size_t row = 0; row < rows; row++, d_x += n, d_y += n) {
        float sum = 0;
        for (size_t i = 0; i < n; i++) sum += gain[i] * d_y[i];
        for (size_t i = 0; i < n; i++) d_x[i] += rstd[row] * (gain[i] * d_y[i] - sum / (float)n);
    }
}

hw_kernels hw_relevance_kernels(const hw_kernels *kernels) {
    hw_kernels changed = *kernels; /* relu's slope is already y / x */
    changed.gelu_backward = gelu_backward;
    changed.gelu_erf_backward = gelu_erf_backward;
    changed.silu_backward = silu_backward;
    changed.tanh_backward = tanh_backward;
    changed.norm_backward = norm_backward;
    changed.relevance = true;
    return changed;
}

void hw_relevance_halve(float *x, size_t stride, size_t rows, size_t n, const hw_kernels *kernels) {
    if (!kernels->relevance) return;
    for (size_t row = 0; row < rows; row++)
        for (size_t i = 0; i < n; i++) x[row * stride + i] *= 0.5f;
}
