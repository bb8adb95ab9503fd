/* Masks from counter-based random numbers: each stream belongs to one use, step, layer and
 * text. Invariant: the same call gives the same mask, so none is kept for backward. */
#include "model/noise.h"

#include "base/dropout.h"
#include "base/random.h"

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

/* Four elements take one random word. */
static void drop(float *x, size_t n, float rate, uint64_t stream) {
    const hw_dropout dropout = hw_dropout_of(rate);
    size_t i = 0;
    for (; i + 4 <= n; i += 4) hw_drop_four(x + i, &dropout, hw_mix64(stream ^ i));
    if (i < n) hw_drop_some(x + i, n - i, &dropout, hw_mix64(stream ^ i));
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
