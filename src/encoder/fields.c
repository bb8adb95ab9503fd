/* One table drives both directions. Invariant: what hw_encoder_config_json writes,
 * hw_encoder_config_load reads back as the same config. */
#include "encoder/fields.h"

#include "encoder/pruned_heads.h"

#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

typedef enum kind { COUNT, NUMBER, FLAG, ACTIVATION } kind;

typedef struct field {
    const char *key;
    size_t offset;
    kind kind;
    unsigned families; /* a bit each */
} field;

#define OF(id) (1u << HW_FAMILY_##id)
enum {
    ALL = (1u << HW_FAMILIES) - 1,
    ROBERTAS = OF(ROBERTA) | OF(XLM_ROBERTA),
    /* those that took over BERT's keys, and its keys of dropout */
    BERTS = ALL & ~OF(DISTILBERT),
    DROPPING = BERTS & ~OF(MODERNBERT),
    TYPED = DROPPING & ~OF(MPNET),
};

// clang-format off
#define FIELD(key, name, kind, families) { key, offsetof(hw_encoder_config, name), kind, families }
static const field fields[] = {
    FIELD("vocab_size", vocabulary, COUNT, ALL),
    FIELD("hidden_size", width, COUNT, BERTS),
    FIELD("num_hidden_layers", layers, COUNT, BERTS),
    FIELD("num_attention_heads", heads, COUNT, BERTS),
    FIELD("intermediate_size", inner_width, COUNT, BERTS),
    FIELD("dim", width, COUNT, OF(DISTILBERT)),
    FIELD("n_layers", layers, COUNT, OF(DISTILBERT)),
    FIELD("n_heads", heads, COUNT, OF(DISTILBERT)),
    FIELD("hidden_dim", inner_width, COUNT, OF(DISTILBERT)),
    FIELD("max_position_embeddings", max_tokens, COUNT, ALL),
    FIELD("type_vocab_size", types, COUNT, TYPED),
    FIELD("embedding_size", embedding_width, COUNT, OF(ELECTRA) | OF(ALBERT) | OF(DEBERTA)),
    FIELD("hidden_act", activation, ACTIVATION, DROPPING),
    FIELD("activation", activation, ACTIVATION, OF(DISTILBERT)),
    FIELD("hidden_activation", activation, ACTIVATION, OF(MODERNBERT)),
    FIELD("layer_norm_eps", norm_epsilon, NUMBER, DROPPING),
    FIELD("norm_eps", norm_epsilon, NUMBER, OF(MODERNBERT)),
    FIELD("initializer_range", initializer_range, NUMBER, ALL),
    FIELD("hidden_dropout_prob", hidden_dropout, NUMBER, DROPPING),
    FIELD("attention_probs_dropout_prob", attention_dropout, NUMBER, DROPPING),
    FIELD("dropout", hidden_dropout, NUMBER, OF(DISTILBERT)),
    FIELD("mlp_dropout", hidden_dropout, NUMBER, OF(MODERNBERT)),
    FIELD("attention_dropout", attention_dropout, NUMBER, OF(DISTILBERT) | OF(MODERNBERT)),
    FIELD("classifier_dropout", readout_dropout, NUMBER,
          OF(BERT) | ROBERTAS | OF(ELECTRA) | OF(MODERNBERT)),
    FIELD("classifier_dropout_prob", readout_dropout, NUMBER, OF(ALBERT)),
    FIELD("seq_classif_dropout", readout_dropout, NUMBER, OF(DISTILBERT)),
    FIELD("cls_dropout", readout_dropout, NUMBER, OF(DEBERTA)),
    FIELD("attention_bias", linear_bias, FLAG, OF(MODERNBERT)),
    FIELD("norm_bias", norm_bias, FLAG, OF(MODERNBERT)),
    FIELD("classifier_bias", dense_bias, FLAG, OF(MODERNBERT)),
    FIELD("decoder_bias", decoder_bias, FLAG, OF(MODERNBERT)),
    FIELD("classifier_activation", labels_activation, ACTIVATION, OF(MODERNBERT)),
    FIELD("global_attn_every_n_layers", global_every, COUNT, OF(MODERNBERT)),
    FIELD("local_attention", window, COUNT, OF(MODERNBERT)),
    FIELD("global_rope_theta", rotary_base, NUMBER, OF(MODERNBERT)),
    FIELD("local_rope_theta", rotary_local_base, NUMBER, OF(MODERNBERT)),
    FIELD("pooler_hidden_act", labels_activation, ACTIVATION, OF(DEBERTA)),
    FIELD("position_buckets", buckets, COUNT, OF(DEBERTA)),
    FIELD("max_relative_positions", max_distance, COUNT, OF(DEBERTA)),
    FIELD("share_att_key", share_attention_keys, FLAG, OF(DEBERTA)),
};
// clang-format on

