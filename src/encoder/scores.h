/* The scores of one head of one text, HW_QUERY_BLOCK queries at a time. */
#ifndef HW_ENCODER_SCORES_H
#define HW_ENCODER_SCORES_H

#include "encoder/pass.h"

typedef struct hw_head {
    const hw_encoder_pass *pass;
    const hw_layer_tape *tape;
    hw_head_work *work;
    int32_t layer;
    size_t text, head;
    size_t begin, n;  /* the text's first token in the block, and its tokens */
    size_t queries;   /* n, or 1: the first token's alone */
    float *q, *k, *v; /* [queries or n][head_dim] */
    size_t stride;    /* of their rows */
    size_t column;    /* of the head's first dimension among all heads' */
} hw_head;

/* Queries [query, query + rows) and keys [first_key, first_key + keys), which is a multiple of
 * HW_PANEL; stride is that of a row of scores. */
typedef struct hw_score_block {
    size_t query, rows, first_key, keys, stride;
} hw_score_block;

hw_score_block hw_score_block_at(const hw_head *h, size_t query);
/* What all blocks of a head share: packed keys, biases. */
void hw_scores_begin(const hw_head *h);
/* work->scores[rows][keys] = softmax(q k^T + what positions add), 0 where a query does not look. */
void hw_scores_forward(const hw_score_block *b, const hw_head *h);
/* work->scores after dropout, in work->dropped; without dropout work->scores itself. */
const float *hw_scores_drop(const hw_score_block *b, const hw_head *h);
/* work->d_scores: of the dropped probabilities on entry, of the scores on return. */
void hw_scores_backward(const hw_score_block *b, const hw_head *h);

/* True if gradients of positions are sums over texts, so that a head's texts are one task. */
bool hw_positions_are_summed(const hw_encoder_config *config);
/* From work->d_scores: adds to d_q[queries] and to the gradients of positions. */
void hw_positions_backward(float *d_q, float *gradient, const hw_score_block *b, const hw_head *h);
/* After the last block: adds to d_k. */
void hw_positions_end_backward(float *d_k, const hw_head *h);

#endif
