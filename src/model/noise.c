/* Masks from counter-based random numbers: each stream belongs to one use, step, layer and
 * text. Invariant: the same call gives the same mask, so none is kept for backward. */
#include "model/noise.h"

#include "base/random.h"

#include <assert.h>
#include <math.h>
#include <string.h>

typedef enum purpose { /* "towN" */
                       DROP_POOLED = 0x746f7731,
                       DROP_EMBEDDING = 0x746f7732,
                       DROP_HEADS = 0x746f7733,
                       GATES = 0x746f7734
} purpose;

static uint64_t stream_of(const hw_tower_noise *noise, purpose use, size_t layer, size_t text) {
    const uint64_t step = hw_random_bits(noise->seed, use, noise->step);
    return hw_random_bits(step, layer, noise->first_text + text);
}

/* x[n], n <= 4; kept: factors of what is dropped and of what is not, looked up, since a branch
 * would be mispredicted as often as the rate says. */
static inline void drop_some(float *x, size_t n, uint32_t threshold, const float kept[2],
                             uint64_t bits) {
    for (size_t i = 0; i < n; i++, bits >>= 16) x[i] *= kept[(bits & 0xffff) >= threshold];
}

/* Four elements take 16 bits each of one random word, so rates are in 1/65536. */
static void drop(float *x, size_t n, float rate, uint64_t stream) {
    assert(rate >= 0.0f && rate < 1.0f);
    const uint32_t threshold = (uint32_t)(rate * 65536.0f);
    const float kept[2] = { 0.0f, 65536.0f / (float)(65536 - threshold) };
    size_t i = 0;
    for (; i + 4 <= n; i += 4) drop_some(x + i, 4, threshold, kept, hw_mix64(stream ^ i));
    if (i < n) drop_some(x + i, n - i, threshold, kept, hw_mix64(stream ^ i));
}

void hw_noise_drop_embedding(float *x, size_t n, const hw_tower_noise *noise, size_t text) {
    if (!noise || noise->embedding_dropout <= 0.0f) return;
    drop(x, n, noise->embedding_dropout, stream_of(noise, DROP_EMBEDDING, 0, text));
}

void hw_noise_drop_pooled(float *x, size_t n, const hw_tower_noise *noise, size_t text) {
    if (!noise || noise->dropout <= 0.0f) return;
    drop(x, n, noise->dropout, stream_of(noise, DROP_POOLED, 0, text));
}

void hw_noise_logits(float *logit, size_t heads, const hw_tower_noise *noise, size_t layer,
                     size_t text) {
    memset(logit, 0, heads * sizeof *logit);
    if (!noise) return;
    const uint64_t stream = stream_of(noise, GATES, layer, text);
    for (size_t head = 0; head < heads; head++) {
        const float u = hw_random_uniform(stream, 0, head) + 0x1p-25f; /* the middle of a step */
        logit[head] = logf(u) - logf(1.0f - u);
    }
}

void hw_noise_heads(float *factor, size_t heads, const hw_tower_noise *noise, size_t layer,
                    size_t text) {
    for (size_t head = 0; head < heads; head++) factor[head] = 1.0f;
    if (!noise || noise->drop_head <= 0.0f) return;
    const uint64_t stream = stream_of(noise, DROP_HEADS, layer, text);
    size_t kept = heads;
    for (size_t head = 0; head < heads; head++) {
        if (hw_random_uniform(stream, 0, head) >= noise->drop_head) continue;
        factor[head] = 0.0f;
        kept--;
    }
    if (kept == 0) {
        factor[hw_random_below(stream, 1, 0, heads)] = 1.0f;
        kept = 1;
    }
    for (size_t head = 0; head < heads; head++) factor[head] *= (float)heads / (float)kept;
}
