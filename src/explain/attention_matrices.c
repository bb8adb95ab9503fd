/* Blocks come one after the other: whoever collects runs a pass without other threads. */
#include "explain/attention_matrices.h"

#include "base/memory.h"

#include <assert.h>
#include <string.h>

static float *new_floats(size_t rows, size_t columns, hw_error *err) {
    size_t floats = 0;
    float *array = hw_mul_size(&floats, rows, columns) ? hw_calloc(floats, sizeof *array) : NULL;
    if (!array) hw_fail_memory(err, floats * sizeof *array);
    return array;
}

static size_t first_kept(const hw_attention_matrices *m) {
    if (m->detail >= HW_ATTENTION_EVERY) return 0;
    if (m->detail == HW_ATTENTION_LAST && m->layers > 0) return m->layers - 1;
    return m->layers;
}

static hw_status count_heads(hw_attention_matrices *m, const hw_classifier *classifier,
                             hw_error *err) {
    m->layer_heads = hw_calloc(m->layers, sizeof *m->layer_heads);
    if (!m->layer_heads) return hw_fail_memory(err, m->layers * sizeof *m->layer_heads);
    for (size_t l = 0; l < m->layers; l++)
        m->layer_heads[l] = (size_t)hw_classifier_heads(classifier, (int32_t)l);
    return HW_OK;
}

hw_status hw_attention_matrices_start(hw_attention_matrices *m, const hw_classifier *classifier,
                                      size_t tokens, hw_error *err) {
    const hw_summary *summary = &classifier->summary;
    const size_t layers = (size_t)summary->layers, heads = (size_t)summary->heads;
    if (tokens > HW_ATTENTION_TOKENS)
        return hw_fail(err, HW_ERROR_UNSUPPORTED,
                       "the text has %zu tokens; what heads attend to is shown of up to %d", tokens,
                       HW_ATTENTION_TOKENS);
    m->layers = layers;
    m->heads = heads;
    m->head_dim = (size_t)summary->head_dim;
    m->tokens = tokens;
    m->width = (size_t)summary->width;
    m->kept_from = first_kept(m);
    HW_TRY(count_heads(m, classifier, err));
    const size_t square = tokens * tokens;
    if (!(m->mean = new_floats(layers, square, err)) ||
        !(m->relevance = new_floats(layers, square, err)) ||
        !(m->kept = new_floats((layers - m->kept_from) * heads, square, err)) ||
        !(m->row = new_floats(1, tokens, err)))
        return HW_ERROR_MEMORY;
    if (m->detail == HW_ATTENTION_LAST && !(m->outputs = new_floats(heads, tokens * m->width, err)))
        return HW_ERROR_MEMORY;
    if (m->detail == HW_ATTENTION_GIVEN &&
        !(m->given = new_floats(layers * tokens, heads * m->head_dim, err)))
        return HW_ERROR_MEMORY;
    return HW_OK;
}

void hw_attention_matrices_free(hw_attention_matrices *m) {
    hw_free(m->layer_heads);
    hw_free(m->mean);
    hw_free(m->relevance);
    hw_free(m->kept);
    hw_free(m->outputs);
    hw_free(m->given);
    hw_free(m->row);
    *m = (hw_attention_matrices){ 0 };
}

static void add_relevance(float *relevance, const float *weights, const float *gradient,
                          size_t columns, float share) {
    for (size_t j = 0; j < columns; j++) {
        const float product = weights[j] * gradient[j];
        relevance[j] += product > 0 ? share * product : 0;
    }
}

void hw_attention_matrices_see(void *matrices, const hw_attention_block *b) {
    hw_attention_matrices *m = matrices;
    const size_t square = m->tokens * m->tokens;
    const float share = 1 / (float)m->layer_heads[b->layer];
    for (size_t row = 0; row < b->rows; row++) {
        const float *weights = b->weights + row * b->stride;
        const size_t at = (b->query + row) * m->tokens + b->key;
        float *mean = m->mean + b->layer * square + at;
        for (size_t j = 0; j < b->columns; j++) mean[j] += share * weights[j];
        if (b->gradient)
            add_relevance(m->relevance + b->layer * square + at, weights,
                          b->gradient + row * b->stride, b->columns, share);
        if (b->layer < m->kept_from) continue;
        const size_t matrix = (b->layer - m->kept_from) * m->heads + b->head;
        memcpy(m->kept + matrix * square + at, weights, b->columns * sizeof *weights);
    }
}

static size_t given_floats(const hw_attention_matrices *m) {
    return m->tokens * m->heads * m->head_dim;
}

void hw_attention_matrices_see_output(void *matrices, const hw_attention_output *output) {
    hw_attention_matrices *m = matrices;
    if (!m->given) return;
    assert(output->tokens == m->tokens);
    assert(output->width == m->layer_heads[output->layer] * m->head_dim);
    memcpy(m->given + output->layer * given_floats(m), output->heads,
           output->tokens * output->width * sizeof *m->given);
}

const float *hw_attention_given(const hw_attention_matrices *m, size_t layer) {
    return m->given + layer * given_floats(m);
}
