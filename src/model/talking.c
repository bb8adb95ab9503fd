/* Mixing is a sum of whole matrices, row by row. Invariant: work->logits holds L and work->mixed
 * holds S from forward to backward of the same group. */
#include "model/talking.h"

#include <string.h>

/* Of the matrices of a group. */
typedef struct shape {
    size_t heads, n, stride, floats; /* of one matrix */
} shape;

static shape shape_of(const hw_head_group *g) {
    const size_t stride = hw_pattern_stride(g->n);
    return (shape){ g->heads, g->n, stride, g->n * stride };
}

/* y[g] = sum over h of mix[g][h] x[h]; transposed: of mix[h][g]. */
static void mix_heads(float *y, const float *x, const float *mix, bool transposed, shape s,
                      const hw_kernels *kernels) {
    memset(y, 0, s.heads * s.floats * sizeof *y);
    for (size_t g = 0; g < s.heads; g++)
        for (size_t h = 0; h < s.heads; h++) {
            const float factor = transposed ? mix[h * s.heads + g] : mix[g * s.heads + h];
            for (size_t i = 0; i < s.n; i++)
                kernels->axpy(y + g * s.floats + i * s.stride, x + h * s.floats + i * s.stride,
                              factor, s.n);
        }
}

/* d_mix[g][h] += d_y[g] . x[h] */
static void mix_backward(float *d_mix, const float *d_y, const float *x, shape s,
                         const hw_kernels *kernels) {
    for (size_t g = 0; g < s.heads; g++)
        for (size_t h = 0; h < s.heads; h++)
            for (size_t i = 0; i < s.n; i++) {
                float product;
                kernels->dot(&product, d_y + g * s.floats + i * s.stride,
                             x + h * s.floats + i * s.stride, s.n);
                d_mix[g * s.heads + h] += product;
            }
}

void hw_talking_forward(const hw_head_group *g) {
    const hw_kernels *kernels = g->pass->kernels;
    const hw_workspace *work = g->pass->work;
    const shape s = shape_of(g);
    for (size_t head = 0; head < s.heads; head++) {
        const hw_pattern p = hw_head_pattern(g, head);
        hw_pattern_forward(work->logits + head * s.floats, &p, g->pass);
    }
    mix_heads(work->mixed, work->logits, g->weights->mix_scores, false, s, kernels);
    kernels->softmax(work->mixed, s.stride, s.heads * s.n, s.n);
    mix_heads(work->scores, work->mixed, g->weights->mix_weights, false, s, kernels);
}

void hw_talking_backward(float *d_qkv, const hw_tower_layer *gradient, const hw_head_group *g) {
    const hw_kernels *kernels = g->pass->kernels;
    const hw_workspace *work = g->pass->work;
    const shape s = shape_of(g);
    mix_backward(gradient->mix_weights, work->d_scores, work->mixed, s, kernels);
    mix_heads(work->d_mixed, work->d_scores, g->weights->mix_weights, true, s, kernels);
    kernels->softmax_backward(work->d_mixed, work->mixed, s.stride, s.heads * s.n, s.n);
    mix_backward(gradient->mix_scores, work->d_mixed, work->logits, s, kernels);
    mix_heads(work->d_scores, work->d_mixed, g->weights->mix_scores, true, s, kernels);
    for (size_t head = 0; head < s.heads; head++) {
        const hw_pattern p = hw_head_pattern(g, head);
        hw_pattern_backward(d_qkv + (p.q - g->qkv), d_qkv + (p.k - g->qkv),
                            gradient->position + (p.position - g->weights->position),
                            work->d_scores + head * s.floats, &p, false, g->pass);
    }
}
