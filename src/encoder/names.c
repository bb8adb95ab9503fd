/* What a module is called in the files of each family. In the tables "*" stands for the prefix of
 * the base model ("bert.") and "#" for the layer. Invariant: two slots of a config never have the
 * same name. */
#include "encoder/modules.h"

#include <stdio.h>
#include <string.h>

static const char *const prefixes[HW_FAMILIES] = {
    [HW_FAMILY_BERT] = "bert.",       [HW_FAMILY_DISTILBERT] = "distilbert.",
    [HW_FAMILY_ROBERTA] = "roberta.", [HW_FAMILY_XLM_ROBERTA] = "roberta.",
    [HW_FAMILY_ELECTRA] = "electra.", [HW_FAMILY_ALBERT] = "albert.",
    [HW_FAMILY_MPNET] = "mpnet.",     [HW_FAMILY_MODERNBERT] = "model.",
    [HW_FAMILY_DEBERTA] = "deberta.",
};

// clang-format off
#define EMBEDDINGS                                                                                 \
    [HW_MODULE_WORD] = "*embeddings.word_embeddings",                                              \
    [HW_MODULE_POSITION] = "*embeddings.position_embeddings",                                      \
    [HW_MODULE_TYPE] = "*embeddings.token_type_embeddings",                                        \
    [HW_MODULE_EMBEDDING_NORM] = "*embeddings.LayerNorm"
#define SELF_ATTENTION                                                                             \
    [HW_MODULE_QUERY] = "*encoder.layer.#.attention.self.query",                                   \
    [HW_MODULE_KEY] = "*encoder.layer.#.attention.self.key",                                       \
    [HW_MODULE_VALUE] = "*encoder.layer.#.attention.self.value"
#define BLOCK                                                                                      \
    [HW_MODULE_OUTPUT] = "*encoder.layer.#.attention.output.dense",                                \
    [HW_MODULE_ATTENTION_NORM] = "*encoder.layer.#.attention.output.LayerNorm",                    \
    FEED_FORWARD
#define FEED_FORWARD                                                                               \
    [HW_MODULE_INNER] = "*encoder.layer.#.intermediate.dense",                                     \
    [HW_MODULE_INNER_OUTPUT] = "*encoder.layer.#.output.dense",                                    \
    [HW_MODULE_INNER_NORM] = "*encoder.layer.#.output.LayerNorm"

