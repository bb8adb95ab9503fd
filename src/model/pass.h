/* What the operations of the tower share while a batch passes through them.
 * Invariant: a tape keeps, from forward to backward, what one operation's gradient needs
 * (when there is no backward, all layers share one tape); the workspace keeps nothing from
 * one operation to the next. `tokens` and `texts` in shapes are those of the batch. */
#ifndef HW_MODEL_PASS_H
#define HW_MODEL_PASS_H

#include "model/routing.h"
#include "model/tower.h"

#define HW_NORM_EPSILON 1e-5f

typedef struct hw_norm_tape {
    float *x, *y;       /* [tokens][width]: what the norm reads and writes */
    float *mean, *rstd; /* [tokens] */
} hw_norm_tape;

typedef struct hw_attention_tape {
    hw_norm_tape norm;
    float *qkv;   /* [tokens][hw_tower_qkv_width], q divided by sqrt(head_dim) */
    float *heads; /* [tokens][heads * head_dim]: softmax(scores) v, before the gates */
    float *gates; /* [texts][heads]: of model/head_gates.h */
    /* For capsules, of the last layer, else NULL: heads after the gates, and that array's gradient
     * as the capsules see it. */
    float *gated, *d_gated;
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

typedef struct hw_capsule_tape {
    hw_norm_tape norm;
    float *heads, *d_heads;  /* gated and d_gated of the last layer; NULL without one */
    float *primary;          /* [tokens][heads * head_dim], before the squash */
    float *capsules;         /* [tokens][heads * head_dim] */
    bool keeps_texts;        /* false: each text's routing takes the place of the last one's */
    hw_routing_tape routing; /* of the first text; those of the others follow */
} hw_capsule_tape;

/* longest: tokens of the longest window; a row of scores has `longest` elements, rounded up
 * to a multiple of 16. */
typedef struct hw_workspace {
    float *scores, *d_scores; /* [matrices of a group][longest][longest] */
    float *logits, *mixed;    /* talking heads: likewise, before the softmax and after it */
    float *d_mixed;           /* talking heads: likewise */
    float *blended;           /* collaborative heads: [longest][shared_dim] */
    float *d_blended;         /* likewise */
    float *across;            /* [head_dim][longest]: a head's k or v, transposed */
    float *near, *d_near;     /* [2 * longest - 1]: a head's position bias by j - i */
    float *far;               /* [heads][2 * longest - 1]: by i - j */
    float *block;             /* [16][longest + head_dim]: of the kernel attend */
    float *gated, *d_gated;   /* [tokens][heads * head_dim] */
    float *d_gates;           /* [texts][heads] */
    float *mean;              /* of a text's tokens and its gradient: [2][width] */
    float *d_qkv;             /* [tokens][hw_tower_qkv_width] */
    float *d_inner;           /* [tokens][inner_width] */
    float *d_result, *d_norm; /* [tokens][width] */
    float *d_pooled;          /* [texts][hw_pooled_width] */
    float *d_attention;       /* [queries][tokens] */
    float *packed;            /* [hw_projection_packed] of the largest projection */
    float *d_capsules;        /* [tokens][heads * head_dim] */
    hw_routing_work routing;
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
