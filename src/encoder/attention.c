/* For each text and head (Vaswani et al. 2017, eq. 1), with what the model's positions add:
 *
 *   scores[i][j] = q_i k_j / sqrt(head_dim) + position(i, j)
 *   heads[i] = sum over j of softmax(scores[i])[j] v_j,      y = heads W_o^T + bias
 *
 * A task is one head of one text. Its scores are made for HW_QUERY_BLOCK queries at a time, and
 * made again in the backward pass, so memory is linear in a text's length.
 * Invariant: tokens see their own text and nothing else. */
#include "encoder/attention.h"

#include "encoder/first_tokens.h"
#include "encoder/linear.h"
#include "encoder/noise.h"
#include "encoder/positions.h"
#include "encoder/scores.h"
#include "tensor/relevance.h"

#include <string.h>

/* ---- One head of one text ------------------------------------------------------------------- */

typedef struct attending {
    const hw_encoder_pass *pass;
    const hw_layer_tape *tape;
    int32_t layer;
    bool first_only; /* queries and what heads give: of the first token of each text */
    float *gradient, *d_qkv;
    const float *d_heads;
} attending;

static size_t layer_heads(const attending *a) {
    return (size_t)hw_layer_heads(a->pass->config, a->layer);
}

static size_t heads_width(const attending *a) {
    return (size_t)hw_layer_heads_width(a->pass->config, a->layer);
}

/* Queries, keys and values of a text's head. */
static hw_head view_head(const attending *a, size_t text, size_t head, int32_t worker) {
    const size_t width = heads_width(a), column = head * (size_t)a->pass->config->head_dim;
    const size_t begin = hw_begin_of(a->pass, text), n = hw_begin_of(a->pass, text + 1) - begin;
    float *qkv = a->tape->qkv + begin * 3 * width + column;
    return (hw_head){ .pass = a->pass,
                      .tape = a->tape,
                      .work = &a->pass->scratch->work.worker[worker],
                      .layer = a->layer,
                      .text = text,
                      .head = head,
                      .begin = begin,
                      .n = n,
                      .queries = a->first_only ? 1 : n,
                      .q = qkv,
                      .k = qkv + width,
                      .v = qkv + 2 * width,
                      .stride = 3 * width,
                      .column = column };
}

/* Of what a text's head gives: where it is in tape->heads, or in its gradient. */
static size_t place_of(const attending *a, const hw_head *h) {
    return (a->first_only ? h->text : h->begin) * heads_width(a) + h->column;
}

/* Once, before queries meet keys. */
static void prepare(const hw_head *h) {
    const size_t head_dim = (size_t)h->pass->config->head_dim;
    const float scale = hw_query_scale(h->pass->config);
    if (h->pass->config->positions == HW_POSITIONS_ROTARY) {
        hw_turn(h->q, h->stride, h->queries, h->pass, h->layer, false);
        hw_turn(h->k, h->stride, h->n, h->pass, h->layer, false);
    }
    for (size_t i = 0; i < h->queries; i++)
        for (size_t d = 0; d < head_dim; d++) h->q[i * h->stride + d] *= scale;
}

/* gradient: as the block's scores, or NULL. */
static void show(const hw_attention_watch *watch, const hw_score_block *b, const hw_head *h,
                 const float *gradient) {
    if (!watch) return;
    const hw_attention_block block = { .layer = (size_t)h->layer,
                                       .head = h->head,
                                       .query = h->begin + b->query,
                                       .key = h->begin + b->first_key,
                                       .rows = b->rows,
                                       .columns = b->keys,
                                       .stride = b->stride,
                                       .weights = h->work->scores,
                                       .gradient = gradient };
    watch->see(watch->context, &block);
}

/* What all heads give, once the pool is done with them. */
static void show_output(const hw_attention_watch *watch, const attending *a) {
    if (!watch || !watch->see_output) return;
    const hw_attention_output output = { .layer = (size_t)a->layer,
                                         .tokens = hw_block_tokens(a->pass),
                                         .width = heads_width(a),
                                         .heads = a->tape->heads };
    watch->see_output(watch->context, &output);
}

/* ---- Forward ---------------------------------------------------------------------------- */

