/* A tower's gate is one that is there: d loss / d xi = gate * d loss / d gate. Of several towers, a
 * head is the same one in all of them, as it is where heads are switched off. */
#include "explain/importance.h"

#include "base/memory.h"
#include "classify/encoding.h"
#include "classify/events.h"

#include <math.h>
#include <string.h>

/* ---- The loss ----------------------------------------------------------------------------- */

/* Of several labels the first counts, unless the text may have all of them. A label that the model
 * does not have moves nothing: p of it is 0 whatever the heads do. */
void hw_importance_loss(float *d_logits, const hw_classifier *classifier, const hw_corpus *corpus,
                        size_t row) {
    const hw_config *config = &classifier->config;
    const size_t labels = (size_t)classifier->summary.labels;
    const float *p = corpus->probabilities + row * labels;
    const double factor = config->join.tower / config->temperature;
    const uint32_t first = corpus->offsets[row];
    const bool any = corpus->offsets[row + 1] > first;
    const size_t gold = any ? corpus->labels[first] : labels;
    const bool counts = config->multi_label || gold < labels;
    for (size_t label = 0; label < labels; label++) {
        const bool right =
            config->multi_label ? hw_targets_have(corpus->targets, row, label) : label == gold;
        d_logits[label] = counts ? (float)(factor * ((double)p[label] - right)) : 0;
    }
}

/* ---- Towers ------------------------------------------------------------------------------- */

typedef struct tower_gauge {
    const hw_classifier *classifier;
    const hw_tower_views *towers; /* the session's */
    const hw_kernels *kernels;
    hw_encoding encoding;
    hw_tower_config small; /* the gradient's shape: one row of the embedding, not touched */
    float *gradient;       /* a block of that shape */
    hw_tower_views views;  /* into it */
    hw_tower_scratch *scratch;
    float *d_tokens;          /* [capacity][width] */
    size_t capacity;          /* tokens */
    float *logits, *d_logits; /* [columns] */
    double *slopes;           /* [layers][heads] of a text */
} tower_gauge;

static hw_status reserve(tower_gauge *g, hw_error *err) {
    const hw_tower_config *config = &g->classifier->config.tower;
    const size_t columns = (size_t)hw_tower_columns(config->labels);
    g->small = *config;
    g->small.vocabulary = 1;
    g->gradient = hw_calloc(hw_tower_floats(&g->small), sizeof *g->gradient);
    g->logits = hw_calloc(columns, sizeof *g->logits);
    g->d_logits = hw_calloc(columns, sizeof *g->d_logits);
    g->slopes = hw_calloc((size_t)config->layers * (size_t)config->heads, sizeof *g->slopes);
    if (!g->gradient || !g->logits || !g->d_logits || !g->slopes)
        return hw_fail_memory(err, hw_tower_floats(&g->small) * sizeof *g->gradient);
    hw_tower_view(&g->views, &g->small, g->gradient);
    return HW_OK;
}

static hw_status reserve_tokens(tower_gauge *g, size_t tokens, hw_error *err) {
    const hw_tower_config *config = &g->classifier->config.tower;
    if (tokens <= g->capacity) return HW_OK;
    hw_tower_scratch_free(g->scratch);
    hw_free(g->d_tokens);
    g->capacity = 0;
    g->d_tokens = hw_calloc(2 * tokens * (size_t)config->width, sizeof *g->d_tokens);
    g->scratch = hw_tower_scratch_new(config, 1, 2 * tokens, true, err);
    if (!g->scratch) return HW_ERROR_MEMORY;
    if (!g->d_tokens) return hw_fail_memory(err, 2 * tokens * (size_t)config->width);
    g->capacity = 2 * tokens;
    return HW_OK;
}

static void free_gauge(tower_gauge *g) {
    hw_encoding_free(&g->encoding);
    hw_free(g->gradient);
    hw_tower_scratch_free(g->scratch);
    hw_free(g->d_tokens);
    hw_free(g->logits);
    hw_free(g->d_logits);
    hw_free(g->slopes);
}

