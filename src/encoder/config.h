/* The description of a pretrained encoder: what its config.json says, in terms of what is
 * computed. One list of families; everything else is a property that any family may have. */
#ifndef HW_ENCODER_CONFIG_H
#define HW_ENCODER_CONFIG_H

#include "base/bits.h"
#include "base/error.h"

#include <jansson.h>

/* X(id, model_type, class of its sequence classifier) */
// clang-format off
#define HW_FAMILY_LIST(X)                                                    \
    X(BERT, "bert", "BertForSequenceClassification")                         \
    X(DISTILBERT, "distilbert", "DistilBertForSequenceClassification")       \
    X(ROBERTA, "roberta", "RobertaForSequenceClassification")                \
    X(XLM_ROBERTA, "xlm-roberta", "XLMRobertaForSequenceClassification")     \
    X(ELECTRA, "electra", "ElectraForSequenceClassification")                \
    X(ALBERT, "albert", "AlbertForSequenceClassification")                   \
    X(MPNET, "mpnet", "MPNetForSequenceClassification")                      \
    X(MODERNBERT, "modernbert", "ModernBertForSequenceClassification")       \
    X(DEBERTA, "deberta-v2", "DebertaV2ForSequenceClassification")
// clang-format on

typedef enum hw_family {
#define X(id, type, class) HW_FAMILY_##id,
    HW_FAMILY_LIST(X)
#undef X
        HW_FAMILIES
} hw_family;

typedef enum hw_positions {
    HW_POSITIONS_LEARNED,     /* a row of a table, added to the token's (Devlin et al. 2019) */
    HW_POSITIONS_ROTARY,      /* queries and keys are turned (Su et al. 2021) */
    HW_POSITIONS_BUCKETS,     /* a bias a head by the bucket of j - i (Raffel et al. 2020) */
    HW_POSITIONS_DISENTANGLED /* content-to-position and back (He et al. 2021) */
} hw_positions;

typedef enum hw_activation {
    HW_ACTIVATION_GELU,      /* x Phi(x), by erf */
    HW_ACTIVATION_GELU_TANH, /* its tanh form: gelu_new, gelu_pytorch_tanh */
    HW_ACTIVATION_RELU,
    HW_ACTIVATION_SILU,
    HW_ACTIVATION_TANH
} hw_activation;

typedef enum hw_pooling {
    HW_POOLING_FIRST, /* the first token */
    HW_POOLING_MEAN   /* the mean of all tokens */
} hw_pooling;

typedef enum hw_readout_kind {
    HW_ENCODER_NONE,   /* hidden states only: a base */
    HW_ENCODER_LABELS, /* dense, activation, classifier, as the family has it */
    HW_ENCODER_MASKED  /* dense, activation, norm, decoder tied to the word embedding */
} hw_readout_kind;

enum { HW_ENCODER_LAYERS = 64, HW_ENCODER_HEADS = 256, HW_ENCODER_WIDTH = 16384 }; /* at most */

typedef struct hw_encoder_config {
    hw_family family;
    int32_t vocabulary, embedding_width, width, layers, heads, head_dim, inner_width;
    int32_t max_tokens; /* of a text, special tokens included */
    int32_t labels;     /* of HW_ENCODER_LABELS */
    hw_positions positions;
    int32_t position_rows;   /* of the learned table, or of the relative ones */
    int32_t position_offset; /* the first token's row: RoBERTa counts from padding + 1 */
    int32_t types;           /* rows of the token-type table; 0: none. Row 0 is used */
    bool norm_first;         /* pre-norm, with a final norm (ModernBERT) */
    bool shared_layers;      /* one layer's weights for all (ALBERT) */
    bool gated;              /* the inner layer is [2 * inner_width]: activation(a) * b */
    bool linear_bias, norm_bias;
    bool fused_qkv; /* queries, keys and values are one matrix in the file */
    bool project_embedding, projection_bias; /* a linear layer from embedding_width to width */
    bool norm_after_projection;              /* the embedding's norm; else it comes before */
    hw_activation activation;
    float norm_epsilon, initializer_range;
    int32_t global_every, window; /* every n-th layer sees all, the others |i - j| <= window / 2;
                                   * 0: all see all */
    float rotary_base, rotary_local_base;
    int32_t buckets, max_distance; /* of relative positions */
    bool content_to_position, position_to_content, share_attention_keys, relative_norm;
    hw_readout_kind readout; /* may be changed, with labels, once it is loaded */
    hw_pooling pooling;
    hw_activation labels_activation, masked_activation; /* of the readout's dense layer */
    bool dense_bias, decoder_bias;
    bool labels_norm;   /* a norm before the classifier (ModernBERT) */
    bool drop_features; /* readout_dropout is applied before the dense layer too (RoBERTa) */
    float hidden_dropout, attention_dropout, readout_dropout; /* what training uses */
    uint64_t pruned[HW_ENCODER_LAYERS]; /* heads that a layer has no more, a bit each */
} hw_encoder_config;

/* Heads of a layer, and columns of all of them together: fewer than config->heads and
 * config->width where heads were pruned. */
static inline int32_t hw_layer_heads(const hw_encoder_config *config, int32_t layer) {
    return config->heads - hw_count_bits(config->pruned[layer]);
}
static inline int32_t hw_layer_heads_width(const hw_encoder_config *config, int32_t layer) {
    return hw_layer_heads(config, layer) * config->head_dim;
}

const char *hw_family_type(hw_family family);  /* "bert" */
const char *hw_family_class(hw_family family); /* "BertForSequenceClassification" */

/* From a parsed config.json. labels and readout are those of the file if its "architectures" names
 * a sequence classifier, else HW_ENCODER_NONE and 0. An unknown model_type is
 * HW_ERROR_UNSUPPORTED with the list of those that are known; a property that is not offered is
 * named. name is for messages. */
hw_status hw_encoder_config_load(hw_encoder_config *config, const json_t *json, const char *name,
                                 hw_error *err);
/* Checks ranges and that the parts fit together; what hw_encoder_config_load ends with. */
hw_status hw_encoder_config_check(const hw_encoder_config *config, const char *name, hw_error *err);
/* A config.json of the family that gives this config back. Labels' names are the caller's to add
 * (id2label, label2id). A new reference; NULL if memory is short. */
json_t *hw_encoder_config_json(const hw_encoder_config *config);

#endif
