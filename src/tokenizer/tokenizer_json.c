/* Reads a tokenizer.json section by section. "truncation", "padding" and "decoder" are not for
 * telling texts apart and are not read. */
#include "base/json.h"
#include "base/memory.h"
#include "tokenizer/tokenizer_parts.h"

static hw_status check_template(const hw_tokenizer *tokenizer, const char *name, hw_error *err) {
    const hw_template *template = &tokenizer->template;
    for (size_t i = 0; i < template->before_count + template->after_count; ++i) {
        const uint32_t id = i < template->before_count
                                ? template->before[i]
                                : template->after[i - template->before_count];
        if (!hw_tokenizer_string(tokenizer, id))
            return hw_fail(err, HW_ERROR_FORMAT, "%s: post_processor: no token has the id %u", name,
                           (unsigned)id);
    }
    return HW_OK;
}

static hw_status read_sections(hw_tokenizer *tokenizer, const json_t *json,
                               const hw_vocabulary_text *text, const char *name, hw_error *err) {
    const json_t *normalizer = json_object_get(json, "normalizer");
    HW_TRY(hw_normalizer_init(&tokenizer->normalizer, normalizer, name, err));
    HW_TRY(hw_pre_tokenizer_init(&tokenizer->pre_tokenizer, json_object_get(json, "pre_tokenizer"),
                                 name, err));
    HW_TRY(
        hw_template_init(&tokenizer->template, json_object_get(json, "post_processor"), name, err));
    const json_t *model = json_object_get(json, "model");
    if (!json_is_object(model))
        return hw_fail(err, HW_ERROR_FORMAT, "%s: model: an object is expected", name);
    HW_TRY(hw_tokenizer_model_init(&tokenizer->model, model, text, name, err));
    const json_t *vocabulary = json_object_get(model, "vocab");
    const size_t entries =
        json_is_array(vocabulary) ? json_array_size(vocabulary) : tokenizer->model.vocabulary.count;
    HW_TRY(hw_added_tokens_init(&tokenizer->added, json_object_get(json, "added_tokens"),
                                &tokenizer->model.vocabulary, entries, &tokenizer->normalizer, name,
                                err));
    const size_t ids = tokenizer->model.vocabulary.id_limit;
    const size_t added_ids = tokenizer->added.table.id_limit;
    tokenizer->size = ids > added_ids ? ids : added_ids;
    tokenizer->segmentation =
        hw_segmentation_plan(&tokenizer->normalizer, normalizer, &tokenizer->pre_tokenizer,
                             &tokenizer->template, &tokenizer->added);
    return check_template(tokenizer, name, err);
}

/* The document without its vocabulary. */
static json_t *load(const hw_vocabulary_text *text, const char *name, hw_error *err) {
    hw_text_buffer rest = { 0 };
    if (hw_vocabulary_cut(&rest, text, err) != HW_OK) return hw_text_buffer_free(&rest), NULL;
    json_error_t problem;
    json_t *root = json_loadb(rest.bytes, rest.length, JSON_REJECT_DUPLICATES, &problem);
    hw_text_buffer_free(&rest);
    if (!root && hw_json_lacked_memory(&problem))
        hw_fail_memory(err, text->document.length);
    else if (!root)
        hw_fail(err, HW_ERROR_FORMAT, "%s:%d: %s", name, problem.line, problem.text);
    return root;
}

hw_tokenizer *hw_tokenizer_parse(const char *json, size_t length, const char *name, hw_error *err) {
    const hw_vocabulary_text text = hw_vocabulary_find(json, length);
    json_t *root = load(&text, name, err);
    if (!root) return NULL;

    hw_tokenizer *tokenizer = hw_calloc(1, sizeof *tokenizer);
    if (tokenizer) tokenizer->json = hw_strndup(json, length);
    hw_status status = HW_OK;
    if (!tokenizer || !tokenizer->json)
        status = hw_fail_memory(err, length);
    else if (!json_is_object(root))
        status = hw_fail(err, HW_ERROR_FORMAT, "%s: an object is expected", name);
    else
        status = read_sections(tokenizer, root, &text, name, err);
    json_decref(root);
    if (status == HW_OK) return tokenizer;
    hw_tokenizer_free(tokenizer);
    return NULL;
}
