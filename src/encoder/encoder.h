/* A pretrained Transformer encoder and its readout, driven by one description (encoder_config.h):
 * where the norms stand, what positions are, how the feed-forward block is activated, which layers
 * share weights, how far a token sees. Forward and backward over a batch without padding: the
 * tokens of all texts one after the other, plus offsets.
 *
 * Weights have the names and shapes of Hugging Face's files: a linear layer is [out][in]. Forward
 * reads them packed (tensor/kernels.h), backward reads them as they are.
 * Invariants: forward and backward allocate nothing; a text's logits do not depend on the other
 * texts of the batch nor on the number of threads, bit for bit. */
#ifndef HW_ENCODER_ENCODER_H
#define HW_ENCODER_ENCODER_H

#include "base/threads.h"
#include "encoder/config.h"
#include "tensor/attention_watch.h"
#include "tensor/kernels.h"
#include "tensor/safetensors.h"

/* A batch: text t has the tokens [offsets[t], offsets[t+1]), at least one and at most
 * config->max_tokens of them, special tokens included. */
typedef struct hw_encoder_batch {
    const uint32_t *tokens;  /* ids, below config->vocabulary */
    const uint32_t *offsets; /* [texts + 1] */
    size_t texts;
    const float *words; /* [offsets[texts]][embedding width]: what stands in for the tokens' rows of
                         * the word embedding; NULL: the rows themselves */
} hw_encoder_batch;

/* ---- Weights ------------------------------------------------------------------ */

typedef struct hw_encoder hw_encoder;

/* NULL if there is no tensor of that name. */
typedef const hw_tensor *hw_tensor_find(void *context, const char *name);

/* Where an encoder's tensors come from. */
typedef struct hw_encoder_source {
    const char *name; /* for messages */
    hw_tensor_find *find;
    void (*release)(void *context); /* what was read will not be read soon again; may be NULL */
    void *context;                  /* of find and release */
    bool bf16;                      /* BF16 stays what it is in layers' linear layers */
    const uint64_t *readout_seed;   /* a readout that is not there is initialised from it, as
                                     * `transformers` does; NULL: it is an error that names it */
} hw_encoder_source;

/* Takes the weights that `config` needs from tensors, which must outlive the encoder, checks every
 * shape and value. F32 is viewed in place, F16 and BF16 (but where it stays) are converted, I8 with
 * a "<name>.scale" of F32 [out] is kept as int8, and packed; "<name>.smooth" F32 [in] and
 * "<name>.exact" F32 [2, out] are what its input is multiplied by, and the weights of what is 0
 * there (encoder/smoothing.h). Base-model files without the prefix ("bert.") and the old names
 * (LayerNorm.gamma) are accepted. pool may be NULL. */
hw_encoder *hw_encoder_new(const hw_encoder_config *config, const hw_encoder_source *source,
                           hw_pool *pool, hw_error *err);
/* All weights initialised from a seed (normal, deviation config->initializer_range), packed. */
hw_encoder *hw_encoder_init(const hw_encoder_config *config, uint64_t seed, hw_error *err);
void hw_encoder_free(hw_encoder *encoder); /* accepts NULL */
const hw_encoder_config *hw_encoder_config_of(const hw_encoder *encoder);

typedef struct hw_encoder_parameter {
    char name[96]; /* in a file of Hugging Face's, with its prefix */
    int32_t dims;  /* 1 or 2 */
    size_t rows, columns;
    size_t offset;  /* in floats, multiple of 16, from the start of the block */
    int32_t depth;  /* 0: embeddings, 1..layers: layers, layers + 1: readout */
    bool is_matrix; /* weight decay applies: neither a bias nor of a norm */
    bool is_linear; /* of a layer: what may be bfloat16 or int8 */
} hw_encoder_parameter;

/* The i-th parameter; false past the end. The word embedding is the first. */
bool hw_encoder_parameter_at(hw_encoder_parameter *parameter, const hw_encoder_config *config,
                             size_t i);
