/* Scores and what positions add to them: nothing (learned, rotary), near[j - i] (buckets), or (He
 * et al. 2021, eq. 4)
 *
 *   q_i position_key[row(i - j)] + k_j position_query[row(i - j)].
 *
 * Invariant: a score is computed alike wherever its block begins. */
#include "encoder/scores.h"

#include "base/sizes.h"
#include "encoder/noise.h"
#include "encoder/positions.h"

#include <math.h>
#include <string.h>

/* How far a token of the layer sees. */
static size_t reach_of(const hw_head *h) {
    const bool local = hw_is_local(h->pass->config, h->layer);
    return local ? (size_t)h->pass->config->window / 2 : h->n;
}

hw_score_block hw_score_block_at(const hw_head *h, size_t query) {
    const size_t reach = reach_of(h), rows = hw_smaller(h->queries - query, HW_QUERY_BLOCK);
    const size_t first = query > reach ? (query - reach) / HW_PANEL * HW_PANEL : 0;
    const size_t end = hw_smaller(h->n, query + rows + reach);
    return (hw_score_block){ .query = query,
                             .rows = rows,
                             .first_key = first,
                             .keys = end - first,
                             .stride = hw_padded(end - first) };
}

/* ---- Buckets ---------------------------------------------------------------------------- */

/* The head's column of the table, which all layers share, whichever heads they have left. */
static size_t bucket_column(const hw_head *h) {
    return (size_t)hw_clear_bit_at(h->pass->config->pruned[h->layer], (int32_t)h->head);
}

/* work->near[j - i + n - 1]: the head's bias. */
static void begin_buckets(const hw_head *h) {
    const hw_module *module = &hw_base_modules(h->pass->encoder)[HW_MODULE_BUCKETS];
    const ptrdiff_t n = (ptrdiff_t)h->n;
    for (ptrdiff_t shift = 1 - n; shift < n; shift++) {
        const size_t row = (size_t)hw_relative_row(h->pass->scratch, -shift);
        h->work->near[shift + n - 1] = module->weight[row * module->columns + bucket_column(h)];
    }
}

/* Where the biases of a query's keys begin. */
static size_t near_of(const hw_score_block *b, const hw_head *h, size_t row) {
    return b->first_key + h->n - 1 - (b->query + row);
}

static void buckets_backward(float *gradient, const hw_score_block *b, const hw_head *h) {
    const hw_module *module = &hw_base_modules(h->pass->encoder)[HW_MODULE_BUCKETS];
    float *d_table = gradient + module->weight_at + bucket_column(h), *d_near = h->work->d_near;
    const ptrdiff_t n = (ptrdiff_t)h->n;
    memset(d_near, 0, (2 * h->n - 1) * sizeof *d_near);
    for (size_t row = 0; row < b->rows; row++)
        h->pass->kernels->add(d_near + near_of(b, h, row), h->work->d_scores + row * b->stride,
                              b->keys);
    for (ptrdiff_t shift = 1 - n; shift < n; shift++) {
        const size_t bucket = (size_t)hw_relative_row(h->pass->scratch, -shift);
        d_table[bucket * module->columns] += d_near[shift + n - 1];
    }
}

/* ---- Disentangled ----------------------------------------------------------------------- */

/* Columns of a row of relative positions' keys, and of their queries. */
static size_t heads_width(const hw_head *h) {
    return (size_t)hw_layer_heads_width(h->pass->config, h->layer);
}

static size_t relative_stride(hw_relative_span span) {
    return hw_padded(span.count);
}

/* y[rows][span] = x (row stride ldx) by the span's rows of the head's columns of position */
static void by_relative(float *y, const float *x, size_t ldx, size_t rows, const float *position,
                        const hw_head *h, hw_relative_span span) {
    const size_t width = heads_width(h);
    const size_t head_dim = (size_t)h->pass->config->head_dim;
    h->pass->kernels->pack(h->work->packed_position, position + span.first * width + h->column,
                           width, span.count, head_dim);
    h->pass->kernels->gemm_packed(y, relative_stride(span), x, ldx, h->work->packed_position, NULL,
                                  rows, span.count, head_dim);
}

static void begin_disentangled(const hw_head *h) {
    const hw_relative_span span = hw_relative_span_of(h->pass, h->n);
    if (h->pass->config->position_to_content)
        by_relative(h->work->key_relative, h->k, h->stride, h->n, h->tape->position_query, h, span);
    if (h->work->d_key_relative)
        memset(h->work->d_key_relative, 0,
               h->n * relative_stride(span) * sizeof *h->work->d_key_relative);
}

