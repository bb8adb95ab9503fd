/* The first token's state, or the mean of all. Invariant: a text's features are sums over its
 * tokens in their order. */
#include "encoder/pooling.h"

#include "encoder/first_tokens.h"

#include <string.h>

void hw_features_forward(float *features, const float *states, const hw_encoder_pass *pass) {
    const size_t width = (size_t)pass->config->width;
    if (pass->first_only) {
        memcpy(features, states, pass->batch.texts * width * sizeof *features);
        return;
    }
    hw_first_tokens_take(features, states, width, width, pass);
    if (pass->config->pooling == HW_POOLING_FIRST) return;
    for (size_t text = 0; text < pass->batch.texts; text++, features += width) {
        const size_t begin = hw_begin_of(pass, text), end = hw_begin_of(pass, text + 1);
        for (size_t token = begin + 1; token < end; token++)
            pass->kernels->add(features, states + token * width, width);
        const float tokens = (float)(end - begin);
        for (size_t i = 0; i < width; i++) features[i] /= tokens;
    }
}

void hw_features_backward(float *d_states, const float *d_features, const hw_encoder_pass *pass) {
    const size_t width = (size_t)pass->config->width;
    if (pass->config->pooling == HW_POOLING_FIRST) {
        memcpy(d_states, d_features, pass->batch.texts * width * sizeof *d_states);
        if (!pass->first_only) hw_first_tokens_spread(d_states, width, pass);
        return;
    }
    memset(d_states, 0, hw_block_tokens(pass) * width * sizeof *d_states);
    for (size_t text = 0; text < pass->batch.texts; text++, d_features += width) {
        const size_t begin = hw_begin_of(pass, text), end = hw_begin_of(pass, text + 1);
        const float share = 1.0f / (float)(end - begin);
        for (size_t token = begin; token < end; token++)
            pass->kernels->axpy(d_states + token * width, d_features, share, width);
    }
}
