/* config.json -> hw_encoder_config and back. Every family starts from its own description below;
 * a table says which key of the file sets which field, so that reading and writing cannot drift
 * apart. Invariant: a config that was read can be computed: what cannot is refused by its name. */
#include "encoder/config.h"

#include "encoder/fields.h"
#include "encoder/pruned_heads.h"

#include <string.h>

/* ---- Families -------------------------------------------------------------------------- */

const char *hw_family_type(hw_family family) {
    static const char *const types[] = {
#define X(id, type, class) type,
        HW_FAMILY_LIST(X)
#undef X
    };
    return types[family];
}

const char *hw_family_class(hw_family family) {
    static const char *const classes[] = {
#define X(id, type, class) class,
        HW_FAMILY_LIST(X)
#undef X
    };
    return classes[family];
}

static hw_status fail_unknown(const char *type, const char *name, hw_error *err) {
    return hw_fail(err, HW_ERROR_UNSUPPORTED,
                   "%s: model_type \"%s\" is not supported; those that are: bert, distilbert, "
                   "roberta, xlm-roberta, electra, albert, mpnet, modernbert, deberta-v2",
                   name, type);
}

static hw_status find_family(hw_family *family, const json_t *json, const char *name,
                             hw_error *err) {
    const char *type = json_string_value(json_object_get(json, "model_type"));
    if (!type) return hw_fail(err, HW_ERROR_FORMAT, "%s: no model_type", name);
    for (int i = 0; i < HW_FAMILIES; i++) {
        if (strcmp(type, hw_family_type((hw_family)i)) == 0) {
            *family = (hw_family)i;
            return HW_OK;
        }
    }
    return fail_unknown(type, name, err);
}

/* Devlin et al. 2019; what a family does not change below it has from here. */
static const hw_encoder_config bert = { .vocabulary = 30522,
                                        .width = 768,
                                        .layers = 12,
                                        .heads = 12,
                                        .inner_width = 3072,
                                        .max_tokens = 512,
                                        .types = 2,
                                        .linear_bias = true,
                                        .norm_bias = true,
                                        .norm_epsilon = 1e-12f,
                                        .initializer_range = 0.02f,
                                        .labels_activation = HW_ACTIVATION_TANH,
                                        .dense_bias = true,
                                        .decoder_bias = true,
                                        .hidden_dropout = 0.1f,
                                        .attention_dropout = 0.1f,
                                        .readout_dropout = HW_FIELD_UNSET };

/* Sanh et al. 2019 */
static void become_distilbert(hw_encoder_config *c) {
    c->layers = 6;
    c->types = 0;
    c->labels_activation = HW_ACTIVATION_RELU;
    c->readout_dropout = 0.2f;
}

/* Liu et al. 2019; Conneau et al. 2020 */
static void become_roberta(hw_encoder_config *c) {
    c->position_offset = 2;
    c->drop_features = true;
}

/* Clark et al. 2020 */
static void become_electra(hw_encoder_config *c) {
    c->embedding_width = 128;
    c->width = 256;
    c->heads = 4;
    c->inner_width = 1024;
    c->projection_bias = true;
    c->labels_activation = HW_ACTIVATION_GELU;
    c->drop_features = true;
}

/* Lan et al. 2020 */
static void become_albert(hw_encoder_config *c) {
    c->vocabulary = 30000;
    c->embedding_width = 128;
    c->width = 4096;
    c->heads = 64;
    c->inner_width = 16384;
    c->shared_layers = c->project_embedding = c->projection_bias = true;
    c->activation = HW_ACTIVATION_GELU_TANH;
    c->hidden_dropout = c->attention_dropout = 0;
    c->readout_dropout = 0.1f;
}

/* Song et al. 2020 */
static void become_mpnet(hw_encoder_config *c) {
    c->vocabulary = 30527;
    c->types = 0;
    c->position_offset = 2;
    c->positions = HW_POSITIONS_BUCKETS;
    c->buckets = 32;
    c->max_distance = 128;
    c->drop_features = true;
}

