/* Scores of a window. The bias is laid out once by j - i and copied along the rows. */
#include "model/pattern.h"

#include "model/projection.h"

#include <string.h>

/* Where the bias of j - i = shift - (n - 1) stands in position. */
static size_t clipped(size_t shift, size_t n, size_t distance) {
    const ptrdiff_t farthest = (ptrdiff_t)distance;
    ptrdiff_t offset = (ptrdiff_t)shift - (ptrdiff_t)(n - 1);
    if (offset < -farthest) offset = -farthest;
    if (offset > farthest) offset = farthest;
    return (size_t)(offset + farthest);
}

void hw_pattern_spread(float *far, const float *position, size_t n, size_t distance) {
    for (size_t shift = 0; shift + 1 < 2 * n; shift++)
        far[2 * n - 2 - shift] = position[clipped(shift, n, distance)];
}

void hw_pattern_forward(float *scores, const hw_pattern *p, const hw_pass *pass) {
    const hw_workspace *work = pass->work;
    const size_t n = p->n, stride = hw_pattern_stride(n);
    for (size_t shift = 0; shift + 1 < 2 * n; shift++)
        work->near[shift] = p->position[clipped(shift, n, p->distance)];
    for (size_t i = 0; i < n; i++)
        memcpy(scores + i * stride, work->near + (n - 1 - i), n * sizeof *work->near);
    hw_transpose(work->across, stride, p->k, p->k_stride, n, p->dim);
    pass->kernels->gemm(scores, stride, p->q, p->q_stride, 1, work->across, stride, n, n, p->dim,
                        true);
}

static void position_backward(float *d_position, const float *d_scores, const hw_pattern *p,
                              const hw_pass *pass) {
    const hw_workspace *work = pass->work;
    const size_t n = p->n, stride = hw_pattern_stride(n);
    memset(work->d_near, 0, (2 * n - 1) * sizeof *work->d_near);
    for (size_t i = 0; i < n; i++)
        pass->kernels->add(work->d_near + (n - 1 - i), d_scores + i * stride, n);
    for (size_t shift = 0; shift + 1 < 2 * n; shift++)
        d_position[clipped(shift, n, p->distance)] += work->d_near[shift];
}

void hw_pattern_backward(float *d_q, float *d_k, float *d_position, const float *d_scores,
                         const hw_pattern *p, bool add, const hw_pass *pass) {
    const hw_kernels *kernels = pass->kernels;
    const size_t n = p->n, stride = hw_pattern_stride(n);
    position_backward(d_position, d_scores, p, pass);
    kernels->gemm(d_q, p->q_stride, d_scores, stride, 1, p->k, p->k_stride, n, p->dim, n, false);
    kernels->gemm(d_k, p->k_stride, d_scores, 1, stride, p->q, p->q_stride, n, p->dim, n, add);
}
