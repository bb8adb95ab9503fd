/* The whole encoder, forward and backward, as a list of operations. A layer is two blocks,
 * attention and feed-forward, each y = x + f(u) with a norm either before f (u = norm(x)) or after
 * the sum. Invariant: backward undoes forward in reverse order, on the same tapes. */
#include "encoder/encoder.h"

#include "encoder/attention.h"
#include "encoder/embedding.h"
#include "encoder/feedforward.h"
#include "encoder/first_tokens.h"
#include "encoder/noise.h"
#include "encoder/norm.h"
#include "encoder/pooling.h"
#include "encoder/positions.h"
#include "encoder/readout.h"

#include <assert.h>
#include <string.h>

/* ---- Blocks of texts ------------------------------------------------------------------------ */

static hw_encoder_pass pass_over(hw_encoder_scratch *scratch, const hw_encoder *encoder,
                                 const hw_kernels *kernels, hw_encoder_batch batch,
                                 const hw_encoder_noise *noise) {
    assert(!noise || scratch->training);
    return (hw_encoder_pass){ .config = &encoder->config,
                              .encoder = encoder,
                              .kernels = kernels,
                              .scratch = scratch,
                              .batch = batch,
                              .noise = noise,
                              .packed = atomic_load(&encoder->packing) == HW_PACKED };
}

/* The texts from `first` on that fit into a block; at least one. */
static hw_encoder_batch block_from(hw_encoder_batch batch, size_t first, size_t max_tokens) {
    const uint32_t *offsets = batch.offsets + first;
    size_t texts = 1;
    assert(offsets[1] > offsets[0] && offsets[1] - offsets[0] <= max_tokens);
    while (first + texts < batch.texts && offsets[texts + 1] - offsets[0] <= max_tokens) texts++;
    return (hw_encoder_batch){ batch.tokens, offsets, texts, batch.words };
}

/* ---- Forward ---------------------------------------------------------------------------- */

static void block_begin(const hw_residual_tape *tape, const hw_module *norm, size_t rows,
                        const hw_encoder_pass *pass) {
    if (tape->u != tape->x)
        hw_norm_forward(tape->u, tape->mean, tape->rstd, tape->x, norm, rows, pass);
}

/* tape->sum holds f(u) of `rows` rows; x: what it is added to. */
static void block_end(const hw_residual_tape *tape, const float *x, const hw_module *norm,
                      size_t rows, const hw_encoder_pass *pass) {
    pass->kernels->add(tape->sum, x, rows * (size_t)pass->config->width);
    if (tape->y != tape->sum)
        hw_norm_forward(tape->y, tape->mean, tape->rstd, tape->sum, norm, rows, pass);
}

static void feedforward_block(const hw_encoder_pass *pass, int32_t layer) {
    const hw_module *norm = &hw_layer_modules(pass->encoder, layer)[HW_MODULE_INNER_NORM];
    const hw_residual_tape *tape = &pass->scratch->layer[layer].inner;
    const size_t rows = hw_layer_rows(pass, layer);
    block_begin(tape, norm, rows, pass);
    hw_encoder_feedforward_forward(tape->sum, pass, layer);
    hw_encoder_drop_layer(tape->sum, pass, HW_DROP_INNER, layer);
    block_end(tape, tape->x, norm, rows, pass);
}

static void attention_block(const hw_encoder_pass *pass, int32_t layer) {
    const hw_module *norm = &hw_layer_modules(pass->encoder, layer)[HW_MODULE_ATTENTION_NORM];
    const hw_residual_tape *tape = &pass->scratch->layer[layer].attention;
    const bool first_only = hw_gives_first_only(pass, layer);
    const size_t width = (size_t)pass->config->width;
    float *first = pass->scratch->work.first[0];
    block_begin(tape, norm, hw_block_tokens(pass), pass);
    hw_encoder_attention_forward(tape->sum, pass, layer);
    hw_encoder_drop_layer(tape->sum, pass, HW_DROP_ATTENTION, layer);
    if (first_only) hw_first_tokens_take(first, tape->x, width, width, pass);
    block_end(tape, first_only ? first : tape->x, norm, hw_layer_rows(pass, layer), pass);
}

