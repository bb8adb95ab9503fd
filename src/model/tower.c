/* The whole tower, forward and backward, as a list of operations. Invariant: backward
 * undoes forward in reverse order, on the same tapes. */
#include "model/tower.h"

#include "model/attention.h"
#include "model/capsule.h"
#include "model/feedforward.h"
#include "model/noise.h"
#include "model/pooling.h"
#include "model/projection.h"
#include "model/scratch.h"

#include <assert.h>
#include <math.h>
#include <string.h>

/* ---- Shape ------------------------------------------------------------------------------ */

static hw_pass begin_pass(const hw_tower_scratch *scratch, const hw_tower_config *config,
                          const hw_kernels *kernels, hw_batch batch, const hw_tower_noise *noise) {
    assert(batch.texts > 0 && batch.texts <= scratch->max_texts);
    assert(batch.offsets[0] == 0 && batch.offsets[batch.texts] <= scratch->max_tokens);
    assert(!noise || scratch->training);
    return (hw_pass){ .config = config,
                      .kernels = kernels,
                      .work = &scratch->work,
                      .batch = batch,
                      .noise = noise,
                      .watch = scratch->watch };
}

/* The same pass over one layer, whose heads may be fewer; own: holds its config. */
static hw_pass pass_of_layer(const hw_pass *pass, hw_tower_config *own, int32_t layer) {
    hw_pass of_layer = *pass;
    *own = hw_tower_layer_config(pass->config, layer);
    of_layer.config = own;
    return of_layer;
}

/* ---- Embedding ---------------------------------------------------------------------------- */

/* Its own transpose. x: [tokens][width] */
static void drop_embedding(float *x, const hw_pass *pass) {
    const size_t width = (size_t)pass->config->width;
    for (size_t text = 0; text < pass->batch.texts; text++) {
        const size_t begin = pass->batch.offsets[text], end = pass->batch.offsets[text + 1];
        hw_noise_drop_embedding(x + begin * width, (end - begin) * width, pass->noise, text);
    }
}

float hw_token_scale(uint32_t ngrams) {
    return ngrams ? 1 / sqrtf((float)ngrams) : 0;
}

/* The rows of n-grams [begin, end), which are anywhere in memory. */
static void prefetch_rows(const float *embedding, const uint32_t *ngrams, uint32_t begin,
                          uint32_t end, size_t width) {
    enum { CACHE_LINE = 16 /* floats */ };
    for (uint32_t i = begin; i < end; i++)
        for (size_t at = 0; at < width; at += CACHE_LINE)
            __builtin_prefetch(embedding + ngrams[i] * width + at);
}

/* x: [tokens][width] */
static void embed(float *x, const hw_pass *pass, const float *embedding) {
    enum { AHEAD = 64 /* n-grams */ };
    const size_t tokens = hw_pass_tokens(pass), width = (size_t)pass->config->width;
    const hw_batch *batch = &pass->batch;
    const uint32_t last = batch->token_offsets[tokens];
    prefetch_rows(embedding, batch->ngrams, 0, last < AHEAD ? last : AHEAD, width);
    memset(x, 0, tokens * width * sizeof *x);
    for (size_t token = 0; token < tokens; token++) {
        const uint32_t begin = batch->token_offsets[token], end = batch->token_offsets[token + 1];
        const float scale = hw_token_scale(end - begin);
        const uint32_t ahead = last - begin < AHEAD ? last : begin + AHEAD;
        prefetch_rows(embedding, batch->ngrams, ahead, last - end < AHEAD ? last : end + AHEAD,
                      width);
        if (begin < end)
            pass->kernels->add_rows(x + token * width, embedding, batch->ngrams + begin, 1, &scale,
                                    0, end - begin, width);
    }
    drop_embedding(x, pass);
}

/* ---- The linear readout ------------------------------------------------------------------- */

static hw_projection readout_of(const hw_tower_config *config, const hw_tower_views *weights) {
    return (hw_projection){ weights->readout, weights->readout_bias, hw_pooled_width(config),
                            (size_t)hw_tower_columns(config->labels) };
}

/* Its own transpose. pooled: [texts][hw_pooled_width] */
static void drop_pooled(float *pooled, const hw_pass *pass) {
    const size_t width = hw_pooled_width(pass->config);
    for (size_t text = 0; text < pass->batch.texts; text++)
        hw_noise_drop_pooled(pooled + text * width, width, pass->noise, text);
}

static void read_out(float *logits, const hw_pass *pass, const hw_pooling_tape *tape,
                     const hw_tower_views *weights) {
    hw_pooling_forward(pass, tape, weights);
    drop_pooled(tape->pooled, pass);
    hw_projection_forward(logits, tape->pooled, readout_of(pass->config, weights),
                          pass->batch.texts, pass->kernels);
}