/* The column of products for i - j, counted from the span's first. */
static size_t relative_column(const int32_t *row_of_zero, ptrdiff_t i_minus_j,
                              hw_relative_span span) {
    return (size_t)row_of_zero[i_minus_j] - span.first;
}

/* Where i - j = 0 is in the table of relative rows. */
static const int32_t *row_of_zero(const hw_head *h) {
    return h->pass->scratch->relative + h->pass->scratch->longest;
}

/* i - j of a block's row and its first key. */
static ptrdiff_t first_shift(const hw_score_block *b, size_t row) {
    return (ptrdiff_t)(b->query + row) - (ptrdiff_t)b->first_key;
}

static void add_content_to_position(const hw_score_block *b, const hw_head *h) {
    const hw_relative_span span = hw_relative_span_of(h->pass, h->n);
    const size_t stride = relative_stride(span);
    const int32_t *zero = row_of_zero(h);
    by_relative(h->work->query_relative, h->q + b->query * h->stride, h->stride, b->rows,
                h->tape->position_key, h, span);
    for (size_t row = 0; row < b->rows; row++) {
        const float *products = h->work->query_relative + row * stride;
        const ptrdiff_t shift = first_shift(b, row);
        float *scores = h->work->scores + row * b->stride;
        for (size_t j = 0; j < b->keys; j++)
            scores[j] += products[relative_column(zero, shift - (ptrdiff_t)j, span)];
    }
}

static void add_position_to_content(const hw_score_block *b, const hw_head *h) {
    const hw_relative_span span = hw_relative_span_of(h->pass, h->n);
    const size_t stride = relative_stride(span);
    const float *products = h->work->key_relative + b->first_key * stride;
    const int32_t *zero = row_of_zero(h);
    for (size_t row = 0; row < b->rows; row++) {
        const ptrdiff_t shift = first_shift(b, row);
        float *scores = h->work->scores + row * b->stride;
        for (size_t j = 0; j < b->keys; j++)
            scores[j] += products[j * stride + relative_column(zero, shift - (ptrdiff_t)j, span)];
    }
}

/* d_products[rows][span] = the sums of d_scores by relative position */
static void content_to_position_products(float *d_products, const hw_score_block *b,
                                         const hw_head *h, hw_relative_span span) {
    const size_t stride = relative_stride(span);
    const int32_t *zero = row_of_zero(h);
    memset(d_products, 0, b->rows * stride * sizeof *d_products);
    for (size_t row = 0; row < b->rows; row++) {
        const ptrdiff_t shift = first_shift(b, row);
        const float *d_scores = h->work->d_scores + row * b->stride;
        for (size_t j = 0; j < b->keys; j++)
            d_products[row * stride + relative_column(zero, shift - (ptrdiff_t)j, span)] +=
                d_scores[j];
    }
}

/* d_q: of the block's first query */
static void content_to_position_backward(float *d_q, const hw_score_block *b, const hw_head *h) {
    const hw_kernels *kernels = h->pass->kernels;
    const hw_relative_span span = hw_relative_span_of(h->pass, h->n);
    const size_t stride = relative_stride(span), width = heads_width(h);
    const size_t head_dim = (size_t)h->pass->config->head_dim;
    const size_t at = span.first * width + h->column;
    float *d_products = h->work->d_query_relative;
    content_to_position_products(d_products, b, h, span);
    kernels->gemm(d_q, h->stride, d_products, stride, 1, h->tape->position_key + at, width, b->rows,
                  head_dim, span.count, true);
    kernels->gemm(h->pass->scratch->work.d_position_key + at, width, d_products, 1, stride,
                  h->q + b->query * h->stride, h->stride, span.count, head_dim, b->rows, true);
}

/* Adds to work->d_key_relative; what follows from it is hw_positions_end_backward's. */
static void position_to_content_backward(const hw_score_block *b, const hw_head *h) {
    const hw_relative_span span = hw_relative_span_of(h->pass, h->n);
    const size_t stride = relative_stride(span);
    float *d_products = h->work->d_key_relative + b->first_key * stride;
    const int32_t *zero = row_of_zero(h);
    for (size_t row = 0; row < b->rows; row++) {
        const ptrdiff_t shift = first_shift(b, row);
        const float *d_scores = h->work->d_scores + row * b->stride;
        for (size_t j = 0; j < b->keys; j++)
            d_products[j * stride + relative_column(zero, shift - (ptrdiff_t)j, span)] +=
                d_scores[j];
    }
}

/* ---- Scores ----------------------------------------------------------------------------- */

