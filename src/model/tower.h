/* The attention tower: embedded n-grams, pre-norm multi-head self-attention layers
 * (Vaswani et al. 2017) with a learned relative-position bias a head, pooling and a
 * linear readout, or capsules in place of both. Forward and backward over a batch without padding:
 * the tokens of all texts one after the other, plus offsets.
 *
 *   x0 = scale(n) * sum of embedding[ngram] over the token's n known n-grams
 *   each layer:   a = attention(norm(x)); x += gate_h * a_h * W_o   (gates start at 0)
 *                 f = W_2 gelu(W_1 norm(x));  x += gate_f * f       (starts at 0; absent if
 *                                                                    inner_width is 0)
 *   z = norm(x);  pooled = [mean z | max z | for each query q: sum softmax(z q) z]
 *   logits = dropout(pooled) * W + b
 * with capsules (model/capsule.h), a the length of a label's capsule:
 *   logits = ln(a / (1 - a)),  a from routing(squash(dropout(gate_h * a_h + z P + p)))
 *
 * A text longer than `window` tokens is cut into ceil(n / window) windows of nearly equal
 * length; tokens attend within their window, pooling is over the whole text. So work and
 * memory are linear in the text's length, and nothing of it is lost.
 * Gates: one scalar a head and layer and one a feed-forward block (ReZero, Bachlechner
 * et al. 2020); config->head_gates adds others. Attention weights are what config->attention
 * says. DropHead (Zhou et al. 2020) zeroes whole heads while training.
 * Invariant: forward and backward allocate nothing; a text's logits do not depend on the
 * other texts of the batch. */
#ifndef HW_MODEL_TOWER_H
#define HW_MODEL_TOWER_H

#include "base/bits.h"
#include "base/error.h"
#include "tensor/attention_watch.h"
#include "tensor/kernels.h"

/* At most. Routing takes tokens * labels * heads * head_dim multiplications an iteration. */
enum {
    HW_TOWER_LAYERS = 64,
    HW_TOWER_HEADS = 256,
    HW_TOWER_HEAD_DIM = 1024,
    HW_CAPSULE_LABELS = 10000
};

typedef struct hw_tower_config {
    int32_t vocabulary;       /* rows of the embedding: n-grams of the dictionary, at least 1 */
    int32_t width;            /* multiple of 16 */
    int32_t layers;           /* 0..HW_TOWER_LAYERS */
    int32_t heads;            /* 1..HW_TOWER_HEADS */
    int32_t head_dim;         /* any; best a multiple of 16 */
    int32_t inner_width;      /* multiple of 16, or 0: no feed-forward block */
    int32_t distance;         /* relative positions are clipped to [-distance, distance] */
    int32_t queries;          /* of the attention pooling, >= 0 */
    int32_t window;           /* tokens, >= 1 */
    int32_t labels;           /* with capsules at most HW_CAPSULE_LABELS */
    int32_t capsule_dim;      /* of a label's capsule, or 0: the readout is linear */
    int32_t routing;          /* iterations, with capsules at least 1, else 0 */
    hw_attention attention;   /* model/attention_weights.h */
    int32_t shared_dim;       /* of HW_ATTENTION_COLLABORATIVE; else 0 */
    hw_head_gates head_gates; /* model/head_gates.h */
    uint64_t pruned[HW_TOWER_LAYERS]; /* heads that a layer has no more, a bit each */
} hw_tower_config;

static inline int32_t hw_tower_layer_heads(const hw_tower_config *c, int32_t layer) {
    return c->heads - hw_count_bits(c->pruned[layer]);
}
/* The config of a layer alone: `heads` are those that it has left. A layer's parameters and its
 * passes have the shapes that this one says. */
hw_tower_config hw_tower_layer_config(const hw_tower_config *config, int32_t layer);

/* Columns of all queries together, and of a layer's keys: less than heads * head_dim where heads
 * share them. */
