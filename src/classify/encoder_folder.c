/* Writes a folder of Hugging Face's: config.json, model.safetensors, the tokenizer's files,
 * headwise.json and README.md. */
#include "classify/encoder_classifier.h"

#include "base/folder.h"
#include "base/memory.h"

#include <stdio.h>
#include <string.h>

/* ---- model.safetensors --------------------------------------------------------------- */

typedef struct weights {
    hw_tensor *tensors;               /* [count] */
    hw_encoder_parameter *parameters; /* [count] whose names the tensors have */
    float **folded;                   /* [count] values divided by the temperature, else NULL */
    size_t count;
} weights;

static void weights_free(weights *w) {
    for (size_t i = 0; w->folded && i < w->count; i++) hw_free(w->folded[i]);
    hw_free(w->tensors);
    hw_free(w->parameters);
    hw_free(w->folded);
}

static hw_status reserve(weights *w, const hw_encoder_config *config, hw_error *err) {
    hw_encoder_parameter parameter;
    while (hw_encoder_parameter_at(&parameter, config, w->count)) w->count++;
    w->tensors = hw_calloc(w->count, sizeof *w->tensors);
    w->parameters = hw_calloc(w->count, sizeof *w->parameters);
    w->folded = hw_calloc(w->count, sizeof *w->folded);
    if (w->tensors && w->parameters && w->folded) return HW_OK;
    return hw_fail_memory(err, w->count * sizeof *w->parameters);
}

static hw_status fold(weights *w, size_t i, double temperature, hw_error *err) {
    hw_tensor *tensor = &w->tensors[i];
    const float *values = tensor->data;
    float *folded = w->folded[i] = hw_malloc(tensor->bytes);
    if (!folded) return hw_fail_memory(err, tensor->bytes);
    for (size_t k = 0; k < tensor->bytes / sizeof *folded; k++)
        folded[k] = (float)((double)values[k] / temperature);
    tensor->data = folded;
    return HW_OK;
}

static hw_status fill(weights *w, const hw_encoder_folder *folder, hw_error *err) {
    for (size_t i = 0; i < w->count; i++) {
        hw_encoder_parameter *p = &w->parameters[i];
        hw_encoder_parameter_at(p, hw_encoder_config_of(folder->encoder), i);
        const size_t values = p->rows * p->columns;
        w->tensors[i] = (hw_tensor){ .name = p->name,
                                     .dtype = HW_F32,
                                     .dims = p->dims,
                                     .shape = { p->dims == 1 ? values : p->rows,
                                                p->dims == 1 ? 1 : p->columns, 1, 1 },
                                     .data = hw_encoder_values(folder->encoder, i),
                                     .bytes = values * sizeof(float) };
        if (folder->temperature > 0 && hw_is_output_layer(p->name))
            HW_TRY(fold(w, i, folder->temperature, err));
    }
    return HW_OK;
}

static hw_status write_weights(const hw_new_folder *made, const hw_encoder_folder *folder,
                               hw_error *err) {
    static const hw_metadata format = { "format", "pt" };
    weights w = { 0 };
    hw_status status = reserve(&w, hw_encoder_config_of(folder->encoder), err);
    if (status == HW_OK) status = fill(&w, folder, err);
    char *path = NULL;
    if (status == HW_OK && !(path = hw_path_join(made->temporary, "model.safetensors", err)))
        status = HW_ERROR_MEMORY;
    if (status == HW_OK)
        status = hw_safetensors_save_plain(path, w.tensors, w.count, &format, 1, err);
    hw_free(path);
    weights_free(&w);
    return status;
}

/* ---- JSON ------------------------------------------------------------------------------ */

/* The row of the padding token, where it does not follow from the family. */
static bool add_padding(json_t *config, const hw_tokenizer *tokenizer) {
    static const char key[] = "pad_token_id";
    uint32_t id = hw_tokenizer_find(tokenizer, "[PAD]");
    if (id == HW_NO_TOKEN) id = hw_tokenizer_find(tokenizer, "<pad>");
    if (id == HW_NO_TOKEN || json_object_get(config, key)) return true;
    return json_object_set_new(config, key, json_integer(id)) == 0;
}

static json_t *config_json(const hw_encoder_folder *folder) {
    json_t *config = hw_encoder_config_json(hw_encoder_config_of(folder->encoder));
    if (config && add_padding(config, folder->tokenizer) &&
        (!folder->extra || json_object_update(config, (json_t *)folder->extra) == 0))
        return config;
    json_decref(config);
    return NULL;
}

/* The role of a special token, and how the families spell it. */
typedef struct token_role {
    const char *key, *spellings[2];
} token_role;

static const token_role token_roles[] = {
    { "unk_token", { "[UNK]", "<unk>" } },    { "cls_token", { "[CLS]", "<s>" } },
    { "sep_token", { "[SEP]", "</s>" } },     { "pad_token", { "[PAD]", "<pad>" } },
    { "mask_token", { "[MASK]", "<mask>" } },
};
enum { TOKEN_ROLES = sizeof token_roles / sizeof *token_roles };

/* Adds the roles that the tokenizer's special tokens play. */
static bool add_special_tokens(json_t *object, const hw_tokenizer *tokenizer) {
    for (size_t i = 0; i < TOKEN_ROLES; i++)
        for (size_t s = 0; s < 2; s++) {
            const char *token = token_roles[i].spellings[s];
            const uint32_t id = hw_tokenizer_find(tokenizer, token);
            if (id == HW_NO_TOKEN || json_object_get(object, token_roles[i].key)) continue;
            if (json_object_set_new(object, token_roles[i].key, json_string(token)) != 0)
                return false;
        }
    return true;
}

static json_t *with_special_tokens(json_t *object, const hw_tokenizer *tokenizer) {
    if (object && add_special_tokens(object, tokenizer)) return object;
    json_decref(object);
    return NULL;
}

/* Without token types, which some families do not take and the others take to be 0. */
static json_t *tokenizer_config_json(const hw_encoder_folder *folder) {
    json_t *object = json_pack(
        "{s:s, s:i, s:[s, s], s:b}", "tokenizer_class", "PreTrainedTokenizerFast",
        "model_max_length", (int)hw_encoder_config_of(folder->encoder)->max_tokens,
        "model_input_names", "input_ids", "attention_mask", "clean_up_tokenization_spaces", 0);
    return with_special_tokens(object, folder->tokenizer);
}

static hw_status write_files(const hw_new_folder *made, const void *context, hw_error *err) {
    const hw_encoder_folder *folder = context;
    HW_TRY(write_weights(made, folder, err));
    HW_TRY(hw_folder_write_json(made, "config.json", config_json(folder), err));
    HW_TRY(hw_folder_write(made, "tokenizer.json", hw_tokenizer_json(folder->tokenizer), err));
    HW_TRY(hw_folder_write_json(made, "tokenizer_config.json", tokenizer_config_json(folder), err));
    HW_TRY(hw_folder_write_json(made, "special_tokens_map.json",
                                with_special_tokens(json_object(), folder->tokenizer), err));
    if (folder->headwise) HW_TRY(hw_folder_write(made, "headwise.json", folder->headwise, err));
    return hw_folder_write(made, "README.md", folder->card, err);
}

hw_status hw_encoder_folder_save(const char *path, const hw_encoder_folder *folder, hw_error *err) {
    return hw_folder_make(path, write_files, folder, err);
}
