/* Byte pair encoding, byte-level characters and GPT-2's splitting, against what `tokenizers` makes
 * of the same strings (tests/golden/make_subword_golden.py). */
#include "tokenizer/bpe.h"

#include "base/fault.h"
#include "base/memory.h"
#include "subword_golden.h"
#include "tokenizer/byte_level.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

typedef struct encoder {
    hw_bpe *bpe;
    hw_bpe_scratch scratch;
} encoder;

static hw_status encode(hw_tokens *tokens, void *context, hw_text text, hw_error *err) {
    encoder *e = context;
    return hw_bpe_encode(tokens, e->bpe, &e->scratch, text, err);
}

static hw_status read_vocabulary(hw_token_table *table, const json_t *model, hw_error *err) {
    const char *token;
    json_t *id;
    json_object_foreach(json_object_get(model, "vocab"), token, id) {
        const uint32_t value = (uint32_t)json_integer_value(id);
        HW_TRY(hw_token_table_add(table, hw_text_of(token), value, err));
    }
    return HW_OK;
}

static hw_bpe *new_bpe(const json_t *model, hw_error *err) {
    hw_token_table vocabulary = { 0 };
    hw_bpe *bpe = NULL;
    if (read_vocabulary(&vocabulary, model, err) == HW_OK)
        bpe = hw_bpe_new(model, &vocabulary, "model", err);
    hw_token_table_free(&vocabulary);
    return bpe;
}

static void *make(const json_t *model, hw_error *err) {
    return new_bpe(model, err);
}

static void release(void *bpe) {
    hw_bpe_free(bpe);
}

static json_t *model_of(const json_t *golden, size_t i) {
    return json_object_get(json_array_get(json_object_get(golden, "bpe"), i), "model");
}

static void test_tokens_are_those_of_tokenizers(void **state) {
    (void)state;
    json_t *golden = open_subword_golden();
    const json_t *cases = json_object_get(golden, "bpe");
    for (size_t i = 0; i < json_array_size(cases); i++) {
        hw_error err;
        encoder e = { .bpe = new_bpe(model_of(golden, i), &err) };
        if (!e.bpe) fail_msg("%s", err.message);
        check_golden_texts(json_array_get(cases, i), encode, &e);
        hw_bpe_free(e.bpe);
        hw_bpe_scratch_free(&e.scratch);
    }
    json_decref(golden);
}

static void check_split(hw_text text, const json_t *lengths) {
    size_t at = 0, piece = 0;
    for (; at < text.length; piece++) {
        const size_t length = hw_byte_level_split(text.bytes + at, text.length - at);
        const json_int_t expected = json_integer_value(json_array_get(lengths, piece));
        if ((json_int_t)length != expected)
            fail_msg("piece %zu has %zu bytes, not %d: %s", piece, length, (int)expected,
                     text.bytes);
        at += length;
    }
    assert_int_equal(piece, json_array_size(lengths));
}

static void test_splits_are_those_of_the_regular_expression(void **state) {
    (void)state;
    json_t *golden = open_subword_golden();
    const json_t *splits = json_object_get(golden, "splits");
    assert_true(json_array_size(splits) > 200);
    for (size_t i = 0; i < json_array_size(splits); i++) {
        const json_t *entry = json_array_get(splits, i);
        check_split(golden_text(json_array_get(entry, 0)), json_array_get(entry, 1));
    }
    json_decref(golden);
}

static void test_every_byte_has_a_character_of_its_own(void **state) {
    (void)state;
    char seen[256][HW_BYTE_LEVEL_MAX + 1] = { { 0 } };
    for (unsigned byte = 0; byte < 256; byte++) {
        const size_t size = hw_byte_level_encode(seen[byte], (unsigned char)byte);
        assert_true(size >= 1 && size <= HW_BYTE_LEVEL_MAX);
        for (unsigned other = 0; other < byte; other++)
            assert_string_not_equal(seen[byte], seen[other]);
    }
    assert_string_equal(seen['a'], "a");
    assert_string_equal(seen[' '], "\xC4\xA0");  /* U+0120 */
    assert_string_equal(seen['\n'], "\xC4\x8A"); /* U+010A */
    assert_string_equal(seen[0x7F], "\xC4\xA1"); /* U+0121 */
    assert_string_equal(seen[0xAD], "\xC5\x83"); /* U+0143 */
    assert_string_equal(seen[0xFF], "\xC3\xBF");
}

static hw_bpe *parse(const char *text, hw_error *err) {
    json_t *model = json_loads(text, 0, NULL);
    assert_non_null(model);
    hw_bpe *bpe = new_bpe(model, err);
    json_decref(model);
    return bpe;
}

