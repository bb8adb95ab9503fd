/* Adam's step over the dense weights, and over the rows of the embedding that were touched.
 * Invariant: rows has a gradient for exactly the embedding rows that the current step has
 * touched. */
#include "train/tower_update.h"

#include "base/memory.h"

#include <math.h>
#include <string.h>

enum { ARRAYS = 4 /* of a state */ };
static const float largest_norm = 1; /* of the gradient */

static size_t dense_floats(const hw_tower_update *u) {
    return u->floats - u->embedding_floats;
}

/* ---- Gradient ------------------------------------------------------------ */

void hw_tower_update_start(hw_tower_update *u) {
    hw_row_gradients_start(&u->rows);
    memset(u->gradient + u->embedding_floats, 0, dense_floats(u) * sizeof *u->gradient);
}

/* A token's embedding is the sum of its rows times hw_token_scale (model/tower.h). */
void hw_tower_update_scatter(hw_tower_update *u, hw_batch batch, const float *d_tokens) {
    const size_t width = (size_t)u->config.width;
    for (size_t token = 0; token < batch.offsets[batch.texts]; token++) {
        const uint32_t begin = batch.token_offsets[token], end = batch.token_offsets[token + 1];
        const float scale = hw_token_scale(end - begin);
        for (uint32_t i = begin; i < end; i++)
            hw_row_gradients_add(&u->rows, batch.ngrams[i], d_tokens + token * width, scale,
                                 u->kernels);
    }
}

static double squared_norm(const hw_tower_update *u) {
    float d = 0, rows = 0;
    const float *d_dense = u->gradient + u->embedding_floats;
    u->kernels->dot(&d, d_dense, d_dense, dense_floats(u));
    const hw_row_gradients *g = &u->rows;
    u->kernels->dot(&rows, g->values, g->values, g->count * g->width);
    return (double)d + (double)rows;
}

static void scale_all(float *x, size_t n, float factor) {
    for (size_t i = 0; i < n; i++) x[i] *= factor;
}

static void clip(hw_tower_update *u, double norm) {
    if (!(norm > (double)largest_norm)) return;
    const float factor = (float)((double)largest_norm / norm);
    scale_all(u->gradient + u->embedding_floats, dense_floats(u), factor);
    scale_all(u->rows.values, u->rows.count * u->rows.width, factor);
}

/* ---- Step ------------------------------------------------------------------ */

static hw_adam adam_at(uint64_t step, double rate, double decay) {
    const double beta1 = 0.9, beta2 = 0.999, at = (double)(step + 1);
    const double correction2 = sqrt(1 - pow(beta2, at));
    return (hw_adam){ .rate = (float)(rate * correction2 / (1 - pow(beta1, at))),
                      .decay = (float)(rate * decay),
                      .beta1 = (float)beta1,
                      .beta2 = (float)beta2,
                      .epsilon = (float)(1e-8 * correction2) };
}

/* average = keep * average + (1 - keep) * w */
static void average_towards(float *average, const float *w, double keep, size_t n) {
    const float a = (float)keep, b = (float)(1 - keep);
    for (size_t i = 0; i < n; i++) average[i] = a * average[i] + b * w[i];
}

/* What the average's decay amounts to over the steps (from, to]. */
static double decay_between(const hw_tower_update *u, uint64_t from, uint64_t to) {
    return exp(u->log_decay[to] - u->log_decay[from]);
}

/* Rows lie anywhere in arrays that are larger than the caches. */
static void fetch_row(const hw_tower_update *u, size_t row) {
    enum { LINE = 16 /* floats */ };
    const size_t width = (size_t)u->config.width;
    for (size_t at = row * width; at < (row + 1) * width; at += LINE) {
        __builtin_prefetch(u->weights + at, 1);
        __builtin_prefetch(u->mean + at, 1);
        __builtin_prefetch(u->square + at, 1);
        __builtin_prefetch(u->average + at, 1);
    }
}

static void update_rows(hw_tower_update *u, uint64_t step, const hw_adam *adam) {
    enum { AHEAD = 8 };
    const hw_row_gradients *g = &u->rows;
    const size_t width = g->width;
    const uint64_t at = step + 1;
    const double keep = decay_between(u, at - 1, at);
    for (size_t i = 0; i < g->count; i++) {
        const size_t row = g->rows[i], offset = row * width;
        if (i + AHEAD < g->count) fetch_row(u, g->rows[i + AHEAD]);
        average_towards(u->average + offset, u->weights + offset,
                        decay_between(u, u->last_step[row], at - 1), width);
        u->kernels->adam(u->weights + offset, u->mean + offset, u->square + offset,
                         g->values + i * width, adam, width);
        average_towards(u->average + offset, u->weights + offset, keep, width);
        u->last_step[row] = (uint32_t)at;
    }
}

static void update_dense(hw_tower_update *u, uint64_t step, const hw_adam *adam) {
    const size_t e = u->embedding_floats, dense = dense_floats(u);
    u->kernels->adam(u->weights + e, u->mean + e, u->square + e, u->gradient + e, adam, dense);
    average_towards(u->average + e, u->weights + e, decay_between(u, step, step + 1), dense);
    hw_frozen_heads_restore(&u->views, &u->frozen);
    hw_frozen_heads_restore(&u->average_views, &u->frozen);
}