/* How many rows `encode` returns. */
static size_t final_rows(const hw_encoder_pass *pass) {
    return hw_layer_rows(pass, pass->config->layers - 1);
}

/* After a pre-norm encoder's last norm. */
static const float *final_states(const hw_encoder_pass *pass) {
    hw_encoder_scratch *s = pass->scratch;
    const float *states = s->layer[pass->config->layers - 1].inner.y;
    if (!pass->config->norm_first) return states;
    hw_norm_forward(s->final, s->final_mean, s->final_rstd, states,
                    &hw_base_modules(pass->encoder)[HW_MODULE_FINAL_NORM], final_rows(pass), pass);
    return s->final;
}

/* [rows][width] of a block's last layer */
static const float *encode(const hw_encoder_pass *pass) {
    hw_embedding_forward(pass->scratch->layer[0].attention.x, pass);
    hw_relative_forward(pass);
    for (int32_t l = 0; l < pass->config->layers; l++) {
        attention_block(pass, l);
        feedforward_block(pass, l);
    }
    return final_states(pass);
}

/* True if nobody looks at what tokens but the first give in the last layer. */
static bool reads_first_only(const hw_encoder_pass *pass) {
    const hw_encoder_scratch *s = pass->scratch;
    return pass->config->pooling == HW_POOLING_FIRST && !s->all_tokens && !s->forward_watch &&
           !s->watch && !s->head_slopes;
}

/* All blocks of the pass. */
static void all_features(float *features, const hw_encoder_pass *pass) {
    hw_encoder_pass block = *pass;
    block.first_only = reads_first_only(pass);
    for (size_t text = 0; text < pass->batch.texts; text += block.batch.texts) {
        block.batch = block_from(pass->batch, text, pass->scratch->max_tokens);
        assert(!pass->scratch->training || block.batch.texts == pass->batch.texts);
        hw_features_forward(features + text * (size_t)pass->config->width, encode(&block), &block);
    }
}

void hw_encoder_features(float *features, hw_encoder_scratch *scratch, const hw_encoder *encoder,
                         const hw_kernels *kernels, hw_encoder_batch batch) {
    const hw_encoder_pass pass = pass_over(scratch, encoder, kernels, batch, NULL);
    all_features(features, &pass);
}

void hw_encoder_forward(float *logits, hw_encoder_scratch *scratch, const hw_encoder *encoder,
                        const hw_kernels *kernels, hw_encoder_batch batch,
                        const hw_encoder_noise *noise) {
    const hw_encoder_pass pass = pass_over(scratch, encoder, kernels, batch, noise);
    assert(batch.texts <= scratch->max_texts);
    all_features(scratch->readout.features, &pass);
    hw_readout_inner_forward(&pass, batch.texts);
    hw_readout_last_forward(logits, &pass, batch.texts);
}

/* ---- The readout alone ------------------------------------------------------------------ */

/* A pass over texts whose features are known. */
static hw_encoder_pass readout_of(hw_encoder_scratch *scratch, const hw_encoder *encoder,
                                  const hw_kernels *kernels, const float *features, size_t texts) {
    const hw_encoder_batch batch = { .texts = texts };
    assert(texts <= scratch->readout_rows);
    memcpy(scratch->readout.features, features,
           texts * (size_t)encoder->config.width * sizeof *features);
    return pass_over(scratch, encoder, kernels, batch, NULL);
}

void hw_encoder_readout_inner(float *inner, hw_encoder_scratch *scratch, const hw_encoder *encoder,
                              const hw_kernels *kernels, const float *features, size_t texts) {
    const hw_encoder_pass pass = readout_of(scratch, encoder, kernels, features, texts);
    hw_readout_inner_forward(&pass, texts);
    memcpy(inner, scratch->readout.norm, texts * (size_t)encoder->config.width * sizeof *inner);
}