/* out: [queries][head_dim], row stride width */
static void attend(float *out, size_t width, const hw_head *h) {
    const hw_kernels *kernels = h->pass->kernels;
    const size_t head_dim = (size_t)h->pass->config->head_dim;
    hw_scores_begin(h);
    for (size_t query = 0; query < h->queries; query += HW_QUERY_BLOCK) {
        const hw_score_block b = hw_score_block_at(h, query);
        hw_scores_forward(&b, h);
        show(h->pass->scratch->forward_watch, &b, h, NULL);
        kernels->gemm(out + query * width, width, hw_scores_drop(&b, h), b.stride, 1,
                      h->v + b.first_key * h->stride, h->stride, b.rows, head_dim, b.keys, false);
    }
}

static bool is_off(const attending *a, size_t head) {
    const bool *off = a->pass->scratch->heads_off;
    return off && off[(size_t)a->layer * (size_t)a->pass->config->heads + head];
}

/* x: [rows][head_dim], row stride ld */
static void clear(float *x, size_t ld, size_t rows, size_t head_dim) {
    for (size_t row = 0; row < rows; row++) memset(x + row * ld, 0, head_dim * sizeof *x);
}

static void attend_task(void *context, size_t task, int32_t worker) {
    const attending *a = context;
    const size_t heads = layer_heads(a), width = heads_width(a);
    const hw_head h = view_head(a, task / heads, task % heads, worker);
    float *out = a->tape->heads + place_of(a, &h);
    if (is_off(a, h.head)) {
        clear(out, width, h.queries, (size_t)a->pass->config->head_dim);
        return;
    }
    prepare(&h);
    attend(out, width, &h);
}

/* tape->qkv of all tokens, or without queries but of the first. */
static void project(const attending *a) {
    const hw_encoder_pass *pass = a->pass;
    const hw_module *modules = hw_layer_modules(pass->encoder, a->layer);
    const size_t width = (size_t)pass->config->width, of_heads = heads_width(a);
    const size_t tokens = hw_block_tokens(pass), ld = 3 * of_heads;
    const float *all = a->tape->attention.u;
    float *qkv = a->tape->qkv, *u = pass->scratch->work.first[0], *q = pass->scratch->work.first[1];
    if (!a->first_only) {
        hw_linears_forward(qkv, ld, &modules[HW_MODULE_QUERY], 3, all, tokens, pass);
        return;
    }
    hw_first_tokens_take(u, all, width, width, pass);
    hw_linear_forward(q, &modules[HW_MODULE_QUERY], u, pass->batch.texts, pass);
    hw_first_tokens_put(qkv, ld, q, of_heads, pass);
    hw_linears_forward(qkv + of_heads, ld, &modules[HW_MODULE_KEY], 2, all, tokens, pass);
}

void hw_encoder_attention_forward(float *y, const hw_encoder_pass *pass, int32_t layer) {
    const hw_module *output = &hw_layer_modules(pass->encoder, layer)[HW_MODULE_OUTPUT];
    hw_layer_tape *tape = &pass->scratch->layer[layer];
    attending a = {
        .pass = pass, .tape = tape, .layer = layer, .first_only = hw_gives_first_only(pass, layer)
    };
    project(&a);
    hw_relative_layer_forward(pass, tape, layer);
    hw_pool_run(pass->scratch->pool, pass->batch.texts * layer_heads(&a), attend_task, &a);
    show_output(pass->scratch->forward_watch, &a);
    hw_linear_forward(y, output, tape->heads, hw_layer_rows(pass, layer), pass);
}

/* ---- Backward --------------------------------------------------------------------------- */

/* d_q: [queries][head_dim], row stride 3 * width of the layer's heads, d_k and d_v behind it as k
 * and v are behind q; d_out: [queries][head_dim], row stride width. */
