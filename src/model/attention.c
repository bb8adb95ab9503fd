/* For each text, window and head (Vaswani et al. 2017, eq. 1):
 *
 *   heads[i] = sum over j of A[i][j] v_j, A being the head's attention weights
 *   y = x + sum over heads of gate * heads * W_output + output_bias
 *
 * Invariant: tokens see their own window and nothing else. The weights are not kept: the
 * backward pass computes them again, so memory stays linear in the length of a text. */
#include "model/attention.h"

#include "model/attention_weights.h"
#include "model/head_gates.h"
#include "model/penalty.h"
#include "model/projection.h"
#include "tensor/relevance.h"

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

/* The heads from `first` on whose weights are made together. */
static hw_head_group group_at(const hw_pass *pass, const float *qkv, const hw_tower_layer *weights,
                              window w, size_t first) {
    return (hw_head_group){ .pass = pass,
                            .weights = weights,
                            .qkv = qkv + w.begin * (size_t)hw_tower_qkv_width(pass->config),
                            .n = w.end - w.begin,
                            .first = first,
                            .heads = hw_group_heads(pass->config) };
}

/* Where the values of a head begin in a row of qkv. */
static size_t value_column(const hw_tower_config *config, size_t head) {
    return 2 * (size_t)hw_tower_query_width(config) + head * (size_t)config->head_dim;
}

/* ---- Forward ---------------------------------------------------------------------- */

static void scale_queries(float *qkv, size_t rows, const hw_tower_config *config) {
    const size_t width = (size_t)hw_tower_query_width(config);
    const size_t stride = (size_t)hw_tower_qkv_width(config);
    const float scale =
        1.0f / sqrtf((float)(config->shared_dim ? config->shared_dim : config->head_dim));
    for (size_t row = 0; row < rows; row++)
        for (size_t i = 0; i < width; i++) qkv[row * stride + i] *= scale;
}

