/* Penalties from the tapes of a forward pass, and their gradients. Invariant: a text's part does
 * not depend on the other texts of the batch. */
#include "model/penalty.h"

#include "model/disagreement.h"
#include "model/head_gates.h"
#include "model/orthogonality.h"
#include "model/scratch.h"

#include <assert.h>

/* ---- What is measured, of one text ------------------------------------------------------- */

typedef struct span {
    size_t begin, tokens;
} span;

static span span_of(hw_batch batch, size_t text) {
    return (span){ batch.offsets[text], batch.offsets[text + 1] - batch.offsets[text] };
}

/* x: of all tokens, where the heads' vectors are the last columns of each row */
static hw_head_vectors vectors_of(const float *x, size_t stride, span s, const hw_tower_config *c) {
    return (hw_head_vectors){ .x = x + (s.begin + 1) * stride - hw_all_heads_width(c),
                              .stride = stride,
                              .tokens = s.tokens,
                              .heads = (size_t)c->heads,
                              .head_dim = (size_t)c->head_dim };
}

static hw_head_vectors outputs_of(const hw_attention_tape *tape, span s, const hw_tower_config *c) {
    return vectors_of(tape->heads, hw_all_heads_width(c), s, c);
}

static hw_head_vectors values_of(const hw_attention_tape *tape, span s, const hw_tower_config *c) {
    return vectors_of(tape->qkv, (size_t)hw_tower_qkv_width(c), s, c);
}

/* ---- The penalty ------------------------------------------------------------------------- */

static double of_layer(const hw_attention_tape *tape, const hw_tower_layer *weights, span s,
                       const hw_tower_config *config, const hw_tower_penalties *p) {
    const hw_head_vectors values = values_of(tape, s, config),
                          outputs = outputs_of(tape, s, config);
    double sum = 0.0;
    if (p->open_gates > 0) sum += (double)p->open_gates * hw_head_gates_open(config, weights);
    if (p->like_values > 0) sum += (double)p->like_values * hw_head_agreement(&values);
    if (p->like_outputs > 0) sum += (double)p->like_outputs * hw_head_agreement(&outputs);
    return sum;
}

double hw_tower_penalty(const hw_tower_scratch *scratch, const hw_tower_config *config,
                        const hw_tower_views *weights, const hw_kernels *kernels, hw_batch batch,
                        const hw_tower_penalties *p) {
    const size_t queries = (size_t)config->queries;
    double sum = 0.0;
    assert(scratch->training);
    for (size_t text = 0; text < batch.texts; text++) {
        const span s = span_of(batch, text);
        for (int32_t l = 0; l < config->layers; l++) {
            const hw_tower_config own = hw_tower_layer_config(config, l);
            sum += of_layer(&scratch->attention[l], &weights->layer[l], s, &own, p);
        }
        if (p->overlap > 0 && queries > 0)
            sum += (double)p->overlap * hw_overlap(scratch->pooling.attention + s.begin * queries,
                                                   queries, s.tokens, kernels);
    }
    return sum * (double)p->scale;
}

/* ---- Its gradients ----------------------------------------------------------------------- */

void hw_outputs_penalty_backward(float *d_heads, const hw_pass *pass,
                                 const hw_attention_tape *tape) {
    const hw_tower_penalties *p = pass->noise ? &pass->noise->penalties : NULL;
    if (!p || p->like_outputs <= 0) return;
    for (size_t text = 0; text < pass->batch.texts; text++) {
        const hw_head_vectors v = outputs_of(tape, span_of(pass->batch, text), pass->config);
        hw_head_agreement_backward(d_heads + (v.x - tape->heads), &v, p->scale * p->like_outputs);
    }
}

void hw_values_penalty_backward(float *d_qkv, const hw_pass *pass, const hw_attention_tape *tape) {
    const hw_tower_penalties *p = pass->noise ? &pass->noise->penalties : NULL;
    if (!p || p->like_values <= 0) return;
    for (size_t text = 0; text < pass->batch.texts; text++) {
        const hw_head_vectors v = values_of(tape, span_of(pass->batch, text), pass->config);
        hw_head_agreement_backward(d_qkv + (v.x - tape->qkv), &v, p->scale * p->like_values);
    }
}

/* The gates are the same for all texts of the batch. */
void hw_gates_penalty_backward(const hw_tower_layer *gradient, const hw_pass *pass,
                               const hw_tower_layer *weights) {
    const hw_tower_penalties *p = pass->noise ? &pass->noise->penalties : NULL;
    if (!p || p->open_gates <= 0) return;
    hw_head_gates_open_backward(gradient, pass->config, weights,
                                p->scale * p->open_gates * (float)pass->batch.texts);
}

void hw_overlap_penalty_backward(float *d_attention, const float *attention, size_t tokens,
                                 const hw_pass *pass) {
    const hw_tower_penalties *p = pass->noise ? &pass->noise->penalties : NULL;
    if (!p || p->overlap <= 0) return;
    hw_overlap_backward(d_attention, attention, (size_t)pass->config->queries, tokens,
                        p->scale * p->overlap, pass->kernels);
}
