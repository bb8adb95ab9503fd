/* Routing by agreement (Sabour et al. 2017, procedure 1) of one text's capsules u_i to the
 * capsules of the labels, with a transform for each label and head that all tokens share
 * (Zhao et al. 2018). For iterations 1, 2, ... from b = 0 on:
 *
 *   c_ij = exp b_ij / (1 + sum over labels k of exp b_ik)
 *   s_j  = bias_j + (labels + 1) / capsules * sum over i of c_ij W_j u_i
 *   b_ij = b_ij + squash(s_j) W_j u_i
 *
 * The 1 is the orphan category: a capsule may belong to no label (leaky softmax). The factor
 * makes s_j a mean at first, so that it does not grow with the text.
 *
 * No W_j u_i is ever formed: with the wanted vector w_j, which is the sum of W_j^T squash(s_j)
 * over the iterations before, b_ij = w_j u_i, and s_j needs the c_ij u_i summed over i before W_j.
 * So the work is tokens * heads * head_dim * labels an iteration, as of an attention whose
 * queries are labels. Invariant: memory does not depend on the number of tokens, which go
 * through in blocks, and gradients go through every iteration. */
#ifndef HW_MODEL_ROUTING_H
#define HW_MODEL_ROUTING_H

#include "tensor/kernels.h"

enum { HW_ROUTING_BLOCK = 64 /* tokens */ };

typedef struct hw_routing {
    size_t heads, head_dim;
    size_t width;       /* heads * head_dim: a capsule of every head */
    size_t labels, dim; /* of a label's capsule */
    size_t iterations;
    const float *transform; /* [labels][dim][width] */
    const float *bias;      /* [labels][dim] */
} hw_routing;

/* What the routing of a text leaves for its gradient. */
typedef struct hw_routing_tape {
    float *wanted;   /* [iterations][labels][width] */
    float *gathered; /* [iterations][labels][width]: (labels + 1) / capsules * sum of c_ij u_i */
    float *pose;     /* [iterations][labels][dim]: s_j */
} hw_routing_tape;

typedef struct hw_routing_work {
    float *coupling, *d_coupling; /* [HW_ROUTING_BLOCK][hw_routing_stride] */
    float *across, *d_across;     /* [head_dim][hw_routing_stride]: of labels, transposed */
    float *d_wanted, *d_gathered; /* [labels][width] */
    float *squashed, *d_pose;     /* [labels][dim] */
} hw_routing_work;

/* Of a row with a place for each label and for the orphan category. */
static inline size_t hw_routing_stride(size_t labels) {
    return (labels + 1 + 15) / 16 * 16;
}

/* The last iteration's poses [labels][dim]: the result. */
static inline float *hw_routing_poses(const hw_routing_tape *tape, const hw_routing *routing) {
    return tape->pose + (routing->iterations - 1) * routing->labels * routing->dim;
}

/* Fills the tape from capsules[tokens][width]; of the workspace only coupling, across and squashed
 * are used. */
void hw_routing_forward(const hw_routing_tape *tape, const hw_routing *routing,
                        const hw_routing_work *work, const float *capsules, size_t tokens,
                        const hw_kernels *kernels);

/* From work->d_pose, the gradient of the last iteration's poses, which is overwritten.
 * d_capsules[tokens][width] is written; d_transform and d_bias are added to. */
void hw_routing_backward(float *d_capsules, float *d_transform, float *d_bias,
                         const hw_routing *routing, const hw_routing_tape *tape,
                         const hw_routing_work *work, const float *capsules, size_t tokens,
                         const hw_kernels *kernels);

#endif