void hw_encoder_readout(float *logits, hw_encoder_scratch *scratch, const hw_encoder *encoder,
                        const hw_kernels *kernels, const float *features, size_t texts) {
    const hw_encoder_pass pass = readout_of(scratch, encoder, kernels, features, texts);
    hw_readout_inner_forward(&pass, texts);
    hw_readout_last_forward(logits, &pass, texts);
}

/* ---- Masked tokens ---------------------------------------------------------------------- */

/* The states of those places that are in the block, into their rows of the readout's features. */
static void pick_places(const hw_encoder_pass *pass, const float *states, const uint32_t *places,
                        size_t count) {
    const size_t width = (size_t)pass->config->width;
    const uint32_t begin = pass->batch.offsets[0], end = pass->batch.offsets[pass->batch.texts];
    for (size_t i = 0; i < count; i++)
        if (places[i] >= begin && places[i] < end)
            memcpy(pass->scratch->readout.features + i * width,
                   states + (places[i] - begin) * width, width * sizeof *states);
}

void hw_encoder_masked_forward(float *logits, hw_encoder_scratch *scratch,
                               const hw_encoder *encoder, const hw_kernels *kernels,
                               hw_encoder_batch batch, const uint32_t *places, size_t count,
                               const hw_encoder_noise *noise) {
    const hw_encoder_pass pass = pass_over(scratch, encoder, kernels, batch, noise);
    hw_encoder_pass block = pass;
    assert(count <= scratch->readout_rows);
    for (size_t text = 0; text < batch.texts; text += block.batch.texts) {
        block.batch = block_from(batch, text, scratch->max_tokens);
        pick_places(&block, encode(&block), places, count);
    }
    hw_readout_inner_forward(&pass, count);
    hw_readout_last_forward(logits, &pass, count);
}

/* ---- Backward --------------------------------------------------------------------------- */

typedef void branch_backward_fn(float *d_u, float *gradient, const hw_encoder_pass *pass,
                                int32_t layer, const float *d_y);

/* d_x: the gradient of y [rows][width] on entry, of x on return: of `read` rows, which are all
 * tokens if the block gives first tokens alone. */
static void block_backward(float *d_x, float *gradient, const hw_encoder_pass *pass, int32_t layer,
                           const hw_residual_tape *tape, const hw_module *norm, hw_drop_place place,
                           branch_backward_fn *branch, size_t read) {
    const size_t width = (size_t)pass->config->width, rows = hw_layer_rows(pass, layer);
    const size_t count = rows * width;
    float *d_sum = pass->scratch->work.d_sum, *d_u = pass->scratch->work.d_u;
    if (tape->y != tape->sum) {
        memset(d_sum, 0, count * sizeof *d_sum);
        hw_norm_backward(d_sum, gradient, d_x, tape->sum, tape->mean, tape->rstd, norm, rows, pass);
        memcpy(d_x, d_sum, count * sizeof *d_x);
    } else {
        memcpy(d_sum, d_x, count * sizeof *d_sum);
    }
    hw_encoder_drop_layer(d_sum, pass, place, layer);
    branch(d_u, gradient, pass, layer, d_sum);
    if (read > rows) hw_first_tokens_spread(d_x, width, pass);
    if (tape->u != tape->x)
        hw_norm_backward(d_x, gradient, d_u, tape->x, tape->mean, tape->rstd, norm, read, pass);
    else
        pass->kernels->add(d_x, d_u, read * width);
}

static void layer_backward(float *d_x, float *gradient, const hw_encoder_pass *pass,
                           int32_t layer) {
    const hw_module *modules = hw_layer_modules(pass->encoder, layer);
    const hw_layer_tape *tape = &pass->scratch->layer[layer];
    block_backward(d_x, gradient, pass, layer, &tape->inner, &modules[HW_MODULE_INNER_NORM],
                   HW_DROP_INNER, hw_encoder_feedforward_backward, hw_layer_rows(pass, layer));
    block_backward(d_x, gradient, pass, layer, &tape->attention, &modules[HW_MODULE_ATTENTION_NORM],
                   HW_DROP_ATTENTION, hw_encoder_attention_backward, hw_block_tokens(pass));
}

