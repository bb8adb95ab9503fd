/* Tokens are compared one by one, so that a failure names the text. */
#include "subword_golden.h"

#include "base/fault.h"
#include "base/memory.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

json_t *open_subword_golden(void) {
    json_error_t problem;
    json_t *golden = json_load_file("tests/golden/subword.json", JSON_ALLOW_NUL, &problem);
    if (!golden) fail_msg("subword.json:%d: %s", problem.line, problem.text);
    return golden;
}

hw_text golden_text(const json_t *string) {
    return (hw_text){ json_string_value(string), json_string_length(string) };
}

static uint32_t number(const json_t *token, size_t place) {
    return (uint32_t)json_integer_value(json_array_get(token, place));
}

static bool is_token(hw_token token, const json_t *expected) {
    return token.id == number(expected, 0) && token.begin == number(expected, 1) &&
           token.end == number(expected, 2);
}

static void check_tokens(const hw_tokens *tokens, const json_t *expected, const char *name,
                         const char *text) {
    if (tokens->count != json_array_size(expected))
        fail_msg("%s: %zu tokens, not %zu: %s", name, tokens->count, json_array_size(expected),
                 text);
    for (size_t i = 0; i < tokens->count; i++)
        if (!is_token(tokens->items[i], json_array_get(expected, i)))
            fail_msg("%s: token %zu is %u [%u, %u): %s", name, i, tokens->items[i].id,
                     tokens->items[i].begin, tokens->items[i].end, text);
}

void check_golden_texts(const json_t *golden_case, golden_encode *encode, void *context) {
    const char *name = json_string_value(json_object_get(golden_case, "name"));
    const json_t *texts = json_object_get(golden_case, "texts");
    assert_true(json_array_size(texts) > 0);
    hw_tokens tokens = { 0 };
    for (size_t i = 0; i < json_array_size(texts); i++) {
        const json_t *entry = json_array_get(texts, i);
        const hw_text text = golden_text(json_array_get(entry, 0));
        tokens.count = 0;
        assert_int_equal(encode(&tokens, context, text, NULL), HW_OK);
        check_tokens(&tokens, json_array_get(entry, 1), name, text.bytes);
    }
    hw_free(tokens.items);
}

void check_allocation_failures(golden_make *make, void (*release)(void *), const json_t *json) {
    void *made = NULL;
    for (uint64_t at = 1; !made; at++) {
        hw_error err = { 0 };
        hw_fault_arm(HW_FAULT_MEMORY, at, false);
        made = make(json, &err);
        hw_fault_arm(HW_FAULT_MEMORY, 0, false);
        if (!made) assert_int_equal(err.status, HW_ERROR_MEMORY);
        if (made) assert_true(at > 1);
    }
    release(made);
}