/* Warner et al. 2024 */
static void become_modernbert(hw_encoder_config *c) {
    c->vocabulary = 50368;
    c->layers = 22;
    c->inner_width = 1152;
    c->max_tokens = 8192;
    c->types = 0;
    c->positions = HW_POSITIONS_ROTARY;
    c->rotary_base = 160000;
    c->rotary_local_base = 10000;
    c->global_every = 3;
    c->window = 128;
    c->norm_first = c->gated = c->fused_qkv = c->labels_norm = true;
    c->linear_bias = c->norm_bias = c->dense_bias = false;
    c->norm_epsilon = 1e-5f;
    c->labels_activation = HW_ACTIVATION_GELU;
    c->hidden_dropout = c->attention_dropout = c->readout_dropout = 0;
}

/* He et al. 2021, 2023 */
static void become_deberta(hw_encoder_config *c) {
    c->vocabulary = 128100;
    c->width = 1536;
    c->layers = 24;
    c->heads = 24;
    c->inner_width = 6144;
    c->types = 0;
    c->positions = HW_POSITIONS_DISENTANGLED;
    c->buckets = c->max_distance = -1;
    c->norm_after_projection = true;
    c->norm_epsilon = 1e-7f;
    c->labels_activation = HW_ACTIVATION_GELU;
}

static hw_encoder_config start_of(hw_family family) {
    static void (*const become[HW_FAMILIES])(hw_encoder_config *) = {
        [HW_FAMILY_DISTILBERT] = become_distilbert, [HW_FAMILY_ROBERTA] = become_roberta,
        [HW_FAMILY_XLM_ROBERTA] = become_roberta,   [HW_FAMILY_ELECTRA] = become_electra,
        [HW_FAMILY_ALBERT] = become_albert,         [HW_FAMILY_MPNET] = become_mpnet,
        [HW_FAMILY_MODERNBERT] = become_modernbert, [HW_FAMILY_DEBERTA] = become_deberta,
    };
    hw_encoder_config config = bert;
    config.family = family;
    if (become[family]) become[family](&config);
    return config;
}

/* ---- What the file must not say ------------------------------------------------------------ */

static hw_status fail_property(const char *name, const char *property, hw_error *err) {
    return hw_fail(err, HW_ERROR_UNSUPPORTED, "%s: %s is not supported", name, property);
}

/* A key whose value, if it is there and not null, must be this one. */
typedef struct fixed {
    const char *key, *text; /* text: of a string, else NULL */
    int number;             /* of a number or a boolean */
} fixed;

static const fixed fixed_values[] = {
    { "position_embedding_type", "absolute", 0 },
    { "is_decoder", NULL, 0 },
    { "add_cross_attention", NULL, 0 },
    { "is_encoder_decoder", NULL, 0 },
    { "num_hidden_groups", NULL, 1 },
    { "inner_group_num", NULL, 1 },
    { "conv_kernel_size", NULL, 0 },
    { "relative_attention_num_buckets", NULL, 32 },
};

static bool has_value(const json_t *value, const fixed *wanted) {
    if (!value || json_is_null(value)) return true;
    if (wanted->text)
        return json_is_string(value) && !strcmp(json_string_value(value), wanted->text);
    if (json_is_boolean(value)) return json_is_true(value) == (wanted->number != 0);
    return json_is_integer(value) && json_integer_value(value) == wanted->number;
}

static hw_status check_fixed(const json_t *json, const char *name, hw_error *err) {
    for (size_t i = 0; i < sizeof fixed_values / sizeof *fixed_values; i++) {
        const fixed *wanted = &fixed_values[i];
        if (has_value(json_object_get(json, wanted->key), wanted)) continue;
        if (wanted->text)
            return hw_fail(err, HW_ERROR_UNSUPPORTED, "%s: %s other than \"%s\" is not supported",
                           name, wanted->key, wanted->text);
        return hw_fail(err, HW_ERROR_UNSUPPORTED, "%s: %s other than %d is not supported", name,
                       wanted->key, wanted->number);
    }
    return HW_OK;
}

/* ---- What is more than one key --------------------------------------------------------------- */

