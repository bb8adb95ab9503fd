/* Reads a tokenizer.json section by section. "truncation", "padding" and "decoder" are not for
 * telling texts apart and are not read. */
#include "base/json.h"
#include "base/memory.h"
#include "tokenizer/tokenizer_parts.h"

static bool is_type(const json_t *section, const char *type) {
    const char *own = json_string_value(json_object_get(section, "type"));
    return own && strcmp(own, type) == 0;
}

static bool holds_replacement(const hw_token_table *strings) {
    for (size_t i = 0; i < strings->slot_capacity; ++i) {
        const hw_token_slot *slot = &strings->slots[i];
        if (slot->id != HW_NO_TOKEN && strstr(strings->bytes + slot->offset, "\xEF\xBF\xBD"))
            return true;
    }
    return false;
}

static bool looks_around(const hw_added_tokens *added) {
    for (size_t i = 0; i < added->count; ++i) {
        const hw_added_token *token = &added->items[i];
        if (token->single_word || token->lstrip || token->rstrip) return true;
    }
    return false;
}

/* Whether and when a text may be cut into segments before it is normalized. Bytes that are not
 * UTF-8 count as U+FFFD, which a matcher that looks at the raw text does not see. */
static void plan_segments(hw_tokenizer *tokenizer, const json_t *normalizer) {
    const hw_added_tokens *added = &tokenizer->added;
    tokenizer->is_bert = is_type(normalizer, "BertNormalizer") &&
                         tokenizer->pre_tokenizer.is_bert && !tokenizer->template.trims &&
                         added->normalized.strings.count == 0;
    tokenizer->isolates_chinese = json_is_true(json_object_get(normalizer, "handle_chinese_chars"));
    tokenizer->needs_ascii = looks_around(added) || holds_replacement(&added->raw.strings);
}

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
    plan_segments(tokenizer, normalizer);
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
