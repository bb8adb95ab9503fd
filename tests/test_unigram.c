/* The unigram model, its scores and the table of replacements in front of it, against what
 * `tokenizers` makes of the same strings (tests/golden/make_subword_golden.py). */
#include "tokenizer/unigram.h"

#include "base/fault.h"
#include "base/memory.h"
#include "subword_golden.h"
#include "tokenizer/base64.h"
#include "tokenizer/grapheme.h"
#include "tokenizer/piece_score.h"
#include "tokenizer/precompiled.h"
#include "tokenizer/trie.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

typedef struct encoder {
    hw_unigram *unigram;
    hw_unigram_scratch scratch;
} encoder;

static hw_status encode(hw_tokens *tokens, void *context, hw_text text, hw_error *err) {
    encoder *e = context;
    return hw_unigram_encode(tokens, e->unigram, &e->scratch, text, err);
}

static void *make(const json_t *model, hw_error *err) {
    return hw_unigram_new(model, "model", err);
}

static void release(void *unigram) {
    hw_unigram_free(unigram);
}

static json_t *model_of(const json_t *golden, size_t i) {
    return json_object_get(json_array_get(json_object_get(golden, "unigram"), i), "model");
}

static void test_tokens_are_those_of_tokenizers(void **state) {
    (void)state;
    json_t *golden = open_subword_golden();
    const json_t *cases = json_object_get(golden, "unigram");
    for (size_t i = 0; i < json_array_size(cases); i++) {
        hw_error err;
        encoder e = { .unigram = hw_unigram_new(model_of(golden, i), "model", &err) };
        if (!e.unigram) fail_msg("%s", err.message);
        check_golden_texts(json_array_get(cases, i), encode, &e);
        hw_unigram_free(e.unigram);
        hw_unigram_scratch_free(&e.scratch);
    }
    json_decref(golden);
}

static hw_unigram *parse(const char *text, hw_error *err) {
    json_t *model = json_loads(text, 0, NULL);
    assert_non_null(model);
    hw_unigram *unigram = hw_unigram_new(model, "model", err);
    json_decref(model);
    return unigram;
}

static void test_models_that_make_no_sense_are_refused(void **state) {
    (void)state;
    static const struct {
        const char *model;
        hw_status status;
    } cases[] = {
        { "{\"unk_id\":0}", HW_ERROR_FORMAT },
        { "{\"unk_id\":0,\"vocab\":{}}", HW_ERROR_FORMAT },
        { "{\"unk_id\":0,\"vocab\":[]}", HW_ERROR_FORMAT },
        { "{\"unk_id\":1,\"vocab\":[[\"a\",0]]}", HW_ERROR_FORMAT },
        { "{\"unk_id\":-1,\"vocab\":[[\"a\",0]]}", HW_ERROR_FORMAT },
        { "{\"unk_id\":0,\"vocab\":[[\"a\"]]}", HW_ERROR_FORMAT },
        { "{\"unk_id\":0,\"vocab\":[[\"a\",\"0\"]]}", HW_ERROR_FORMAT },
        { "{\"unk_id\":0,\"vocab\":[\"a\"]}", HW_ERROR_FORMAT },
        { "{\"unk_id\":null,\"vocab\":[[\"a\",0]]}", HW_ERROR_UNSUPPORTED },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        hw_error err = { 0 };
        if (parse(cases[i].model, &err)) fail_msg("accepted: %s", cases[i].model);
        assert_int_equal(err.status, cases[i].status);
        assert_non_null(strstr(err.message, "model"));
    }
}

static void test_failed_allocations_are_reported(void **state) {
    (void)state;
    json_t *golden = open_subword_golden();
    check_allocation_failures(make, release, model_of(golden, 0));

    encoder e = { .unigram = hw_unigram_new(model_of(golden, 0), "model", NULL) };
    assert_non_null(e.unigram);
    hw_status status = HW_ERROR_MEMORY;
    for (uint64_t at = 1; status != HW_OK; at++) {
        hw_tokens tokens = { 0 };
        hw_fault_arm(HW_FAULT_MEMORY, at, false);
        status = encode(&tokens, &e, hw_text_of("walks"), NULL);
        hw_fault_arm(HW_FAULT_MEMORY, 0, false);
        hw_free(tokens.items);
        hw_unigram_scratch_free(&e.scratch);
        if (status == HW_OK) assert_true(at == 3); /* tokens and nodes */
    }
    hw_unigram_free(e.unigram);
    json_decref(golden);
}

/* ---- Scores ------------------------------------------------------------------ */

