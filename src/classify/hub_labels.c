/* From config.json's labels and task to the metadata of a model of ours. */
#include "classify/hub_folder.h"

#include "base/json.h"
#include "base/memory.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static const float default_threshold = 0.5f;

/* ---- Labels -------------------------------------------------------------------- */

/* The name of a label: id2label's, or "LABEL_<i>" as `transformers` names those that have none. A
 * new reference. */
static json_t *label_name(const json_t *id2label, int32_t label) {
    char key[32];
    if (!id2label) {
        snprintf(key, sizeof key, "LABEL_%d", (int)label);
        return json_string(key);
    }
    snprintf(key, sizeof key, "%d", (int)label);
    return json_incref(json_object_get(id2label, key));
}

static hw_status check_id2label(const json_t *id2label, int32_t labels, const char *folder,
                                hw_error *err) {
    if (!json_is_object(id2label) || json_object_size(id2label) != (size_t)labels)
        return hw_fail(err, HW_ERROR_FORMAT, "%s/config.json: id2label is no object of %d names",
                       folder, (int)labels);
    for (int32_t label = 0; label < labels; label++) {
        json_t *name = label_name(id2label, label);
        const bool is_name = json_is_string(name);
        json_decref(name);
        if (!is_name)
            return hw_fail(err, HW_ERROR_FORMAT, "%s/config.json: id2label has no name for %d",
                           folder, (int)label);
    }
    return HW_OK;
}

/* names: a JSON array that is filled. */
static hw_status read_labels(json_t *names, const json_t *config, int32_t labels,
                             const char *folder, hw_error *err) {
    const json_t *id2label = json_object_get(config, "id2label");
    if (json_is_null(id2label)) id2label = NULL;
    if (id2label && labels) HW_TRY(check_id2label(id2label, labels, folder, err));
    for (int32_t label = 0; label < labels; label++)
        if (json_array_append_new(names, label_name(id2label, label)) != 0)
            return hw_fail_memory(err, (size_t)labels * sizeof(json_t));
    return HW_OK;
}

/* ---- The task ------------------------------------------------------------------ */

/* As the text-classification pipeline of `transformers` chooses between softmax and sigmoid. */
static hw_status read_task(bool *multi_label, const json_t *config, int32_t labels,
                           const char *folder, hw_error *err) {
    const json_t *value = json_object_get(config, "problem_type");
    const char *type = json_string_value(value);
    *multi_label = labels == 1;
    if (!value || json_is_null(value)) return HW_OK;
    if (type && strcmp(type, "single_label_classification") == 0) return HW_OK;
    if (type && strcmp(type, "multi_label_classification") == 0) {
        *multi_label = labels > 0;
        return HW_OK;
    }
    if (type && strcmp(type, "regression") == 0)
        return hw_fail(err, HW_ERROR_UNSUPPORTED,
                       "%s/config.json: problem_type is regression; only classification is offered",
                       folder);
    return hw_fail(err, HW_ERROR_FORMAT, "%s/config.json: problem_type is none that there is",
                   folder);
}

/* Windows are no longer than what the encoder and its tokenizer were made for. */
static int32_t window_of(const hw_encoder_config *encoder, const json_t *tokenizer_config) {
    const double most = json_number_value(json_object_get(tokenizer_config, "model_max_length"));
    return most >= 1 && most < encoder->max_tokens ? (int32_t)most : encoder->max_tokens;
}

/* ---- headwise.json --------------------------------------------------------------- */

static hw_status read_threshold(float *threshold, const json_t *value, const char *folder,
                                hw_error *err) {
    const double number = json_number_value(value);
    if (!json_is_number(value) || number < 0 || number > 1)
        return hw_fail(err, HW_ERROR_FORMAT,
                       "%s/headwise.json: thresholds has a value that is not in 0 to 1", folder);
    *threshold = (float)number;
    return HW_OK;
}