/* Where the i-th parameter is now. NULL if it is bfloat16 or int8. */
const float *hw_encoder_values(const hw_encoder *encoder, size_t i);
/* [rows][columns]; NULL if it is not bfloat16. */
const uint16_t *hw_encoder_values_bf16(const hw_encoder *encoder, size_t i);
/* A linear layer in int8. */
typedef struct hw_encoder_int8 {
    const int8_t *steps; /* [rows][columns]; NULL if the layer is float */
    const float *scale;  /* [rows] */
    const float *smooth; /* [columns], or NULL; HW_INT8_EXACT of them are 0 ... */
    const float *exact;  /* [HW_INT8_EXACT][rows]: ... and have these weights; NULL if smooth is */
} hw_encoder_int8;
hw_encoder_int8 hw_encoder_values_int8(const hw_encoder *encoder, size_t i);
/* Floats in the whole block, and in the word embedding at its start (padded to 16). */
size_t hw_encoder_floats(const hw_encoder_config *config);
size_t hw_encoder_word_floats(const hw_encoder_config *config);

/* Packs the weights of the linear layers for the kernels, all of which read the same packing. To be
 * done again after a change. An encoder that has not been packed gives the same bits, a pass takes
 * longer. No other thread may use the encoder meanwhile. */
void hw_encoder_pack(hw_encoder *encoder, const hw_kernels *kernels, hw_pool *pool);
/* To be called before a pass of an encoder that threads share: the second call of any thread packs,
 * and returns true. So who opens a model for a single text does not wait for memory that is as
 * large as the model. */
bool hw_encoder_warm(hw_encoder *encoder, const hw_kernels *kernels, hw_pool *pool);
/* Moves all weights into one block of the encoder's own, so that they can be changed, and returns
 * it. */
float *hw_encoder_thaw(hw_encoder *encoder, hw_error *err);
/* A copy whose linear layers are int8, one scale an output; its tensors live in memory. typical:
 * texts with activations like those to come, for which layers are smoothed (encoder/smoothing.h);
 * NULL: they are not. */
hw_encoder *hw_encoder_quantize(const hw_encoder *encoder, const hw_encoder_batch *typical,
                                hw_error *err);
/* A copy without the heads off[layers][heads]: its logits are those of the encoder with these heads
 * masked. A head that a layer does not have must not be off. HW_ERROR_UNSUPPORTED if layers share
 * their weights or have more than 64 heads, HW_ERROR_ARGUMENT if a layer would have none. */
hw_encoder *hw_encoder_prune(const hw_encoder *encoder, const bool *off, hw_error *err);
/* The description of that copy, with the same errors. */
hw_status hw_encoder_prune_config(hw_encoder_config *pruned, const hw_encoder_config *config,
                                  const bool *off, hw_error *err);

/* ---- Forward and backward -------------------------------------------------------- */

/* What makes a forward pass a training pass. Masks are functions of (seed, step, text index +
 * first_text), so that a batch may be cut into pieces in any way. */
typedef struct hw_encoder_noise {
    float hidden_dropout, attention_dropout, readout_dropout;
    uint64_t seed, step;
    size_t first_text;
} hw_encoder_noise;

/* Scratch for batches of at most max_tokens tokens and max_texts texts, none longer than
 * longest. training: also keeps what backward needs. pool (may be NULL) is used inside a pass. */
typedef struct hw_encoder_scratch hw_encoder_scratch;
hw_encoder_scratch *hw_encoder_scratch_new(const hw_encoder_config *config, size_t max_texts,
                                           size_t max_tokens, size_t longest, bool training,
                                           hw_pool *pool, hw_error *err);
void hw_encoder_scratch_free(hw_encoder_scratch *scratch); /* accepts NULL */
/* From now on passes take a head's output as 0 where off[layers][heads], which must outlive them,
 * is true. NULL: nowhere. */
void hw_encoder_scratch_mask_heads(hw_encoder_scratch *scratch, const bool *off);
/* What hw_encoder_scratch_new would take, in bytes, with a pool of that many threads (1: none). */
size_t hw_encoder_scratch_bytes(const hw_encoder_config *config, size_t max_texts,
                                size_t max_tokens, size_t longest, bool training, int32_t threads);

/* logits: [texts][labels]. noise is NULL for inference. */
void hw_encoder_forward(float *logits, hw_encoder_scratch *scratch, const hw_encoder *encoder,
                        const hw_kernels *kernels, hw_encoder_batch batch,
                        const hw_encoder_noise *noise);