static inline int32_t hw_tower_query_width(const hw_tower_config *c) {
    switch (c->attention) {
    case HW_ATTENTION_UNIFORM:
        return 0;
    case HW_ATTENTION_TIED:
        return c->head_dim;
    case HW_ATTENTION_COLLABORATIVE:
        return c->shared_dim;
    case HW_ATTENTION_LEARNED:
    case HW_ATTENTION_FROZEN:
    case HW_ATTENTION_TALKING:
        break;
    }
    return c->heads * c->head_dim;
}
static inline int32_t hw_tower_qkv_width(const hw_tower_config *c) {
    return 2 * hw_tower_query_width(c) + c->heads * c->head_dim;
}
/* Rows of position bias: one for each matrix of attention weights that is learned. */
static inline int32_t hw_tower_patterns(const hw_tower_config *c) {
    if (c->attention == HW_ATTENTION_UNIFORM) return 0;
    return c->attention == HW_ATTENTION_TIED ? 1 : c->heads;
}
/* Rows (and columns) of a talking layer's mixing matrices, rows of a collaborative one's. */
static inline int32_t hw_tower_talking(const hw_tower_config *c) {
    return c->attention == HW_ATTENTION_TALKING ? c->heads : 0;
}
static inline int32_t hw_tower_collaborating(const hw_tower_config *c) {
    return c->attention == HW_ATTENTION_COLLABORATIVE ? c->heads : 0;
}

/* 1 or 0: whether a layer has parameters of L0 gates, or of gates by the input. */
static inline int32_t hw_tower_l0_gates(const hw_tower_config *c) {
    return c->head_gates == HW_HEAD_GATES_L0;
}
static inline int32_t hw_tower_input_gates(const hw_tower_config *c) {
    return c->head_gates == HW_HEAD_GATES_INPUT;
}

/* The parameters: X(name, rows, columns). A layer's come once for each layer, c being its own
 * config (hw_tower_layer_config). Vectors
 * have one row; what has no element is not there (inner_* if inner_width is 0, readout* with
 * capsules, ...). transform's rows are those of label 0, then of label 1, ...
 * qkv is ordered [q of all heads | k of all heads | v of all heads], q and k having
 * hw_tower_query_width columns each.
 * readout's columns are padded to a multiple of 16 (hw_tower_columns). */
// clang-format off
#define HW_TOWER_PARAMETERS(X)                                                                \
    X(embedding, c->vocabulary, c->width)                                                     \
    X(norm_gain, 1, c->width)                                                                 \
    X(norm_bias, 1, c->width)                                                                 \
    X(query, c->queries, c->width)                                                            \
    X(readout, (c->capsule_dim ? 0 : 2 + c->queries) * c->width, hw_tower_columns(c->labels)) \
    X(readout_bias, c->capsule_dim == 0, hw_tower_columns(c->labels))                         \
    X(primary, c->capsule_dim ? c->width : 0, c->heads * c->head_dim)                         \
    X(primary_bias, c->capsule_dim > 0, c->heads * c->head_dim)                               \
    X(transform, c->labels * c->capsule_dim, c->heads * c->head_dim)                          \
    X(transform_bias, 1, c->labels * c->capsule_dim)
