/* hw_classifier_export: a classifier as a folder that `transformers` loads. Invariant: its logits
 * there are ours; that of an encoder opens again as a classifier with the same probabilities. */
#include "classify/encoder_classifier.h"
#include "classify/tower_folder.h"

#include "base/json.h"

#include <stdio.h>
#include <string.h>

/* What the files are made of, besides the weights. */
typedef struct documents {
    json_t *extra;           /* of config.json */
    hw_text_buffer headwise; /* text of headwise.json */
    hw_text_buffer card;     /* text of README.md */
} documents;

/* ---- config.json ------------------------------------------------------------------- */

static bool add_label(json_t *id2label, json_t *label2id, const char *name, int32_t label) {
    char id[16];
    snprintf(id, sizeof id, "%d", (int)label);
    return json_object_set_new(id2label, id, json_string(name)) == 0 &&
           json_object_set_new(label2id, name, json_integer(label)) == 0;
}

/* NULL if memory is short. */
static json_t *extra_json(const hw_classifier *classifier) {
    const hw_summary *summary = &classifier->summary;
    json_t *extra = json_pack("{s:{}, s:{}, s:s}", "id2label", "label2id", "problem_type",
                              summary->multi_label ? "multi_label_classification"
                                                   : "single_label_classification");
    json_t *id2label = json_object_get(extra, "id2label");
    json_t *label2id = json_object_get(extra, "label2id");
    for (int32_t label = 0; extra && label < summary->labels; label++) {
        if (add_label(id2label, label2id, classifier->labels[label], label)) continue;
        json_decref(extra);
        return NULL;
    }
    return extra;
}

/* ---- headwise.json ------------------------------------------------------------------ */

static json_t *thresholds_json(const hw_classifier *classifier) {
    json_t *list = json_array();
    for (int32_t label = 0; list && label < classifier->summary.labels; label++) {
        if (json_array_append_new(list, json_real((double)classifier->thresholds[label])) == 0)
            continue;
        json_decref(list);
        return NULL;
    }
    return list;
}

static hw_status write_headwise(hw_text_buffer *text, const hw_classifier *classifier,
                                bool fold_temperature, hw_error *err) {
    hw_config config = classifier->config;
    if (fold_temperature) config.temperature = 1;
    json_t *root = hw_config_json(&config);
    json_t *training = hw_json_parse(classifier->training, strlen(classifier->training), 0,
                                     "the training record", err);
    if (!training) {
        json_decref(root);
        return err->status;
    }
    bool ok = json_object_set_new(root, "training", training) == 0;
    if (ok && classifier->thresholds)
        ok = json_object_set_new(root, "thresholds", thresholds_json(classifier)) == 0;
    if (ok) return hw_json_append(text, root, err);
    json_decref(root);
    return hw_fail_memory(err, strlen(classifier->training));
}

/* ---- README.md ----------------------------------------------------------------------- */

static void write_origin(hw_text_buffer *card, const hw_summary *s) {
    hw_text_printf(card, "---\nlibrary_name: headwise\npipeline_tag: text-classification\n---\n\n"
                         "# Text classifier\n\n");
    if (s->family)
        hw_text_printf(card,
                       "A %s encoder (%d layers, %d heads, width %d) that was fine-tuned with\n"
                       "Headwise %s. `transformers` loads this folder; `headwise predict FOLDER` "
                       "runs it.\n\n",
                       s->family, (int)s->layers, (int)s->heads, (int)s->width, HW_VERSION);
    else
        hw_text_printf(card,
                       "Multi-head attention over words (%d towers of %d layers, %d heads, width "
                       "%d),\ntrained with Headwise %s. `transformers` loads this folder with the "
                       "code in it:\n\n"
                       "```python\n"
                       "model = AutoModelForSequenceClassification.from_pretrained(folder, "
                       "trust_remote_code=True)\n"
                       "logits = model(**model.encode([\"a text\"])).logits\n"
                       "```\n\n",
                       (int)s->towers, (int)s->layers, (int)s->heads, (int)s->width, HW_VERSION);
}

