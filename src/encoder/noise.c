/* Masks from counter-based random numbers: none is kept for backward. */
#include "encoder/noise.h"

#include "base/random.h"

#include <assert.h>

static uint64_t stream_of(const hw_encoder_noise *noise, hw_drop_place place, size_t layer,
                          size_t text) {
    static const uint64_t first_purpose = 0x656e6431; /* "end1" */
    const uint64_t step = hw_random_bits(noise->seed, first_purpose + place, noise->step);
    return hw_random_bits(step, layer, text);
}

typedef struct mask {
    uint64_t stream;
    uint32_t threshold; /* of 65536 */
    float factor[2];    /* of what is dropped and of what is not: looked up, since a branch would be
                         * mispredicted as often as the rate says */
} mask;

static mask mask_of(float rate, uint64_t stream) {
    assert(rate >= 0.0f && rate < 1.0f);
    const uint32_t threshold = (uint32_t)(rate * 65536.0f);
    return (mask){ stream, threshold, { 0.0f, 65536.0f / (float)(65536 - threshold) } };
}

/* Four elements take 16 bits each of one random word, so rates are in 1/65536. Elements [lane, end)
 * of group `group` are at x. */
static inline void drop_group(float *x, const mask *m, size_t group, size_t lane, size_t end) {
    const uint64_t bits = hw_mix64(m->stream ^ group);
    for (size_t i = lane; i < end; i++)
        x[i - lane] *= m->factor[(bits >> 16 * i & 0xffff) >= m->threshold];
}

/* Element i of x is element first + i of the mask. */
static void drop(float *x, size_t first, size_t n, float rate, uint64_t stream) {
    enum { GROUP = 4 };
    const mask m = mask_of(rate, stream);
    size_t i = 0, group = first / GROUP;
    if (first % GROUP) {
        const size_t lane = first % GROUP, end = lane + n < GROUP ? lane + n : GROUP;
        drop_group(x, &m, group++, lane, end);
        i = end - lane;
    }
    for (; i + GROUP <= n; i += GROUP) drop_group(x + i, &m, group++, 0, GROUP);
    if (i < n) drop_group(x + i, &m, group, 0, n - i);
}

typedef struct dropping {
    float *x;
    size_t width, layer;
    const hw_encoder_pass *pass;
    hw_drop_place place;
} dropping;

static void drop_text(void *context, size_t text, int32_t worker) {
    (void)worker;
    const dropping *d = context;
    const hw_encoder_noise *noise = d->pass->noise;
    const size_t begin = hw_begin_of(d->pass, text), end = hw_begin_of(d->pass, text + 1);
    drop(d->x + begin * d->width, 0, (end - begin) * d->width, noise->hidden_dropout,
         stream_of(noise, d->place, d->layer, noise->first_text + text));
}

void hw_encoder_drop_tokens(float *x, size_t width, const hw_encoder_pass *pass,
                            hw_drop_place place, size_t layer) {
    if (!pass->noise || pass->noise->hidden_dropout <= 0.0f) return;
    dropping d = { x, width, layer, pass, place };
    hw_pool_run(pass->scratch->pool, pass->batch.texts, drop_text, &d);
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
