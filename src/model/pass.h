/* What the operations of the tower share while a batch passes through them.
 * Invariant: a tape keeps, from forward to backward, what one operation's gradient needs
 * (when there is no backward, all layers share one tape); the workspace keeps nothing from
 * one operation to the next. `tokens` and `texts` in shapes are those of the batch. */
#ifndef HW_MODEL_PASS_H
#define HW_MODEL_PASS_H

#include "model/tower.h"

#define HW_NORM_EPSILON 1e-5f

typedef struct hw_norm_tape {
    float *x, *y;       /* [tokens][width]: what the norm reads and writes */
    float *mean, *rstd; /* [tokens] */
} hw_norm_tape;

typedef struct hw_attention_tape {
    hw_norm_tape norm;
    float *qkv;   /* [tokens][3 * heads * head_dim], q divided by sqrt(head_dim) */
    float *heads; /* [tokens][heads * head_dim]: softmax(scores) v, before the gates */
} hw_attention_tape;

typedef struct hw_feedforward_tape {
    hw_norm_tape norm;
    float *inner, *active; /* [tokens][inner_width], before and after gelu */
    float *result;         /* [tokens][width], before the gate */
} hw_feedforward_tape;

typedef struct hw_pooling_tape {
    hw_norm_tape norm;
    float *attention; /* text t's [queries][its tokens] is at queries * offsets[t] */
    float *pooled;    /* [texts][hw_pooled_width] */
} hw_pooling_tape;

/* longest: tokens of the longest window; a row of scores has `longest` elements, rounded up
 * to a multiple of 16. */
typedef struct hw_workspace {
    float *scores, *d_scores; /* [longest][longest] */
    float *across;            /* [head_dim][longest]: a head's k or v, transposed */
    float *near, *d_near;     /* [2 * longest - 1]: a head's position bias by j - i */
    float *gated, *d_gated;   /* [tokens][heads * head_dim] */
    float *d_qkv;             /* [tokens][3 * heads * head_dim] */
    float *d_inner;           /* [tokens][inner_width] */
    float *d_result, *d_norm; /* [tokens][width] */
    float *d_pooled;          /* [texts][hw_pooled_width] */
    float *d_attention;       /* [queries][tokens] */
    float *transposed;        /* the largest weight matrix */
} hw_workspace;

typedef struct hw_pass {
    const hw_tower_config *config;
    const hw_kernels *kernels;
    const hw_workspace *work;
    hw_batch batch;
    const hw_tower_noise *noise;     /* or NULL */
    const hw_attention_watch *watch; /* or NULL */
} hw_pass;

static inline size_t hw_pass_tokens(const hw_pass *pass) {
    return pass->batch.offsets[pass->batch.texts];
}

static inline size_t hw_pooled_width(const hw_tower_config *config) {
    return (size_t)(2 + config->queries) * (size_t)config->width;
}

static inline size_t hw_all_heads_width(const hw_tower_config *config) {
    return (size_t)config->heads * (size_t)config->head_dim;
}

#endif
