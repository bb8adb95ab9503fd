/* A scratch is one block of floats that is laid out twice: first on nothing, to learn its size,
 * then for good. Invariant: every array starts at a multiple of 16 floats. */
#include "base/memory.h"
#include "base/sizes.h"
#include "encoder/pass.h"
#include "encoder/positions.h"

/* Tokens that pass through all layers together when there is no backward: what they need stays in
 * the second-level cache. */
enum { INFERENCE_BLOCK = 256 };

/* Their bytes fit in a ptrdiff_t. */
static const size_t most_floats = PTRDIFF_MAX / sizeof(float) - 16;

typedef struct arena {
    float *base; /* NULL while the size is measured */
    size_t used; /* most_floats: too large */
} arena;

static float *take(arena *a, size_t rows, size_t columns) {
    size_t floats = 0;
    if (!hw_mul_size(&floats, rows, columns) || floats > most_floats - a->used) {
        a->used = most_floats;
        return NULL;
    }
    float *array = a->base && floats > 0 ? a->base + a->used : NULL;
    a->used += floats;
    a->used = a->used > most_floats - 16 ? most_floats : hw_padded(a->used);
    return array;
}

static size_t larger(size_t a, size_t b) {
    return a > b ? a : b;
}

static size_t when(bool condition, size_t count) {
    return condition ? count : 0;
}

/* Sizes that many arrays have. */
typedef struct sizes {
    size_t tokens, width, inner, before, dense, relative;
    size_t widest; /* input of a linear layer */
    bool training;
} sizes;

static size_t widest_input(const hw_encoder_config *c) {
    const size_t inputs[] = { (size_t)c->embedding_width, (size_t)c->width, (size_t)c->inner_width,
                              (size_t)c->heads * (size_t)c->head_dim, (size_t)hw_dense_width(c) };
    size_t widest = 0;
    for (size_t i = 0; i < sizeof inputs / sizeof *inputs; i++)
        if (inputs[i] > widest) widest = inputs[i];
    return widest;
}

static sizes sizes_of(const hw_encoder_scratch *s, const hw_encoder_config *c) {
    const size_t inner = (size_t)c->inner_width;
    return (sizes){ .tokens = s->max_tokens,
                    .width = (size_t)c->width,
                    .inner = inner,
                    .before = c->gated ? 2 * inner : inner,
                    .dense = (size_t)hw_dense_width(c),
                    .widest = widest_input(c),
                    .relative =
                        when(c->positions == HW_POSITIONS_DISENTANGLED, (size_t)c->position_rows),
                    .training = s->training };
}

/* ---- Tapes ---------------------------------------------------------------------------------- */

/* middle: what is between x and y. normed: a pre-norm block has a norm before it. */
static hw_residual_tape residual(const hw_encoder_config *c, float *x, float *middle, float *y,
                                 bool normed) {
    if (!c->norm_first) return (hw_residual_tape){ .x = x, .u = x, .sum = middle, .y = y };
    return (hw_residual_tape){ .x = x, .u = normed ? middle : x, .sum = y, .y = y };
}

static void take_statistics(hw_residual_tape *tape, arena *a, const sizes *n) {
    tape->mean = take(a, n->tokens, 1);
    tape->rstd = take(a, n->tokens, 1);
}

static void take_layer(hw_layer_tape *tape, arena *a, const sizes *n, bool separate) {
    tape->qkv = take(a, n->tokens, 3 * n->width);
    tape->heads = take(a, n->tokens, n->width);
    tape->position_key = take(a, n->relative, n->width);
    tape->position_query = take(a, n->relative, n->width);
    tape->before = take(a, n->tokens, n->before);
    tape->after = separate ? take(a, n->tokens, n->inner) : tape->before;
}

static void lay_out_training_layers(hw_encoder_scratch *s, arena *a, const hw_encoder_config *c,
                                    const sizes *n) {
    float *x = take(a, n->tokens, n->width);
    for (int32_t l = 0; l < c->layers; l++) {
        hw_layer_tape *tape = &s->layer[l];
        float *middle = take(a, n->tokens, n->width), *y = take(a, n->tokens, n->width);
        tape->attention = residual(c, x, middle, y, l > 0);
        middle = take(a, n->tokens, n->width);
        x = take(a, n->tokens, n->width);
        tape->inner = residual(c, y, middle, x, true);
        take_statistics(&tape->attention, a, n);
        take_statistics(&tape->inner, a, n);
        take_layer(tape, a, n, true);
    }
}