static void test_scores_are_those_of_the_reader_of_tokenizers(void **state) {
    (void)state;
    /* read by tokenizers 0.23.3, and written by it again */
    static const double cases[][2] = {
        { -3.7679452896118164, -3.767945289611816 },
        { -3.7861862182617188, -3.7861862182617183 },
        { -7.3612213134765625, -7.361221313476563 },
        { -7.4244771003723145, -7.424477100372315 },
        { -3.371089458465576, -3.371089458465576 },
        { -0.1, -0.1 },
        { 0, 0 },
        { -12, -12 },
        { 1e-7, 1e-7 },
        { 1e20, 1e20 },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_true(hw_piece_score(cases[i][0]) == cases[i][1]);
}

/* Five cuts of 777777777 are equally good but for rounding; where the single 7 is depends on it. */
static void check_single_seven(const char *options, uint32_t begin) {
    char model[256];
    snprintf(model, sizeof model,
             "{\"unk_id\":0,\"vocab\":[[\"<unk>\",0.0],[\"7\",-8.013080596923828],"
             "[\"77\",-9.689042091369629]]%s}",
             options);
    encoder e = { .unigram = parse(model, NULL) };
    assert_non_null(e.unigram);
    hw_tokens tokens = { 0 };
    assert_int_equal(encode(&tokens, &e, hw_text_of("777777777"), NULL), HW_OK);
    assert_int_equal(tokens.count, 5);
    for (size_t i = 0; i < tokens.count; i++)
        assert_int_equal(tokens.items[i].id, tokens.items[i].begin == begin ? 1 : 2);
    hw_free(tokens.items);
    hw_unigram_free(e.unigram);
    hw_unigram_scratch_free(&e.scratch);
}

static void test_near_ties_are_broken_as_by_tokenizers(void **state) {
    (void)state;
    check_single_seven("", 4);                       /* read from JSON by tokenizers 0.23.3 */
    check_single_seven(",\"exact_scores\":true", 0); /* given to it as doubles */
}

static void test_written_score_is_the_shortest_decimal(void **state) {
    (void)state;
    static const struct {
        double score;
        const char *decimal;
    } cases[] = {
        { -3.7679452896118164, "-3.7679452896118164" },
        { -3.371089458465576, "-3.371089458465576" },
        { 9.11894816933341, "9.11894816933341" },
        { -0.5, "-0.5" },
        { 100, "100.0" },
        { 0.000123, "0.000123" },
        { 0, "0.0" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        hw_text_buffer text = { 0 };
        hw_piece_score_append(&text, cases[i].score);
        assert_string_equal(text.bytes, cases[i].decimal);
        hw_text_buffer_free(&text);
    }
}

/* ---- Replacements -------------------------------------------------------------- */

static hw_precompiled *golden_table(const json_t *golden) {
    const json_t *charsmap = json_object_get(golden, "precompiled_charsmap");
    hw_error err;
    hw_precompiled *table = hw_precompiled_new(golden_text(charsmap), "charsmap", &err);
    if (!table) fail_msg("%s", err.message);
    return table;
}

/* Pieces must tile the text; those that did not change must be its bytes. */
static void normalize(hw_text_buffer *normalized, const hw_precompiled *table, hw_text text) {
    hw_precompiled_walk walk = { .text = text };
    size_t at = 0;
    for (hw_replacement piece; hw_precompiled_next(&piece, &walk, table); at = piece.end) {
        assert_int_equal(piece.begin, at);
        assert_true(piece.end > piece.begin);
        if (!piece.changed) assert_ptr_equal(piece.text.bytes, text.bytes + piece.begin);
        hw_text_append(normalized, piece.text.bytes, piece.text.length);
    }
    assert_int_equal(at, text.length);
}

static void test_replacements_are_those_of_tokenizers(void **state) {
    (void)state;
    json_t *root = open_subword_golden();
    const json_t *golden = json_object_get(root, "precompiled");
    const json_t *texts = json_object_get(golden, "texts");
    hw_precompiled *table = golden_table(golden);
    assert_true(json_array_size(texts) > 200);
    for (size_t i = 0; i < json_array_size(texts); i++) {
        const hw_text text = golden_text(json_array_get(json_array_get(texts, i), 0));
        const hw_text expected = golden_text(json_array_get(json_array_get(texts, i), 1));
        hw_text_buffer normalized = { 0 };
        normalize(&normalized, table, text);
        if (normalized.length != expected.length ||
            (expected.length && memcmp(normalized.bytes, expected.bytes, expected.length) != 0))
            fail_msg("%s became %s, not %s", text.bytes, normalized.bytes, expected.bytes);
        hw_text_buffer_free(&normalized);
    }
    hw_precompiled_free(table);
    json_decref(root);
}

static void test_damaged_tables_are_refused_or_harmless(void **state) {
    (void)state;
    json_t *root = open_subword_golden();
    const json_t *golden = json_object_get(root, "precompiled");
    const hw_text base64 = golden_text(json_object_get(golden, "precompiled_charsmap"));
    char *damaged = hw_strndup(base64.bytes, base64.length);
    assert_non_null(damaged);
    for (size_t at = 0; at < base64.length; at++) {
        damaged[at] = damaged[at] == '/' ? 'A' : '/';
        hw_precompiled *table = hw_precompiled_new((hw_text){ damaged, base64.length }, "x", NULL);
        hw_text_buffer normalized = { 0 };
        if (table) normalize(&normalized, table, hw_text_of("e\xCC\x81\xEF\xAC\x81 \xE3\x80\x80!"));
        hw_text_buffer_free(&normalized);
        hw_precompiled_free(table);
        damaged[at] = base64.bytes[at];
    }
    hw_free(damaged);
    json_decref(root);

    static const char *const refused[] = { "AAAA", "AAA", "A===", "A*==", "/////w==", "BAAAAA==" };
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        hw_error err = { 0 };
        assert_null(hw_precompiled_new(hw_text_of(refused[i]), "table", &err));
        assert_int_equal(err.status, HW_ERROR_FORMAT);
    }
}

/* A young mark (U+113E2, Unicode 16) joins a letter, but no control character. */
static void test_marks_join_letters_and_no_controls(void **state) {
    (void)state;
    assert_int_equal(hw_grapheme_end(hw_text_of("a\xF0\x91\x8F\xA2"
                                                "b"),
                                     0),
                     5);
    assert_int_equal(hw_grapheme_end(hw_text_of("\x06\xF0\x91\x8F\xA2"
                                                "b"),
                                     0),
                     1);
    assert_int_equal(hw_grapheme_end(hw_text_of("\r\n"), 0), 2);
}

static void test_base64_survives_encoding_and_decoding(void **state) {
    (void)state;
    unsigned char bytes[256], back[sizeof bytes + 3];
    for (unsigned i = 0; i < sizeof bytes; i++) bytes[i] = (unsigned char)(i * 167 + 13);
    for (size_t size = 0; size <= sizeof bytes; size++) {
        hw_text_buffer text = { 0 };
        hw_base64_append(&text, bytes, size);
        size_t decoded = 0;
        assert_true(hw_base64_decode(back, &decoded, (hw_text){ text.bytes, text.length }));
        assert_int_equal(decoded, size);
        assert_memory_equal(back, bytes, size);
        hw_text_buffer_free(&text);
    }
}

/* ---- The trie ------------------------------------------------------------------- */

enum { KEYS = 5000, KEY_BYTES = 8 };

static void test_trie_finds_its_strings_and_no_others(void **state) {
    (void)state;
    static char strings[KEYS][KEY_BYTES];
    static hw_trie_key keys[KEYS];
    for (uint32_t i = 0; i < KEYS; i++) {
        const int length = snprintf(strings[i], KEY_BYTES, "%x", i * 2654435761u >> 8);
        keys[i] = (hw_trie_key){ { strings[i], (size_t)length }, i };
    }
    hw_trie trie;
    assert_int_equal(hw_trie_build(&trie, keys, KEYS, NULL), HW_OK);
    for (size_t i = 0; i < KEYS; i++)
        assert_int_equal(hw_trie_find(&trie, keys[i].string), keys[i].value);
    assert_int_equal(hw_trie_find(&trie, hw_text_of("")), HW_TRIE_NONE);
    assert_int_equal(hw_trie_find(&trie, hw_text_of("g")), HW_TRIE_NONE);
    assert_int_equal(hw_trie_find(&trie, hw_text_of("fffffffff")), HW_TRIE_NONE);
    hw_trie_free(&trie);
}

static void test_trie_keeps_the_largest_value_of_equal_strings(void **state) {
    (void)state;
    hw_trie_key keys[] = { { hw_text_of("a"), 2 },
                           { hw_text_of(""), 7 },
                           { hw_text_of("a"), 5 },
                           { hw_text_of("a"), 3 },
                           { hw_text_of("ab"), 1 } };
    hw_trie trie;
    assert_int_equal(hw_trie_build(&trie, keys, sizeof keys / sizeof *keys, NULL), HW_OK);
    assert_int_equal(hw_trie_find(&trie, hw_text_of("a")), 5);
    assert_int_equal(hw_trie_find(&trie, hw_text_of("")), 7);
    assert_int_equal(hw_trie_find(&trie, hw_text_of("ab")), 1);
    hw_trie_free(&trie);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tokens_are_those_of_tokenizers),
        cmocka_unit_test(test_models_that_make_no_sense_are_refused),
        cmocka_unit_test(test_failed_allocations_are_reported),
        cmocka_unit_test(test_scores_are_those_of_the_reader_of_tokenizers),
        cmocka_unit_test(test_near_ties_are_broken_as_by_tokenizers),
        cmocka_unit_test(test_written_score_is_the_shortest_decimal),
        cmocka_unit_test(test_replacements_are_those_of_tokenizers),
        cmocka_unit_test(test_damaged_tables_are_refused_or_harmless),
        cmocka_unit_test(test_marks_join_letters_and_no_controls),
        cmocka_unit_test(test_base64_survives_encoding_and_decoding),
        cmocka_unit_test(test_trie_finds_its_strings_and_no_others),
        cmocka_unit_test(test_trie_keeps_the_largest_value_of_equal_strings),
    };
    return cmocka_run_group_tests_name("unigram", tests, NULL, NULL);
}
