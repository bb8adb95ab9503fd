/* Invariant: between two steps the gradient is zero and the packed weights are those of the block.
 */
#include "train/encoder_update.h"

#include "base/memory.h"

static bool learns_by_rows(const hw_adamw_options *options) {
    return options->lowest == 0 && !options->dense_words;
}

static size_t most_tokens(const hw_token_texts *texts, const hw_encoder_update_options *options) {
    return texts->longest > options->piece_tokens ? texts->longest : options->piece_tokens;
}

/* Rows that a step can touch. */
static size_t most_rows(const hw_encoder_config *config, const hw_token_texts *texts,
                        const hw_encoder_update_options *options) {
    const size_t tokens = options->batch * texts->longest, rows = (size_t)config->vocabulary;
    return tokens < rows ? tokens : rows;
}

static hw_status reserve_words(hw_encoder_update *u, const hw_encoder_config *config,
                               hw_error *err) {
    const hw_adamw_options *adamw = &u->options.adamw;
    const size_t width = (size_t)config->embedding_width;
    if (adamw->lowest > 0) return HW_OK;
    u->d_words = hw_calloc(u->piece.most_tokens, width * sizeof *u->d_words);
    if (!u->d_words) return hw_fail_memory(err, u->piece.most_tokens * width * sizeof *u->d_words);
    if (!learns_by_rows(adamw)) return HW_OK;
    return hw_row_gradients_reserve(&u->rows, (size_t)config->vocabulary, width,
                                    most_rows(config, u->texts, &u->options), err);
}

hw_status hw_encoder_update_start(hw_encoder_update *u, hw_encoder *encoder,
                                  const hw_token_texts *texts,
                                  const hw_encoder_update_options *options,
                                  const hw_kernels *kernels, hw_pool *pool, hw_error *err) {
    const hw_encoder_config *config = hw_encoder_config_of(encoder);
    u->encoder = encoder;
    u->texts = texts;
    u->kernels = kernels;
    u->pool = pool;
    u->options = *options;
    u->weights = hw_encoder_thaw(encoder, err);
    if (!u->weights) return HW_ERROR_MEMORY;
    u->adamw = hw_adamw_new(config, &options->adamw, kernels, pool, err);
    if (!u->adamw) return HW_ERROR_MEMORY;
    u->scratch = hw_encoder_scratch_new(config, options->batch, most_tokens(texts, options),
                                        texts->longest, true, pool, err);
    if (!u->scratch) return HW_ERROR_MEMORY;
    HW_TRY(hw_token_piece_reserve(&u->piece, texts, options->piece_tokens, options->batch, err));
    return reserve_words(u, config, err);
}

void hw_encoder_update_free(hw_encoder_update *u) {
    hw_adamw_free(u->adamw);
    hw_encoder_scratch_free(u->scratch);
    hw_token_piece_free(&u->piece);
    hw_row_gradients_free(&u->rows);
    hw_free(u->d_words);
    *u = (hw_encoder_update){ 0 };
}

size_t hw_encoder_update_bytes(const hw_encoder_config *config, const hw_token_texts *texts,
                               const hw_encoder_update_options *options, int32_t threads) {
    const size_t tokens = most_tokens(texts, options);
    const size_t row = (size_t)config->embedding_width * sizeof(float);
    size_t bytes = hw_adamw_bytes(config, &options->adamw);
    bytes +=
        hw_encoder_scratch_bytes(config, options->batch, tokens, texts->longest, true, threads);
    if (options->adamw.lowest == 0) bytes += tokens * row;
    if (learns_by_rows(&options->adamw))
        bytes +=
            most_rows(config, texts, options) * row + (size_t)config->vocabulary * sizeof(uint32_t);
    return bytes;
}

void hw_encoder_update_scatter(hw_encoder_update *u, hw_encoder_batch batch) {
    const hw_adamw_options *adamw = &u->options.adamw;
    const size_t width = (size_t)hw_encoder_config_of(u->encoder)->embedding_width;
    if (adamw->lowest > 0) return;
    float *words = hw_adamw_gradient(u->adamw); /* the word embedding is the first parameter */
    for (size_t i = 0; i < batch.offsets[batch.texts]; i++) {
        const float *d = u->d_words + i * width;
        if (adamw->dense_words)
            u->kernels->add(words + batch.tokens[i] * width, d, width);
        else
            hw_row_gradients_add(&u->rows, batch.tokens[i], d, 1, u->kernels);
    }
}

bool hw_encoder_update_apply(hw_encoder_update *u) {
    const bool by_rows = learns_by_rows(&u->options.adamw);
    const bool applied = hw_adamw_step(u->adamw, u->weights, by_rows ? &u->rows : NULL);
    if (by_rows) hw_row_gradients_start(&u->rows);
    if (applied) hw_encoder_pack(u->encoder, u->kernels, u->pool);
    return applied;
}

void hw_encoder_update_settle(hw_encoder_update *u) {
    hw_adamw_settle(u->adamw, u->weights);
}
