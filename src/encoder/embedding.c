/* x = the token's row + its position's + that of type 0, through a norm, and through a linear
 * layer if the embedding is narrower than the model, in the family's order:
 *
 *     sum -> norm -> dropout -> projection      or (DeBERTa)      sum -> projection -> norm ->
 * dropout
 */
#include "encoder/embedding.h"

#include "encoder/linear.h"
#include "encoder/noise.h"
#include "encoder/norm.h"

#include <string.h>

/* ---- Forward ------------------------------------------------------------------------------- */

/* What stands for a token of the batch. */
static const float *word_row(const hw_encoder_pass *pass, const hw_module *word, size_t token) {
    const hw_encoder_batch *batch = &pass->batch;
    if (batch->words) return batch->words + token * word->columns;
    return word->weight + batch->tokens[token] * word->columns;
}

/* Row of the position table for each token of a text; NULL if there is no table. */
static const float *position_row(const hw_encoder_pass *pass, size_t position) {
    const hw_module *module = &hw_base_modules(pass->encoder)[HW_MODULE_POSITION];
    if (!module->weight) return NULL;
    return module->weight + (position + (size_t)pass->config->position_offset) * module->columns;
}

static void look_up(void *context, size_t text, int32_t worker) {
    (void)worker;
    const hw_encoder_pass *pass = context;
    const hw_module *base = hw_base_modules(pass->encoder);
    const hw_module *word = &base[HW_MODULE_WORD], *type = &base[HW_MODULE_TYPE];
    const size_t width = word->columns, begin = hw_begin_of(pass, text);
    const size_t first = pass->batch.offsets[text];
    float *x = pass->scratch->embedding.sum + begin * width;
    for (size_t i = 0; i < hw_begin_of(pass, text + 1) - begin; i++, x += width) {
        memcpy(x, word_row(pass, word, first + i), width * sizeof *x);
        if (type->weight) pass->kernels->add(x, type->weight, width);
        const float *position = position_row(pass, i);
        if (position) pass->kernels->add(x, position, width);
    }
}

void hw_embedding_forward(float *x, const hw_encoder_pass *pass) {
    const hw_embedding_tape *tape = &pass->scratch->embedding;
    const hw_module *base = hw_base_modules(pass->encoder);
    const hw_module *norm = &base[HW_MODULE_EMBEDDING_NORM], *linear = &base[HW_MODULE_PROJECTION];
    const size_t tokens = hw_block_tokens(pass);
    hw_encoder_pass look_up_pass = *pass;
    hw_pool_run(pass->scratch->pool, pass->batch.texts, look_up, &look_up_pass);
    if (tape->in != tape->sum) hw_linear_forward(tape->in, linear, tape->sum, tokens, pass);
    hw_norm_forward(tape->out, tape->mean, tape->rstd, tape->in, norm, tokens, pass);
    hw_encoder_drop_tokens(tape->out, norm->columns, pass, HW_DROP_EMBEDDING);
    if (tape->out != x) hw_linear_forward(x, linear, tape->out, tokens, pass);
}

/* ---- Backward ------------------------------------------------------------------------------ */

/* Every token adds to its position's row and to that of type 0. d_sum: [tokens][embedding_width] */
static void rows_backward(float *gradient, const float *d_sum, const hw_encoder_pass *pass) {
    const hw_module *base = hw_base_modules(pass->encoder);
    const hw_module *position = &base[HW_MODULE_POSITION], *type = &base[HW_MODULE_TYPE];
    const size_t width = base[HW_MODULE_WORD].columns;
    const size_t offset = (size_t)pass->config->position_offset;
    for (size_t text = 0; text < pass->batch.texts; text++) {
        const size_t begin = hw_begin_of(pass, text), end = hw_begin_of(pass, text + 1);
        for (size_t token = begin; token < end; token++) {
            const float *d_row = d_sum + token * width;
            const size_t row = token - begin + offset;
            if (type->weight) pass->kernels->add(gradient + type->weight_at, d_row, width);
            if (position->weight)
                pass->kernels->add(gradient + position->weight_at + row * width, d_row, width);
        }
    }
}

void hw_embedding_backward(float *d_words, float *gradient, const hw_encoder_pass *pass,
                           float *d_x) {
    const hw_embedding_tape *tape = &pass->scratch->embedding;
    const hw_module *base = hw_base_modules(pass->encoder);
    const hw_module *norm = &base[HW_MODULE_EMBEDDING_NORM], *linear = &base[HW_MODULE_PROJECTION];
    const size_t tokens = hw_block_tokens(pass);
    const bool projected_after = tape->out != pass->scratch->layer[0].attention.x;
    const bool projected_before = tape->in != tape->sum;
    float *d_out = d_x, *d_in = pass->scratch->work.d_u;
    if (projected_after) {
        d_out = d_words;
        hw_linear_backward(d_out, gradient, d_x, linear, tape->out, tokens, pass);
        d_in = d_x;
    }
    hw_encoder_drop_tokens(d_out, norm->columns, pass, HW_DROP_EMBEDDING);
    if (!projected_before && !projected_after) d_in = d_words;
    memset(d_in, 0, tokens * norm->columns * sizeof *d_in);
    hw_norm_backward(d_in, gradient, d_out, tape->in, tape->mean, tape->rstd, norm, tokens, pass);
    if (projected_before)
        hw_linear_backward(d_words, gradient, d_in, linear, tape->sum, tokens, pass);
    else if (d_in != d_words)
        memcpy(d_words, d_in, tokens * norm->columns * sizeof *d_words);
    rows_backward(gradient, d_words, pass);
}