static void attend_backward(float *d_q, float *gradient, const hw_head *h, const float *d_out) {
    const hw_kernels *kernels = h->pass->kernels;
    const size_t head_dim = (size_t)h->pass->config->head_dim;
    const size_t ld = h->stride, width = ld / 3;
    float *d_k = d_q + width, *d_v = d_q + 2 * width;
    clear(d_k, ld, h->n, head_dim);
    clear(d_v, ld, h->n, head_dim);
    hw_scores_begin(h);
    kernels->pack(h->work->values, h->v, ld, h->n, head_dim);
    for (size_t query = 0; query < h->queries; query += HW_QUERY_BLOCK) {
        const hw_score_block b = hw_score_block_at(h, query);
        const float *d_rows = d_out + query * width;
        float *d_scores = h->work->d_scores;
        hw_scores_forward(&b, h);
        kernels->gemm(d_v + b.first_key * ld, ld, hw_scores_drop(&b, h), 1, b.stride, d_rows, width,
                      b.keys, head_dim, b.rows, true);
        kernels->gemm_packed(d_scores, b.stride, d_rows, width,
                             h->work->values + b.first_key * head_dim, NULL, b.rows, b.keys,
                             head_dim);
        show(h->pass->scratch->watch, &b, h, d_scores);
        hw_relevance_halve(d_scores, b.stride, b.rows, b.keys, kernels);
        hw_scores_backward(&b, h);
        kernels->gemm(d_q + query * ld, ld, d_scores, b.stride, 1, h->k + b.first_key * ld, ld,
                      b.rows, head_dim, b.keys, false);
        hw_relevance_halve(d_q + query * ld, ld, b.rows, head_dim, kernels);
        kernels->gemm(d_k + b.first_key * ld, ld, d_scores, 1, b.stride, h->q + query * ld, ld,
                      b.keys, head_dim, b.rows, true);
        hw_positions_backward(d_q, gradient, &b, h);
    }
    hw_relevance_halve(d_k, ld, h->n, head_dim, kernels);
    hw_relevance_halve(d_v, ld, h->n, head_dim, kernels);
    hw_positions_end_backward(d_k, h);
}

/* The gradients of what `prepare` did. */
static void prepare_backward(float *d_q, const hw_head *h) {
    const size_t head_dim = (size_t)h->pass->config->head_dim;
    const float scale = hw_query_scale(h->pass->config);
    for (size_t i = 0; i < h->queries; i++)
        for (size_t d = 0; d < head_dim; d++) d_q[i * h->stride + d] *= scale;
    if (h->pass->config->positions == HW_POSITIONS_ROTARY) {
        hw_turn(d_q, h->stride, h->queries, h->pass, h->layer, true);
        hw_turn(d_q + h->stride / 3, h->stride, h->n, h->pass, h->layer, true);
    }
}

static void backward_one(const attending *a, size_t text, size_t head, int32_t worker) {
    const size_t width = heads_width(a);
    const hw_head h = view_head(a, text, head, worker);
    float *d_q = a->d_qkv + h.begin * 3 * width + h.column;
    if (is_off(a, head)) {
        for (size_t part = 0; part < 3; part++)
            clear(d_q + part * width, 3 * width, h.n, (size_t)a->pass->config->head_dim);
        return;
    }
    attend_backward(d_q, a->gradient, &h, a->d_heads + place_of(a, &h));
    prepare_backward(d_q, &h);
}

/* All texts of one head, because their positions' gradients are summed. */
static void backward_head(void *context, size_t head, int32_t worker) {
    const attending *a = context;
    for (size_t text = 0; text < a->pass->batch.texts; text++) backward_one(a, text, head, worker);
}

static void backward_task(void *context, size_t task, int32_t worker) {
    const attending *a = context;
    const size_t heads = layer_heads(a);
    backward_one(a, task / heads, task % heads, worker);
}

/* The slopes of the layer's heads: output times gradient, summed over a text's tokens. */
static void write_slopes(const attending *a) {
    const hw_encoder_config *config = a->pass->config;
    const size_t stride = (size_t)config->heads, layers = (size_t)config->layers;
    const size_t head_dim = (size_t)config->head_dim, width = heads_width(a);
    float *slopes = a->pass->scratch->head_slopes;
    for (size_t text = 0; slopes && text < a->pass->batch.texts; text++) {
        float *row = slopes + (text * layers + (size_t)a->layer) * stride;
        memset(row, 0, stride * sizeof *row);
        for (size_t head = 0; head < layer_heads(a); head++)
            for (size_t token = hw_begin_of(a->pass, text); token < hw_begin_of(a->pass, text + 1);
                 token++) {
                const size_t at = token * width + head * head_dim;
                float product;
                a->pass->kernels->dot(&product, a->tape->heads + at, a->d_heads + at, head_dim);
                row[head] += product;
            }
    }
}

