/* From texts to windows of tokens, by the base's tokenizer or by one that is made from the texts.
 */
#include "train/pretrain.h"

#include "base/memory.h"
#include "classify/token_windows.h"
#include "tokenizer/bert_words.h"
#include "tokenizer/wordpiece_trainer.h"

const hw_tokenizer *hw_pretraining_tokenizer(const hw_pretraining *p) {
    return p->made ? p->made : p->base.tokenizer;
}

/* ---- Vocabulary ------------------------------------------------------------------------ */

enum { MIN_COUNT = 2 };

/* *total: of all words. */
static hw_status count_words(hw_word_bag *bag, uint64_t *total, const hw_dataset *dataset,
                             hw_error *err) {
    hw_bert_words words = { 0 };
    hw_status status = hw_bert_words_init(&words, err);
    for (size_t row = 0; row < dataset->count && status == HW_OK; row++)
        status = hw_bert_words_add(bag, &words, dataset->examples[row].text, err);
    *total = words.count;
    hw_bert_words_free(&words);
    return status;
}

static hw_status write_tokenizer(hw_text_buffer *json, const hw_pretraining *p, hw_error *err) {
    hw_word_bag words = { 0 }, pieces = { 0 };
    uint64_t total;
    hw_status status = count_words(&words, &total, p->dataset, err);
    if (status == HW_OK)
        status = hw_wordpiece_train(&pieces, &words, hw_pretrain_vocabulary(p->options, total),
                                    MIN_COUNT, err);
    if (status == HW_OK) status = hw_wordpiece_json(json, &pieces, err);
    hw_word_bag_free(&words);
    hw_word_bag_free(&pieces);
    return status;
}

hw_status hw_pretrain_make_tokenizer(hw_pretraining *p, hw_error *err) {
    hw_text_buffer json = { 0 };
    hw_status status = write_tokenizer(&json, p, err);
    if (status == HW_OK) {
        p->made = hw_tokenizer_parse(json.bytes, json.length, "the new tokenizer", err);
        status = p->made ? HW_OK : HW_ERROR_MEMORY;
    }
    hw_text_buffer_free(&json);
    return status;
}

/* ---- Windows ----------------------------------------------------------------------------- */

/* Texts as they grow. */
typedef struct encoding {
    hw_token_texts *texts;
    size_t offset_capacity;
    const hw_tokenizer *tokenizer;
    hw_window_plan plan;
    hw_tokens tokens; /* of one text */
} encoding;

static hw_status append(encoding *e, const hw_token *tokens, size_t count, hw_error *err) {
    hw_token_texts *texts = e->texts;
    const size_t begin = texts->count ? texts->offsets[texts->count] : 0;
    const size_t most = begin + count + hw_template_tokens(e->tokenizer) + 1;
    if (!hw_grow((void **)&texts->ids, &texts->capacity, most, sizeof *texts->ids) ||
        !hw_grow((void **)&texts->offsets, &e->offset_capacity, texts->count + 2,
                 sizeof *texts->offsets))
        return hw_fail_memory(err, most * sizeof *texts->ids);
    const size_t written = hw_window_write(texts->ids + begin, e->tokenizer, tokens, count);
    if (written > texts->longest) texts->longest = written;
    texts->offsets[texts->count++] = begin;
    texts->offsets[texts->count] = begin + written;
    return HW_OK;
}

static hw_status append_text(encoding *e, hw_error *err) {
    if (!e->tokens.count) return HW_OK;
    const size_t windows = hw_window_count(e->plan, e->tokens.count);
    for (size_t window = 0; window < windows; window++) {
        size_t begin, end;
        hw_window_bounds(&begin, &end, e->plan, e->tokens.count, window);
        HW_TRY(append(e, e->tokens.items + begin, end - begin, err));
    }
    return HW_OK;
}

static hw_status append_all(encoding *e, const hw_dataset *dataset, hw_error *err) {
    hw_tokenizer_scratch *scratch = hw_tokenizer_scratch_new(e->tokenizer, err);
    if (!scratch) return HW_ERROR_MEMORY;
    hw_status status = HW_OK;
    for (size_t row = 0; row < dataset->count && status == HW_OK; row++) {
        status = hw_tokenizer_encode(&e->tokens, scratch, dataset->examples[row].text, err);
        if (status == HW_OK) status = append_text(e, err);
    }
    hw_tokenizer_scratch_free(scratch);
    hw_free(e->tokens.items);
    return status;
}

hw_status hw_pretrain_encode(hw_pretraining *p, hw_error *err) {
    const hw_tokenizer *tokenizer = hw_pretraining_tokenizer(p);
    const size_t wanted = (size_t)(p->options->max_tokens ? p->options->max_tokens : 128);
    const size_t most = (size_t)p->config.max_tokens, added = hw_template_tokens(tokenizer);
    const size_t window = wanted < most ? wanted : most;
    if (window <= added)
        return hw_fail(err, HW_ERROR_ARGUMENT,
                       "max_tokens is %zu, which %zu special tokens leave no room in", window,
                       added);
    encoding e = { .texts = &p->texts, .tokenizer = tokenizer, .plan = { window - added, 0 } };
    HW_TRY(append_all(&e, p->dataset, err));
    if (p->texts.count > 0 && p->texts.count <= UINT32_MAX) return HW_OK;
    return hw_fail(err, HW_ERROR_FORMAT, "%s: %s", p->options->input,
                   p->texts.count ? "too many texts" : "no token in it");
}