enum { FIELDS = sizeof fields / sizeof *fields };

/* The first of those that mean the same is the one that is written. */
static const struct {
    const char *name;
    hw_activation activation;
} activations[] = {
    { "gelu", HW_ACTIVATION_GELU },
    { "gelu_new", HW_ACTIVATION_GELU_TANH },
    { "relu", HW_ACTIVATION_RELU },
    { "silu", HW_ACTIVATION_SILU },
    { "tanh", HW_ACTIVATION_TANH },
    { "gelu_python", HW_ACTIVATION_GELU },
    { "gelu_pytorch_tanh", HW_ACTIVATION_GELU_TANH },
    { "gelu_python_tanh", HW_ACTIVATION_GELU_TANH },
    { "gelu_fast", HW_ACTIVATION_GELU_TANH },
    { "gelu_accurate", HW_ACTIVATION_GELU_TANH },
    { "swish", HW_ACTIVATION_SILU },
};

/* ---- Reading ----------------------------------------------------------------------------- */

static hw_status load_count(int32_t *count, const field *f, const json_t *value, const char *name,
                            hw_error *err) {
    if (!json_is_integer(value))
        return hw_fail(err, HW_ERROR_FORMAT, "%s: %s is not a whole number", name, f->key);
    const json_int_t integer = json_integer_value(value);
    if (integer < -1 || integer > INT32_MAX)
        return hw_fail(err, HW_ERROR_FORMAT, "%s: %s is %lld", name, f->key, (long long)integer);
    *count = (int32_t)integer;
    return HW_OK;
}

static hw_status load_number(float *number, const field *f, const json_t *value, const char *name,
                             hw_error *err) {
    const double real = json_number_value(value);
    if (!json_is_number(value) || fabs(real) > 1e30)
        return hw_fail(err, HW_ERROR_FORMAT, "%s: %s is not a number in range", name, f->key);
    *number = (float)real;
    return HW_OK;
}

static hw_status load_flag(bool *flag, const field *f, const json_t *value, const char *name,
                           hw_error *err) {
    if (!json_is_boolean(value))
        return hw_fail(err, HW_ERROR_FORMAT, "%s: %s is neither true nor false", name, f->key);
    *flag = json_is_true(value);
    return HW_OK;
}

static hw_status load_activation(hw_activation *activation, const field *f, const json_t *value,
                                 const char *name, hw_error *err) {
    for (size_t i = 0; i < sizeof activations / sizeof *activations; i++) {
        if (!hw_json_is(value, activations[i].name)) continue;
        *activation = activations[i].activation;
        return HW_OK;
    }
    const char *text = json_string_value(value);
    return hw_fail(err, HW_ERROR_UNSUPPORTED, "%s: %s \"%s\" is not supported", name, f->key,
                   text ? text : "");
}

static hw_status load_field(hw_encoder_config *config, const field *f, const json_t *value,
                            const char *name, hw_error *err) {
    void *target = (char *)config + f->offset;
    switch (f->kind) {
    case COUNT:
        return load_count(target, f, value, name, err);
    case NUMBER:
        return load_number(target, f, value, name, err);
    case FLAG:
        return load_flag(target, f, value, name, err);
    case ACTIVATION:
        return load_activation(target, f, value, name, err);
    }
    return HW_OK;
}

/* RoBERTa counts positions from the one behind padding's. */
static hw_status load_offset(hw_encoder_config *config, const json_t *json, const char *name,
                             hw_error *err) {
    const json_t *padding = json_object_get(json, "pad_token_id");
    if (!(ROBERTAS & (1u << config->family)) || !json_is_integer(padding)) return HW_OK;
    const json_int_t id = json_integer_value(padding);
    if (id < 0 || id >= config->vocabulary)
        return hw_fail(err, HW_ERROR_FORMAT, "%s: pad_token_id is %lld", name, (long long)id);
    config->position_offset = (int32_t)id + 1;
    return HW_OK;
}

hw_status hw_encoder_fields_load(hw_encoder_config *config, const json_t *json, const char *name,
                                 hw_error *err) {
    for (size_t i = 0; i < FIELDS; i++) {
        const json_t *value = json_object_get(json, fields[i].key);
        if (!(fields[i].families & (1u << config->family)) || !value || json_is_null(value))
            continue;
        HW_TRY(load_field(config, &fields[i], value, name, err));
    }
    return load_offset(config, json, name, err);
}

