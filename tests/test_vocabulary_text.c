/* The vocabulary of a tokenizer.json read from its text, against what jansson makes of the same
 * text. */
#include "tokenizer/vocabulary_text.h"

#include "base/fault.h"
#include "base/random.h"

#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

static hw_status read_text(hw_token_table *table, const char *json, size_t length, hw_error *err) {
    const hw_vocabulary_text text = hw_vocabulary_find(json, length);
    if (text.object.length == 0) return hw_fail(err, HW_ERROR_FORMAT, "no vocabulary");
    return hw_vocabulary_read(table, &text, "file", err);
}

/* Whether jansson reads the document and finds ids alone in its vocabulary. */
static bool is_vocabulary(const json_t *vocabulary) {
    const char *token;
    json_t *id;
    if (!json_is_object(vocabulary)) return false;
    json_object_foreach((json_t *)(uintptr_t)vocabulary, token, id) {
        if (!json_is_integer(id) || json_integer_value(id) < 0) return false;
        if (json_integer_value(id) >= HW_TOKEN_IDS_MAX) return false;
    }
    return true;
}

static void check_entries(const hw_token_table *table, const json_t *vocabulary) {
    const char *token;
    json_t *id;
    assert_int_equal(table->count, json_object_size(vocabulary));
    json_object_foreach((json_t *)(uintptr_t)vocabulary, token, id)
        assert_int_equal(hw_token_table_find(table, hw_text_of(token)), json_integer_value(id));
}

static bool is_rest_refused(const char *json, size_t length) {
    const hw_vocabulary_text text = hw_vocabulary_find(json, length);
    hw_text_buffer rest = { 0 };
    assert_int_equal(hw_vocabulary_cut(&rest, &text, NULL), HW_OK);
    json_t *root = json_loadb(rest.bytes, rest.length, 0, NULL);
    hw_text_buffer_free(&rest);
    const bool is_refused = !root;
    json_decref(root);
    return is_refused;
}

/* Both readers take the document, with the same entries, or neither does. */
static void check_document(const char *json, size_t length) {
    json_t *root = json_loadb(json, length, 0, NULL);
    const json_t *vocabulary = json_object_get(json_object_get(root, "model"), "vocab");
    hw_token_table table = { 0 };
    hw_error err = { 0 };
    const bool is_read = read_text(&table, json, length, &err) == HW_OK;
    if (!is_read && is_vocabulary(vocabulary)) fail_msg("%.*s: %s", (int)length, json, err.message);
    if (is_read && !(root ? is_vocabulary(vocabulary) : is_rest_refused(json, length)))
        fail_msg("accepted: %.*s", (int)length, json);
    if (is_read && root) check_entries(&table, vocabulary);
    hw_token_table_free(&table);
    json_decref(root);
}

static const char *const documents[] = {
    "{\"model\":{\"vocab\":{}}}",
    "{\"model\":{\"vocab\":{ }},\"a\":1}",
    "{\"model\":{\"type\":\"WordPiece\",\"vocab\":{\"a\":0,\"b\":1}}}",
    " {\n\"added\" : [{\"id\":1, \"}\":\"\\\"]\"}, 5 ] ,\n \"model\" :\t{ \"x\":null , "
    "\"vocab\"\r: {\"a\" : 16777215 ,\n\"\":7\n}, \"merges\":[\"a b\"]} }",
    "{\"model\":{\"vocab\":{\"\\\"\":0,\"\\\\\":1,\"\\/\":2,\"\\b\\f\\n\\r\\t\":3,\"\\u00e9\":4,"
    "\"\\u4E2d\\ud83d\\uDE00x\":5,\"\xC3\xA9\\u0301\":6,\"}\":8,\"{\":9}}}",
    "{\"model\":{\"vocab\":{\"a\":5,\"b\":1,\"a\":2}}}",
};
enum { DOCUMENTS = sizeof documents / sizeof *documents };

static void test_entries_are_those_of_the_document(void **state) {
    (void)state;
    for (size_t i = 0; i < DOCUMENTS; i++) {
        hw_token_table table = { 0 };
        hw_error err = { 0 };
        if (read_text(&table, documents[i], strlen(documents[i]), &err) != HW_OK)
            fail_msg("%s: %s", documents[i], err.message);
        hw_token_table_free(&table);
        check_document(documents[i], strlen(documents[i]));
    }
}

