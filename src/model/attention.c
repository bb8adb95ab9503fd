/* For each text, window and head (Vaswani et al. 2017, eq. 1; Shaw et al. 2018 for the
 * relative positions, here as one bias a head and clipped distance):
 *
 *   scores[i][j] = q_i k_j / sqrt(head_dim) + position[clip(j - i)]
 *   heads[i] = sum over j of softmax(scores[i])[j] v_j
 *   y = x + sum over heads of gate * heads * W_output + output_bias
 *
 * Invariant: tokens see their own window and nothing else. The softmax is not kept: the
 * backward pass computes it again, so memory stays linear in the length of a text. */
#include "model/attention.h"

#include "model/noise.h"
#include "model/projection.h"

#include <math.h>
#include <string.h>

/* ---- Shape: windows of nearly equal length, and one head in one window ---------- */

typedef struct window {
    size_t text, number; /* of the window in its text */
    size_t begin, end;   /* tokens of the batch */
} window;

static window window_at(const hw_pass *pass, size_t text, size_t number) {
    const size_t longest = (size_t)pass->config->window;
    const size_t start = pass->batch.offsets[text];
    const size_t tokens = pass->batch.offsets[text + 1] - start;
    const size_t windows = (tokens + longest - 1) / longest;
    return (window){ .text = text,
                     .number = number,
                     .begin = start + tokens * number / windows,
                     .end = start + tokens * (number + 1) / windows };
}

/* Past the last one, text is batch.texts. */
static window window_after(const hw_pass *pass, window w) {
    if (w.end < pass->batch.offsets[w.text + 1]) return window_at(pass, w.text, w.number + 1);
    if (w.text + 1 < pass->batch.texts) return window_at(pass, w.text + 1, 0);
    return (window){ .text = pass->batch.texts };
}

typedef struct head_view {
    const float *q, *k, *v; /* [n][head_dim], row stride 3 * width */
    const float *position;  /* [2 * distance + 1] */
    size_t n, head_dim;
    size_t width;  /* of all heads */
    size_t stride; /* of scores */
    size_t distance;
} head_view;

static head_view view_head(const hw_pass *pass, const float *qkv, const hw_tower_layer *weights,
                           window w, size_t head) {
    const size_t width = hw_all_heads_width(pass->config);
    const size_t head_dim = (size_t)pass->config->head_dim;
    const size_t distance = (size_t)pass->config->distance;
    const float *q = qkv + w.begin * 3 * width + head * head_dim;
    return (head_view){ .q = q,
                        .k = q + width,
                        .v = q + 2 * width,
                        .position = weights->position + head * (2 * distance + 1),
                        .n = w.end - w.begin,
                        .head_dim = head_dim,
                        .width = width,
                        .stride = (w.end - w.begin + 15) / 16 * 16,
                        .distance = distance };
}

/* Where the bias of j - i = shift - (n - 1) stands in a head's position. */
static size_t clipped(size_t shift, const head_view *h) {
    const ptrdiff_t distance = (ptrdiff_t)h->distance;
    ptrdiff_t offset = (ptrdiff_t)shift - (ptrdiff_t)(h->n - 1);
    if (offset < -distance) offset = -distance;
    if (offset > distance) offset = distance;
    return (size_t)(offset + distance);
}

/* ---- Forward ---------------------------------------------------------------------- */

static void scale_queries(float *qkv, size_t rows, const hw_tower_config *config) {
    const size_t width = hw_all_heads_width(config);
    const float scale = 1.0f / sqrtf((float)config->head_dim);
    for (size_t row = 0; row < rows; row++)
        for (size_t i = 0; i < width; i++) qkv[row * 3 * width + i] *= scale;
}

static hw_projection qkv_projection(const hw_tower_config *config, const hw_tower_layer *weights) {
    return (hw_projection){ weights->qkv, weights->qkv_bias, (size_t)config->width,
                            3 * hw_all_heads_width(config) };
}

static hw_projection output_projection(const hw_tower_config *config,
                                       const hw_tower_layer *weights) {
    return (hw_projection){ weights->output, weights->output_bias, hw_all_heads_width(config),
                            (size_t)config->width };
}

/* All that is done before tokens meet. */
static void project(const hw_pass *pass, const hw_attention_tape *tape,
                    const hw_tower_layer *weights) {
    const size_t tokens = hw_pass_tokens(pass);
    const hw_norm_tape *norm = &tape->norm;
    pass->kernels->norm(norm->y, norm->mean, norm->rstd, norm->x, weights->attention_norm_gain,
                        weights->attention_norm_bias, HW_NORM_EPSILON, tokens,
                        (size_t)pass->config->width);
    hw_projection_forward(tape->qkv, norm->y, qkv_projection(pass->config, weights), tokens,
                          pass->kernels);
    scale_queries(tape->qkv, tokens, pass->config);
}

