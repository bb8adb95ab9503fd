/* Learned, tied and uniform weights, and the table of all descriptions. */
#include "model/attention_weights.h"

#include "model/collaborative.h"
#include "model/talking.h"

/* ---- Queries and keys of a head's own -------------------------------------------------- */

hw_pattern hw_head_pattern(const hw_head_group *g, size_t head) {
    const hw_tower_config *config = g->pass->config;
    const size_t row = (size_t)hw_tower_qkv_width(config);
    const size_t head_dim = (size_t)config->head_dim, distance = (size_t)config->distance;
    const float *q = g->qkv + head * head_dim;
    return (hw_pattern){ .q = q,
                         .k = q + hw_tower_query_width(config),
                         .q_stride = row,
                         .k_stride = row,
                         .position = g->weights->position + head * (2 * distance + 1),
                         .n = g->n,
                         .dim = head_dim,
                         .distance = distance };
}

static void learned_forward(const hw_head_group *g) {
    const hw_pass *pass = g->pass;
    const hw_pattern p = hw_head_pattern(g, g->first);
    hw_pattern_forward(pass->work->scores, &p, pass);
    pass->kernels->softmax(pass->work->scores, hw_pattern_stride(g->n), g->n, g->n);
}

static void learned_backward(float *d_qkv, const hw_tower_layer *gradient, const hw_head_group *g) {
    const hw_workspace *work = g->pass->work;
    const hw_pattern p = hw_head_pattern(g, g->first);
    float *d_q = d_qkv + (p.q - g->qkv), *d_k = d_qkv + (p.k - g->qkv);
    g->pass->kernels->softmax_backward(work->d_scores, work->scores, hw_pattern_stride(g->n), g->n,
                                       g->n);
    hw_pattern_backward(d_q, d_k, gradient->position + (p.position - g->weights->position),
                        work->d_scores, &p, false, g->pass);
}

/* ---- Nothing to learn -------------------------------------------------------------------- */

static void uniform_forward(const hw_head_group *g) {
    float *scores = g->pass->work->scores;
    const size_t count = g->n * hw_pattern_stride(g->n);
    for (size_t i = 0; i < count; i++) scores[i] = 1.0f / (float)g->n;
}

static void uniform_backward(float *d_qkv, const hw_tower_layer *gradient,
                             const hw_head_group *group) {
    (void)d_qkv, (void)gradient, (void)group;
}

/* ---- All of them --------------------------------------------------------------------------- */

typedef struct weighing {
    void (*forward)(const hw_head_group *group);
    void (*backward)(float *d_qkv, const hw_tower_layer *gradient, const hw_head_group *group);
    bool together; /* all heads of a layer are one group */
    bool shared;   /* which has one matrix */
} weighing;

static const weighing weighings[] = {
    [HW_ATTENTION_LEARNED] = { learned_forward, learned_backward, false, false },
    [HW_ATTENTION_UNIFORM] = { uniform_forward, uniform_backward, true, true },
    [HW_ATTENTION_FROZEN] = { learned_forward, learned_backward, false, false },
    [HW_ATTENTION_TIED] = { learned_forward, learned_backward, true, true },
    [HW_ATTENTION_TALKING] = { hw_talking_forward, hw_talking_backward, true, false },
    [HW_ATTENTION_COLLABORATIVE] = { hw_collaborative_forward, hw_collaborative_backward, false,
                                     false },
};

size_t hw_group_heads(const hw_tower_config *config) {
    return weighings[config->attention].together ? (size_t)config->heads : 1;
}

size_t hw_group_matrices(const hw_tower_config *config) {
    return weighings[config->attention].shared ? 1 : hw_group_heads(config);
}

bool hw_heads_stand_alone(const hw_tower_config *config) {
    return weighings[config->attention].forward == learned_forward &&
           !weighings[config->attention].together;
}

void hw_weights_forward(const hw_head_group *group) {
    weighings[group->pass->config->attention].forward(group);
}

void hw_weights_backward(float *d_qkv, const hw_tower_layer *gradient, const hw_head_group *group) {
    weighings[group->pass->config->attention].backward(d_qkv, gradient, group);
}