/* A key of ModernBERT's that other families have from us alone. */
static hw_status load_pooling(hw_encoder_config *config, const json_t *json, const char *name,
                              hw_error *err) {
    const char *pooling = json_string_value(json_object_get(json, "classifier_pooling"));
    if (!pooling || strcmp(pooling, "cls") == 0) return HW_OK;
    if (strcmp(pooling, "mean") != 0) return fail_property(name, "this classifier_pooling", err);
    config->pooling = HW_POOLING_MEAN;
    return HW_OK;
}

/* layer_types, newer than global_attn_every_n_layers, must say the same. */
static hw_status load_layer_types(hw_encoder_config *config, const json_t *json, const char *name,
                                  hw_error *err) {
    const json_t *types = json_object_get(json, "layer_types");
    if (!json_is_array(types)) return HW_OK;
    const size_t layers = json_array_size(types);
    size_t every = 1;
    while (every < layers && !hw_json_is(json_array_get(types, every), "full_attention")) every++;
    for (size_t layer = 0; layer < layers; layer++) {
        const char *wanted = layer % every == 0 ? "full_attention" : "sliding_attention";
        if (!hw_json_is(json_array_get(types, layer), wanted))
            return fail_property(name, "this pattern of layer_types", err);
    }
    if (layers != (size_t)config->layers || layers > HW_ENCODER_LAYERS)
        return hw_fail(err, HW_ERROR_FORMAT, "%s: layer_types has %zu entries for %d layers", name,
                       layers, config->layers);
    config->global_every = (int32_t)every;
    return HW_OK;
}

static hw_status load_rotary_base(float *base, const json_t *parameters, const char *kind,
                                  const char *name, hw_error *err) {
    const json_t *rope = json_object_get(parameters, kind);
    const json_t *type = json_object_get(rope, "rope_type");
    const json_t *theta = json_object_get(rope, "rope_theta");
    if (type && !hw_json_is(type, "default")) return fail_property(name, "this rope_type", err);
    if (json_is_number(theta)) *base = (float)json_number_value(theta);
    return HW_OK;
}

static hw_status load_modernbert(hw_encoder_config *config, const json_t *json, const char *name,
                                 hw_error *err) {
    const json_t *bias = json_object_get(json, "mlp_bias");
    const json_t *parameters = json_object_get(json, "rope_parameters");
    if (bias && json_is_true(bias) != config->linear_bias)
        return fail_property(name, "mlp_bias other than attention_bias", err);
    if (json_is_object(json_object_get(json, "rope_scaling")))
        return fail_property(name, "rope_scaling", err);
    HW_TRY(load_layer_types(config, json, name, err));
    HW_TRY(load_rotary_base(&config->rotary_base, parameters, "full_attention", name, err));
    return load_rotary_base(&config->rotary_local_base, parameters, "sliding_attention", name, err);
}

/* pos_att_type is a list, or one string with bars. */
static bool lists_term(const json_t *terms, const char *term) {
    if (json_is_string(terms)) return strstr(json_string_value(terms), term) != NULL;
    for (size_t i = 0; i < json_array_size(terms); i++)
        if (hw_json_is(json_array_get(terms, i), term)) return true;
    return false;
}

static hw_status load_deberta(hw_encoder_config *config, const json_t *json, const char *name,
                              hw_error *err) {
    const json_t *terms = json_object_get(json, "pos_att_type");
    const char *norm = json_string_value(json_object_get(json, "norm_rel_ebd"));
    const json_t *head_size = json_object_get(json, "attention_head_size");
    if (!json_is_true(json_object_get(json, "relative_attention")))
        return fail_property(name, "DeBERTa without relative_attention", err);
    if (!json_is_false(json_object_get(json, "position_biased_input")))
        return fail_property(name, "DeBERTa with position_biased_input", err);
    if (lists_term(terms, "p2p")) return fail_property(name, "pos_att_type p2p", err);
    if (norm && strcmp(norm, "layer_norm") != 0 && strcmp(norm, "none") != 0)
        return fail_property(name, "this norm_rel_ebd", err);
    if (json_is_integer(head_size) &&
        json_integer_value(head_size) * config->heads != config->width)
        return fail_property(name, "this attention_head_size", err);
    config->content_to_position = lists_term(terms, "c2p");
    config->position_to_content = lists_term(terms, "p2c");
    config->relative_norm = norm && strcmp(norm, "layer_norm") == 0;
    return HW_OK;
}