/* Three arrays in turn. */
static void lay_out_inference_layers(hw_encoder_scratch *s, arena *a, const hw_encoder_config *c,
                                     const sizes *n) {
    float *x = take(a, n->tokens, n->width), *y = take(a, n->tokens, n->width);
    float *middle = take(a, n->tokens, n->width);
    hw_layer_tape shared = { 0 };
    take_layer(&shared, a, n, true);
    for (int32_t l = 0; l < c->layers; l++) {
        s->layer[l] = shared;
        s->layer[l].attention = residual(c, x, middle, y, l > 0);
        s->layer[l].inner = residual(c, y, middle, x, true);
    }
}

static void lay_out_embedding(hw_encoder_scratch *s, arena *a, const hw_encoder_config *c,
                              const sizes *n) {
    const size_t columns = (size_t)c->embedding_width;
    const size_t normed = c->norm_after_projection ? n->width : columns;
    hw_embedding_tape *tape = &s->embedding;
    float *x = s->layer[0].attention.x;
    const bool projected_before = c->project_embedding && c->norm_after_projection;
    const bool projected_after = c->project_embedding && !c->norm_after_projection;
    tape->sum = take(a, n->tokens, columns);
    tape->in = projected_before ? take(a, n->tokens, normed) : tape->sum;
    tape->out = projected_after ? take(a, n->tokens, normed) : x;
    tape->mean = take(a, n->tokens, 1);
    tape->rstd = take(a, n->tokens, 1);
    tape->relative = take(a, n->relative, n->width);
    tape->relative_mean = take(a, n->relative, 1);
    tape->relative_rstd = take(a, n->relative, 1);
}

static void lay_out_readout(hw_encoder_scratch *s, arena *a, const hw_encoder_config *c,
                            const sizes *n) {
    const size_t rows = s->readout_rows, dense = when(c->readout != HW_ENCODER_NONE, n->dense);
    hw_readout_tape *tape = &s->readout;
    s->final_mean = take(a, when(c->norm_first, n->tokens), 1);
    s->final_rstd = take(a, when(c->norm_first, n->tokens), 1);
    s->final = take(a, when(c->norm_first, n->tokens), n->width);
    tape->features = take(a, rows, n->width);
    tape->before = take(a, rows, dense);
    tape->active = take(a, rows, dense);
    tape->norm = hw_has_dense_norm(c) ? take(a, rows, dense) : tape->active;
    tape->mean = take(a, rows, 1);
    tape->rstd = take(a, rows, 1);
}

/* ---- Workspace ------------------------------------------------------------------------------- */

static void lay_out_worker(hw_head_work *work, arena *a, const hw_encoder_scratch *s,
                           const hw_encoder_config *c, const sizes *n) {
    const size_t longest = hw_padded(s->longest), head_dim = (size_t)c->head_dim;
    const size_t block = hw_smaller(longest, HW_QUERY_BLOCK), relative = hw_padded(n->relative);
    const size_t bias = when(c->positions == HW_POSITIONS_BUCKETS, 2 * longest);
    work->keys = take(a, longest, head_dim);
    work->scores = take(a, block, longest);
    work->near = take(a, bias, 1);
    work->packed_position = take(a, relative, head_dim);
    work->query_relative = take(a, block, relative);
    work->key_relative = take(a, longest, relative);
    work->panels = take(a, HW_PANEL_GROUP * HW_PANEL, n->widest);
    if (!n->training) return;
    work->values = take(a, longest, head_dim);
    work->d_scores = take(a, block, longest);
    work->dropped = take(a, block, longest);
    work->d_near = take(a, bias, 1);
    work->d_query_relative = take(a, block, relative);
    work->d_key_relative = take(a, longest, relative);
}

static void lay_out_gradients(hw_encoder_scratch *s, arena *a, const hw_encoder_config *c,
                              const sizes *n) {
    const size_t rows = s->readout_rows, dense = when(c->readout != HW_ENCODER_NONE, n->dense);
    const size_t most_rows = larger(larger(n->tokens, rows), n->relative);
    const size_t widest = larger(n->width, (size_t)c->embedding_width);
    hw_encoder_work *work = &s->work;
    work->d_y = take(a, n->tokens, widest);
    work->d_sum = take(a, n->tokens, n->width);
    work->d_u = take(a, n->tokens, widest);
    work->d_heads = take(a, n->tokens, n->width);
    work->d_qkv = take(a, n->tokens, 3 * n->width);
    work->d_after = take(a, n->tokens, n->inner);
    work->d_before = take(a, n->tokens, n->before);
    work->d_position_key = take(a, n->relative, n->width);
    work->d_position_query = take(a, n->relative, n->width);
    work->d_relative = take(a, n->relative, n->width);
    work->d_relative_layer = take(a, n->relative, n->width);
    work->d_features = take(a, rows, n->width);
    work->d_dense = take(a, rows, dense);
    work->d_norm = take(a, rows, dense);
    work->norm_sums = take(a, hw_row_pieces(most_rows), 2 * widest);
}