static hw_projection qkv_projection(const hw_tower_config *config, const hw_tower_layer *weights) {
    return (hw_projection){ weights->qkv, weights->qkv_bias, (size_t)config->width,
                            (size_t)hw_tower_qkv_width(config) };
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

/* One head with queries and keys of its own. heads: of the window's tokens, [n][heads * head_dim]
 */
static void attend_alone(float *heads, const hw_head_group *g, size_t longest) {
    const hw_tower_config *config = g->pass->config;
    const hw_workspace *work = g->pass->work;
    const size_t head_dim = (size_t)config->head_dim;
    const hw_pattern p = hw_head_pattern(g, g->first);
    const float *far = work->far + g->first * (2 * longest - 1) + (longest - g->n);
    g->pass->kernels->attend(heads + g->first * head_dim, hw_all_heads_width(config), work->block,
                             p.q, p.k, g->qkv + value_column(config, g->first), p.q_stride, far,
                             g->n, head_dim);
}

/* A group of heads. heads: likewise */
static void attend(float *heads, const hw_head_group *g) {
    const hw_tower_config *config = g->pass->config;
    const size_t head_dim = (size_t)config->head_dim, width = hw_all_heads_width(config);
    const size_t stride = hw_pattern_stride(g->n);
    hw_weights_forward(g);
    for (size_t i = 0; i < g->heads; i++) {
        const size_t head = g->first + i;
        const float *a = hw_group_matrix(g->pass->work->scores, g, i);
        g->pass->kernels->gemm(heads + head * head_dim, width, a, stride, 1,
                               g->qkv + value_column(config, head),
                               (size_t)hw_tower_qkv_width(config), g->n, head_dim, g->n, false);
    }
}

/* gated[tokens][heads * head_dim] = gate * factor * heads */
static void apply_gates(float *gated, const hw_pass *pass, const hw_attention_tape *tape,
                        const float *gates, size_t layer) {
    const size_t count = (size_t)pass->config->heads, head_dim = (size_t)pass->config->head_dim;
    float factor[HW_TOWER_HEADS];
    for (size_t text = 0; text < pass->batch.texts; text++) {
        hw_head_factors(factor, pass, tape, layer, text);
        for (size_t head = 0; head < count; head++) factor[head] *= gates[head];
        const size_t end = pass->batch.offsets[text + 1];
        for (size_t token = pass->batch.offsets[text]; token < end; token++)
            for (size_t head = 0; head < count; head++)
                for (size_t i = 0; i < head_dim; i++) {
                    const size_t at = (token * count + head) * head_dim + i;
                    gated[at] = factor[head] * tape->heads[at];
                }
    }
}

/* Of the longest window of the batch. */
static size_t longest_window(const hw_pass *pass) {
    size_t longest = 0;
    for (window w = window_at(pass, 0, 0); w.text < pass->batch.texts; w = window_after(pass, w))
        if (w.end - w.begin > longest) longest = w.end - w.begin;
    return longest;
}

/* work->far[heads][2 * longest - 1]: a head's position bias by i - j. */
static void spread_positions(const hw_pass *pass, const hw_tower_layer *weights, size_t longest) {
    const size_t distance = (size_t)pass->config->distance;
    for (size_t head = 0; head < (size_t)pass->config->heads; head++)
        hw_pattern_spread(pass->work->far + head * (2 * longest - 1),
                          weights->position + head * (2 * distance + 1), longest, distance);
}

void hw_attention_forward(float *y, const hw_pass *pass, const hw_attention_tape *tape,
                          const hw_tower_layer *weights, size_t layer) {
    const size_t tokens = hw_pass_tokens(pass), width = (size_t)pass->config->width;
    const size_t heads = (size_t)pass->config->heads, longest = longest_window(pass);
    const bool alone = hw_heads_stand_alone(pass->config);
    project(pass, tape, weights);
    if (alone) spread_positions(pass, weights, longest);
    for (window w = window_at(pass, 0, 0); w.text < pass->batch.texts; w = window_after(pass, w))
        for (size_t first = 0; first < heads; first += hw_group_heads(pass->config)) {
            const hw_head_group g = group_at(pass, tape->qkv, weights, w, first);
            float *out = tape->heads + w.begin * hw_all_heads_width(pass->config);
            if (alone)
                attend_alone(out, &g, longest);
            else
                attend(out, &g);
        }
    float *gated = tape->gated ? tape->gated : pass->work->gated;
    hw_head_gates_forward(pass, tape, weights, layer);
    apply_gates(gated, pass, tape, weights->attention_gate, layer);
    if (y != tape->norm.x) memcpy(y, tape->norm.x, tokens * width * sizeof *y);
    hw_projection_add(y, gated, output_projection(pass->config, weights), tokens, pass->kernels);
}

/* ---- Backward --------------------------------------------------------------------- */

/* d_heads[tokens][heads * head_dim] is the gradient of gated on entry, of heads on return; that of
 * the factors is in work->d_gates. */
static void gates_backward(float *d_heads, float *d_gates, const hw_pass *pass,
                           const hw_attention_tape *tape, const float *gates, size_t layer) {
    const size_t count = (size_t)pass->config->heads, head_dim = (size_t)pass->config->head_dim;
    float factor[HW_TOWER_HEADS];
    memset(pass->work->d_gates, 0, pass->batch.texts * count * sizeof *d_gates);
    for (size_t text = 0; text < pass->batch.texts; text++) {
        float *d_factor = pass->work->d_gates + text * count;
        hw_head_factors(factor, pass, tape, layer, text);
        const size_t end = pass->batch.offsets[text + 1];
        for (size_t token = pass->batch.offsets[text]; token < end; token++)
            for (size_t head = 0; head < count; head++) {
                const size_t at = (token * count + head) * head_dim;
                float sum = 0.0f;
                for (size_t i = 0; i < head_dim; i++) {
                    sum += d_heads[at + i] * tape->heads[at + i];
                    d_heads[at + i] *= factor[head] * gates[head];
                }
                d_gates[head] += factor[head] * sum;
                d_factor[head] += gates[head] * sum;
            }
    }
}

/* The heads of a group, but for those that are off. place: their layer and window. */
static void show(const hw_head_group *g, hw_attention_block place) {
    const hw_attention_watch *watch = g->pass->watch;
    for (size_t i = 0; watch && i < g->heads; i++) {
        place.head = g->first + i;
        if (g->weights->attention_gate[place.head] == 0) continue;
        place.weights = hw_group_matrix(g->pass->work->scores, g, i);
        place.gradient = hw_group_matrix(g->pass->work->d_scores, g, i);
        watch->see(watch->context, &place);
    }
}

/* What all heads give. */
static void show_output(const hw_pass *pass, const hw_attention_tape *tape, size_t layer) {
    const hw_attention_watch *watch = pass->watch;
    if (!watch || !watch->see_output) return;
    const hw_attention_output output = { .layer = layer,
                                         .tokens = hw_pass_tokens(pass),
                                         .width = hw_all_heads_width(pass->config),
                                         .heads = tape->heads };
    watch->see_output(watch->context, &output);
}

/* d_qkv: of the window's tokens, [n][hw_tower_qkv_width]; d_heads: [n][heads * head_dim]; place:
 * the layer and the window */
static void attend_backward(float *d_qkv, const hw_tower_layer *gradient, const hw_head_group *g,
                            const float *d_heads, hw_attention_block place) {
    const hw_tower_config *config = g->pass->config;
    const hw_workspace *work = g->pass->work;
    const hw_kernels *kernels = g->pass->kernels;
    const size_t n = g->n, stride = hw_pattern_stride(n), head_dim = (size_t)config->head_dim;
    const size_t row = (size_t)hw_tower_qkv_width(config), width = hw_all_heads_width(config);
    const bool shared = hw_group_matrices(config) < g->heads;
    hw_weights_forward(g);
    for (size_t i = 0; i < g->heads; i++) {
        const size_t head = g->first + i, column = value_column(config, head);
        const float *d_out = d_heads + head * head_dim;
        hw_transpose(work->across, stride, g->qkv + column, row, n, head_dim);
        kernels->gemm(d_qkv + column, row, hw_group_matrix(work->scores, g, i), 1, stride, d_out,
                      width, n, head_dim, n, false);
        kernels->gemm(hw_group_matrix(work->d_scores, g, i), stride, d_out, width, 1, work->across,
                      stride, n, n, head_dim, shared && i > 0);
    }
    show(g, place);
    hw_weights_backward(d_qkv, gradient, g);
}

/* Relevance: what is gathered is a product of weights and values, and the weights' scores are one
 * of queries and keys. Uniform weights are no state. */
static void share_products(float *d_qkv, const hw_pass *pass) {
    const size_t tokens = hw_pass_tokens(pass), row = (size_t)hw_tower_qkv_width(pass->config);
    const size_t scored = 2 * (size_t)hw_tower_query_width(pass->config);
    if (scored == 0) return;
    hw_relevance_halve(d_qkv, row, tokens, row, pass->kernels);
    hw_relevance_halve(d_qkv, row, tokens, scored, pass->kernels);
}

void hw_attention_backward(float *d_x, const hw_tower_layer *gradient, const hw_pass *pass,
                           const hw_attention_tape *tape, const hw_tower_layer *weights,
                           size_t layer) {
    const hw_tower_config *config = pass->config;
    const hw_workspace *work = pass->work;
    const size_t tokens = hw_pass_tokens(pass), heads = (size_t)config->heads;
    show_output(pass, tape, layer);
    apply_gates(work->gated, pass, tape, weights->attention_gate, layer);
    hw_projection_backward(work->d_gated, gradient->output, gradient->output_bias, work->packed,
                           d_x, work->gated, output_projection(config, weights), tokens,
                           pass->kernels);
    if (tape->d_gated)
        pass->kernels->add(work->d_gated, tape->d_gated, tokens * hw_all_heads_width(config));
    gates_backward(work->d_gated, gradient->attention_gate, pass, tape, weights->attention_gate,
                   layer);
    hw_outputs_penalty_backward(work->d_gated, pass, tape);
    for (window w = window_at(pass, 0, 0); w.text < pass->batch.texts; w = window_after(pass, w))
        for (size_t first = 0; first < heads; first += hw_group_heads(config)) {
            const hw_head_group g = group_at(pass, tape->qkv, weights, w, first);
            const hw_attention_block place = { .layer = layer,
                                               .query = w.begin,
                                               .key = w.begin,
                                               .rows = g.n,
                                               .columns = g.n,
                                               .stride = hw_pattern_stride(g.n) };
            attend_backward(work->d_qkv + w.begin * (size_t)hw_tower_qkv_width(config), gradient,
                            &g, work->d_gated + w.begin * hw_all_heads_width(config), place);
        }
    hw_values_penalty_backward(work->d_qkv, pass, tape);
    share_products(work->d_qkv, pass);
    scale_queries(work->d_qkv, tokens, config);
    hw_projection_backward(work->d_norm, gradient->qkv, gradient->qkv_bias, work->packed,
                           work->d_qkv, tape->norm.y, qkv_projection(config, weights), tokens,
                           pass->kernels);
    hw_head_gates_backward(work->d_norm, gradient, pass, tape, weights, layer);
    hw_gates_penalty_backward(gradient, pass, weights);
    pass->kernels->norm_backward(d_x, gradient->attention_norm_gain, gradient->attention_norm_bias,
                                 work->d_norm, tape->norm.x, tape->norm.mean, tape->norm.rstd,
                                 weights->attention_norm_gain, tokens, (size_t)config->width);
}

/* ---- Looking inside ----------------------------------------------------------------- */

void hw_attention_head_outputs(float *y, const hw_attention_tape *tape,
                               const hw_tower_config *config, const hw_tower_layer *weights,
                               const hw_kernels *kernels, size_t tokens, size_t head) {
    const size_t head_dim = (size_t)config->head_dim, width = (size_t)config->width;
    float gate = weights->attention_gate[head];
    if (config->head_gates != HW_HEAD_GATES_NONE) gate *= tape->gates[head];
    kernels->gemm(y, width, tape->qkv + value_column(config, head),
                  (size_t)hw_tower_qkv_width(config), 1, weights->output + head * head_dim * width,
                  width, tokens, width, head_dim, false);
    for (size_t i = 0; i < tokens * width; i++) y[i] *= gate;
}
