/* The tokenizer.json of a vocabulary that was trained here, as `tokenizers` reads it. */
#include "tokenizer/wordpiece_trainer.h"

#include "base/json.h"
#include "tokenizer/bert_words.h"

static json_t *added_token(json_int_t id, const char *token) {
    return json_pack("{s:I, s:s, s:b, s:b, s:b, s:b, s:b}", "id", id, "content", token,
                     "single_word", 0, "lstrip", 0, "rstrip", 0, "normalized", 0, "special", 1);
}

static json_t *added_tokens(void) {
    json_t *all = json_array();
    bool ok = all != NULL;
#define X(id, token) \
    ok = ok && json_array_append_new(all, added_token(HW_WORDPIECE_##id, token)) == 0;
    HW_WORDPIECE_SPECIAL_LIST(X)
#undef X
    if (ok) return all;
    json_decref(all);
    return NULL;
}

static json_t *vocabulary(const hw_word_bag *pieces) {
    json_t *all = json_object();
    bool ok = all != NULL;
    for (size_t i = 0; ok && i < pieces->count; i++) {
        const hw_text piece = pieces->items[i].text;
        ok = json_object_setn_new(all, piece.bytes, piece.length, json_integer((json_int_t)i)) == 0;
    }
    if (ok) return all;
    json_decref(all);
    return NULL;
}

/* [CLS] A [SEP], and [CLS] A [SEP] B [SEP] of a pair. */
static json_t *template(void) {
    return json_pack(
        "{s:s, s:[{s:{s:s, s:i}}, {s:{s:s, s:i}}, {s:{s:s, s:i}}],"
        " s:[{s:{s:s, s:i}}, {s:{s:s, s:i}}, {s:{s:s, s:i}}, {s:{s:s, s:i}}, {s:{s:s, s:i}}],"
        " s:{s:{s:s, s:[i], s:[s]}, s:{s:s, s:[i], s:[s]}}}",
        "type", "TemplateProcessing", "single",                                           //
        "SpecialToken", "id", "[CLS]", "type_id", 0, "Sequence", "id", "A", "type_id", 0, //
        "SpecialToken", "id", "[SEP]", "type_id", 0, "pair",                              //
        "SpecialToken", "id", "[CLS]", "type_id", 0, "Sequence", "id", "A", "type_id", 0, //
        "SpecialToken", "id", "[SEP]", "type_id", 0, "Sequence", "id", "B", "type_id", 1, //
        "SpecialToken", "id", "[SEP]", "type_id", 1, "special_tokens",                    //
        "[CLS]", "id", "[CLS]", "ids", HW_WORDPIECE_CLS, "tokens", "[CLS]",               //
        "[SEP]", "id", "[SEP]", "ids", HW_WORDPIECE_SEP, "tokens", "[SEP]");
}

hw_status hw_wordpiece_json(hw_text_buffer *json, const hw_word_bag *pieces, hw_error *err) {
    json_t *root = json_pack(
        "{s:s, s:n, s:n, s:o, s:o, s:o, s:o, s:{s:s, s:s, s:b}, s:{s:s, s:s, s:s, s:i, s:o}}",
        "version", "1.0", "truncation", "padding", "added_tokens", added_tokens(), "normalizer",
        hw_bert_normalizer_json(), "pre_tokenizer", hw_bert_pre_tokenizer_json(), "post_processor",
        template(), //
        "decoder", "type", "WordPiece", "prefix", "##", "cleanup", 1, "model", "type", "WordPiece",
        "unk_token", "[UNK]", "continuing_subword_prefix", "##", "max_input_chars_per_word",
        HW_WORDPIECE_WORD_LIMIT, "vocab", vocabulary(pieces));
    return hw_json_append(json, root, err);
}
