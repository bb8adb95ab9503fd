/* Makes a classifier of an encoder in memory. Invariant: its bundle has exactly the tensors of
 * hw_encoder_parameter_at, int8 ones with what goes with them, and the tokenizer, so equal encoders
 * make equal files. */
#include "classify/encoder_classifier.h"

#include "base/json.h"
#include "tensor/bf16.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static hw_status add_floats(hw_bundle *bundle, const char *name, const float *values, size_t rows,
                            size_t columns, hw_error *err) {
    float *to = hw_bundle_add(bundle, name, HW_F32, rows, columns, err);
    if (!to) return HW_ERROR_MEMORY;
    memcpy(to, values, rows * (columns ? columns : 1) * sizeof *to);
    return HW_OK;
}

/* What goes with a matrix of int8. */
static hw_status add_part(hw_bundle *bundle, const hw_encoder_parameter *parameter,
                          const char *tail, const float *values, size_t rows, size_t columns,
                          hw_error *err) {
    char name[sizeof parameter->name + 8];
    snprintf(name, sizeof name, "%s%s", parameter->name, tail);
    return add_floats(bundle, name, values, rows, columns, err);
}

static hw_status add_int8(hw_bundle *bundle, const hw_encoder_parameter *parameter,
                          hw_encoder_int8 layer, hw_error *err) {
    const size_t rows = parameter->rows, columns = parameter->columns;
    int8_t *to = hw_bundle_add(bundle, parameter->name, HW_I8, rows, columns, err);
    if (!to) return HW_ERROR_MEMORY;
    memcpy(to, layer.steps, rows * columns);
    HW_TRY(add_part(bundle, parameter, ".scale", layer.scale, rows, 0, err));
    if (!layer.smooth) return HW_OK;
    HW_TRY(add_part(bundle, parameter, ".smooth", layer.smooth, columns, 0, err));
    return add_part(bundle, parameter, ".exact", layer.exact, HW_INT8_EXACT, rows, err);
}

/* One of floats and halves is NULL. */
static hw_status add_bf16(hw_bundle *bundle, const hw_encoder_parameter *parameter,
                          const float *floats, const uint16_t *halves, hw_error *err) {
    const size_t rows = parameter->rows, columns = parameter->columns;
    uint16_t *to = hw_bundle_add(bundle, parameter->name, HW_BF16, rows, columns, err);
    if (!to) return HW_ERROR_MEMORY;
    for (size_t i = 0; i < rows * columns; i++) to[i] = floats ? hw_bf16_of(floats[i]) : halves[i];
    return HW_OK;
}

static hw_status add_tensor(hw_bundle *bundle, const hw_encoder *encoder, size_t i,
                            const hw_encoder_parameter *parameter, bool bf16, hw_error *err) {
    const float *floats = hw_encoder_values(encoder, i);
    const uint16_t *halves = hw_encoder_values_bf16(encoder, i);
    if (halves || (bf16 && parameter->is_linear))
        return add_bf16(bundle, parameter, floats, halves, err);
    if (!floats) return add_int8(bundle, parameter, hw_encoder_values_int8(encoder, i), err);
    const bool vector = parameter->dims == 1;
    return add_floats(bundle, parameter->name, floats,
                      vector ? parameter->rows * parameter->columns : parameter->rows,
                      vector ? 0 : parameter->columns, err);
}

static hw_status add_tensors(hw_bundle *bundle, const hw_encoder *encoder, bool bf16,
                             hw_error *err) {
    hw_encoder_parameter parameter;
    for (size_t i = 0; hw_encoder_parameter_at(&parameter, hw_encoder_config_of(encoder), i); i++)
        HW_TRY(add_tensor(bundle, encoder, i, &parameter, bf16, err));
    return HW_OK;
}

/* Sets one of the bundle's strings to a JSON value, whose reference is taken. */
static hw_status set_json(hw_bundle *bundle, const char *key, json_t *value, hw_error *err) {
    hw_text_buffer text = { 0 };
    hw_status status = hw_json_append(&text, value, err);
    if (status == HW_OK) status = hw_bundle_set(bundle, key, text.bytes, err);
    hw_text_buffer_free(&text);
    return status;
}

static hw_status add_parts(hw_bundle *bundle, const hw_fine_tuned *parts, hw_error *err) {
    const hw_config config = { .arch = HW_ARCH_ENCODER,
                               .multi_label = parts->multi_label,
                               .temperature = parts->temperature,
                               .held_back_score = parts->held_back_score,
                               .held_back_examples = parts->held_back_examples,
                               .max_tokens = parts->max_tokens };
    HW_TRY(add_tensors(bundle, parts->encoder, parts->bf16, err));
    if (parts->multi_label)
        HW_TRY(add_floats(bundle, "thresholds", parts->thresholds, parts->label_count, 0, err));
    HW_TRY(hw_config_save(&config, parts->labels, parts->label_count, bundle, err));
    HW_TRY(hw_bundle_set(bundle, "training", parts->training, err));
    HW_TRY(set_json(bundle, "config", hw_encoder_config_json(hw_encoder_config_of(parts->encoder)),
                    err));
    HW_TRY(hw_pretrained_add_tokenizer(bundle, parts->tokenizer, "the model", err));
    return hw_bundle_set(bundle, "format", "pt", err);
}

hw_classifier *hw_classifier_of_encoder(const hw_fine_tuned *parts, hw_error *err) {
    hw_bundle *bundle = hw_bundle_new(err);
    if (!bundle) return NULL;
    if (add_parts(bundle, parts, err) == HW_OK)
        return hw_classifier_from_bundle(bundle, "the fine-tuned model", err);
    hw_bundle_free(bundle);
    return NULL;
}

hw_fine_tuned hw_classifier_parts(const hw_classifier *classifier) {
    const hw_config *config = &classifier->config;
    return (hw_fine_tuned){ .encoder = classifier->encoder,
                            .tokenizer = classifier->pretrained.tokenizer,
                            .labels = classifier->labels,
                            .label_count = (size_t)classifier->summary.labels,
                            .multi_label = config->multi_label,
                            .thresholds = classifier->thresholds,
                            .temperature = config->temperature,
                            .max_tokens = config->max_tokens,
                            .held_back_score = config->held_back_score,
                            .held_back_examples = config->held_back_examples,
                            .training = classifier->training };
}
