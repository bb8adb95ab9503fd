/* Where the weights of a layer's heads come from: one description for each hw_attention.
 *
 *   learned        A_h = softmax(pattern of q_h, k_h, position_h); frozen is computed likewise
 *   tied           the same of q_0, k_0, position_0 for all heads
 *   uniform        A_h = 1 / n
 *   talking        model/talking.h
 *   collaborative  model/collaborative.h
 *
 * Heads whose weights are made together are a group: one head, or all of a layer. Invariant:
 * weights are those of one window, and made again for the backward pass. */
#ifndef HW_MODEL_ATTENTION_WEIGHTS_H
#define HW_MODEL_ATTENTION_WEIGHTS_H

#include "model/pattern.h"

typedef struct hw_head_group {
    const hw_pass *pass;
    const hw_tower_layer *weights;
    const float *qkv;    /* of the window's n tokens: [n][hw_tower_qkv_width] */
    size_t n;            /* tokens of the window */
    size_t first, heads; /* the group is heads [first, first + heads) */
} hw_head_group;

/* Heads of a group, and the matrices that they have: as many, or one that they share. */
size_t hw_group_heads(const hw_tower_config *config);
size_t hw_group_matrices(const hw_tower_config *config);

/* True if every head has queries and keys of its own and its weights are seen by nobody else, so
 * that they need not be written down in the forward pass. */
bool hw_heads_stand_alone(const hw_tower_config *config);

/* work->scores[matrices][n][n] = the weights of the group. */
void hw_weights_forward(const hw_head_group *group);
/* After hw_weights_forward, from work->d_scores, their gradient, which is overwritten. d_qkv: of
 * the window's tokens; the columns of q and k are written, or added to by all groups but the first
 * where groups share them. */
void hw_weights_backward(float *d_qkv, const hw_tower_layer *gradient, const hw_head_group *group);

/* The matrix of the i-th head of a group in work->scores or work->d_scores. */
static inline float *hw_group_matrix(float *matrices, const hw_head_group *group, size_t i) {
    const size_t matrix = hw_group_matrices(group->pass->config) > 1 ? i : 0;
    return matrices + matrix * group->n * hw_pattern_stride(group->n);
}

/* For descriptions: head `head` with queries and keys of its own. */
hw_pattern hw_head_pattern(const hw_head_group *group, size_t head);

#endif