/* features: [texts][width], the input of the readout (of the first token, or the mean, as
 * config->pooling says), without dropout. */
void hw_encoder_features(float *features, hw_encoder_scratch *scratch, const hw_encoder *encoder,
                         const hw_kernels *kernels, hw_encoder_batch batch);
/* inner: [texts][width], what the last linear layer of the readout reads: dense, activation and
 * norm of features, as the family has them. */
void hw_encoder_readout_inner(float *inner, hw_encoder_scratch *scratch, const hw_encoder *encoder,
                              const hw_kernels *kernels, const float *features, size_t texts);
/* logits: [texts][labels] from features. */
void hw_encoder_readout(float *logits, hw_encoder_scratch *scratch, const hw_encoder *encoder,
                        const hw_kernels *kernels, const float *features, size_t texts);
/* Masked-token prediction (config->readout is HW_ENCODER_MASKED): logits [count][vocabulary] of
 * the tokens at `places` of the batch. */
void hw_encoder_masked_forward(float *logits, hw_encoder_scratch *scratch,
                               const hw_encoder *encoder, const hw_kernels *kernels,
                               hw_encoder_batch batch, const uint32_t *places, size_t count,
                               const hw_encoder_noise *noise);

/* After hw_encoder_forward with the same arguments, in a scratch for training. Adds the gradient
 * of every parameter of depth >= lowest to gradient (a block like the weights'), but for the word
 * embedding's: d_words [tokens][embedding width] receives that of each token's row (if lowest is 0;
 * else it may be NULL and is not touched). */
void hw_encoder_backward(float *gradient, float *d_words, hw_encoder_scratch *scratch,
                         const hw_encoder *encoder, const hw_kernels *kernels,
                         hw_encoder_batch batch, const float *d_logits,
                         const hw_encoder_noise *noise, int32_t lowest);
/* The same after hw_encoder_features in a scratch for training, from d_features [texts][width]; the
 * readout's gradient is not touched. */
void hw_encoder_features_backward(float *gradient, float *d_words, hw_encoder_scratch *scratch,
                                  const hw_encoder *encoder, const hw_kernels *kernels,
                                  hw_encoder_batch batch, const float *d_features, int32_t lowest);
/* The same after hw_encoder_masked_forward. The decoder is the word embedding: its gradient
 * [vocabulary][embedding width] is added to gradient's start. */
void hw_encoder_masked_backward(float *gradient, float *d_words, hw_encoder_scratch *scratch,
                                const hw_encoder *encoder, const hw_kernels *kernels,
                                hw_encoder_batch batch, const uint32_t *places, size_t count,
                                const float *d_logits, const hw_encoder_noise *noise);

/* ---- Looking inside ---------------------------------------------------------------------- */

/* Forward passes in this scratch show what heads attend to and give, int8 layers too, without
 * gradients. All texts of such a pass together have at most the scratch's `longest` tokens.
 * NULL: no more. */
void hw_encoder_watch_forward(hw_encoder_scratch *scratch, const hw_attention_watch *watch);

/* The others: in a scratch for training. Who watches is to be known before the forward pass, since
 * it leaves out what nobody reads: tokens but the first in the last layer, where config->pooling
 * says so. */

/* Backward passes in this scratch show what heads attend to and give; NULL: no more. Blocks of one
 * layer may come from several threads at a time. */
void hw_encoder_watch(hw_encoder_scratch *scratch, const hw_attention_watch *watch);
/* Backward passes in this scratch write slopes[texts][layers][heads], which must outlive them: the
 * derivative of each text's loss by a gate that its heads' outputs would be multiplied with, which
 * is the sum of output times gradient (Michel et al. 2019, eq. 2). NULL: no more. A head that is
 * off, or that a layer does not have, has 0. */
void hw_encoder_watch_heads(hw_encoder_scratch *scratch, float *slopes);
/* y[tokens][width]: what a head of a layer adds to a token for each unit of its attention to this
 * one, v_j * W_output. */
void hw_encoder_head_outputs(float *y, const hw_encoder_scratch *scratch, const hw_encoder *encoder,
                             const hw_kernels *kernels, size_t tokens, size_t layer, size_t head);

#endif