static const char *const of_bert[HW_MODULES] = {
    EMBEDDINGS, SELF_ATTENTION, BLOCK, [HW_MODULE_CLASSIFIER] = "classifier",
    [HW_MODULE_DENSE] = "*pooler.dense", [HW_MODULE_DECODER] = "cls.predictions",
};
static const char *const of_roberta[HW_MODULES] = {
    EMBEDDINGS, SELF_ATTENTION, BLOCK, [HW_MODULE_CLASSIFIER] = "classifier.out_proj",
    [HW_MODULE_DENSE] = "classifier.dense", [HW_MODULE_DECODER] = "lm_head",
};
static const char *const of_electra[HW_MODULES] = {
    EMBEDDINGS, SELF_ATTENTION, BLOCK, [HW_MODULE_CLASSIFIER] = "classifier.out_proj",
    [HW_MODULE_PROJECTION] = "*embeddings_project", [HW_MODULE_DENSE] = "classifier.dense",
    [HW_MODULE_DECODER] = "generator_lm_head",
};
static const char *const of_distilbert[HW_MODULES] = {
    EMBEDDINGS,
    [HW_MODULE_QUERY] = "*transformer.layer.#.attention.q_lin",
    [HW_MODULE_KEY] = "*transformer.layer.#.attention.k_lin",
    [HW_MODULE_VALUE] = "*transformer.layer.#.attention.v_lin",
    [HW_MODULE_OUTPUT] = "*transformer.layer.#.attention.out_lin",
    [HW_MODULE_ATTENTION_NORM] = "*transformer.layer.#.sa_layer_norm",
    [HW_MODULE_INNER] = "*transformer.layer.#.ffn.lin1",
    [HW_MODULE_INNER_OUTPUT] = "*transformer.layer.#.ffn.lin2",
    [HW_MODULE_INNER_NORM] = "*transformer.layer.#.output_layer_norm",
    [HW_MODULE_DENSE] = "pre_classifier", [HW_MODULE_CLASSIFIER] = "classifier",
    [HW_MODULE_DECODER] = "vocab_projector",
};
#define ALBERT_LAYER "*encoder.albert_layer_groups.0.albert_layers.#."
static const char *const of_albert[HW_MODULES] = {
    EMBEDDINGS, [HW_MODULE_PROJECTION] = "*encoder.embedding_hidden_mapping_in",
    [HW_MODULE_QUERY] = ALBERT_LAYER "attention.query",
    [HW_MODULE_KEY] = ALBERT_LAYER "attention.key",
    [HW_MODULE_VALUE] = ALBERT_LAYER "attention.value",
    [HW_MODULE_OUTPUT] = ALBERT_LAYER "attention.dense",
    [HW_MODULE_ATTENTION_NORM] = ALBERT_LAYER "attention.LayerNorm",
    [HW_MODULE_INNER] = ALBERT_LAYER "ffn",
    [HW_MODULE_INNER_OUTPUT] = ALBERT_LAYER "ffn_output",
    [HW_MODULE_INNER_NORM] = ALBERT_LAYER "full_layer_layer_norm",
    [HW_MODULE_DENSE] = "*pooler", [HW_MODULE_CLASSIFIER] = "classifier",
    [HW_MODULE_DECODER] = "predictions",
};
static const char *const of_mpnet[HW_MODULES] = {
    EMBEDDINGS, [HW_MODULE_BUCKETS] = "*encoder.relative_attention_bias",
    [HW_MODULE_QUERY] = "*encoder.layer.#.attention.attn.q",
    [HW_MODULE_KEY] = "*encoder.layer.#.attention.attn.k",
    [HW_MODULE_VALUE] = "*encoder.layer.#.attention.attn.v",
    [HW_MODULE_OUTPUT] = "*encoder.layer.#.attention.attn.o",
    [HW_MODULE_ATTENTION_NORM] = "*encoder.layer.#.attention.LayerNorm",
    FEED_FORWARD, [HW_MODULE_DENSE] = "classifier.dense",
    [HW_MODULE_CLASSIFIER] = "classifier.out_proj", [HW_MODULE_DECODER] = "lm_head",
};
static const char *const of_modernbert[HW_MODULES] = {
    [HW_MODULE_WORD] = "*embeddings.tok_embeddings",
    [HW_MODULE_EMBEDDING_NORM] = "*embeddings.norm",
    [HW_MODULE_QKV] = "*layers.#.attn.Wqkv", [HW_MODULE_OUTPUT] = "*layers.#.attn.Wo",
    [HW_MODULE_ATTENTION_NORM] = "*layers.#.attn_norm", [HW_MODULE_INNER] = "*layers.#.mlp.Wi",
    [HW_MODULE_INNER_OUTPUT] = "*layers.#.mlp.Wo", [HW_MODULE_INNER_NORM] = "*layers.#.mlp_norm",
    [HW_MODULE_FINAL_NORM] = "*final_norm", [HW_MODULE_DENSE] = "head.dense",
    [HW_MODULE_DENSE_NORM] = "head.norm", [HW_MODULE_CLASSIFIER] = "classifier",
    [HW_MODULE_DECODER] = "decoder",
};
static const char *const of_deberta[HW_MODULES] = {
    EMBEDDINGS, BLOCK, [HW_MODULE_PROJECTION] = "*embeddings.embed_proj",
    [HW_MODULE_RELATIVE] = "*encoder.rel_embeddings",
    [HW_MODULE_RELATIVE_NORM] = "*encoder.LayerNorm",
    [HW_MODULE_QUERY] = "*encoder.layer.#.attention.self.query_proj",
    [HW_MODULE_KEY] = "*encoder.layer.#.attention.self.key_proj",
    [HW_MODULE_VALUE] = "*encoder.layer.#.attention.self.value_proj",
    [HW_MODULE_POSITION_KEY] = "*encoder.layer.#.attention.self.pos_key_proj",
    [HW_MODULE_POSITION_QUERY] = "*encoder.layer.#.attention.self.pos_query_proj",
    [HW_MODULE_DENSE] = "pooler.dense", [HW_MODULE_CLASSIFIER] = "classifier",
    [HW_MODULE_DECODER] = "cls.predictions",
};

