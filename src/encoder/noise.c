/* Masks from counter-based random numbers: none is kept for backward. */
#include "encoder/noise.h"

#include "base/dropout.h"
#include "base/random.h"
#include "encoder/first_tokens.h"

static uint64_t stream_of(const hw_encoder_noise *noise, hw_drop_place place, size_t layer,
                          size_t text) {
    static const uint64_t first_purpose = 0x656e6431; /* "end1" */
    const uint64_t step = hw_random_bits(noise->seed, first_purpose + place, noise->step);
    return hw_random_bits(step, layer, text);
}

/* Element i of x is element first + i of the mask; four elements take one random word. */
static void drop(float *x, size_t first, size_t n, float rate, uint64_t stream) {
    enum { GROUP = 4 };
    const hw_dropout dropout = hw_dropout_of(rate);
    size_t i = 0, group = first / GROUP;
    if (first % GROUP) {
        const size_t lane = first % GROUP, end = lane + n < GROUP ? lane + n : GROUP;
        i = end - lane;
        hw_drop_some(x, i, &dropout, hw_mix64(stream ^ group++) >> 16 * lane);
    }
    for (; i + GROUP <= n; i += GROUP) hw_drop_four(x + i, &dropout, hw_mix64(stream ^ group++));
    if (i < n) hw_drop_some(x + i, n - i, &dropout, hw_mix64(stream ^ group));
}

typedef struct dropping {
    float *x;
    size_t width, layer;
    const hw_encoder_pass *pass;
    hw_drop_place place;
    bool first_only; /* x: [texts][width] */
} dropping;

static void drop_text(void *context, size_t text, int32_t worker) {
    (void)worker;
    const dropping *d = context;
    const hw_encoder_noise *noise = d->pass->noise;
    const size_t begin = d->first_only ? text : hw_begin_of(d->pass, text);
    const size_t end = d->first_only ? text + 1 : hw_begin_of(d->pass, text + 1);
    drop(d->x + begin * d->width, 0, (end - begin) * d->width, noise->hidden_dropout,
         stream_of(noise, d->place, d->layer, noise->first_text + text));
}

static void drop_texts(const dropping *d) {
    dropping context = *d;
    if (!d->pass->noise || d->pass->noise->hidden_dropout <= 0.0f) return;
    hw_pool_run(d->pass->scratch->pool, d->pass->batch.texts, drop_text, &context);
}

void hw_encoder_drop_tokens(float *x, size_t width, const hw_encoder_pass *pass,
                            hw_drop_place place) {
    drop_texts(&(dropping){ x, width, 0, pass, place, false });
}

void hw_encoder_drop_layer(float *x, const hw_encoder_pass *pass, hw_drop_place place,
                           int32_t layer) {
    drop_texts(&(dropping){ x, (size_t)pass->config->width, (size_t)layer, pass, place,
                            hw_gives_first_only(pass, layer) });
}

void hw_encoder_drop_texts(float *x, size_t width, const hw_encoder_pass *pass,
                           hw_drop_place place) {
    const hw_encoder_noise *noise = pass->noise;
    if (!noise || noise->readout_dropout <= 0.0f) return;
    for (size_t text = 0; text < pass->batch.texts; text++)
        drop(x + text * width, 0, width, noise->readout_dropout,
             stream_of(noise, place, 0, noise->first_text + text));
}

void hw_encoder_drop_relative(float *x, size_t rows, size_t width, const hw_encoder_pass *pass,
                              size_t layer) {
    const hw_encoder_noise *noise = pass->noise;
    if (!noise || noise->hidden_dropout <= 0.0f) return;
    drop(x, 0, rows * width, noise->hidden_dropout, stream_of(noise, HW_DROP_RELATIVE, layer, 0));
}

void hw_encoder_drop_probabilities(float *x, size_t stride, size_t query, size_t rows, size_t key,
                                   size_t keys, const hw_encoder_pass *pass, size_t layer,
                                   size_t text, size_t head) {
    const hw_encoder_noise *noise = pass->noise;
    const uint64_t stream =
        hw_mix64(stream_of(noise, HW_DROP_PROBABILITIES, layer, noise->first_text + text) ^ head);
    for (size_t row = 0; row < rows; row++)
        drop(x + row * stride, key, keys, noise->attention_dropout,
             hw_mix64(stream ^ (query + row)));
}