/* Adds a tower's slopes of the text that is encoded. */
static void add_slopes(tower_gauge *g, int32_t tower) {
    const hw_tower_config *config = &g->classifier->config.tower;
    const hw_tower_views *weights = &g->towers[tower];
    const hw_encoding *e = &g->encoding;
    const uint32_t offsets[2] = { 0, (uint32_t)e->tokens };
    const hw_batch batch = { e->token_ngrams, e->token_offsets, offsets, 1 };
    memset(g->gradient, 0, hw_tower_floats(&g->small) * sizeof *g->gradient);
    hw_tower_forward(g->logits, g->scratch, config, weights, g->kernels, batch, NULL);
    hw_tower_backward(&g->views, g->d_tokens, g->scratch, config, weights, g->kernels, batch,
                      g->d_logits, NULL);
    for (int32_t l = 0; l < config->layers; l++)
        for (int32_t head = 0; head < hw_tower_layer_heads(config, l); head++)
            g->slopes[l * config->heads + head] += (double)weights->layer[l].attention_gate[head] *
                                                   (double)g->views.layer[l].attention_gate[head] /
                                                   g->classifier->config.towers;
}

static hw_status run_text(double *sums, tower_gauge *g, const hw_corpus *corpus, size_t row,
                          hw_error *err) {
    const hw_config *config = &g->classifier->config;
    const size_t heads = (size_t)config->tower.layers * (size_t)config->tower.heads;
    HW_TRY(hw_encoding_make(&g->encoding, corpus->dataset->examples[row].text,
                            &config->ngram_options, &g->classifier->ngrams, err));
    HW_TRY(hw_encoding_sort(&g->encoding, err));
    HW_TRY(reserve_tokens(g, g->encoding.tokens, err));
    hw_importance_loss(g->d_logits, g->classifier, corpus, row);
    memset(g->slopes, 0, heads * sizeof *g->slopes);
    for (int32_t tower = 0; tower < config->towers; tower++) add_slopes(g, tower);
    for (size_t i = 0; i < heads; i++) sums[i] += fabs(g->slopes[i]);
    return HW_OK;
}

static hw_status run_texts(double *sums, hw_session *session, const hw_corpus *corpus,
                           hw_error *err) {
    tower_gauge g = { .classifier = hw_session_classifier(session),
                      .towers = hw_session_towers(session),
                      .kernels = hw_kernels_select() };
    hw_status status = reserve(&g, err);
    for (size_t row = 0; row < corpus->targets.rows && status == HW_OK; row++)
        status = run_text(sums, &g, corpus, row, err);
    free_gauge(&g);
    return status;
}

/* ---- Either --------------------------------------------------------------------------------- */

static void divide_by_norms(double *importance, size_t layers, size_t heads) {
    for (size_t l = 0; l < layers; l++, importance += heads) {
        double squares = 0;
        for (size_t head = 0; head < heads; head++) squares += importance[head] * importance[head];
        for (size_t head = 0; head < heads && squares > 0; head++)
            importance[head] /= sqrt(squares);
    }
}

hw_status hw_importance_measure(double *importance, hw_session *session, const hw_corpus *corpus,
                                int32_t threads, bool normalize, hw_error *err) {
    const hw_summary *summary = hw_classifier_summary(hw_session_classifier(session));
    const size_t layers = (size_t)summary->layers, heads = (size_t)summary->heads;
    memset(importance, 0, layers * heads * sizeof *importance);
    if (summary->family)
        HW_TRY(hw_encoder_importance(importance, session, corpus, threads, err));
    else if (summary->towers > 0)
        HW_TRY(run_texts(importance, session, corpus, err));
    for (size_t i = 0; i < layers * heads && corpus->targets.rows > 0; i++)
        importance[i] /= (double)corpus->targets.rows;
    if (normalize) divide_by_norms(importance, layers, heads);
    return HW_OK;
}