typedef struct pair {
    const char *dense, *norm;
} pair;

/* The readout's dense layer and norm where it predicts masked tokens. */
static const pair masked[HW_FAMILIES] = {
    [HW_FAMILY_BERT] = { "cls.predictions.transform.dense", "cls.predictions.transform.LayerNorm" },
    [HW_FAMILY_DISTILBERT] = { "vocab_transform", "vocab_layer_norm" },
    [HW_FAMILY_ROBERTA] = { "lm_head.dense", "lm_head.layer_norm" },
    [HW_FAMILY_XLM_ROBERTA] = { "lm_head.dense", "lm_head.layer_norm" },
    [HW_FAMILY_ELECTRA] = { "generator_predictions.dense", "generator_predictions.LayerNorm" },
    [HW_FAMILY_ALBERT] = { "predictions.dense", "predictions.LayerNorm" },
    [HW_FAMILY_MPNET] = { "lm_head.dense", "lm_head.layer_norm" },
    [HW_FAMILY_MODERNBERT] = { "head.dense", "head.norm" },
    [HW_FAMILY_DEBERTA] = { "cls.predictions.transform.dense",
                            "cls.predictions.transform.LayerNorm" },
};
// clang-format on

static const char *const *const stems[HW_FAMILIES] = {
    [HW_FAMILY_BERT] = of_bert,       [HW_FAMILY_DISTILBERT] = of_distilbert,
    [HW_FAMILY_ROBERTA] = of_roberta, [HW_FAMILY_XLM_ROBERTA] = of_roberta,
    [HW_FAMILY_ELECTRA] = of_electra, [HW_FAMILY_ALBERT] = of_albert,
    [HW_FAMILY_MPNET] = of_mpnet,     [HW_FAMILY_MODERNBERT] = of_modernbert,
    [HW_FAMILY_DEBERTA] = of_deberta,
};

static const char *stem_of(const hw_slot *slot, const hw_encoder_config *config) {
    if (config->readout == HW_ENCODER_MASKED && slot->module == HW_MODULE_DENSE)
        return masked[config->family].dense;
    if (config->readout == HW_ENCODER_MASKED && slot->module == HW_MODULE_DENSE_NORM)
        return masked[config->family].norm;
    return stems[config->family][slot->module];
}

/* How a name may be spelled: with or without the prefix, and with the tail of a norm's weight and
 * bias as TensorFlow called them. */
static void spell(char name[HW_SLOT_NAME], const hw_slot *slot, const hw_encoder_config *config,
                  bool prefixed, bool old) {
    const char *tail = slot->is_bias ? (old ? ".beta" : ".bias") : (old ? ".gamma" : ".weight");
    const char *stem = stem_of(slot, config);
    const char *prefix = *stem == '*' && prefixed ? prefixes[config->family] : "";
    if (*stem == '*') stem++;
    const char *number = strchr(stem, '#');
    if (number)
        snprintf(name, HW_SLOT_NAME, "%s%.*s%d%s%s", prefix, (int)(number - stem), stem,
                 slot->layer, number + 1, tail);
    else
        snprintf(name, HW_SLOT_NAME, "%s%s%s", prefix, stem, tail);
}

void hw_slot_name(char name[HW_SLOT_NAME], const hw_slot *slot, const hw_encoder_config *config) {
    spell(name, slot, config, true, false);
}

bool hw_slot_spelling(char name[HW_SLOT_NAME], const hw_slot *slot, const hw_encoder_config *config,
                      int i) {
    if (i >= (slot->kind == HW_MODULE_IS_NORM ? 4 : 2)) return false;
    spell(name, slot, config, i % 2 == 0, i >= 2);
    return true;
}
