/* Pooling of z = norm(x) over all tokens of a text, whatever its windows:
 *
 *   mean_c = sum over i of z_ic / n,  max_c = max over i of z_ic
 *   for each query q: a = softmax(z q / sqrt(width)),  sum over i of a_i z_i
 *
 * Invariant: every token has some weight in the result, and the gradient of a maximum
 * goes to its first place. */
#include "model/pooling.h"

#include "model/penalty.h"
#include "tensor/relevance.h"

#include <math.h>
#include <string.h>

/* ---- Shape: one text ---------------------------------------------------------------- */

typedef struct span {
    const float *z;   /* [n][width] */
    float *attention; /* [queries][n] */
    size_t begin, n, width, queries;
    float scale; /* of the queries' scores */
} span;

static span span_of(const hw_pass *pass, const hw_pooling_tape *tape, size_t text) {
    const size_t begin = pass->batch.offsets[text], width = (size_t)pass->config->width;
    const size_t queries = (size_t)pass->config->queries;
    return (span){ .z = tape->norm.y + begin * width,
                   .attention = tape->attention + begin * queries,
                   .begin = begin,
                   .n = pass->batch.offsets[text + 1] - begin,
                   .width = width,
                   .queries = queries,
                   .scale = 1.0f / sqrtf((float)width) };
}

/* ---- Mean and maximum ----------------------------------------------------------------- */

static void mean_forward(float *mean, const span *s, const hw_kernels *kernels) {
    memset(mean, 0, s->width * sizeof *mean);
    for (size_t i = 0; i < s->n; i++) kernels->add(mean, s->z + i * s->width, s->width);
    for (size_t c = 0; c < s->width; c++) mean[c] /= (float)s->n;
}

/* d_z[n][width] += */
static void mean_backward(float *d_z, const float *d_mean, const span *s,
                          const hw_kernels *kernels) {
    for (size_t i = 0; i < s->n; i++)
        kernels->axpy(d_z + i * s->width, d_mean, 1.0f / (float)s->n, s->width);
}

static void max_forward(float *max, const span *s) {
    memcpy(max, s->z, s->width * sizeof *max);
    for (size_t i = 1; i < s->n; i++)
        for (size_t c = 0; c < s->width; c++) {
            const float z = s->z[i * s->width + c];
            max[c] = z > max[c] ? z : max[c];
        }
}

/* Columns go by strips of 16 (width is a multiple), so that the search is vectors. */
static void max_backward(float *d_z, const float *d_max, const span *s) {
    for (size_t strip = 0; strip < s->width; strip += 16) {
        const float *z = s->z + strip;
        float max[16];
        uint32_t place[16] = { 0 };
        memcpy(max, z, sizeof max);
        for (uint32_t i = 1; i < s->n; i++)
            for (size_t c = 0; c < 16; c++) {
                const float here = z[i * s->width + c];
                place[c] = here > max[c] ? i : place[c];
                max[c] = here > max[c] ? here : max[c];
            }
        for (size_t c = 0; c < 16; c++) d_z[place[c] * s->width + strip + c] += d_max[strip + c];
    }
}

/* ---- Attention of the queries --------------------------------------------------------- */

/* y[queries][n] = scale * x[queries][width] z^T */
static void score(float *y, const float *x, const span *s, const hw_kernels *kernels) {
    for (size_t q = 0; q < s->queries; q++)
        for (size_t i = 0; i < s->n; i++) {
            float *sum = y + q * s->n + i;
            kernels->dot(sum, x + q * s->width, s->z + i * s->width, s->width);
        }
}

static void scale(float *x, float factor, size_t n) {
    for (size_t i = 0; i < n; i++) x[i] *= factor;
}

/* pooled: [queries][width]; query: [queries][width] */
static void queries_forward(float *pooled, const span *s, const float *query,
                            const hw_kernels *kernels) {
    if (s->queries == 0) return;
    score(s->attention, query, s, kernels);
    scale(s->attention, s->scale, s->queries * s->n);
    kernels->softmax(s->attention, s->n, s->queries, s->n);
    kernels->gemm(pooled, s->width, s->attention, s->n, 1, s->z, s->width, s->queries, s->width,
                  s->n, false);
}

/* d_attention: [queries][n], overwritten. */
static void queries_backward(float *d_z, float *d_query, float *d_attention, const float *d_pooled,
                             const span *s, const float *query, const hw_pass *pass) {
    const hw_kernels *kernels = pass->kernels;
    if (s->queries == 0) return;
    score(d_attention, d_pooled, s, kernels);
    hw_overlap_penalty_backward(d_attention, s->attention, s->n, pass);
    kernels->softmax_backward(d_attention, s->attention, s->n, s->queries, s->n);
    scale(d_attention, s->scale, s->queries * s->n);
    kernels->gemm(d_z, s->width, s->attention, 1, s->n, d_pooled, s->width, s->n, s->width,
                  s->queries, true);
    kernels->gemm(d_z, s->width, d_attention, 1, s->n, query, s->width, s->n, s->width, s->queries,
                  true);
    kernels->gemm(d_query, s->width, d_attention, s->n, 1, s->z, s->width, s->queries, s->width,
                  s->n, true);
}

/* ---- All of it -------------------------------------------------------------------------- */

void hw_pooling_forward(const hw_pass *pass, const hw_pooling_tape *tape,
                        const hw_tower_views *weights) {
    const hw_norm_tape *norm = &tape->norm;
    pass->kernels->norm(norm->y, norm->mean, norm->rstd, norm->x, weights->norm_gain,
                        weights->norm_bias, HW_NORM_EPSILON, hw_pass_tokens(pass),
                        (size_t)pass->config->width);
    for (size_t text = 0; text < pass->batch.texts; text++) {
        const span s = span_of(pass, tape, text);
        float *pooled = tape->pooled + text * hw_pooled_width(pass->config);
        mean_forward(pooled, &s, pass->kernels);
        max_forward(pooled + s.width, &s);
        queries_forward(pooled + 2 * s.width, &s, weights->query, pass->kernels);
    }
}

void hw_pooling_backward(float *d_x, const hw_tower_views *gradient, const hw_pass *pass,
                         const hw_pooling_tape *tape, const hw_tower_views *weights) {
    const hw_workspace *work = pass->work;
    const hw_norm_tape *norm = &tape->norm;
    const size_t tokens = hw_pass_tokens(pass), width = (size_t)pass->config->width;
    memset(work->d_norm, 0, tokens * width * sizeof *work->d_norm);
    for (size_t text = 0; text < pass->batch.texts; text++) {
        const span s = span_of(pass, tape, text);
        float *d_z = work->d_norm + s.begin * width;
        float *d_pooled = work->d_pooled + text * hw_pooled_width(pass->config);
        mean_backward(d_z, d_pooled, &s, pass->kernels);
        max_backward(d_z, d_pooled + width, &s);
        hw_relevance_halve(d_pooled + 2 * width, width, s.queries, width, pass->kernels);
        queries_backward(d_z, gradient->query, work->d_attention, d_pooled + 2 * width, &s,
                         weights->query, pass);
    }
    memset(d_x, 0, tokens * width * sizeof *d_x);
    pass->kernels->norm_backward(d_x, gradient->norm_gain, gradient->norm_bias, work->d_norm,
                                 norm->x, norm->mean, norm->rstd, weights->norm_gain, tokens,
                                 width);
}
