/* What the heads of one tower, or of an encoder in one window, attend to, collected from a pass.
 * Invariant: what no block has shown is 0. */
#ifndef HW_EXPLAIN_ATTENTION_MATRICES_H
#define HW_EXPLAIN_ATTENTION_MATRICES_H

#include "classify/classifier.h"
#include "tensor/attention_watch.h"

enum { HW_ATTENTION_TOKENS = 4096 }; /* at most: memory grows with their square */

typedef enum hw_attention_detail {
    HW_ATTENTION_MEANS, /* over heads */
    HW_ATTENTION_LAST,  /* also the heads of the last layer, and their outputs of a token */
    HW_ATTENTION_EVERY, /* also the heads of all layers */
    HW_ATTENTION_GIVEN  /* and what they give */
} hw_attention_detail;

typedef struct hw_attention_matrices {
    hw_attention_detail detail;
    size_t layers, heads, head_dim, tokens, width;
    size_t *layer_heads; /* [layers]: heads that a layer has, at most `heads` */
    float *mean;         /* [layers][tokens][tokens] over the heads */
    float *relevance;    /* likewise, of the positive part of weight * gradient, if the pass has
                          * gradients */
    size_t kept_from;    /* the first layer whose heads are kept */
    float *kept;         /* [layers - kept_from][heads][tokens][tokens] */
    float *outputs; /* [heads][tokens][width] of the last layer (HW_ATTENTION_LAST); else NULL */
    float *given;   /* [layers][tokens][heads * head_dim] (HW_ATTENTION_GIVEN): sums of values by
                     * weights, the rows of a layer with fewer heads without gaps; else NULL */
    float *row;     /* [tokens]: how the readout looks at the last layer's states */
    /* Borrowed from the path: */
    const uint32_t *token_of; /* [tokens] of the subject's, HW_NO_WORD: of none; NULL: the same */
    const float *vectors;     /* [tokens][vector_width] of the embedding, without positions */
    size_t vector_width;
} hw_attention_matrices;

/* detail is set, the rest is zero before; freed by hw_attention_matrices_free also on failure. */
hw_status hw_attention_matrices_start(hw_attention_matrices *matrices,
                                      const hw_classifier *classifier, size_t tokens,
                                      hw_error *err);
void hw_attention_matrices_free(hw_attention_matrices *matrices);
/* Of a hw_attention_watch, whose context they are. */
void hw_attention_matrices_see(void *matrices, const hw_attention_block *block);
void hw_attention_matrices_see_output(void *matrices, const hw_attention_output *output);
/* The first of the rows of what a layer gives, [tokens][heads that it has * head_dim]. */
const float *hw_attention_given(const hw_attention_matrices *matrices, size_t layer);

#endif
