/* The number of places is the share of the text, rounded up or down at random so that it is right
 * on average; the places are drawn without replacement in one pass (Knuth, The Art of Computer
 * Programming 2, 3.4.2, algorithm S). */
#include "train/masking.h"

#include "base/random.h"

enum { PURPOSE_TEXT = 41, PURPOSE_ROUND, PURPOSE_PLACE, PURPOSE_KIND, PURPOSE_TOKEN };
static const float mask_share = 0.8f, random_share = 0.1f;

size_t hw_masking_limit(const hw_masking *masking, size_t tokens, size_t texts) {
    return (size_t)(masking->share * (double)tokens) + texts + 1;
}

static size_t maskable(const uint32_t *tokens, size_t begin, size_t end, const bool *is_special) {
    size_t count = 0;
    for (size_t at = begin; at < end; at++) count += !is_special[tokens[at]];
    return count;
}

/* What stands in the place of the token from now on. */
static uint32_t replacement(uint32_t token, const hw_masking *masking, uint64_t draws, size_t at) {
    const float kind = hw_random_uniform(draws, PURPOSE_KIND, at);
    if (kind < mask_share) return masking->mask;
    if (kind >= mask_share + random_share) return token;
    const uint64_t drawn = hw_random_below(draws, PURPOSE_TOKEN, at, masking->vocabulary);
    return masking->is_special[drawn] ? masking->mask : (uint32_t)drawn;
}

void hw_masking_apply(hw_masked *masked, uint32_t *tokens, size_t begin, size_t end,
                      const hw_masking *masking, uint64_t step, uint64_t text) {
    const uint64_t draws = hw_random_bits(masking->seed, PURPOSE_TEXT, hw_mix64(step) ^ text);
    size_t left = maskable(tokens, begin, end, masking->is_special);
    if (!left) return;
    const double wanted = masking->share * (double)left;
    size_t needed = (size_t)(wanted + (double)hw_random_uniform(draws, PURPOSE_ROUND, 0));
    if (!needed) needed = 1;
    for (size_t at = begin; needed; at++) {
        if (masking->is_special[tokens[at]]) continue;
        if (hw_random_below(draws, PURPOSE_PLACE, at - begin, left--) >= needed) continue;
        needed--;
        masked->places[masked->count] = (uint32_t)at;
        masked->targets[masked->count++] = tokens[at];
        tokens[at] = replacement(tokens[at], masking, draws, at - begin);
    }
}
