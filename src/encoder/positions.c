/* Rotary positions (Su et al. 2021): dimension d of a head's first half and d of its second turn
 * together by position * base^(-2 d / head_dim). Buckets (Raffel et al. 2020) and log buckets (He
 * et al. 2023) give near distances a row each and far ones rows by their logarithm.
 * Invariant: rows of relative positions do not depend on the texts of a batch, only which of them
 * are computed does. */
#include "encoder/positions.h"

#include "encoder/linear.h"
#include "encoder/noise.h"
#include "encoder/norm.h"

#include <math.h>
#include <string.h>

/* ---- Tables -------------------------------------------------------------------------------- */

/* turn: [longest][head_dim], each row cosines, then sines. In float where the models were trained
 * so: the angle of a far position is rounded. */
static void fill_turn(float *turn, size_t longest, size_t head_dim, float base) {
    const size_t half = head_dim / 2;
    for (size_t d = 0; d < half; d++) {
        const float frequency =
            (float)(1.0 / pow((double)base, 2.0 * (double)d / (double)head_dim));
        for (size_t position = 0; position < longest; position++) {
            const float angle = (float)position * frequency;
            turn[position * head_dim + d] = cosf(angle);
            turn[position * head_dim + half + d] = sinf(angle);
        }
    }
}

/* i - j -> bucket: a half for each sign, of which a half is exact. */
static int32_t bucket_of(int32_t i_minus_j, const hw_encoder_config *c) {
    const int32_t half = c->buckets / 2, exact = half / 2;
    const int32_t later = i_minus_j < 0 ? half : 0;
    const int32_t distance = i_minus_j < 0 ? -i_minus_j : i_minus_j;
    if (distance < exact) return later + distance;
    const float ratio =
        logf((float)distance / (float)exact) / (float)log((double)c->max_distance / (double)exact);
    const int32_t far = exact + (int32_t)(ratio * (float)(half - exact));
    return later + (far < half - 1 ? far : half - 1);
}

/* i - j -> its log bucket, in [-buckets, buckets]. */
static int32_t log_bucket_of(int32_t i_minus_j, const hw_encoder_config *c) {
    const int32_t middle = c->buckets / 2;
    const int32_t distance = i_minus_j < 0 ? -i_minus_j : i_minus_j;
    if (distance <= middle) return i_minus_j;
    const float ratio =
        logf((float)distance / (float)middle) / logf((float)(c->max_distance - 1) / (float)middle);
    const int32_t far = (int32_t)ceilf(ratio * (float)(middle - 1)) + middle;
    return i_minus_j < 0 ? -far : far;
}

static int32_t relative_row_of(int32_t i_minus_j, const hw_encoder_config *c) {
    const int32_t span = c->position_rows / 2;
    int32_t row = (c->buckets > 0 ? log_bucket_of(i_minus_j, c) : i_minus_j) + span;
    if (row < 0) row = 0;
    if (row > 2 * span - 1) row = 2 * span - 1;
    return row;
}

void hw_positions_fill(hw_encoder_scratch *s, const hw_encoder_config *config) {
    const float bases[2] = { config->rotary_base, config->rotary_local_base };
    const int32_t longest = (int32_t)s->longest;
    for (int i = 0; i < 2 && s->turn[i]; i++)
        fill_turn(s->turn[i], s->longest, (size_t)config->head_dim, bases[i]);
    for (int32_t shift = -longest; shift < longest && s->relative; shift++)
        s->relative[shift + longest] = config->positions == HW_POSITIONS_BUCKETS
                                           ? bucket_of(shift, config)
                                           : relative_row_of(shift, config);
}

/* ---- Rotary ---------------------------------------------------------------------------------- */

void hw_turn(float *x, size_t ld, size_t tokens, const hw_encoder_pass *pass, int32_t layer,
             bool back) {
    const float *turn = pass->scratch->turn[hw_is_local(pass->config, layer)];
    const size_t half = (size_t)pass->config->head_dim / 2;
    const float sign = back ? -1.0f : 1.0f;
    for (size_t token = 0; token < tokens; token++, x += ld, turn += 2 * half)
        for (size_t d = 0; d < half; d++) {
            const float cosine = turn[d], sine = sign * turn[half + d];
            const float first = x[d], second = x[half + d];
            x[d] = first * cosine - second * sine;
            x[half + d] = second * cosine + first * sine;
        }
}

/* ---- Disentangled ---------------------------------------------------------------------------- */

hw_relative_span hw_relative_span_of(const hw_encoder_pass *pass, size_t n) {
    const ptrdiff_t farthest = (ptrdiff_t)n - 1;
    const int32_t first = hw_relative_row(pass->scratch, -farthest);
    const int32_t last = hw_relative_row(pass->scratch, farthest);
    return (hw_relative_span){ (size_t)first, (size_t)(last - first + 1) };
}

static hw_relative_span span_of_block(const hw_encoder_pass *pass) {
    size_t longest = 1;
    for (size_t text = 0; text < pass->batch.texts; text++) {
        const size_t n = hw_begin_of(pass, text + 1) - hw_begin_of(pass, text);
        if (n > longest) longest = n;
    }
    return hw_relative_span_of(pass, longest);
}

void hw_relative_forward(const hw_encoder_pass *pass) {
    if (pass->config->positions != HW_POSITIONS_DISENTANGLED) return;
    const hw_module *base = hw_base_modules(pass->encoder);
    const hw_embedding_tape *tape = &pass->scratch->embedding;
    const hw_relative_span span = span_of_block(pass);
    const size_t width = (size_t)pass->config->width, at = span.first * width;
    const float *rows = base[HW_MODULE_RELATIVE].weight + at;
    if (pass->config->relative_norm)
        hw_norm_forward(tape->relative + at, tape->relative_mean + span.first,
                        tape->relative_rstd + span.first, rows, &base[HW_MODULE_RELATIVE_NORM],
                        span.count, pass);
    else
        memcpy(tape->relative + at, rows, span.count * width * sizeof *rows);
}