/* work->scores[n][n] = softmax(position + q k^T) */
static void weigh(const hw_pass *pass, const head_view *h) {
    const hw_workspace *work = pass->work;
    for (size_t shift = 0; shift + 1 < 2 * h->n; shift++)
        work->near[shift] = h->position[clipped(shift, h)];
    for (size_t i = 0; i < h->n; i++)
        memcpy(work->scores + i * h->stride, work->near + (h->n - 1 - i),
               h->n * sizeof *work->near);
    hw_transpose(work->across, h->stride, h->k, 3 * h->width, h->n, h->head_dim);
    pass->kernels->gemm(work->scores, h->stride, h->q, 3 * h->width, 1, work->across, h->stride,
                        h->n, h->n, h->head_dim, true);
    pass->kernels->softmax(work->scores, h->stride, h->n, h->n);
}

/* gated[tokens][heads * head_dim] = gate * heads, a text's dropped heads being 0 */
static void apply_gates(float *gated, const hw_pass *pass, const float *heads, const float *gates,
                        size_t layer) {
    const size_t count = (size_t)pass->config->heads, head_dim = (size_t)pass->config->head_dim;
    float factor[HW_TOWER_HEADS];
    for (size_t text = 0; text < pass->batch.texts; text++) {
        hw_noise_heads(factor, count, pass->noise, layer, text);
        for (size_t head = 0; head < count; head++) factor[head] *= gates[head];
        const size_t end = pass->batch.offsets[text + 1];
        for (size_t token = pass->batch.offsets[text]; token < end; token++)
            for (size_t head = 0; head < count; head++)
                for (size_t i = 0; i < head_dim; i++) {
                    const size_t at = (token * count + head) * head_dim + i;
                    gated[at] = factor[head] * heads[at];
                }
    }
}

void hw_attention_forward(float *y, const hw_pass *pass, const hw_attention_tape *tape,
                          const hw_tower_layer *weights, size_t layer) {
    const size_t tokens = hw_pass_tokens(pass), width = (size_t)pass->config->width;
    const size_t heads = (size_t)pass->config->heads;
    project(pass, tape, weights);
    for (window w = window_at(pass, 0, 0); w.text < pass->batch.texts; w = window_after(pass, w))
        for (size_t head = 0; head < heads; head++) {
            const head_view h = view_head(pass, tape->qkv, weights, w, head);
            float *out = tape->heads + w.begin * h.width + head * h.head_dim;
            weigh(pass, &h);
            pass->kernels->gemm(out, h.width, pass->work->scores, h.stride, 1, h.v, 3 * h.width,
                                h.n, h.head_dim, h.n, false);
        }
    apply_gates(pass->work->gated, pass, tape->heads, weights->attention_gate, layer);
    if (y != tape->norm.x) memcpy(y, tape->norm.x, tokens * width * sizeof *y);
    hw_projection_add(y, pass->work->gated, output_projection(pass->config, weights), tokens,
                      pass->kernels);
}

/* ---- Backward --------------------------------------------------------------------- */

/* d_heads[tokens][heads * head_dim] is the gradient of gated on entry, of heads on return. */
static void gates_backward(float *d_heads, float *d_gates, const hw_pass *pass, const float *heads,
                           const float *gates, size_t layer) {
    const size_t count = (size_t)pass->config->heads, head_dim = (size_t)pass->config->head_dim;
    float factor[HW_TOWER_HEADS];
    for (size_t text = 0; text < pass->batch.texts; text++) {
        hw_noise_heads(factor, count, pass->noise, layer, text);
        const size_t end = pass->batch.offsets[text + 1];
        for (size_t token = pass->batch.offsets[text]; token < end; token++)
            for (size_t head = 0; head < count; head++) {
                const size_t at = (token * count + head) * head_dim;
                float sum = 0.0f;
                for (size_t i = 0; i < head_dim; i++) {
                    sum += d_heads[at + i] * heads[at + i];
                    d_heads[at + i] *= factor[head] * gates[head];
                }
                d_gates[head] += factor[head] * sum;
            }
    }
}

/* From work->d_scores. d_position: [2 * distance + 1] */
static void position_backward(float *d_position, const hw_pass *pass, const head_view *h) {
    const hw_workspace *work = pass->work;
    memset(work->d_near, 0, (2 * h->n - 1) * sizeof *work->d_near);
    for (size_t i = 0; i < h->n; i++)
        pass->kernels->add(work->d_near + (h->n - 1 - i), work->d_scores + i * h->stride, h->n);
    for (size_t shift = 0; shift + 1 < 2 * h->n; shift++)
        d_position[clipped(shift, h)] += work->d_near[shift];
}

