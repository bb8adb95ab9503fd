/* The attention tower: embedded n-grams, pre-norm multi-head self-attention layers
 * (Vaswani et al. 2017) with a learned relative-position bias a head, pooling and a
 * linear readout. Forward and backward over a batch without padding: the tokens of all
 * texts one after the other, plus offsets.
 *
 *   x0 = scale(n) * sum of embedding[ngram] over the token's n known n-grams
 *   each layer:   a = attention(norm(x)); x += gate_h * a_h * W_o   (gates start at 0)
 *                 f = W_2 gelu(W_1 norm(x));  x += gate_f * f       (starts at 0; absent if
 *                                                                    inner_width is 0)
 *   z = norm(x);  pooled = [mean z | max z | for each query q: sum softmax(z q) z]
 *   logits = dropout(pooled) * W + b
 *
 * A text longer than `window` tokens is cut into ceil(n / window) windows of nearly equal
 * length; tokens attend within their window, pooling is over the whole text. So work and
 * memory are linear in the text's length, and nothing of it is lost.
 * Gates: one scalar a head and layer and one a feed-forward block (ReZero, Bachlechner
 * et al. 2020). DropHead (Zhou et al. 2020) zeroes whole heads while training.
 * Invariant: forward and backward allocate nothing; a text's logits do not depend on the
 * other texts of the batch. */
#ifndef HW_MODEL_TOWER_H
#define HW_MODEL_TOWER_H

#include "base/error.h"
#include "tensor/attention_watch.h"
#include "tensor/kernels.h"

enum { HW_TOWER_LAYERS = 64, HW_TOWER_HEADS = 256 }; /* at most */

typedef struct hw_tower_config {
    int32_t vocabulary;  /* rows of the embedding: n-grams of the dictionary, at least 1 */
    int32_t width;       /* multiple of 16 */
    int32_t layers;      /* 0..HW_TOWER_LAYERS */
    int32_t heads;       /* 1..HW_TOWER_HEADS */
    int32_t head_dim;    /* any; best a multiple of 16 */
    int32_t inner_width; /* multiple of 16, or 0: no feed-forward block */
    int32_t distance;    /* relative positions are clipped to [-distance, distance] */
    int32_t queries;     /* of the attention pooling, >= 0 */
    int32_t window;      /* tokens, >= 1 */
    int32_t labels;
} hw_tower_config;

/* The parameters: X(name, rows, columns). A layer's come once for each layer. Vectors
 * have one row; what has no element is not there (inner_* if inner_width is 0, ...).
 * qkv is ordered [q of all heads | k of all heads | v of all heads].
 * readout's columns are padded to a multiple of 16 (hw_tower_columns). */
// clang-format off
#define HW_TOWER_PARAMETERS(X)                                             \
    X(embedding, c->vocabulary, c->width)                                  \
    X(norm_gain, 1, c->width)                                              \
    X(norm_bias, 1, c->width)                                              \
    X(query, c->queries, c->width)                                         \
    X(readout, (2 + c->queries) * c->width, hw_tower_columns(c->labels))   \
    X(readout_bias, 1, hw_tower_columns(c->labels))
#define HW_TOWER_LAYER_PARAMETERS(X)                                       \
    X(attention_norm_gain, 1, c->width)                                    \
    X(attention_norm_bias, 1, c->width)                                    \
    X(qkv, c->width, 3 * c->heads * c->head_dim)                           \
    X(qkv_bias, 1, 3 * c->heads * c->head_dim)                             \
    X(position, c->heads, 2 * c->distance + 1)                             \
    X(attention_gate, 1, c->heads)                                         \
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

/* scale(n) = 1 / sqrt(n), 0 for a token without n-grams. */
float hw_token_scale(uint32_t ngrams);

/* What makes a forward pass a training pass. Masks are a function of (seed, step, text
 * index + first_text), so that a batch may be cut into chunks in any way. */
typedef struct hw_tower_noise {
    float dropout;   /* of the pooled vector */
    float drop_head; /* probability of dropping a head, per text and layer */
    float embedding_dropout;
    uint64_t seed, step;
    size_t first_text;
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
/* After hw_tower_forward with the same arguments, in a scratch for training.
 * d_logits: [texts][hw_tower_columns(labels)], 0 in the padding. Adds every dense parameter's
 * gradient to *gradient (its embedding is not touched) and writes d_tokens[tokens][width], the
 * gradient of x0: that of an embedding row is the sum of scale * d_tokens over its tokens. */
void hw_tower_backward(hw_tower_views *gradient, float *d_tokens, hw_tower_scratch *scratch,
                       const hw_tower_config *config, const hw_tower_views *weights,
                       const hw_kernels *kernels, hw_batch batch, const float *d_logits,
                       const hw_tower_noise *noise);

/* ---- Looking inside: after hw_tower_forward in a scratch for training -------------------- */

/* Backward passes in this scratch show what heads attend to; NULL: no more. */
void hw_tower_watch(hw_tower_scratch *scratch, const hw_attention_watch *watch);
/* y[tokens][width]: what a head of a layer adds to a token for each unit of its attention to this
 * one, gate * v_j * W_output. */
void hw_tower_head_outputs(float *y, const hw_tower_scratch *scratch, const hw_tower_config *config,
                           const hw_tower_views *weights, const hw_kernels *kernels, size_t tokens,
                           size_t layer, size_t head);
/* row[tokens] of a batch of one text: how the readout looks at the last layer's states, the mean
 * over its queries; without any, all alike. */
void hw_tower_readout_row(float *row, const hw_tower_scratch *scratch,
                          const hw_tower_config *config, size_t tokens);

#endif
