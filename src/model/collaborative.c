/* A head's pattern has the blended queries q diag(m). Invariant: work->blended holds them from
 * forward to backward of the same head; the first head of a window starts d_q and d_k. */
#include "model/collaborative.h"

#include <string.h>

/* y[n][dim] = x[n][dim] diag(m), row strides y_stride and x_stride; add: y +=. */
static void blend(float *y, size_t y_stride, const float *x, size_t x_stride, const float *m,
                  bool add, const hw_pattern *p) {
    for (size_t i = 0; i < p->n; i++)
        for (size_t c = 0; c < p->dim; c++) {
            const float product = x[i * x_stride + c] * m[c];
            y[i * y_stride + c] = add ? y[i * y_stride + c] + product : product;
        }
}

/* The head's blended queries, made in work->blended or to be made there. */
static hw_pattern pattern_of(const hw_head_group *g) {
    hw_pattern p = hw_head_pattern(g, g->first);
    p.dim = (size_t)g->pass->config->shared_dim;
    p.q = g->pass->work->blended;
    p.q_stride = p.dim;
    p.k = g->qkv + p.dim;
    return p;
}

void hw_collaborative_forward(const hw_head_group *g) {
    const hw_workspace *work = g->pass->work;
    const hw_pattern p = pattern_of(g);
    blend(work->blended, p.dim, g->qkv, p.k_stride, g->weights->mix_queries + g->first * p.dim,
          false, &p);
    hw_pattern_forward(work->scores, &p, g->pass);
    g->pass->kernels->softmax(work->scores, hw_pattern_stride(g->n), g->n, g->n);
}

void hw_collaborative_backward(float *d_qkv, const hw_tower_layer *gradient,
                               const hw_head_group *g) {
    const hw_workspace *work = g->pass->work;
    const hw_pattern p = pattern_of(g);
    const bool add = g->first > 0;
    float *d_m = gradient->mix_queries + g->first * p.dim;
    g->pass->kernels->softmax_backward(work->d_scores, work->scores, hw_pattern_stride(g->n), g->n,
                                       g->n);
    hw_pattern_backward(work->d_blended, d_qkv + p.dim,
                        gradient->position + (p.position - g->weights->position), work->d_scores,
                        &p, add, g->pass);
    for (size_t i = 0; i < p.n; i++)
        for (size_t c = 0; c < p.dim; c++)
            d_m[c] += work->d_blended[i * p.dim + c] * g->qkv[i * p.k_stride + c];
    blend(d_qkv, p.k_stride, work->d_blended, p.dim, g->weights->mix_queries + g->first * p.dim,
          add, &p);
}
