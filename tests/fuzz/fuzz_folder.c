/* The JSON files of a folder of Hugging Face's, one after the other with a NUL between them:
 * config.json, headwise.json, tokenizer_config.json, model.safetensors.index.json. What is accepted
 * must describe a model of ours. */
#include "base/json.h"
#include "base/memory.h"
#include "classify/hub_folder.h"
#include "classify/shards.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { DOCUMENTS = 4 };

static void require(bool condition) {
    if (!condition) abort();
}

/* The next document, or NULL; *data and *size go on behind it. */
static json_t *next_document(const char **data, size_t *size, size_t flags) {
    const char *end = *size ? memchr(*data, '\0', *size) : NULL;
    const size_t length = end ? (size_t)(end - *data) : *size;
    hw_error err = { 0 };
    json_t *root = hw_json_parse(*data, length, flags, "fuzz", &err);
    require(root || (err.status != HW_OK && *err.message));
    *data += length + (end != NULL);
    *size -= length + (end != NULL);
    if (json_is_object(root)) return root;
    json_decref(root);
    return NULL;
}

static void describe(const hw_encoder_config *encoder, const hw_hub_documents *documents) {
    hw_bundle *bundle = hw_bundle_new(NULL);
    hw_config config;
    char **labels = NULL;
    hw_error err;
    if (hw_hub_describe(bundle, encoder, documents, "fuzz", &err) == HW_OK &&
        hw_config_load(&config, &labels, bundle, "fuzz", &err) == HW_OK) {
        require(config.arch == HW_ARCH_ENCODER && config.temperature > 0);
        require(config.tower.labels ==
                (encoder->readout == HW_ENCODER_LABELS ? encoder->labels : 0));
    }
    hw_free(labels);
    hw_bundle_free(bundle);
}

/* What is read is written, read again and the same; a vocabulary must have room for the padding. */
static void load_again(const hw_encoder_config *config) {
    if (config->vocabulary < 4) return;
    json_t *json = hw_encoder_config_json(config);
    hw_encoder_config again;
    hw_error err;
    require(json && hw_encoder_config_load(&again, json, "fuzz", &err) == HW_OK);
    require(again.width == config->width && again.layers == config->layers &&
            again.family == config->family && again.max_tokens == config->max_tokens);
    json_decref(json);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    const char *rest = (const char *)data;
    json_t *document[DOCUMENTS];
    for (int i = 0; i < DOCUMENTS; i++)
        document[i] = next_document(&rest, &size, i == 2 ? JSON_DECODE_INT_AS_REAL : 0);
    const hw_hub_documents documents = { document[0], document[2], document[1] };
    hw_encoder_config config;
    hw_error err;
    if (document[0] && hw_encoder_config_load(&config, document[0], "fuzz", &err) == HW_OK) {
        load_again(&config);
        describe(&config, &documents);
    }
    if (document[3]) hw_shards_check_index(document[3], "fuzz", &err);
    for (int i = 0; i < DOCUMENTS; i++) json_decref(document[i]);
    return 0;
}