static void show(const hw_pass *pass, hw_attention_block block) {
    if (!pass->watch) return;
    block.weights = pass->work->scores;
    block.gradient = pass->work->d_scores;
    pass->watch->see(pass->watch->context, &block);
}

/* d_q: [n][head_dim], row stride 3 * width, d_k and d_v behind it as k and v are behind q;
 * d_out: [n][head_dim], row stride width. place: where the head and its window are. */
static void head_backward(float *d_q, float *d_position, const hw_pass *pass, const head_view *h,
                          const float *d_out, hw_attention_block place) {
    const hw_workspace *work = pass->work;
    const hw_kernels *kernels = pass->kernels;
    float *d_k = d_q + h->width, *d_v = d_q + 2 * h->width;
    const size_t n = h->n, stride = h->stride, row = 3 * h->width, head_dim = h->head_dim;
    weigh(pass, h);
    hw_transpose(work->across, stride, h->v, row, n, head_dim);
    kernels->gemm(d_v, row, work->scores, 1, stride, d_out, h->width, n, head_dim, n, false);
    kernels->gemm(work->d_scores, stride, d_out, h->width, 1, work->across, stride, n, n, head_dim,
                  false);
    show(pass, place);
    kernels->softmax_backward(work->d_scores, work->scores, stride, n, n);
    position_backward(d_position, pass, h);
    kernels->gemm(d_q, row, work->d_scores, stride, 1, h->k, row, n, head_dim, n, false);
    kernels->gemm(d_k, row, work->d_scores, 1, stride, h->q, row, n, head_dim, n, false);
}

void hw_attention_backward(float *d_x, const hw_tower_layer *gradient, const hw_pass *pass,
                           const hw_attention_tape *tape, const hw_tower_layer *weights,
                           size_t layer) {
    const hw_tower_config *config = pass->config;
    const hw_workspace *work = pass->work;
    const size_t tokens = hw_pass_tokens(pass), heads = (size_t)config->heads;
    apply_gates(work->gated, pass, tape->heads, weights->attention_gate, layer);
    hw_projection_backward(work->d_gated, gradient->output, gradient->output_bias, work->transposed,
                           d_x, work->gated, output_projection(config, weights), tokens,
                           pass->kernels);
    gates_backward(work->d_gated, gradient->attention_gate, pass, tape->heads,
                   weights->attention_gate, layer);
    for (window w = window_at(pass, 0, 0); w.text < pass->batch.texts; w = window_after(pass, w))
        for (size_t head = 0; head < heads; head++) {
            const head_view h = view_head(pass, tape->qkv, weights, w, head);
            const size_t column = head * h.head_dim;
            const hw_attention_block place = { .layer = layer,
                                               .head = head,
                                               .query = w.begin,
                                               .key = w.begin,
                                               .rows = h.n,
                                               .columns = h.n,
                                               .stride = h.stride };
            head_backward(work->d_qkv + w.begin * 3 * h.width + column,
                          gradient->position + (size_t)(h.position - weights->position), pass, &h,
                          work->d_gated + w.begin * h.width + column, place);
        }
    scale_queries(work->d_qkv, tokens, config);
    hw_projection_backward(work->d_norm, gradient->qkv, gradient->qkv_bias, work->transposed,
                           work->d_qkv, tape->norm.y, qkv_projection(config, weights), tokens,
                           pass->kernels);
    pass->kernels->norm_backward(d_x, gradient->attention_norm_gain, gradient->attention_norm_bias,
                                 work->d_norm, tape->norm.x, tape->norm.mean, tape->norm.rstd,
                                 weights->attention_norm_gain, tokens, (size_t)config->width);
}

/* ---- Looking inside ----------------------------------------------------------------- */

void hw_attention_head_outputs(float *y, const hw_attention_tape *tape,
                               const hw_tower_config *config, const hw_tower_layer *weights,
                               const hw_kernels *kernels, size_t tokens, size_t head) {
    const size_t all = hw_all_heads_width(config), head_dim = (size_t)config->head_dim;
    const size_t width = (size_t)config->width;
    kernels->gemm(y, width, tape->qkv + 2 * all + head * head_dim, 3 * all, 1,
                  weights->output + head * head_dim * width, width, tokens, width, head_dim, false);
    for (size_t i = 0; i < tokens * width; i++) y[i] *= weights->attention_gate[head];
}
