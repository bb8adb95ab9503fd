/* Opening a pretrained encoder: from a folder or from a model file to the same three parts, which
 * are then checked against each other. */
#include "classify/pretrained.h"

#include "base/folder.h"
#include "base/json.h"
#include "classify/hub_folder.h"
#include "classify/token_windows.h"

#include <stdio.h>
#include <string.h>

enum { PLACE_BYTES = 300 }; /* of a name in messages */

void hw_pretrained_close(hw_pretrained *pretrained) {
    hw_tokenizer_free(pretrained->tokenizer);
    hw_bundle_free(pretrained->bundle);
    *pretrained = (hw_pretrained){ 0 };
}

/* Every id is a row of the word embedding, and a window has room for text. */
static hw_status check_fit(const hw_pretrained *pretrained, const char *name, hw_error *err) {
    const hw_encoder_config *config = &pretrained->config;
    const size_t tokens = hw_tokenizer_size(pretrained->tokenizer);
    const size_t added = hw_template_tokens(pretrained->tokenizer);
    if (tokens > (size_t)config->vocabulary)
        return hw_fail(err, HW_ERROR_FORMAT,
                       "%s: the tokenizer has token %zu, but the word embedding only %d rows", name,
                       tokens - 1, (int)config->vocabulary);
    if (added >= (size_t)config->max_tokens)
        return hw_fail(err, HW_ERROR_FORMAT,
                       "%s: %zu special tokens leave no room for text in %d tokens", name, added,
                       (int)config->max_tokens);
    return HW_OK;
}

static hw_status load_config(hw_pretrained *pretrained, const char *text, const char *name,
                             hw_error *err) {
    json_t *json = hw_json_parse(text, strlen(text), 0, name, err);
    if (!json) return err->status;
    const hw_status status = hw_encoder_config_load(&pretrained->config, json, name, err);
    json_decref(json);
    return status;
}

/* A tensor and not metadata, which is escaped: to parse 700 KB of it would take as long as all else
 * that is done before the first text. */
static const char tokenizer_name[] = "tokenizer";

hw_status hw_pretrained_add_tokenizer(hw_bundle *bundle, const hw_tokenizer *tokenizer,
                                      const char *name, hw_error *err) {
    const char *text = hw_tokenizer_json(tokenizer);
    const size_t length = strlen(text);
    const hw_tensor *there = hw_bundle_find(bundle, tokenizer_name);
    if (there && there->dtype == HW_U8 && there->bytes == length &&
        memcmp(there->data, text, length) == 0)
        return HW_OK;
    if (there)
        return hw_fail(err, HW_ERROR_FORMAT, "%s: tensor %s is not the text of its tokenizer", name,
                       tokenizer_name);
    void *bytes = hw_bundle_add(bundle, tokenizer_name, HW_U8, length, 0, err);
    if (!bytes) return HW_ERROR_MEMORY;
    memcpy(bytes, text, length);
    return HW_OK;
}

static hw_status load_metadata(hw_pretrained *pretrained, const char *name, hw_error *err) {
    const char *config = hw_bundle_metadata(pretrained->bundle, "config");
    const hw_tensor *tokenizer = hw_bundle_find(pretrained->bundle, tokenizer_name);
    if (!config)
        return hw_fail(err, HW_ERROR_UNSUPPORTED, "%s: there is no pretrained encoder in it", name);
    if (!tokenizer || tokenizer->dtype != HW_U8)
        return hw_fail(err, HW_ERROR_FORMAT, "%s: no tensor %s of U8", name, tokenizer_name);
    char place[PLACE_BYTES];
    snprintf(place, sizeof place, "%.*s: config", PLACE_BYTES - 16, name);
    HW_TRY(load_config(pretrained, config, place, err));
    snprintf(place, sizeof place, "%.*s: tokenizer", PLACE_BYTES - 16, name);
    pretrained->tokenizer = hw_tokenizer_parse(tokenizer->data, tokenizer->bytes, place, err);
    return pretrained->tokenizer ? HW_OK : err->status;
}

hw_status hw_pretrained_from_bundle(hw_pretrained *pretrained, hw_bundle *bundle, const char *name,
                                    hw_error *err) {
    hw_error own;
    if (!err) err = &own;
    pretrained->bundle = bundle;
    HW_TRY(load_metadata(pretrained, name, err));
    return check_fit(pretrained, name, err);
}

hw_status hw_pretrained_open(hw_pretrained *pretrained, const char *path, hw_error *err) {
    hw_error own;
    if (!err) err = &own;
    if (hw_is_folder(path)) {
        HW_TRY(hw_hub_folder_open(pretrained, path, err));
        return check_fit(pretrained, path, err);
    }
    hw_bundle *bundle = hw_bundle_open(path, err);
    return bundle ? hw_pretrained_from_bundle(pretrained, bundle, path, err) : err->status;
}

bool hw_is_output_layer(const char *name) {
    static const char *const names[] = { "classifier.weight", "classifier.bias",
                                         "classifier.out_proj.weight", "classifier.out_proj.bias" };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(name, names[i]) == 0) return true;
    return false;
}

const hw_tensor *hw_pretrained_find(void *pretrained, const char *name) {
    return hw_bundle_find(((const hw_pretrained *)pretrained)->bundle, name);
}

const hw_tensor *hw_pretrained_find_without_output(void *pretrained, const char *name) {
    return hw_is_output_layer(name) ? NULL : hw_pretrained_find(pretrained, name);
}

void hw_pretrained_release(void *pretrained) {
    hw_bundle_release(((const hw_pretrained *)pretrained)->bundle);
}