static void read_out_backward(float *d_x, const hw_tower_views *gradient, const hw_pass *pass,
                              const hw_pooling_tape *tape, const hw_tower_views *weights,
                              const float *d_logits) {
    const hw_workspace *work = pass->work;
    hw_projection_backward(work->d_pooled, gradient->readout, gradient->readout_bias, work->packed,
                           d_logits, tape->pooled, readout_of(pass->config, weights),
                           pass->batch.texts, pass->kernels);
    drop_pooled(work->d_pooled, pass);
    hw_pooling_backward(d_x, gradient, pass, tape, weights);
}

/* ---- Forward ------------------------------------------------------------------------------ */

/* The array that layer l of [0, layers] reads; the last one is the readout's. */
static float *state_before(const hw_tower_scratch *scratch, const hw_tower_config *config,
                           int32_t l) {
    if (l < config->layers) return scratch->attention[l].norm.x;
    return config->capsule_dim > 0 ? scratch->capsule.norm.x : scratch->pooling.norm.x;
}

void hw_tower_forward(float *logits, hw_tower_scratch *scratch, const hw_tower_config *config,
                      const hw_tower_views *weights, const hw_kernels *kernels, hw_batch batch,
                      const hw_tower_noise *noise) {
    const hw_pass pass = begin_pass(scratch, config, kernels, batch, noise);
    embed(state_before(scratch, config, 0), &pass, weights->embedding);
    for (int32_t l = 0; l < config->layers; l++) {
        const hw_tower_layer *layer = &weights->layer[l];
        const hw_attention_tape *attention = &scratch->attention[l];
        const hw_feedforward_tape *feedforward = &scratch->feedforward[l];
        const bool inner = config->inner_width > 0;
        float *after = state_before(scratch, config, l + 1);
        hw_tower_config own;
        const hw_pass of_layer = pass_of_layer(&pass, &own, l);
        hw_attention_forward(inner ? feedforward->norm.x : after, &of_layer, attention, layer,
                             (size_t)l);
        if (inner) hw_feedforward_forward(after, &pass, feedforward, layer);
    }
    if (config->capsule_dim > 0)
        hw_capsule_forward(logits, &pass, &scratch->capsule, weights);
    else
        read_out(logits, &pass, &scratch->pooling, weights);
}

/* ---- Backward ----------------------------------------------------------------------------- */

void hw_tower_backward(hw_tower_views *gradient, float *d_tokens, hw_tower_scratch *scratch,
                       const hw_tower_config *config, const hw_tower_views *weights,
                       const hw_kernels *kernels, hw_batch batch, const float *d_logits,
                       const hw_tower_noise *noise) {
    assert(scratch->training);
    const hw_pass pass = begin_pass(scratch, config, kernels, batch, noise);
    if (config->capsule_dim > 0)
        hw_capsule_backward(d_tokens, gradient, &pass, &scratch->capsule, weights, d_logits);
    else
        read_out_backward(d_tokens, gradient, &pass, &scratch->pooling, weights, d_logits);
    for (int32_t l = config->layers - 1; l >= 0; l--) {
        const hw_tower_layer *layer = &weights->layer[l];
        if (config->inner_width > 0)
            hw_feedforward_backward(d_tokens, &gradient->layer[l], &pass, &scratch->feedforward[l],
                                    layer);
        hw_tower_config own;
        const hw_pass of_layer = pass_of_layer(&pass, &own, l);
        hw_attention_backward(d_tokens, &gradient->layer[l], &of_layer, &scratch->attention[l],
                              layer, (size_t)l);
    }
    drop_embedding(d_tokens, &pass);
}

/* ---- Looking inside ------------------------------------------------------------------------- */

void hw_tower_watch(hw_tower_scratch *scratch, const hw_attention_watch *watch) {
    scratch->watch = watch;
}

void hw_tower_head_outputs(float *y, const hw_tower_scratch *scratch, const hw_tower_config *config,
                           const hw_tower_views *weights, const hw_kernels *kernels, size_t tokens,
                           size_t layer, size_t head) {
    assert(scratch->training);
    const hw_tower_config own = hw_tower_layer_config(config, (int32_t)layer);
    hw_attention_head_outputs(y, &scratch->attention[layer], &own, &weights->layer[layer], kernels,
                              tokens, head);
}

void hw_tower_gates(float *gates, const hw_tower_scratch *scratch, const hw_tower_config *config,
                    size_t layer, size_t text) {
    const size_t heads = (size_t)config->heads;
    assert(scratch->training && config->head_gates != HW_HEAD_GATES_NONE);
    memcpy(gates, scratch->attention[layer].gates + text * heads, heads * sizeof *gates);
}

void hw_tower_readout_row(float *row, const hw_tower_scratch *scratch,
                          const hw_tower_config *config, size_t tokens) {
    const size_t queries = (size_t)config->queries;
    for (size_t i = 0; i < tokens; i++) {
        row[i] = queries ? 0 : 1 / (float)tokens;
        for (size_t q = 0; q < queries; q++)
            row[i] += scratch->pooling.attention[q * tokens + i] / (float)queries;
    }
}
