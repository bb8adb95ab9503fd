/* Runs the first stages of a tokenizer, so that what is counted is what its model will see. */
#include "tokenizer/bert_words.h"

json_t *hw_bert_normalizer_json(void) {
    return json_pack("{s:s, s:b, s:b, s:n, s:b}", "type", "BertNormalizer", "clean_text", 1,
                     "handle_chinese_chars", 1, "strip_accents", "lowercase", 1);
}

json_t *hw_bert_pre_tokenizer_json(void) {
    return json_pack("{s:s}", "type", "BertPreTokenizer");
}

/* Either section may be NULL for want of memory. */
static hw_status read_sections(hw_bert_words *words, const json_t *normalizer,
                               const json_t *pre_tokenizer, hw_error *err) {
    static const char name[] = "BERT's words";
    if (!normalizer || !pre_tokenizer) return hw_fail_memory(err, sizeof *words);
    HW_TRY(hw_normalizer_init(&words->normalizer, normalizer, name, err));
    return hw_pre_tokenizer_init(&words->pre_tokenizer, pre_tokenizer, name, err);
}

hw_status hw_bert_words_init(hw_bert_words *words, hw_error *err) {
    json_t *normalizer = hw_bert_normalizer_json(), *pre_tokenizer = hw_bert_pre_tokenizer_json();
    const hw_status status = read_sections(words, normalizer, pre_tokenizer, err);
    json_decref(normalizer);
    json_decref(pre_tokenizer);
    return status;
}

void hw_bert_words_free(hw_bert_words *words) {
    hw_normalizer_free(&words->normalizer);
    hw_pre_tokenizer_free(&words->pre_tokenizer);
    hw_workspace_free(&words->workspace);
    *words = (hw_bert_words){ 0 };
}

hw_status hw_bert_words_add(hw_word_bag *bag, hw_bert_words *words, hw_text text, hw_error *err) {
    hw_workspace *w = &words->workspace;
    w->text.length = w->pieces.count = 0;
    hw_aligned_append(&w->text, text, 0);
    hw_pieces_cut(&w->pieces, &w->text, 0, w->text.length, HW_NO_TOKEN);
    if (w->text.failed || w->pieces.failed) return hw_fail_memory(err, text.length);
    HW_TRY(hw_normalizer_apply(w, &words->normalizer, err));
    HW_TRY(hw_pre_tokenizer_apply(w, &words->pre_tokenizer, err));
    for (size_t i = 0; i < w->pieces.count; i++) {
        const hw_piece piece = w->pieces.items[i];
        const hw_text word = { w->text.bytes + piece.begin, piece.end - piece.begin };
        HW_TRY(hw_word_bag_add(bag, NULL, word, 1, err));
    }
    words->count += w->pieces.count;
    return HW_OK;
}