static void lay_out_workspace(hw_encoder_scratch *s, arena *a, const hw_encoder_config *c,
                              const sizes *n, int32_t threads) {
    hw_encoder_work *work = &s->work;
    hw_head_work unused;
    work->relative = take(a, n->relative, n->width);
    for (int i = 0; i < 2; i++)
        work->first[i] = take(a, hw_smaller(s->max_texts, n->tokens), n->width);
    const size_t widest = larger(n->width, n->inner);
    const size_t most_rows = larger(n->tokens, n->relative);
    work->pairs = take(a, most_rows, n->training ? 0 : hw_bf16_pairs(widest));
    work->quantized = (int8_t *)work->pairs;
    work->quantized_rows = (hw_int8_row *)take(a, most_rows, sizeof(hw_int8_row) / sizeof(float));
    for (int32_t i = 0; i < threads; i++)
        lay_out_worker(work->worker ? &work->worker[i] : &unused, a, s, c, n);
    if (n->training) lay_out_gradients(s, a, c, n);
}

static void lay_out_positions(hw_encoder_scratch *s, arena *a, const hw_encoder_config *c) {
    const bool turns = c->positions == HW_POSITIONS_ROTARY;
    const bool relative =
        c->positions == HW_POSITIONS_BUCKETS || c->positions == HW_POSITIONS_DISENTANGLED;
    for (int i = 0; i < 2; i++) s->turn[i] = take(a, when(turns, s->longest), (size_t)c->head_dim);
    s->relative = (int32_t *)take(a, when(relative, 2), s->longest);
}

static void lay_out(hw_encoder_scratch *s, arena *a, const hw_encoder_config *c, int32_t threads) {
    const sizes n = sizes_of(s, c);
    if (s->training)
        lay_out_training_layers(s, a, c, &n);
    else
        lay_out_inference_layers(s, a, c, &n);
    lay_out_embedding(s, a, c, &n);
    lay_out_readout(s, a, c, &n);
    lay_out_workspace(s, a, c, &n, threads);
    lay_out_positions(s, a, c);
}

/* ---- Making one ------------------------------------------------------------------------------ */

static void set_limits(hw_encoder_scratch *s, const hw_encoder_config *c, size_t max_texts,
                       size_t max_tokens, size_t longest, bool training) {
    const size_t block = larger(longest, INFERENCE_BLOCK);
    s->max_texts = max_texts;
    s->longest = hw_smaller(longest, max_tokens);
    s->max_tokens = training ? max_tokens : hw_smaller(max_tokens, block);
    s->readout_rows = c->readout == HW_ENCODER_MASKED ? larger(max_tokens, max_texts) : max_texts;
    s->training = training;
}

size_t hw_encoder_scratch_bytes(const hw_encoder_config *config, size_t max_texts,
                                size_t max_tokens, size_t longest, bool training, int32_t threads) {
    arena a = { 0 };
    hw_encoder_scratch scratch = { 0 };
    set_limits(&scratch, config, max_texts, max_tokens, longest, training);
    lay_out(&scratch, &a, config, threads);
    return sizeof scratch + (size_t)threads * sizeof(hw_head_work) +
           (a.used < most_floats ? a.used * sizeof(float) : PTRDIFF_MAX);
}

hw_encoder_scratch *hw_encoder_scratch_new(const hw_encoder_config *config, size_t max_texts,
                                           size_t max_tokens, size_t longest, bool training,
                                           hw_pool *pool, hw_error *err) {
    const int32_t threads = hw_pool_threads(pool);
    const size_t bytes =
        hw_encoder_scratch_bytes(config, max_texts, max_tokens, longest, training, threads);
    hw_encoder_scratch *s = hw_calloc(1, sizeof *s);
    if (!s) return hw_fail_memory(err, sizeof *s), NULL;
    set_limits(s, config, max_texts, max_tokens, longest, training);
    s->pool = pool;
    s->work.worker = hw_calloc((size_t)threads, sizeof *s->work.worker);
    s->block = bytes < PTRDIFF_MAX ? hw_malloc(bytes) : NULL;
    if (!s->work.worker || !s->block) {
        hw_fail_memory(err, bytes);
        hw_encoder_scratch_free(s);
        return NULL;
    }
    arena a = { .base = s->block };
    lay_out(s, &a, config, threads);
    hw_positions_fill(s, config);
    return s;
}

void hw_encoder_scratch_free(hw_encoder_scratch *scratch) {
    if (!scratch) return;
    hw_free(scratch->work.worker);
    hw_free(scratch->block);
    hw_free(scratch);
}

void hw_encoder_scratch_mask_heads(hw_encoder_scratch *scratch, const bool *off) {
    scratch->heads_off = off;
}