#define HW_TOWER_LAYER_PARAMETERS(X)                                       \
    X(attention_norm_gain, 1, c->width)                                    \
    X(attention_norm_bias, 1, c->width)                                    \
    X(qkv, c->width, hw_tower_qkv_width(c))                                \
    X(qkv_bias, 1, hw_tower_qkv_width(c))                                  \
    X(position, hw_tower_patterns(c), 2 * c->distance + 1)                 \
    X(mix_scores, hw_tower_talking(c), c->heads)                           \
    X(mix_weights, hw_tower_talking(c), c->heads)                          \
    X(mix_queries, hw_tower_collaborating(c), c->shared_dim)               \
    X(attention_gate, 1, c->heads)                                         \
    X(gate_alpha, hw_tower_l0_gates(c), c->heads)                          \
    X(gate_weight, hw_tower_input_gates(c) * c->heads, c->width)           \
    X(gate_bias, hw_tower_input_gates(c), c->heads)                        \
    X(output, c->heads * c->head_dim, c->width)                            \
    X(output_bias, 1, c->width)                                            \
    X(inner_norm_gain, c->inner_width > 0, c->width)                       \
    X(inner_norm_bias, c->inner_width > 0, c->width)                       \
    X(inner, c->width, c->inner_width)                                     \
    X(inner_bias, 1, c->inner_width)                                       \
    X(inner_output, c->inner_width, c->width)                              \
    X(inner_output_bias, c->inner_width > 0, c->width)                     \
    X(inner_gate, c->inner_width > 0, 1)
// clang-format on

static inline int32_t hw_tower_columns(int32_t labels) {
    return (labels + 15) / 16 * 16;
}

typedef struct hw_tower_layer {
#define X(name, rows, columns) float *name;
    HW_TOWER_LAYER_PARAMETERS(X)
#undef X
} hw_tower_layer;

/* Views into one block of floats: weights, a gradient, or an optimiser's moments. The
 * embedding comes first in the block; what follows is "dense". */
typedef struct hw_tower_views {
    float *block;
#define X(name, rows, columns) float *name;
    HW_TOWER_PARAMETERS(X)
#undef X
    hw_tower_layer layer[HW_TOWER_LAYERS];
} hw_tower_views;

typedef struct hw_tower_parameter {
    char name[64]; /* "embedding", "layer.0.qkv", ... */
    size_t rows, columns;
    size_t offset; /* in floats, multiple of 16, from the start of the block */
} hw_tower_parameter;

/* Checks ranges; the message names the field. */
hw_status hw_tower_config_check(const hw_tower_config *config, hw_error *err);
/* Floats in the whole block, and in the embedding at its start (padded to 16). */
size_t hw_tower_floats(const hw_tower_config *config);
size_t hw_tower_embedding_floats(const hw_tower_config *config);
void hw_tower_view(hw_tower_views *views, const hw_tower_config *config, float *block);
/* The i-th parameter; false past the end. */
bool hw_tower_parameter_at(hw_tower_parameter *parameter, const hw_tower_config *config, size_t i);
/* The tower without the heads off[layers][heads]: its logits are those of the tower with the gates
 * of these heads at 0. pruned: the config; block: [hw_tower_floats(pruned)], zeroed. A head that a
 * layer does not have must not be off. HW_ERROR_UNSUPPORTED if heads are not apart (talking heads,
 * those that capsules are made of) or more than 64, HW_ERROR_ARGUMENT if a layer would have none.
 */
hw_status hw_tower_prune_config(hw_tower_config *pruned, const hw_tower_config *config,
                                const bool *off, hw_error *err);
void hw_tower_prune(float *block, const hw_tower_config *pruned, const hw_tower_config *config,
                    const hw_tower_views *weights, const bool *off);
/* Fills a block with initial values, a function of seed alone. */
void hw_tower_init(float *block, const hw_tower_config *config, uint64_t seed);

/* A batch: text t has the tokens [offsets[t], offsets[t+1]), at least one, and a token the
 * n-grams ngrams[token_offsets[token] .. token_offsets[token+1]), possibly none. */
typedef struct hw_batch {
    const uint32_t *ngrams;        /* rows of the embedding */
    const uint32_t *token_offsets; /* [offsets[texts] + 1] */
    const uint32_t *offsets;       /* [texts + 1] */
    size_t texts;
} hw_batch;

/* Floating-point operations of a forward pass over a text of that many tokens, but for sums of
 * n-grams, norms and biases. */
double hw_tower_operations(const hw_tower_config *config, size_t tokens);

/* scale(n) = 1 / sqrt(n), 0 for a token without n-grams. */
float hw_token_scale(uint32_t ngrams);