bool hw_tower_update_apply(hw_tower_update *u, uint64_t step, double rate) {
    hw_frozen_heads_clear(&u->gradient_views, &u->frozen);
    const double norm = sqrt(squared_norm(u));
    if (!isfinite(norm)) return false;
    clip(u, norm);
    const hw_adam rows = adam_at(step, rate * (double)u->options.embedding_rate, 0);
    const hw_adam dense = adam_at(step, rate, (double)u->options.weight_decay);
    update_rows(u, step, &rows);
    update_dense(u, step, &dense);
    return true;
}

void hw_tower_update_average(float *block, const hw_tower_update *u, uint64_t step) {
    const size_t width = (size_t)u->config.width;
    memcpy(block, u->average, u->floats * sizeof *block);
    for (size_t row = 0; row < (size_t)u->config.vocabulary; row++)
        average_towards(block + row * width, u->weights + row * width,
                        decay_between(u, u->last_step[row], step), width);
}

/* ---- State ------------------------------------------------------------------- */

static size_t array_bytes(const hw_tower_update *u) {
    return u->floats * sizeof(float);
}

static size_t last_step_bytes(const hw_tower_update *u) {
    return (size_t)u->config.vocabulary * sizeof *u->last_step;
}

size_t hw_tower_update_state_bytes(const hw_tower_update *u) {
    return ARRAYS * array_bytes(u) + last_step_bytes(u);
}

void hw_tower_update_save(void *state, const hw_tower_update *u) {
    char *to = state;
    const float *arrays[ARRAYS] = { u->weights, u->mean, u->square, u->average };
    for (size_t i = 0; i < ARRAYS; i++, to += array_bytes(u)) memcpy(to, arrays[i], array_bytes(u));
    memcpy(to, u->last_step, last_step_bytes(u));
}

/* No row was touched after `step`. */
static bool is_possible(const hw_tower_update *u, const void *state, uint64_t step) {
    const char *last_steps = (const char *)state + ARRAYS * array_bytes(u);
    for (size_t row = 0; row < (size_t)u->config.vocabulary; row++) {
        uint32_t last_step;
        memcpy(&last_step, last_steps + row * sizeof last_step, sizeof last_step);
        if (last_step > step) return false;
    }
    return true;
}

bool hw_tower_update_load(hw_tower_update *u, const void *state, uint64_t step) {
    if (!is_possible(u, state, step)) return false;
    const char *from = state;
    float *arrays[ARRAYS] = { u->weights, u->mean, u->square, u->average };
    for (size_t i = 0; i < ARRAYS; i++, from += array_bytes(u))
        memcpy(arrays[i], from, array_bytes(u));
    memcpy(u->last_step, from, last_step_bytes(u));
    return true;
}

/* ---- The object ---------------------------------------------------------------- */

static hw_status allocate(hw_tower_update *u, hw_error *err) {
    u->weights = hw_calloc(u->floats, sizeof *u->weights);
    u->mean = hw_calloc(u->floats, sizeof *u->mean);
    u->square = hw_calloc(u->floats, sizeof *u->square);
    u->average = hw_calloc(u->floats, sizeof *u->average);
    u->gradient = hw_calloc(u->floats, sizeof *u->gradient);
    u->last_step = hw_calloc((size_t)u->config.vocabulary, sizeof *u->last_step);
    u->log_decay = hw_calloc(u->options.steps + 1, sizeof *u->log_decay);
    if (!u->weights || !u->mean || !u->square || !u->average || !u->gradient || !u->last_step ||
        !u->log_decay)
        return hw_fail_memory(err, ARRAYS * array_bytes(u));
    HW_TRY(hw_frozen_heads_reserve(&u->frozen, &u->config, err));
    return hw_row_gradients_reserve(&u->rows, (size_t)u->config.vocabulary, (size_t)u->config.width,
                                    u->options.most_rows, err);
}

static void sum_decay(hw_tower_update *u) {
    for (size_t step = 1; step <= u->options.steps; step++) {
        const double at = (double)step;
        const double decay = fmin((double)u->options.average, (1 + at) / (10 + at));
        u->log_decay[step] = u->log_decay[step - 1] + log(decay);
    }
}

hw_status hw_tower_update_reserve(hw_tower_update *u, const hw_tower_config *config,
                                  const hw_tower_update_options *options, const hw_kernels *kernels,
                                  hw_error *err) {
    u->config = *config;
    u->options = *options;
    u->kernels = kernels;
    u->floats = hw_tower_floats(config);
    u->embedding_floats = hw_tower_embedding_floats(config);
    HW_TRY(allocate(u, err));
    sum_decay(u);
    hw_tower_init(u->weights, config, options->seed);
    memcpy(u->average, u->weights, array_bytes(u));
    hw_tower_view(&u->views, config, u->weights);
    hw_tower_view(&u->average_views, config, u->average);
    hw_tower_view(&u->gradient_views, config, u->gradient);
    hw_frozen_heads_keep(&u->frozen, &u->views);
    return HW_OK;
}

void hw_tower_update_free(hw_tower_update *u) {
    void *blocks[] = { u->weights,  u->mean,      u->square,   u->average,
                       u->gradient, u->last_step, u->log_decay };
    for (size_t i = 0; i < sizeof blocks / sizeof *blocks; i++) hw_free(blocks[i]);
    hw_frozen_heads_free(&u->frozen);
    hw_row_gradients_free(&u->rows);
}
