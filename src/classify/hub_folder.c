/* Opens a folder of Hugging Face's, file by file: config.json, the weights, the tokenizer, and what
 * says more about them. */
#include "classify/hub_folder.h"

#include "base/folder.h"
#include "base/json.h"
#include "base/memory.h"
#include "classify/shards.h"

enum { DOCUMENT_LIMIT = 16 << 20 };

/* A file of the folder, and how jansson reads it. */
typedef struct document_kind {
    const char *name;
    size_t flags;
    bool is_optional;
} document_kind;

static const document_kind config_kind = { "config.json", 0, false };
/* As reals: the model_max_length of tokenizers that have none is 10^30. */
static const document_kind tokenizer_kind = { "tokenizer_config.json", JSON_DECODE_INT_AS_REAL,
                                              true };
static const document_kind headwise_kind = { "headwise.json", 0, true };

/* Parses a mapped document, and copies its text to *text unless that is NULL. */
static hw_status parse_document(json_t **root, char **text, const hw_mapping *mapping, size_t flags,
                                const char *path, hw_error *err) {
    *root = hw_json_parse((const char *)mapping->data, mapping->size, flags, path, err);
    if (!*root) return err->status;
    if (!json_is_object(*root)) return hw_fail(err, HW_ERROR_FORMAT, "%s: is no object", path);
    if (text && !(*text = hw_strndup((const char *)mapping->data, mapping->size)))
        return hw_fail_memory(err, mapping->size);
    return HW_OK;
}

static hw_status read_document(json_t **root, char **text, const char *folder, document_kind kind,
                               hw_error *err) {
    char *path = hw_path_join(folder, kind.name, err);
    if (!path) return HW_ERROR_MEMORY;
    hw_status status = HW_OK;
    if (!kind.is_optional || hw_file_exists(path)) {
        hw_mapping mapping;
        status = hw_file_map(&mapping, path, DOCUMENT_LIMIT, err);
        if (status == HW_OK) status = parse_document(root, text, &mapping, kind.flags, path, err);
        hw_file_unmap(&mapping);
    }
    hw_free(path);
    return status;
}

typedef struct documents {
    json_t *config, *tokenizer_config, *headwise;
    char *config_text;
} documents;

static hw_status read_documents(documents *read, const char *folder, hw_error *err) {
    HW_TRY(read_document(&read->config, &read->config_text, folder, config_kind, err));
    HW_TRY(read_document(&read->tokenizer_config, NULL, folder, tokenizer_kind, err));
    return read_document(&read->headwise, NULL, folder, headwise_kind, err);
}

static hw_status load_config(hw_pretrained *pretrained, const documents *read, const char *folder,
                             hw_error *err) {
    char *path = hw_path_join(folder, config_kind.name, err);
    if (!path) return HW_ERROR_MEMORY;
    const hw_status status = hw_encoder_config_load(&pretrained->config, read->config, path, err);
    hw_free(path);
    return status;
}

static hw_status load(hw_pretrained *pretrained, documents *read, const char *folder,
                      hw_error *err) {
    HW_TRY(read_documents(read, folder, err));
    HW_TRY(load_config(pretrained, read, folder, err));
    hw_bundle *bundle = pretrained->bundle = hw_bundle_new(err);
    if (!bundle) return HW_ERROR_MEMORY;
    HW_TRY(hw_shards_attach(bundle, folder, err));
    pretrained->tokenizer = hw_tokenizer_open(folder, err);
    if (!pretrained->tokenizer) return err->status;
    HW_TRY(hw_bundle_set(bundle, "format", "pt", err));
    HW_TRY(hw_bundle_set(bundle, "config", read->config_text, err));
    HW_TRY(hw_pretrained_add_tokenizer(bundle, pretrained->tokenizer, folder, err));
    const hw_hub_documents parsed = { read->config, read->tokenizer_config, read->headwise };
    return hw_hub_describe(bundle, &pretrained->config, &parsed, folder, err);
}

hw_status hw_hub_folder_open(hw_pretrained *pretrained, const char *folder, hw_error *err) {
    documents read = { 0 };
    const hw_status status = load(pretrained, &read, folder, err);
    json_decref(read.config);
    json_decref(read.tokenizer_config);
    json_decref(read.headwise);
    hw_free(read.config_text);
    return status;
}