/* A few bytes of a document changed, or its end cut off. */
static size_t mutate(char *json, size_t length, uint64_t round) {
    static const char alphabet[] =
        "\"\\{}[],:u0159aebfD8Cx \n\t\x01\x7F\x80\xBF\xC3\xE4\xED\xF4\xFF";
    const uint64_t changes = 1 + hw_random_below(3, 1, round, 3);
    for (uint64_t change = 0; change < changes; change++) {
        const uint64_t at = hw_random_below(3, 2 + change, round, length);
        json[at] = alphabet[hw_random_below(3, 12 + change, round, sizeof alphabet - 1)];
    }
    return hw_random_below(3, 22, round, 8) ? length : hw_random_below(3, 23, round, length);
}

static void test_damaged_documents_are_read_as_by_jansson_or_refused(void **state) {
    (void)state;
    enum { ROUNDS = 20000 };
    for (uint64_t round = 0; round < ROUNDS; round++) {
        char json[512];
        const char *from = documents[round % DOCUMENTS];
        const size_t length = strlen(from);
        memcpy(json, from, length);
        check_document(json, mutate(json, length, round));
    }
}

static void test_malformed_entries_are_refused_by_line(void **state) {
    (void)state;
    static const char *const objects[] = {
        "{\"a\":-1}",       "{\"a\":16777216}",
        "{\"a\":0.5}",      "{\"a\":01}",
        "{\"a\":1e3}",      "{\"a\":}",
        "{\"a\"}",          "{a:1}",
        "{\"a\":1,}",       "{,}",
        "{\"a\":1 2}",      "{\"a\":\"1\"}",
        "{\"a\":{}}",       "{\"a\":1]",
        "{\"\\x\":1}",      "{\"\\u00\":1}",
        "{\"\\u0000\":1}",  "{\"\\udc00\":1}",
        "{\"\\ud800\":1}",  "{\"\\ud800\\u0041\":1}",
        "{\"a\xFF\":1}",    "{\"a\tb\":1}",
        "{\"\\ud800x\":1}", "{\"a\":99999999999999999999}",
    };
    for (size_t i = 0; i < sizeof objects / sizeof *objects; i++) {
        char json[128];
        hw_error err = { 0 };
        hw_token_table table = { 0 };
        snprintf(json, sizeof json, "{\n\"model\":{\n\"vocab\":%s}}", objects[i]);
        if (read_text(&table, json, strlen(json), &err) == HW_OK) fail_msg("%s", objects[i]);
        assert_int_equal(err.status, HW_ERROR_FORMAT);
        if (!strstr(err.message, "file:3: model.vocab")) fail_msg("%s: %s", json, err.message);
        hw_token_table_free(&table);
    }
}

static void check_cut(const char *json, const char *expected) {
    const hw_vocabulary_text text = hw_vocabulary_find(json, strlen(json));
    hw_text_buffer rest = { 0 };
    assert_int_equal(hw_vocabulary_cut(&rest, &text, NULL), HW_OK);
    assert_string_equal(rest.bytes, expected);
    hw_text_buffer_free(&rest);
}

static void test_cut_keeps_the_lines_of_the_rest(void **state) {
    (void)state;
    check_cut("{\"model\":{\n\"vocab\":{\"a\":0,\n\"b\":1\n},\n\"x\":1}}",
              "{\"model\":{\n\"vocab\":{\n\n},\n\"x\":1}}");
    check_cut("{\"model\":{\"vocab\":[1,\n2]}}", "{\"model\":{\"vocab\":[1,\n2]}}");
    check_cut("\n{", "\n{");
}

static void test_failed_allocations_are_reported(void **state) {
    (void)state;
    hw_status status = HW_ERROR_MEMORY;
    for (uint64_t at = 1; status != HW_OK; at++) {
        hw_token_table table = { 0 };
        hw_error err = { 0 };
        hw_fault_arm(HW_FAULT_MEMORY, at, false);
        status = read_text(&table, documents[4], strlen(documents[4]), &err);
        hw_fault_arm(HW_FAULT_MEMORY, 0, false);
        if (status != HW_OK) assert_int_equal(status, HW_ERROR_MEMORY);
        if (status == HW_OK) assert_true(at > 1);
        hw_token_table_free(&table);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_entries_are_those_of_the_document),
        cmocka_unit_test(test_damaged_documents_are_read_as_by_jansson_or_refused),
        cmocka_unit_test(test_malformed_entries_are_refused_by_line),
        cmocka_unit_test(test_cut_keeps_the_lines_of_the_rest),
        cmocka_unit_test(test_failed_allocations_are_reported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
