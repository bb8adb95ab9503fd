/* Runs texts through an encoder piece by piece. */
#include "train/encoder_scorer.h"

#include "base/memory.h"

#include <string.h>

struct hw_encoder_scorer {
    const hw_token_texts *texts;
    const hw_kernels *kernels;
    size_t labels, width;
    hw_encoder_scratch *scratch;
    hw_token_piece piece;
    float *features; /* [HW_SCORE_TEXTS][width] */
};

static size_t most_tokens(const hw_token_texts *texts) {
    return texts->longest > HW_SCORE_TOKENS ? texts->longest : HW_SCORE_TOKENS;
}

hw_encoder_scorer *hw_encoder_scorer_new(const hw_encoder_config *config,
                                         const hw_token_texts *texts, const hw_kernels *kernels,
                                         hw_pool *pool, hw_error *err) {
    hw_encoder_scorer *s = hw_calloc(1, sizeof *s);
    if (!s) {
        hw_fail_memory(err, sizeof *s);
        return NULL;
    }
    s->texts = texts;
    s->kernels = kernels;
    s->labels = (size_t)config->labels;
    s->width = (size_t)config->width;
    s->scratch = hw_encoder_scratch_new(config, HW_SCORE_TEXTS, most_tokens(texts), texts->longest,
                                        false, pool, err);
    s->features = hw_calloc(HW_SCORE_TEXTS, s->width * sizeof *s->features);
    if (!s->features) hw_fail_memory(err, HW_SCORE_TEXTS * s->width * sizeof *s->features);
    if (s->scratch && s->features &&
        hw_token_piece_reserve(&s->piece, texts, HW_SCORE_TOKENS, HW_SCORE_TEXTS, err) == HW_OK)
        return s;
    hw_encoder_scorer_free(s);
    return NULL;
}

void hw_encoder_scorer_free(hw_encoder_scorer *s) {
    if (!s) return;
    hw_encoder_scratch_free(s->scratch);
    hw_token_piece_free(&s->piece);
    hw_free(s->features);
    hw_free(s);
}

size_t hw_encoder_scorer_bytes(const hw_encoder_config *config, const hw_token_texts *texts,
                               int32_t threads) {
    return hw_encoder_scratch_bytes(config, HW_SCORE_TEXTS, most_tokens(texts), texts->longest,
                                    false, threads);
}

void hw_encoder_scorer_logits(float *logits, hw_encoder_scorer *s, const hw_encoder *encoder,
                              const uint32_t *rows, size_t count) {
    for (size_t done = 0; done < count;) {
        const hw_encoder_batch batch =
            hw_token_piece_fill(&s->piece, s->texts, rows + done, count - done);
        hw_encoder_forward(logits + done * s->labels, s->scratch, encoder, s->kernels, batch, NULL);
        done += batch.texts;
    }
}

void hw_encoder_scorer_features(float *features, hw_encoder_scorer *s, const hw_encoder *encoder,
                                const uint32_t *rows, size_t count) {
    for (size_t done = 0; done < count;) {
        const hw_encoder_batch batch =
            hw_token_piece_fill(&s->piece, s->texts, rows + done, count - done);
        hw_encoder_features(features + done * s->width, s->scratch, encoder, s->kernels, batch);
        done += batch.texts;
    }
}

void hw_encoder_scorer_inner(float *inner, hw_encoder_scorer *s, const hw_encoder *encoder,
                             const float *features, size_t count) {
    for (size_t done = 0; done < count; done += HW_SCORE_TEXTS) {
        const size_t texts = count - done < HW_SCORE_TEXTS ? count - done : HW_SCORE_TEXTS;
        memcpy(s->features, features + done * s->width, texts * s->width * sizeof *features);
        hw_encoder_readout_inner(inner + done * s->width, s->scratch, encoder, s->kernels,
                                 s->features, texts);
    }
}