/* d_x: the gradient of what `encode` returned. */
static void encode_backward(float *d_x, float *gradient, float *d_words,
                            const hw_encoder_pass *pass, int32_t lowest) {
    const hw_encoder_config *config = pass->config;
    hw_encoder_scratch *s = pass->scratch;
    const size_t rows = final_rows(pass), width = (size_t)config->width;
    if (config->positions == HW_POSITIONS_DISENTANGLED)
        memset(s->work.d_relative, 0,
               (size_t)config->position_rows * width * sizeof *s->work.d_relative);
    if (config->norm_first) {
        memcpy(s->work.d_u, d_x, rows * width * sizeof *d_x);
        memset(d_x, 0, rows * width * sizeof *d_x);
        hw_norm_backward(d_x, gradient, s->work.d_u, s->layer[config->layers - 1].inner.y,
                         s->final_mean, s->final_rstd,
                         &hw_base_modules(pass->encoder)[HW_MODULE_FINAL_NORM], rows, pass);
    }
    for (int32_t l = config->layers - 1; l >= 0 && l + 1 >= lowest; l--)
        layer_backward(d_x, gradient, pass, l);
    if (lowest > 0) return;
    hw_relative_backward(gradient, pass);
    hw_embedding_backward(d_words, gradient, pass, d_x);
}

static void features_backward(float *gradient, float *d_words, const hw_encoder_pass *pass,
                              const float *d_features, int32_t lowest) {
    hw_encoder_pass block = *pass;
    if (lowest > pass->config->layers) return;
    block.first_only = reads_first_only(pass);
    hw_features_backward(pass->scratch->work.d_y, d_features, &block);
    encode_backward(pass->scratch->work.d_y, gradient, d_words, &block, lowest);
}

void hw_encoder_backward(float *gradient, float *d_words, hw_encoder_scratch *scratch,
                         const hw_encoder *encoder, const hw_kernels *kernels,
                         hw_encoder_batch batch, const float *d_logits,
                         const hw_encoder_noise *noise, int32_t lowest) {
    const hw_encoder_pass pass = pass_over(scratch, encoder, kernels, batch, noise);
    float *d_features = scratch->work.d_features;
    assert(scratch->training);
    hw_readout_backward(d_features, gradient, &pass, d_logits, batch.texts);
    features_backward(gradient, d_words, &pass, d_features, lowest);
}

void hw_encoder_features_backward(float *gradient, float *d_words, hw_encoder_scratch *scratch,
                                  const hw_encoder *encoder, const hw_kernels *kernels,
                                  hw_encoder_batch batch, const float *d_features, int32_t lowest) {
    const hw_encoder_pass pass = pass_over(scratch, encoder, kernels, batch, NULL);
    assert(scratch->training);
    features_backward(gradient, d_words, &pass, d_features, lowest);
}

void hw_encoder_masked_backward(float *gradient, float *d_words, hw_encoder_scratch *scratch,
                                const hw_encoder *encoder, const hw_kernels *kernels,
                                hw_encoder_batch batch, const uint32_t *places, size_t count,
                                const float *d_logits, const hw_encoder_noise *noise) {
    const hw_encoder_pass pass = pass_over(scratch, encoder, kernels, batch, noise);
    const size_t width = (size_t)encoder->config.width;
    float *d_x = scratch->work.d_y, *d_features = scratch->work.d_features;
    assert(scratch->training);
    hw_readout_backward(d_features, gradient, &pass, d_logits, count);
    memset(d_x, 0, hw_block_tokens(&pass) * width * sizeof *d_x);
    for (size_t i = 0; i < count; i++)
        kernels->add(d_x + places[i] * width, d_features + i * width, width);
    encode_backward(d_x, gradient, d_words, &pass, 0);
}
