/* Words of letters or signs are told from marks as the n-grams' words are, also where an encoder's
 * tokens are pieces of them. */
#include "explain/head_text.h"

#include "base/memory.h"
#include "classify/encoding.h"

static hw_status reserve(hw_head_text *text, size_t count, hw_error *err) {
    if (hw_grow((void **)&text->tokens, &text->capacity, count + 1, sizeof *text->tokens) &&
        hw_grow((void **)&text->query, &text->query_capacity, count + 1, sizeof *text->query))
        return HW_OK;
    return hw_fail_memory(err, count * sizeof *text->tokens);
}

static void find_queries(hw_head_text *text) {
    text->queries = 0;
    for (size_t i = 0; i < text->count; i++)
        if (!text->tokens[i].is_special) text->query[text->queries++] = (uint32_t)i;
}

/* A text without a word is read as one token that is no word. */
static void take_words(hw_head_text *text, const hw_words *words) {
    text->count = hw_token_count(words);
    text->tokens[0] = (hw_head_token){ .is_special = true };
    for (size_t i = 0; i < words->count; i++)
        text->tokens[i] = (hw_head_token){ .key = words->items[i].hash,
                                           .separates = words->items[i].kind == HW_WORD_MARK };
}

/* Tokens and words are both in the order of the text. */
static void take_tokens(hw_head_text *text, const hw_subject *s, const hw_words *words) {
    size_t word = 0;
    text->count = s->token_count;
    for (size_t i = 0; i < s->token_count; i++) {
        const hw_attribution *token = &s->tokens[i];
        const bool is_special = token->begin == token->end;
        while (word < words->count && words->items[word].end <= token->begin && !is_special) word++;
        const bool is_mark = word < words->count && words->items[word].begin < token->end &&
                             words->items[word].kind == HW_WORD_MARK;
        text->tokens[i] = (hw_head_token){ .key = token->id,
                                           .is_special = is_special,
                                           .separates = is_special ? i > 0 : is_mark };
    }
}

hw_status hw_head_text_take(hw_head_text *text, const hw_subject *subject, hw_error *err) {
    hw_words words = { 0 };
    hw_status status = hw_words_split(&words, subject->text, err);
    const size_t count = subject->tokens ? subject->token_count : words.count;
    if (status == HW_OK) status = reserve(text, count, err);
    if (status == HW_OK) {
        if (subject->tokens)
            take_tokens(text, subject, &words);
        else
            take_words(text, &words);
        find_queries(text);
    }
    hw_words_free(&words);
    return status;
}

hw_status hw_head_text_select(hw_head_text *text, const uint32_t *token_of, size_t count,
                              hw_error *err) {
    hw_head_token *chosen = hw_calloc(count + 1, sizeof *chosen);
    if (!chosen) return hw_fail_memory(err, count * sizeof *chosen);
    for (size_t i = 0; i < count; i++)
        chosen[i] = token_of[i] < text->count ? text->tokens[token_of[i]]
                                              : (hw_head_token){ .is_special = true };
    hw_free(text->tokens);
    text->tokens = chosen;
    text->capacity = count + 1;
    text->count = count;
    const hw_status status = reserve(text, count, err);
    if (status == HW_OK) find_queries(text);
    return status;
}

void hw_head_text_free(hw_head_text *text) {
    hw_free(text->tokens);
    hw_free(text->query);
    *text = (hw_head_text){ 0 };
}