void hw_scores_begin(const hw_head *h) {
    const size_t head_dim = (size_t)h->pass->config->head_dim;
    h->pass->kernels->pack(h->work->keys, h->k, h->stride, h->n, head_dim);
    if (h->pass->config->positions == HW_POSITIONS_BUCKETS) begin_buckets(h);
    if (h->pass->config->positions == HW_POSITIONS_DISENTANGLED) begin_disentangled(h);
}

static void add_positions(const hw_score_block *b, const hw_head *h) {
    const hw_encoder_config *config = h->pass->config;
    if (config->positions == HW_POSITIONS_BUCKETS)
        for (size_t row = 0; row < b->rows; row++)
            h->pass->kernels->add(h->work->scores + row * b->stride,
                                  h->work->near + near_of(b, h, row), b->keys);
    if (config->content_to_position) add_content_to_position(b, h);
    if (config->position_to_content) add_position_to_content(b, h);
}

/* A local layer's queries look at the keys within reach. */
static void hide_far(const hw_score_block *b, const hw_head *h) {
    const size_t reach = reach_of(h);
    if (reach >= h->n) return;
    for (size_t row = 0; row < b->rows; row++) {
        const size_t query = b->query + row;
        float *scores = h->work->scores + row * b->stride;
        for (size_t j = 0; j < b->keys; j++) {
            const size_t key = b->first_key + j;
            if (key + reach < query || query + reach < key) scores[j] = -INFINITY;
        }
    }
}

void hw_scores_forward(const hw_score_block *b, const hw_head *h) {
    const size_t head_dim = (size_t)h->pass->config->head_dim;
    h->pass->kernels->gemm_packed(h->work->scores, b->stride, h->q + b->query * h->stride,
                                  h->stride, h->work->keys + b->first_key * head_dim, NULL, b->rows,
                                  b->keys, head_dim);
    add_positions(b, h);
    hide_far(b, h);
    h->pass->kernels->softmax(h->work->scores, b->stride, b->rows, b->keys);
}

static bool is_dropped(const hw_head *h) {
    return h->pass->noise && h->pass->noise->attention_dropout > 0.0f;
}

/* x: scores or their gradients, in place. */
static void drop_block(float *x, const hw_score_block *b, const hw_head *h) {
    hw_encoder_drop_probabilities(x, b->stride, b->query, b->rows, b->first_key, b->keys, h->pass,
                                  (size_t)h->layer, h->text, h->head);
}

const float *hw_scores_drop(const hw_score_block *b, const hw_head *h) {
    if (!is_dropped(h)) return h->work->scores;
    memcpy(h->work->dropped, h->work->scores, b->rows * b->stride * sizeof *h->work->scores);
    drop_block(h->work->dropped, b, h);
    return h->work->dropped;
}

void hw_scores_backward(const hw_score_block *b, const hw_head *h) {
    if (is_dropped(h)) drop_block(h->work->d_scores, b, h);
    h->pass->kernels->softmax_backward(h->work->d_scores, h->work->scores, b->stride, b->rows,
                                       b->keys);
}

bool hw_positions_are_summed(const hw_encoder_config *config) {
    return config->positions == HW_POSITIONS_BUCKETS ||
           config->positions == HW_POSITIONS_DISENTANGLED;
}

void hw_positions_backward(float *d_q, float *gradient, const hw_score_block *b, const hw_head *h) {
    const hw_encoder_config *config = h->pass->config;
    if (config->positions == HW_POSITIONS_BUCKETS) buckets_backward(gradient, b, h);
    if (config->content_to_position) content_to_position_backward(d_q + b->query * h->stride, b, h);
    if (config->position_to_content) position_to_content_backward(b, h);
}

void hw_positions_end_backward(float *d_k, const hw_head *h) {
    if (!h->pass->config->position_to_content) return;
    const hw_kernels *kernels = h->pass->kernels;
    const hw_relative_span span = hw_relative_span_of(h->pass, h->n);
    const size_t stride = relative_stride(span), width = heads_width(h);
    const size_t head_dim = (size_t)h->pass->config->head_dim;
    const size_t position_at = span.first * width + h->column;
    const float *d_products = h->work->d_key_relative;
    kernels->gemm(d_k, h->stride, d_products, stride, 1, h->tape->position_query + position_at,
                  width, h->n, head_dim, span.count, true);
    kernels->gemm(h->pass->scratch->work.d_position_query + position_at, width, d_products, 1,
                  stride, h->k, h->stride, span.count, head_dim, h->n, true);
}