static hw_status load_labels(hw_encoder_config *config, const json_t *json, const char *name,
                             hw_error *err) {
    const json_t *architectures = json_object_get(json, "architectures");
    if (!hw_json_is(json_array_get(architectures, 0), hw_family_class(config->family)))
        return HW_OK;
    const json_t *names = json_object_get(json, "id2label");
    const json_t *number = json_object_get(json, "num_labels");
    json_int_t labels = 2;
    if (json_is_object(names))
        labels = (json_int_t)json_object_size(names);
    else if (json_is_integer(number))
        labels = json_integer_value(number);
    if (labels < 1 || labels > 1 << 20)
        return hw_fail(err, HW_ERROR_FORMAT, "%s: %lld labels", name, (long long)labels);
    config->readout = HW_ENCODER_LABELS;
    config->labels = (int32_t)labels;
    return HW_OK;
}

/* ---- What follows from what was read ---------------------------------------------------- */

static hw_status derive_positions(hw_encoder_config *config, const char *name, hw_error *err) {
    const bool relative = config->positions == HW_POSITIONS_DISENTANGLED;
    if (relative) {
        if (config->max_distance < 1) config->max_distance = config->max_tokens;
        if (config->buckets < 1) config->buckets = 0;
        const int32_t span = config->buckets ? config->buckets : config->max_distance;
        if (span > 1 << 20)
            return hw_fail(err, HW_ERROR_FORMAT, "%s: relative positions up to %d", name, span);
        config->position_rows = 2 * span;
    } else if (config->positions != HW_POSITIONS_ROTARY) {
        config->position_rows = config->max_tokens;
        config->max_tokens -= config->position_offset;
    }
    return HW_OK;
}

static void derive_widths(hw_encoder_config *config) {
    if (!config->embedding_width) config->embedding_width = config->width;
    if (config->embedding_width != config->width) config->project_embedding = true;
    config->head_dim = config->heads > 0 ? config->width / config->heads : 0;
}

static void derive_readout(hw_encoder_config *config) {
    switch (config->family) {
    case HW_FAMILY_BERT:
    case HW_FAMILY_DISTILBERT:
    case HW_FAMILY_ALBERT:
    case HW_FAMILY_DEBERTA:
        config->masked_activation = config->activation;
        break;
    case HW_FAMILY_MODERNBERT:
        config->masked_activation = config->labels_activation;
        break;
    default:
        config->masked_activation = HW_ACTIVATION_GELU;
    }
    if (config->readout_dropout == HW_FIELD_UNSET) config->readout_dropout = config->hidden_dropout;
}

/* Before the ranges of layers and heads are checked: hw_encoder_config_check does the rest. */
static hw_status load_pruned(hw_encoder_config *config, const json_t *json, const char *name,
                             hw_error *err) {
    if (config->layers < 1 || config->layers > HW_ENCODER_LAYERS || config->heads < 1) return HW_OK;
    return hw_pruned_heads_load(config->pruned, config->layers, config->heads,
                                json_object_get(json, "pruned_heads"), name, err);
}

/* ---- Reading ---------------------------------------------------------------------------- */

hw_status hw_encoder_config_load(hw_encoder_config *config, const json_t *json, const char *name,
                                 hw_error *err) {
    if (!json_is_object(json)) return hw_fail(err, HW_ERROR_FORMAT, "%s: not an object", name);
    hw_family family = HW_FAMILY_BERT;
    HW_TRY(find_family(&family, json, name, err));
    *config = start_of(family);
    HW_TRY(check_fixed(json, name, err));
    HW_TRY(hw_encoder_fields_load(config, json, name, err));
    HW_TRY(load_pooling(config, json, name, err));
    if (family == HW_FAMILY_MODERNBERT) HW_TRY(load_modernbert(config, json, name, err));
    if (family == HW_FAMILY_DEBERTA) HW_TRY(load_deberta(config, json, name, err));
    HW_TRY(load_labels(config, json, name, err));
    HW_TRY(load_pruned(config, json, name, err));
    HW_TRY(derive_positions(config, name, err));
    derive_widths(config);
    derive_readout(config);
    return hw_encoder_config_check(config, name, err);
}
