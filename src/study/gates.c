/* Weights of 0 leave a gate to its bias, so that any gate can be asked for by its logit. */
#include "study/gates.h"

#include "base/memory.h"
#include "classify/encoding.h"

#include <assert.h>
#include <math.h>

struct hw_gates {
    const hw_classifier *classifier;
    const hw_kernels *kernels;
    hw_encoding encoding;
    hw_tower_scratch *scratch; /* of one text of at most `tokens` */
    size_t tokens;
    hw_tower_views fixed; /* the classifier's tower, but for: */
    float *no_weights;    /* [heads][width], 0 */
    float *biases;        /* [layers][heads] */
    float *logits;        /* [columns] */
};

static const hw_tower_config *config_of(const hw_gates *g) {
    return &g->classifier->config.tower;
}

size_t hw_gates_count(const hw_gates *g) {
    return (size_t)config_of(g)->layers * (size_t)config_of(g)->heads;
}

static hw_status reserve(hw_gates *g, hw_error *err) {
    const hw_tower_config *c = config_of(g);
    const size_t heads = (size_t)c->heads, width = (size_t)c->width;
    g->no_weights = hw_calloc(heads * width, sizeof *g->no_weights);
    g->biases = hw_calloc(hw_gates_count(g), sizeof *g->biases);
    g->logits = hw_calloc((size_t)hw_tower_columns(c->labels), sizeof *g->logits);
    if (!g->no_weights || !g->biases || !g->logits)
        return hw_fail_memory(err, heads * width * sizeof *g->no_weights);
    g->fixed = g->classifier->towers[0];
    for (int32_t layer = 0; layer < c->layers; layer++) {
        g->fixed.layer[layer].gate_weight = g->no_weights;
        g->fixed.layer[layer].gate_bias = g->biases + (size_t)layer * heads;
    }
    return HW_OK;
}

hw_gates *hw_gates_new(const hw_classifier *classifier, hw_error *err) {
    assert(classifier->config.towers == 1);
    assert(classifier->config.tower.head_gates == HW_HEAD_GATES_INPUT);
    hw_gates *g = hw_calloc(1, sizeof *g);
    if (!g) return hw_fail_memory(err, sizeof *g), NULL;
    g->classifier = classifier;
    g->kernels = hw_kernels_select();
    if (reserve(g, err) == HW_OK) return g;
    hw_gates_free(g);
    return NULL;
}

void hw_gates_free(hw_gates *g) {
    if (!g) return;
    hw_encoding_free(&g->encoding);
    hw_tower_scratch_free(g->scratch);
    hw_free(g->no_weights);
    hw_free(g->biases);
    hw_free(g->logits);
    hw_free(g);
}

static hw_status make_room(hw_gates *g, size_t tokens, hw_error *err) {
    if (g->scratch && tokens <= g->tokens) return HW_OK;
    hw_tower_scratch_free(g->scratch);
    g->tokens = 2 * tokens;
    g->scratch = hw_tower_scratch_new(config_of(g), 1, g->tokens, true, err);
    return g->scratch ? HW_OK : HW_ERROR_MEMORY;
}

/* Leaves the logits, and the gates in the scratch. */
static hw_status run(hw_gates *g, const hw_tower_views *weights, hw_text text, hw_error *err) {
    const hw_classifier *c = g->classifier;
    hw_encoding *e = &g->encoding;
    HW_TRY(hw_encoding_make(e, text, &c->config.ngram_options, &c->ngrams, err));
    HW_TRY(hw_encoding_sort(e, err));
    HW_TRY(make_room(g, e->tokens, err));
    const uint32_t offsets[] = { 0, (uint32_t)e->tokens };
    const hw_batch batch = { e->token_ngrams, e->token_offsets, offsets, 1 };
    hw_tower_forward(g->logits, g->scratch, config_of(g), weights, g->kernels, batch, NULL);
    return HW_OK;
}

hw_status hw_gates_read(float *values, hw_gates *g, hw_text text, hw_error *err) {
    const hw_tower_config *c = config_of(g);
    HW_TRY(run(g, &g->classifier->towers[0], text, err));
    for (int32_t layer = 0; layer < c->layers; layer++)
        hw_tower_gates(values + layer * c->heads, g->scratch, c, (size_t)layer, 0);
    return HW_OK;
}

static float logit_of(float gate) {
    const float least = 1e-6f, inside = fminf(fmaxf(gate, least), 1 - least);
    return logf(inside / (1 - inside));
}

hw_status hw_gates_classify(float *probabilities, hw_gates *g, hw_text text, const float *values,
                            hw_error *err) {
    for (size_t i = 0; i < hw_gates_count(g); i++) g->biases[i] = logit_of(values[i]);
    HW_TRY(run(g, &g->fixed, text, err));
    hw_classifier_join(g->classifier, probabilities, NULL, g->logits);
    return HW_OK;
}
