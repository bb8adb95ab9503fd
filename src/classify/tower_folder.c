/* Writes config.json, model.safetensors, modeling_headwise.py, headwise.json and README.md. */
#include "classify/tower_folder.h"

#include "base/folder.h"
#include "base/memory.h"

#include <string.h>

static bool is_exported(const char *name) {
    return strncmp(name, "tower.", 6) == 0 || strcmp(name, "ngram.slots") == 0;
}

static hw_status write_weights(const hw_new_folder *made, const hw_bundle *bundle, hw_error *err) {
    static const hw_metadata format = { "format", "pt" };
    const size_t all = hw_bundle_count(bundle);
    char *path = hw_path_join(made->temporary, "model.safetensors", err);
    hw_tensor *tensors = path ? hw_calloc(all, sizeof *tensors) : NULL;
    size_t count = 0;
    for (size_t i = 0; tensors && i < all; i++)
        if (is_exported(hw_bundle_at(bundle, i)->name)) tensors[count++] = *hw_bundle_at(bundle, i);
    const hw_status status = tensors
                                 ? hw_safetensors_save_plain(path, tensors, count, &format, 1, err)
                                 : hw_fail_memory(err, all * sizeof *tensors);
    hw_free(tensors);
    hw_free(path);
    return status;
}

static json_t *config_json(const hw_tower_folder *folder) {
    const hw_classifier *classifier = folder->classifier;
    const size_t slots = classifier->ngrams.capacity;
    json_t *config =
        json_pack("{s:s, s:[s], s:{s:s, s:s}, s:o, s:I, s:f}", "model_type", "headwise",
                  "architectures", "HeadwiseForSequenceClassification", "auto_map", "AutoConfig",
                  "modeling_headwise.HeadwiseConfig", "AutoModelForSequenceClassification",
                  "modeling_headwise.HeadwiseForSequenceClassification", "headwise",
                  hw_config_json(&classifier->config), "slots", (json_int_t)(slots ? slots : 1),
                  "divisor", folder->fold_temperature ? classifier->config.temperature : 1.0);
    if (config && json_object_update(config, (json_t *)folder->extra) == 0) return config;
    json_decref(config);
    return NULL;
}

static hw_status write_files(const hw_new_folder *made, const void *context, hw_error *err) {
    const hw_tower_folder *folder = context;
    HW_TRY(write_weights(made, folder->classifier->bundle, err));
    HW_TRY(hw_folder_write_json(made, "config.json", config_json(folder), err));
    HW_TRY(hw_folder_write(made, "modeling_headwise.py", hw_modeling_code, err));
    HW_TRY(hw_folder_write(made, "headwise.json", folder->headwise, err));
    return hw_folder_write(made, "README.md", folder->card, err);
}

hw_status hw_tower_folder_save(const char *path, const hw_tower_folder *folder, hw_error *err) {
    return hw_folder_make(path, write_files, folder, err);
}