/* As `project`. */
static void project_backward(float *d_u, const attending *a) {
    const hw_encoder_pass *pass = a->pass;
    const hw_module *modules = hw_layer_modules(pass->encoder, a->layer);
    const size_t width = (size_t)pass->config->width, of_heads = heads_width(a);
    const size_t tokens = hw_block_tokens(pass), ld = 3 * of_heads;
    const hw_encoder_work *work = &pass->scratch->work;
    const float *all = a->tape->attention.u;
    float *u = work->first[0], *d_first = work->first[1], *d_q = work->d_heads; /* done with */
    if (!a->first_only) {
        hw_linears_backward(d_u, a->gradient, a->d_qkv, ld, &modules[HW_MODULE_QUERY], 3, all,
                            tokens, pass, false);
        return;
    }
    hw_linears_backward(d_u, a->gradient, a->d_qkv + of_heads, ld, &modules[HW_MODULE_KEY], 2, all,
                        tokens, pass, false);
    hw_first_tokens_take(u, all, width, width, pass);
    hw_first_tokens_take(d_q, a->d_qkv, ld, of_heads, pass);
    hw_linear_backward(d_first, a->gradient, d_q, &modules[HW_MODULE_QUERY], u, pass->batch.texts,
                       pass);
    hw_first_tokens_add(d_u, d_first, width, pass);
}

void hw_encoder_attention_backward(float *d_u, float *gradient, const hw_encoder_pass *pass,
                                   int32_t layer, const float *d_y) {
    const hw_encoder_config *config = pass->config;
    const hw_module *output = &hw_layer_modules(pass->encoder, layer)[HW_MODULE_OUTPUT];
    const hw_encoder_work *work = &pass->scratch->work;
    const hw_layer_tape *tape = &pass->scratch->layer[layer];
    const size_t heads = (size_t)hw_layer_heads(config, layer);
    attending a = { .pass = pass,
                    .tape = tape,
                    .layer = layer,
                    .first_only = hw_gives_first_only(pass, layer),
                    .gradient = gradient,
                    .d_qkv = work->d_qkv,
                    .d_heads = work->d_heads };
    show_output(pass->scratch->watch, &a);
    hw_linear_backward(work->d_heads, gradient, d_y, output, tape->heads,
                       hw_layer_rows(pass, layer), pass);
    write_slopes(&a);
    hw_relative_layer_begin_backward(pass);
    if (hw_positions_are_summed(config))
        hw_pool_run(pass->scratch->pool, heads, backward_head, &a);
    else
        hw_pool_run(pass->scratch->pool, pass->batch.texts * heads, backward_task, &a);
    project_backward(d_u, &a);
    hw_relative_layer_backward(gradient, pass, layer);
}

/* ---- Looking inside ----------------------------------------------------------------------- */

void hw_encoder_watch(hw_encoder_scratch *scratch, const hw_attention_watch *watch) {
    scratch->watch = watch;
}

void hw_encoder_watch_forward(hw_encoder_scratch *scratch, const hw_attention_watch *watch) {
    scratch->forward_watch = watch;
}

void hw_encoder_watch_heads(hw_encoder_scratch *scratch, float *slopes) {
    scratch->head_slopes = slopes;
}

void hw_encoder_head_outputs(float *y, const hw_encoder_scratch *scratch, const hw_encoder *encoder,
                             const hw_kernels *kernels, size_t tokens, size_t layer, size_t head) {
    const size_t width = (size_t)encoder->config.width;
    const size_t head_dim = (size_t)encoder->config.head_dim, column = head * head_dim;
    const hw_module *output = &hw_layer_modules(encoder, (int32_t)layer)[HW_MODULE_OUTPUT];
    const size_t heads = output->columns;
    for (size_t i = 0; i < tokens; i++) {
        const float *v = scratch->layer[layer].qkv + (3 * i + 2) * heads + column;
        for (size_t o = 0; o < width; o++)
            kernels->dot(y + i * width + o, v, output->weight + o * heads + column, head_dim);
    }
}