/* What is added to the loss of a text, besides that of its labels: scale times the sum of factors
 * times measures. A factor of 0 leaves its measure out. */
typedef struct hw_tower_penalties {
    float scale;                     /* the share of a text in the loss */
    float open_gates;                /* L0 gates that are not 0 (model/head_gates.h) */
    float like_values, like_outputs; /* heads that agree (model/disagreement.h) */
    float overlap;                   /* of the pooling's queries (model/orthogonality.h) */
} hw_tower_penalties;

/* What makes a forward pass a training pass. Masks are a function of (seed, step, text
 * index + first_text), so that a batch may be cut into chunks in any way. */
typedef struct hw_tower_noise {
    float dropout;   /* of the pooled vector, or of the capsules before their squash */
    float drop_head; /* probability of dropping a head, per text and layer */
    float embedding_dropout;
    uint64_t seed, step;
    size_t first_text;
    hw_tower_penalties penalties;
} hw_tower_noise;

/* Scratch of one thread for batches of at most max_tokens tokens and max_texts texts.
 * training: also keeps what backward needs. */
typedef struct hw_tower_scratch hw_tower_scratch;
hw_tower_scratch *hw_tower_scratch_new(const hw_tower_config *config, size_t max_texts,
                                       size_t max_tokens, bool training, hw_error *err);
void hw_tower_scratch_free(hw_tower_scratch *scratch);

/* logits: [texts][hw_tower_columns(labels)]. noise is NULL for inference, and must be if
 * the scratch is not for training. */
void hw_tower_forward(float *logits, hw_tower_scratch *scratch, const hw_tower_config *config,
                      const hw_tower_views *weights, const hw_kernels *kernels, hw_batch batch,
                      const hw_tower_noise *noise);
/* After hw_tower_forward in a scratch for training: the sum over the texts. */
double hw_tower_penalty(const hw_tower_scratch *scratch, const hw_tower_config *config,
                        const hw_tower_views *weights, const hw_kernels *kernels, hw_batch batch,
                        const hw_tower_penalties *penalties);
/* After hw_tower_forward with the same arguments, in a scratch for training. The noise's penalties
 * are in the gradient too.
 * d_logits: [texts][hw_tower_columns(labels)], 0 in the padding. Adds every dense parameter's
 * gradient to *gradient (its embedding is not touched) and writes d_tokens[tokens][width], the
 * gradient of x0: that of an embedding row is the sum of scale * d_tokens over its tokens. */
void hw_tower_backward(hw_tower_views *gradient, float *d_tokens, hw_tower_scratch *scratch,
                       const hw_tower_config *config, const hw_tower_views *weights,
                       const hw_kernels *kernels, hw_batch batch, const float *d_logits,
                       const hw_tower_noise *noise);

/* ---- Looking inside: after hw_tower_forward in a scratch for training -------------------- */

/* Backward passes in this scratch show what heads attend to and give; NULL: no more. */
void hw_tower_watch(hw_tower_scratch *scratch, const hw_attention_watch *watch);
/* y[tokens][width] of a batch of one text: what a head of a layer adds to a token for each unit of
 * its attention to this one, gate * v_j * W_output, the gate being the product of all of them. */
void hw_tower_head_outputs(float *y, const hw_tower_scratch *scratch, const hw_tower_config *config,
                           const hw_tower_views *weights, const hw_kernels *kernels, size_t tokens,
                           size_t layer, size_t head);
/* gates[heads] of a text: those of config->head_gates in a layer (model/head_gates.h). */
void hw_tower_gates(float *gates, const hw_tower_scratch *scratch, const hw_tower_config *config,
                    size_t layer, size_t text);
/* row[tokens] of a batch of one text: how the readout looks at the last layer's states, the mean
 * over its queries; without any, and with capsules, all alike. */
void hw_tower_readout_row(float *row, const hw_tower_scratch *scratch,
                          const hw_tower_config *config, size_t tokens);

#endif