/* ---- Writing ----------------------------------------------------------------------------- */

static json_t *field_json(const hw_encoder_config *config, const field *f) {
    const void *source = (const char *)config + f->offset;
    switch (f->kind) {
    case COUNT:
        return json_integer(*(const int32_t *)source);
    case NUMBER:
        return json_real((double)*(const float *)source);
    case FLAG:
        return json_boolean(*(const bool *)source);
    case ACTIVATION:
        return json_string(activations[*(const hw_activation *)source].name);
    }
    return NULL;
}

/* 0.1f is written 0.1: the shortest decimals that give the float back. */
static json_t *shortest(json_t *value) {
    if (!json_is_real(value)) return value;
    const float number = (float)json_real_value(value);
    char text[32];
    for (int digits = 1; digits <= 9; digits++) {
        snprintf(text, sizeof text, "%.*g", digits, (double)number);
        if (strtof(text, NULL) == number) break;
    }
    json_real_set(value, strtod(text, NULL));
    return value;
}

static int set_pooling(json_t *json, const hw_encoder_config *config) {
    const char *pooling = config->pooling == HW_POOLING_MEAN ? "mean" : "cls";
    return json_object_set_new(json, "classifier_pooling", json_string(pooling));
}

static int set_modernbert(json_t *json, const hw_encoder_config *config) {
    return set_pooling(json, config) |
           json_object_set_new(json, "mlp_bias", json_boolean(config->linear_bias));
}

static int set_deberta(json_t *json, const hw_encoder_config *config) {
    json_t *terms = json_array();
    int failed = 0;
    if (config->content_to_position) failed |= json_array_append_new(terms, json_string("c2p"));
    if (config->position_to_content) failed |= json_array_append_new(terms, json_string("p2c"));
    return failed | json_object_set_new(json, "pos_att_type", terms) |
           json_object_set_new(json, "relative_attention", json_true()) |
           json_object_set_new(json, "position_biased_input", json_false()) |
           json_object_set_new(json, "norm_rel_ebd",
                               json_string(config->relative_norm ? "layer_norm" : "none"));
}

static int set_fields(json_t *json, const hw_encoder_config *config) {
    int failed = 0;
    for (size_t i = 0; i < FIELDS; i++)
        if (fields[i].families & (1u << config->family))
            failed |=
                json_object_set_new(json, fields[i].key, shortest(field_json(config, &fields[i])));
    return failed;
}

/* The class that transformers builds for the readout. */
static const char *architecture(const hw_encoder_config *config, char name[64]) {
    static const char *const tails[] = { "Model", "ForSequenceClassification", "ForMaskedLM" };
    const char *class = hw_family_class(config->family);
    const size_t stem = strlen(class) - strlen(tails[HW_ENCODER_LABELS]);
    snprintf(name, 64, "%.*s%s", (int)stem, class, tails[config->readout]);
    return name;
}

static int set_what_all_have(json_t *json, const hw_encoder_config *config) {
    char class[64];
    json_t *architectures = json_array();
    const int failed =
        json_array_append_new(architectures, json_string(architecture(config, class)));
    return failed | json_object_set_new(json, "architectures", architectures) |
           json_object_set_new(json, "model_type", json_string(hw_family_type(config->family))) |
           json_object_set_new(json, "dtype", json_string("float32")) |
           json_object_set_new(json, "max_position_embeddings",
                               json_integer(config->max_tokens + config->position_offset));
}

static int set_what_some_have(json_t *json, const hw_encoder_config *config) {
    int failed = 0;
    if (config->family == HW_FAMILY_MODERNBERT)
        failed |= set_modernbert(json, config);
    else if (config->pooling == HW_POOLING_MEAN)
        failed |= set_pooling(json, config);
    if (config->family == HW_FAMILY_DEBERTA) failed |= set_deberta(json, config);
    if (config->readout == HW_ENCODER_LABELS)
        failed |= json_object_set_new(json, "num_labels", json_integer(config->labels));
    if (!hw_pruned_heads_none(config->pruned, config->layers))
        failed |= json_object_set_new(json, "pruned_heads",
                                      hw_pruned_heads_json(config->pruned, config->layers));
    if (ROBERTAS & (1u << config->family))
        failed |=
            json_object_set_new(json, "pad_token_id", json_integer(config->position_offset - 1));
    return failed;
}

json_t *hw_encoder_config_json(const hw_encoder_config *config) {
    json_t *json = json_object();
    if (!json) return NULL;
    if (set_fields(json, config) | set_what_all_have(json, config) |
        set_what_some_have(json, config)) {
        json_decref(json);
        return NULL;
    }
    return json;
}