static void test_models_that_make_no_sense_are_refused(void **state) {
    (void)state;
    static const struct {
        const char *model;
        hw_status status;
    } cases[] = {
        { "{}", HW_ERROR_FORMAT },
        { "{\"vocab\":{}}", HW_ERROR_FORMAT },
        { "{\"vocab\":{\"a\":0},\"merges\":[\"a a\"]}", HW_ERROR_FORMAT },
        { "{\"vocab\":{\"a\":0},\"merges\":[\"aa\"]}", HW_ERROR_FORMAT },
        { "{\"vocab\":{\"a\":0},\"merges\":[\"a a a\"]}", HW_ERROR_FORMAT },
        { "{\"vocab\":{\"a\":0},\"merges\":[[\"a\"]]}", HW_ERROR_FORMAT },
        { "{\"vocab\":{\"a\":0},\"merges\":[7]}", HW_ERROR_FORMAT },
        { "{\"vocab\":{\"a\":0},\"merges\":[],\"unk_token\":\"b\"}", HW_ERROR_FORMAT },
        { "{\"vocab\":{\"a\":0,\"aa\":1},\"merges\":[\"a "
          "a\"],\"continuing_subword_prefix\":\"##\"}",
          HW_ERROR_FORMAT },
        { "{\"vocab\":{\"a\":0},\"merges\":[],\"dropout\":0.1}", HW_ERROR_UNSUPPORTED },
        { "{\"vocab\":{\"a\":0},\"merges\":[],\"byte_fallback\":true,\"end_of_word_suffix\":\"x\"}",
          HW_ERROR_UNSUPPORTED },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        hw_error err = { 0 };
        if (parse(cases[i].model, &err)) fail_msg("accepted: %s", cases[i].model);
        assert_int_equal(err.status, cases[i].status);
        assert_non_null(strstr(err.message, "model"));
    }
}

static void test_merge_listed_twice_has_its_last_rank(void **state) {
    (void)state;
    encoder e = { .bpe = parse("{\"vocab\":{\"a\":0,\"b\":1,\"c\":2,\"ab\":3,\"bc\":4},"
                               "\"merges\":[\"#version: 0.2\",\"a b\",\"b c\",\"a b\"]}",
                               NULL) };
    assert_non_null(e.bpe);
    hw_tokens tokens = { 0 };
    assert_int_equal(encode(&tokens, &e, hw_text_of("abc"), NULL), HW_OK);
    assert_int_equal(tokens.count, 2);
    assert_int_equal(tokens.items[0].id, 0);
    assert_int_equal(tokens.items[1].id, 4);
    hw_free(tokens.items);
    hw_bpe_free(e.bpe);
    hw_bpe_scratch_free(&e.scratch);
}

/* 2^18 letters in one word: quadratic time would take minutes. */
static void test_long_word_takes_little_time(void **state) {
    (void)state;
    enum { LETTERS = 1 << 18 };
    encoder e = { .bpe = parse("{\"vocab\":{\"a\":0,\"aa\":1,\"aaaa\":2},"
                               "\"merges\":[\"a a\",\"aa aa\"]}",
                               NULL) };
    assert_non_null(e.bpe);
    char *letters = malloc(LETTERS);
    assert_non_null(letters);
    memset(letters, 'a', LETTERS);
    hw_tokens tokens = { 0 };
    assert_int_equal(encode(&tokens, &e, (hw_text){ letters, LETTERS }, NULL), HW_OK);
    assert_int_equal(tokens.count, LETTERS / 4);
    assert_int_equal(tokens.items[LETTERS / 4 - 1].end, LETTERS);
    free(letters);
    hw_free(tokens.items);
    hw_bpe_free(e.bpe);
    hw_bpe_scratch_free(&e.scratch);
}

static void test_failed_allocations_are_reported(void **state) {
    (void)state;
    json_t *golden = open_subword_golden();
    check_allocation_failures(make, release, model_of(golden, 0));

    encoder e = { .bpe = new_bpe(model_of(golden, 0), NULL) };
    assert_non_null(e.bpe);
    hw_status status = HW_ERROR_MEMORY;
    for (uint64_t at = 1; status != HW_OK; at++) {
        hw_tokens tokens = { 0 };
        hw_fault_arm(HW_FAULT_MEMORY, at, false);
        status = encode(&tokens, &e, hw_text_of("walks"), NULL);
        hw_fault_arm(HW_FAULT_MEMORY, 0, false);
        hw_free(tokens.items);
        hw_bpe_scratch_free(&e.scratch);
        if (status == HW_OK) assert_true(at == 4); /* tokens, symbols and queue */
    }
    hw_bpe_free(e.bpe);
    json_decref(golden);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tokens_are_those_of_tokenizers),
        cmocka_unit_test(test_splits_are_those_of_the_regular_expression),
        cmocka_unit_test(test_every_byte_has_a_character_of_its_own),
        cmocka_unit_test(test_models_that_make_no_sense_are_refused),
        cmocka_unit_test(test_merge_listed_twice_has_its_last_rank),
        cmocka_unit_test(test_long_word_takes_little_time),
        cmocka_unit_test(test_failed_allocations_are_reported),
    };
    return cmocka_run_group_tests_name("bpe", tests, NULL, NULL);
}
