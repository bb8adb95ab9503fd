/* The first token's state, or the mean of all. Invariant: a text's features are sums over its
 * tokens in their order. */
#include "encoder/pooling.h"

#include <string.h>

void hw_features_forward(float *features, const float *states, const hw_encoder_pass *pass) {
    const size_t width = (size_t)pass->config->width;
    if (pass->first_only) {
        memcpy(features, states, pass->batch.texts * width * sizeof *features);
        return;
    }
    for (size_t text = 0; text < pass->batch.texts; text++, features += width) {
        const size_t begin = hw_begin_of(pass, text), end = hw_begin_of(pass, text + 1);
        memcpy(features, states + begin * width, width * sizeof *features);
        if (pass->config->pooling == HW_POOLING_FIRST) continue;
        for (size_t token = begin + 1; token < end; token++)
            pass->kernels->add(features, states + token * width, width);
        const float tokens = (float)(end - begin);
        for (size_t i = 0; i < width; i++) features[i] /= tokens;
    }
}

void hw_features_backward(float *d_states, const float *d_features, const hw_encoder_pass *pass) {
    const size_t width = (size_t)pass->config->width;
    if (pass->first_only) {
        memcpy(d_states, d_features, pass->batch.texts * width * sizeof *d_states);
        return;
    }
    memset(d_states, 0, hw_block_tokens(pass) * width * sizeof *d_states);
    for (size_t text = 0; text < pass->batch.texts; text++, d_features += width) {
        const size_t begin = hw_begin_of(pass, text), end = hw_begin_of(pass, text + 1);
        const bool first = pass->config->pooling == HW_POOLING_FIRST;
        const float share = first ? 1.0f : 1.0f / (float)(end - begin);
        for (size_t token = begin; token < (first ? begin + 1 : end); token++)
            pass->kernels->axpy(d_states + token * width, d_features, share, width);
    }
}