static hw_status add_thresholds(hw_bundle *bundle, const json_t *headwise, int32_t labels,
                                const char *folder, hw_error *err) {
    if (hw_bundle_find(bundle, "thresholds")) return HW_OK;
    float *thresholds = hw_bundle_add(bundle, "thresholds", HW_F32, (size_t)labels, 0, err);
    if (!thresholds) return HW_ERROR_MEMORY;
    for (int32_t label = 0; label < labels; label++) thresholds[label] = default_threshold;
    const json_t *values = json_object_get(headwise, "thresholds");
    if (!values) return HW_OK;
    if (json_array_size(values) != (size_t)labels)
        return hw_fail(err, HW_ERROR_FORMAT,
                       "%s/headwise.json: thresholds is no array of %d numbers", folder,
                       (int)labels);
    for (int32_t label = 0; label < labels; label++)
        HW_TRY(
            read_threshold(&thresholds[label], json_array_get(values, (size_t)label), folder, err));
    return HW_OK;
}

static hw_status update_config(hw_config *config, const json_t *headwise, const char *folder,
                               hw_error *err) {
    const bool multi_label = config->multi_label;
    char name[300];
    snprintf(name, sizeof name, "%.280s/headwise.json", folder);
    if (headwise) HW_TRY(hw_config_update(config, headwise, name, err));
    if (config->multi_label == multi_label) return HW_OK;
    return hw_fail(err, HW_ERROR_FORMAT, "%s: multi_label is not what config.json says", name);
}

/* ---- All of it -------------------------------------------------------------------- */

static hw_status set_training(hw_bundle *bundle, const json_t *headwise, hw_error *err) {
    json_t *training = json_object_get(headwise, "training");
    hw_text_buffer text = { 0 };
    hw_status status = hw_json_append(
        &text, json_is_object(training) ? json_incref(training) : json_object(), err);
    if (status == HW_OK) status = hw_bundle_set(bundle, "training", text.bytes, err);
    hw_text_buffer_free(&text);
    return status;
}

/* names: the labels as a JSON array. */
static hw_status save_config(const hw_config *config, const json_t *names, hw_bundle *bundle,
                             hw_error *err) {
    const size_t labels = json_array_size(names);
    char **borrowed = hw_calloc(labels, sizeof *borrowed);
    if (!borrowed) return hw_fail_memory(err, labels * sizeof *borrowed);
    for (size_t label = 0; label < labels; label++)
        borrowed[label] = (char *)json_string_value(json_array_get(names, label));
    const hw_status status = hw_config_save(config, borrowed, labels, bundle, err);
    hw_free(borrowed);
    return status;
}

static hw_status describe(hw_bundle *bundle, json_t *names, const hw_encoder_config *encoder,
                          const hw_hub_documents *documents, const char *folder, hw_error *err) {
    hw_config config = { .arch = HW_ARCH_ENCODER,
                         .temperature = 1,
                         .held_back_score = NAN,
                         .held_back_bag = NAN,
                         .max_tokens = window_of(encoder, documents->tokenizer_config) };
    const int32_t labels = encoder->readout == HW_ENCODER_LABELS ? encoder->labels : 0;
    HW_TRY(read_labels(names, documents->config, labels, folder, err));
    HW_TRY(read_task(&config.multi_label, documents->config, labels, folder, err));
    HW_TRY(update_config(&config, documents->headwise, folder, err));
    if (config.multi_label)
        HW_TRY(add_thresholds(bundle, documents->headwise, labels, folder, err));
    HW_TRY(set_training(bundle, documents->headwise, err));
    return save_config(&config, names, bundle, err);
}

hw_status hw_hub_describe(hw_bundle *bundle, const hw_encoder_config *encoder,
                          const hw_hub_documents *documents, const char *folder, hw_error *err) {
    json_t *names = json_array();
    if (!names) return hw_fail_memory(err, sizeof(json_t *));
    const hw_status status = describe(bundle, names, encoder, documents, folder, err);
    json_decref(names);
    return status;
}
