/* Reads the vocabulary, which is here for all models, and passes words on. */
#include "tokenizer/tokenizer_model.h"

#include "tokenizer/json_section.h"

enum { USUAL_BYTES = 8 }; /* of a string in a vocabulary */

static hw_status check_count(size_t count, const char *name, hw_error *err) {
    if (count <= HW_TOKEN_IDS_MAX) return HW_OK;
    return hw_fail(err, HW_ERROR_UNSUPPORTED, "%s: model.vocab: more than %d entries", name,
                   HW_TOKEN_IDS_MAX);
}

/* [["the", -3.5], ...]: the place is the id. */
static hw_status read_list(hw_token_table *vocabulary, const json_t *list, const char *name,
                           hw_error *err) {
    const size_t count = json_array_size(list);
    HW_TRY(check_count(count, name, err));
    HW_TRY(hw_token_table_reserve(vocabulary, count, count * USUAL_BYTES, err));
    for (size_t i = 0; i < count; ++i) {
        const json_t *piece = json_array_get(json_array_get(list, i), 0);
        if (!json_is_string(piece))
            return hw_fail(err, HW_ERROR_FORMAT,
                           "%s: model.vocab[%zu]: a string and a score are expected", name, i);
        const hw_text string = { json_string_value(piece), json_string_length(piece) };
        HW_TRY(hw_token_table_add(vocabulary, string, (uint32_t)i, err));
    }
    return HW_OK;
}

/* Old files do not name the type. */
static const char *type_of(const json_t *json) {
    const json_t *type = json_object_get(json, "type");
    if (type) return json_string_value(type);
    if (json_object_get(json, "merges")) return "BPE";
    return json_is_array(json_object_get(json, "vocab")) ? "Unigram" : "WordPiece";
}

hw_status hw_tokenizer_model_init(hw_tokenizer_model *model, const json_t *json,
                                  const hw_vocabulary_text *text, const char *name, hw_error *err) {
    const json_t *vocabulary = json_object_get(json, "vocab");
    const char *type = type_of(json);
    const bool is_unigram = type && strcmp(type, "Unigram") == 0;
    if (!type || !(is_unigram ? json_is_array(vocabulary) : text->object.length > 0))
        return hw_fail(err, HW_ERROR_FORMAT, "%s: model.%s: %s is expected", name,
                       type ? "vocab" : "type", type ? "the vocabulary" : "a string");
    if (is_unigram)
        HW_TRY(read_list(&model->vocabulary, vocabulary, name, err));
    else
        HW_TRY(hw_vocabulary_read(&model->vocabulary, text, name, err));

    if (is_unigram) {
        model->unigram = hw_unigram_new(json, name, err);
        return model->unigram ? HW_OK : HW_ERROR_FORMAT;
    }
    if (strcmp(type, "BPE") == 0) {
        model->bpe = hw_bpe_new(json, &model->vocabulary, name, err);
        return model->bpe ? HW_OK : HW_ERROR_FORMAT;
    }
    if (strcmp(type, "WordPiece") == 0)
        return hw_wordpiece_init(&model->wordpiece, json, &model->vocabulary, name, err);
    return hw_section_unsupported((hw_section){ json, name, "model" }, "type", type, err);
}

void hw_tokenizer_model_free(hw_tokenizer_model *model) {
    hw_token_table_free(&model->vocabulary);
    hw_wordpiece_free(&model->wordpiece);
    hw_bpe_free(model->bpe);
    hw_unigram_free(model->unigram);
    *model = (hw_tokenizer_model){ 0 };
}

void hw_tokenizer_model_scratch_free(hw_tokenizer_model_scratch *scratch) {
    hw_bpe_scratch_free(&scratch->bpe);
    hw_unigram_scratch_free(&scratch->unigram);
}

hw_status hw_tokenizer_model_encode(hw_tokens *tokens, const hw_tokenizer_model *model,
                                    hw_tokenizer_model_scratch *scratch, hw_text word,
                                    hw_error *err) {
    if (model->bpe) return hw_bpe_encode(tokens, model->bpe, &scratch->bpe, word, err);
    if (model->unigram)
        return hw_unigram_encode(tokens, model->unigram, &scratch->unigram, word, err);
    return hw_wordpiece_encode(tokens, &model->wordpiece, word, err);
}
