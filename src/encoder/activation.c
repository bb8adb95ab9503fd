/* Invariant: elements stand alone, so it does not matter how rows are shared. */
#include "encoder/activation.h"

#include "tensor/relevance.h"

typedef void activate_fn(float *y, const float *x, size_t n);
typedef void activate_backward_fn(float *d_x, const float *d_y, const float *x, size_t n);

static activate_fn *forward_of(const hw_kernels *kernels, hw_activation activation) {
    switch (activation) {
    case HW_ACTIVATION_GELU_TANH:
        return kernels->gelu;
    case HW_ACTIVATION_RELU:
        return kernels->relu;
    case HW_ACTIVATION_SILU:
        return kernels->silu;
    case HW_ACTIVATION_TANH:
        return kernels->tanh;
    default:
        return kernels->gelu_erf;
    }
}

static activate_backward_fn *backward_of(const hw_kernels *kernels, hw_activation activation) {
    switch (activation) {
    case HW_ACTIVATION_GELU_TANH:
        return kernels->gelu_backward;
    case HW_ACTIVATION_RELU:
        return kernels->relu_backward;
    case HW_ACTIVATION_SILU:
        return kernels->silu_backward;
    case HW_ACTIVATION_TANH:
        return kernels->tanh_backward;
    default:
        return kernels->gelu_erf_backward;
    }
}

typedef struct activating {
    float *y, *d_x, *d_y;
    const float *x;
    hw_activation activation;
    bool gated;
    size_t rows, n;
    const hw_encoder_pass *pass;
} activating;

static size_t end_of(const activating *a, size_t piece) {
    const size_t end = (piece + 1) * HW_ROWS;
    return end < a->rows ? end : a->rows;
}

static void activate_piece(void *context, size_t piece, int32_t worker) {
    (void)worker;
    const activating *a = context;
    activate_fn *activate = forward_of(a->pass->kernels, a->activation);
    const size_t first = piece * HW_ROWS, end = end_of(a, piece), n = a->n;
    if (!a->gated) {
        activate(a->y + first * n, a->x + first * n, (end - first) * n);
        return;
    }
    for (size_t row = first; row < end; row++) {
        const float *x = a->x + row * 2 * n;
        float *y = a->y + row * n;
        activate(y, x, n);
        for (size_t i = 0; i < n; i++) y[i] *= x[n + i];
    }
}

void hw_activate(float *y, const float *x, hw_activation activation, bool gated, size_t rows,
                 size_t n, const hw_encoder_pass *pass) {
    activating a = {
        .y = y, .x = x, .activation = activation, .gated = gated, .rows = rows, .n = n, .pass = pass
    };
    hw_pool_run(pass->scratch->pool, hw_row_pieces(rows), activate_piece, &a);
}

static void activate_piece_backward(void *context, size_t piece, int32_t worker) {
    (void)worker;
    const activating *a = context;
    activate_fn *activate = forward_of(a->pass->kernels, a->activation);
    activate_backward_fn *backward = backward_of(a->pass->kernels, a->activation);
    const size_t first = piece * HW_ROWS, end = end_of(a, piece), n = a->n;
    if (!a->gated) {
        backward(a->d_x + first * n, a->d_y + first * n, a->x + first * n, (end - first) * n);
        return;
    }
    for (size_t row = first; row < end; row++) {
        const float *x = a->x + row * 2 * n;
        float *d_x = a->d_x + row * 2 * n, *d_y = a->d_y + row * n;
        activate(d_x + n, x, n);
        for (size_t i = 0; i < n; i++) d_x[n + i] *= d_y[i];
        for (size_t i = 0; i < n; i++) d_y[i] *= x[n + i];
        backward(d_x, d_y, x, n);
        hw_relevance_halve(d_x, 2 * n, 1, 2 * n, a->pass->kernels);
    }
}

void hw_activate_backward(float *d_x, float *d_y, const float *x, hw_activation activation,
                          bool gated, size_t rows, size_t n, const hw_encoder_pass *pass) {
    activating a = { .d_x = d_x,
                     .d_y = d_y,
                     .x = x,
                     .activation = activation,
                     .gated = gated,
                     .rows = rows,
                     .n = n,
                     .pass = pass };
    hw_pool_run(pass->scratch->pool, hw_row_pieces(rows), activate_piece_backward, &a);
}