static const hw_module *key_module(const hw_encoder_pass *pass, int32_t layer) {
    const hw_module *modules = hw_layer_modules(pass->encoder, layer);
    return &modules[pass->config->share_attention_keys ? HW_MODULE_KEY : HW_MODULE_POSITION_KEY];
}

static const hw_module *query_module(const hw_encoder_pass *pass, int32_t layer) {
    const hw_module *modules = hw_layer_modules(pass->encoder, layer);
    return &modules[pass->config->share_attention_keys ? HW_MODULE_QUERY
                                                       : HW_MODULE_POSITION_QUERY];
}

/* work->relative: what the layer's linear modules read. Masks cover all rows, whichever of them
 * the block needs. */
static void drop_relative(const hw_encoder_pass *pass, int32_t layer) {
    const size_t rows = (size_t)pass->config->position_rows, width = (size_t)pass->config->width;
    const hw_relative_span span = span_of_block(pass);
    float *relative = pass->scratch->work.relative;
    memcpy(relative + span.first * width, pass->scratch->embedding.relative + span.first * width,
           span.count * width * sizeof *relative);
    hw_encoder_drop_relative(relative, rows, width, pass, (size_t)layer);
}

void hw_relative_layer_forward(const hw_encoder_pass *pass, hw_layer_tape *tape, int32_t layer) {
    const hw_encoder_config *config = pass->config;
    if (config->positions != HW_POSITIONS_DISENTANGLED) return;
    const hw_relative_span span = span_of_block(pass);
    const size_t heads = (size_t)hw_layer_heads_width(config, layer), at = span.first * heads;
    const float *relative = pass->scratch->work.relative + span.first * (size_t)config->width;
    drop_relative(pass, layer);
    if (config->content_to_position)
        hw_linear_forward(tape->position_key + at, key_module(pass, layer), relative, span.count,
                          pass);
    if (!config->position_to_content) return;
    hw_linear_forward(tape->position_query + at, query_module(pass, layer), relative, span.count,
                      pass);
    const float scale = hw_query_scale(config);
    for (size_t i = at; i < at + span.count * heads; i++) tape->position_query[i] *= scale;
}

void hw_relative_layer_begin_backward(const hw_encoder_pass *pass) {
    if (pass->config->positions != HW_POSITIONS_DISENTANGLED) return;
    const hw_encoder_work *work = &pass->scratch->work;
    const size_t floats = (size_t)pass->config->position_rows * (size_t)pass->config->width;
    memset(work->d_position_key, 0, floats * sizeof *work->d_position_key);
    memset(work->d_position_query, 0, floats * sizeof *work->d_position_query);
}

/* One of the two: adds to work->d_relative_layer. */
static void term_backward(float *gradient, const float *d_y, const hw_module *module,
                          const hw_encoder_pass *pass, hw_relative_span span, bool add) {
    const hw_encoder_work *work = &pass->scratch->work;
    const size_t at = span.first * module->columns;
    hw_linears_backward(work->d_relative_layer + at, gradient, d_y + span.first * module->rows,
                        module->rows, module, 1, work->relative + at, span.count, pass, add);
}

void hw_relative_layer_backward(float *gradient, const hw_encoder_pass *pass, int32_t layer) {
    const hw_encoder_config *config = pass->config;
    if (config->positions != HW_POSITIONS_DISENTANGLED) return;
    const hw_encoder_work *work = &pass->scratch->work;
    const hw_relative_span span = span_of_block(pass);
    const size_t width = (size_t)config->width, at = span.first * width;
    const size_t count = span.count * width;
    if (!config->content_to_position && !config->position_to_content) return;
    drop_relative(pass, layer);
    if (config->content_to_position)
        term_backward(gradient, work->d_position_key, key_module(pass, layer), pass, span, false);
    if (config->position_to_content) {
        const float scale = hw_query_scale(config);
        const size_t heads = (size_t)hw_layer_heads_width(config, layer);
        for (size_t i = 0; i < span.count * heads; i++)
            work->d_position_query[span.first * heads + i] *= scale;
        term_backward(gradient, work->d_position_query, query_module(pass, layer), pass, span,
                      config->content_to_position);
    }
    hw_encoder_drop_relative(work->d_relative_layer, (size_t)config->position_rows, width, pass,
                             (size_t)layer);
    pass->kernels->add(work->d_relative + at, work->d_relative_layer + at, count);
}

void hw_relative_backward(float *gradient, const hw_encoder_pass *pass) {
    if (pass->config->positions != HW_POSITIONS_DISENTANGLED) return;
    const hw_module *base = hw_base_modules(pass->encoder);
    const hw_embedding_tape *tape = &pass->scratch->embedding;
    const hw_relative_span span = span_of_block(pass);
    const size_t width = (size_t)pass->config->width, at = span.first * width;
    const float *d_y = pass->scratch->work.d_relative + at;
    float *d_rows = gradient + base[HW_MODULE_RELATIVE].weight_at + at;
    if (pass->config->relative_norm)
        hw_norm_backward(d_rows, gradient, d_y, base[HW_MODULE_RELATIVE].weight + at,
                         tape->relative_mean + span.first, tape->relative_rstd + span.first,
                         &base[HW_MODULE_RELATIVE_NORM], span.count, pass);
    else
        pass->kernels->add(d_rows, d_y, span.count * width);
}