static void write_card(hw_text_buffer *card, const hw_classifier *classifier, const char *more) {
    const hw_summary *s = &classifier->summary;
    write_origin(card, s);
    hw_text_printf(card, "%s\n\n",
                   s->multi_label ? "A text has any number of these labels:"
                                  : "A text has one of these labels:");
    for (int32_t label = 0; label < s->labels; label++) {
        hw_text_printf(card, "* ");
        hw_text_append_markdown(card, classifier->labels[label]);
        hw_text_printf(card, "\n");
    }
    if (more && *more) hw_text_printf(card, "\n%s\n", more);
    hw_text_printf(card, "\n## Training record\n\n```json\n");
    hw_text_append(card, classifier->training, strlen(classifier->training));
    hw_text_printf(card, "\n```\n");
}

/* ---- The folder ---------------------------------------------------------------------- */

/* `transformers` would read the first token. */
static bool is_read_elsewhere(const hw_classifier *classifier) {
    if (!classifier->encoder) return false;
    const hw_encoder_config *config = hw_encoder_config_of(classifier->encoder);
    return config->pooling == HW_POOLING_MEAN && config->family != HW_FAMILY_MODERNBERT;
}

static bool is_pruned(const hw_classifier *classifier) {
    for (int32_t l = 0; l < classifier->summary.layers; l++)
        if (hw_classifier_heads(classifier, l) < classifier->summary.heads) return true;
    return false;
}

static hw_status check(const hw_classifier *classifier, hw_error *err) {
    if (classifier->config.arch == HW_ARCH_CAPSULE)
        return hw_fail(err, HW_ERROR_UNSUPPORTED, "a model with capsules cannot be exported");
    if (!classifier->encoder && classifier->config.arch != HW_ARCH_ATTENTION)
        return hw_fail(err, HW_ERROR_UNSUPPORTED,
                       "a model with an n-gram table cannot be exported; one of -arch attention or "
                       "of a pretrained encoder (-base) can");
    if (classifier->summary.quantized)
        return hw_fail(err, HW_ERROR_UNSUPPORTED,
                       "a quantised model cannot be exported; export the model it was made from");
    if (is_pruned(classifier))
        return hw_fail(err, HW_ERROR_UNSUPPORTED,
                       "heads of the model were pruned, and transformers (since version 5) builds "
                       "all layers with equally many; export the model it was made from");
    if (is_read_elsewhere(classifier))
        return hw_fail(err, HW_ERROR_UNSUPPORTED,
                       "the readout of this model reads the mean of all tokens, which no class of "
                       "transformers does for a %s; fine-tune without -freeze all and --few-shot",
                       classifier->summary.family);
    return hw_classifier_check_labels(classifier, err);
}

static hw_status prepare(documents *made, const hw_classifier *classifier, bool fold_temperature,
                         const char *card, hw_error *err) {
    HW_TRY(check(classifier, err));
    made->extra = extra_json(classifier);
    if (!made->extra)
        return hw_fail_memory(err, (size_t)classifier->summary.labels * sizeof(json_t));
    HW_TRY(write_headwise(&made->headwise, classifier, fold_temperature, err));
    write_card(&made->card, classifier, card);
    return made->card.failed ? hw_fail_memory(err, made->card.length) : HW_OK;
}

static hw_status save(const char *path, const hw_classifier *classifier, const documents *made,
                      bool fold_temperature, hw_error *err) {
    if (!classifier->encoder) {
        const hw_tower_folder folder = { .classifier = classifier,
                                         .extra = made->extra,
                                         .fold_temperature = fold_temperature,
                                         .headwise = made->headwise.bytes,
                                         .card = made->card.bytes };
        return hw_tower_folder_save(path, &folder, err);
    }
    const hw_encoder_folder folder = {
        .encoder = classifier->encoder,
        .tokenizer = classifier->pretrained.tokenizer,
        .extra = made->extra,
        .temperature = fold_temperature ? classifier->config.temperature : 0,
        .headwise = made->headwise.bytes,
        .card = made->card.bytes,
    };
    return hw_encoder_folder_save(path, &folder, err);
}

hw_status hw_classifier_export(const hw_classifier *classifier, const char *folder,
                               bool fold_temperature, const char *card, hw_error *err) {
    hw_error own;
    if (!err) err = &own;
    documents made = { 0 };
    hw_status status = prepare(&made, classifier, fold_temperature, card, err);
    if (status == HW_OK) status = save(folder, classifier, &made, fold_temperature, err);
    json_decref(made.extra);
    hw_text_buffer_free(&made.headwise);
    hw_text_buffer_free(&made.card);
    return status;
}
