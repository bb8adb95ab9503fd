/* Words and UTF-8: the cases of tests/cases/words.txt, and what holds for any bytes. */
#include "text/words.h"

#include "base/fault.h"
#include "text/utf8.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static hw_text text_of(const char *bytes, size_t length) {
    return (hw_text){ bytes, length };
}

/* Replaces \xNN and \\ in place; returns the length. */
static size_t unescape(char *string) {
    char *out = string;
    for (const char *in = string; *in;) {
        if (in[0] == '\\' && in[1] == 'x') {
            const char digits[3] = { in[2], in[3], '\0' };
            *out++ = (char)strtol(digits, NULL, 16);
            in += 4;
        } else {
            if (*in == '\\') ++in;
            *out++ = *in++;
        }
    }
    *out = '\0';
    return (size_t)(out - string);
}

/* Words as the case file writes them. */
static void print_words(char *out, size_t size, const hw_words *words) {
    static const char *const signs[] = { "", "~", "!" };
    size_t length = 0;
    out[0] = '\0';
    for (size_t i = 0; i < words->count; ++i) {
        const hw_word *word = &words->items[i];
        length += (size_t)snprintf(out + length, size - length, "%s%.*s%s", i ? " " : "",
                                   (int)word->length, words->normalized + word->offset,
                                   signs[word->kind]);
        assert_true(length < size);
    }
}

static void test_split_agrees_with_cases(void **state) {
    (void)state;
    FILE *file = fopen("tests/cases/words.txt", "r");
    assert_non_null(file);
    hw_words words = { 0 };
    char line[1024], found[1024];
    size_t cases = 0;
    while (fgets(line, sizeof line, file)) {
        line[strcspn(line, "\n")] = '\0';
        char *arrow = strstr(line, " => ");
        if (line[0] == '#' || !arrow) continue;
        *arrow = '\0';
        char *expected = arrow + strlen(" => ");
        unescape(expected);
        const size_t length = unescape(line);
        assert_int_equal(hw_words_split(&words, text_of(line, length), NULL), HW_OK);
        print_words(found, sizeof found, &words);
        assert_string_equal(found, expected);
        ++cases;
    }
    fclose(file);
    hw_words_free(&words);
    assert_true(cases > 40);
}

static void test_offsets_point_into_the_text(void **state) {
    (void)state;
    hw_words words = { 0 };
    const char *text = " Ab, \xE6\x88\x91\xFFz";
    assert_int_equal(hw_words_split(&words, hw_text_of(text), NULL), HW_OK);
    static const uint32_t expected[][2] = { { 1, 3 }, { 3, 4 }, { 4, 5 },
                                            { 5, 8 }, { 8, 9 }, { 9, 10 } };
    assert_int_equal(words.count, 6);
    for (size_t i = 0; i < words.count; ++i) {
        assert_int_equal(words.items[i].begin, expected[i][0]);
        assert_int_equal(words.items[i].end, expected[i][1]);
        assert_int_equal(
            words.items[i].hash,
            hw_hash_bytes(words.normalized + words.items[i].offset, words.items[i].length));
    }
    hw_words_free(&words);
}

static void test_empty_text_has_no_words(void **state) {
    (void)state;
    hw_words words = { 0 };
    assert_int_equal(hw_words_split(&words, text_of(NULL, 0), NULL), HW_OK);
    assert_int_equal(words.count, 0);
    hw_words_free(&words);
}

/* A byte sequence of a small alphabet that holds every kind of lead and continuation. */
static size_t make_bytes(char *bytes, size_t size, uint32_t seed) {
    static const unsigned char alphabet[] = { 'a',  'Z',  '\'', ' ',  0,    '9',  0x80, 0x8F,
                                              0x90, 0x9F, 0xA0, 0xBF, 0xC0, 0xC3, 0xE0, 0xE2,
                                              0xED, 0xEF, 0xF0, 0xF4, 0xF5, 0xFF, 0xE6, 0xBC };
    for (size_t i = 0; i < size; ++i) {
        seed = seed * 1664525u + 1013904223u; /* Numerical Recipes */
        bytes[i] = (char)alphabet[(seed >> 16) % sizeof alphabet];
    }
    return size;
}

static void test_any_bytes_give_ordered_words(void **state) {
    (void)state;
    hw_words words = { 0 };
    for (uint32_t seed = 0; seed < 2000; ++seed) {
        char bytes[64];
        const size_t length = make_bytes(bytes, seed % sizeof bytes, seed);
        assert_int_equal(hw_words_split(&words, text_of(bytes, length), NULL), HW_OK);
        size_t end = 0, offset = 0;
        for (size_t i = 0; i < words.count; ++i) {
            const hw_word *word = &words.items[i];
            assert_true(word->begin >= end && word->end > word->begin);
            assert_int_equal(word->offset, offset);
            end = word->end;
            offset += word->length;
        }
        assert_true(end <= length);
        assert_int_equal(offset, words.normalized_length);
        assert_true(hw_utf8_is_valid(words.normalized, words.normalized_length));
    }
    hw_words_free(&words);
}

static void test_only_the_first_mebibyte_is_read(void **state) {
    (void)state;
    const size_t size = HW_TEXT_LIMIT + 10;
    char *bytes = malloc(size);
    assert_non_null(bytes);
    memset(bytes, 'x', size);
    hw_words words = { 0 };
    assert_int_equal(hw_words_split(&words, text_of(bytes, size), NULL), HW_OK);
    assert_int_equal(words.count, 1);
    assert_int_equal(words.items[0].end, HW_TEXT_LIMIT);

    memcpy(bytes + HW_TEXT_LIMIT - 2, "\xE6\x88\x91", 3); /* cut in two by the limit */
    assert_int_equal(hw_words_split(&words, text_of(bytes, size), NULL), HW_OK);
    assert_int_equal(words.count, 1);
    assert_int_equal(words.items[0].end, HW_TEXT_LIMIT - 2);
    hw_words_free(&words);
    free(bytes);
}

static void test_every_code_point_survives_utf8(void **state) {
    (void)state;
    for (uint32_t code = 0; code < 0x110000; ++code) {
        if (code >= 0xD800 && code < 0xE000) continue;
        char bytes[HW_UTF8_MAX];
        size_t size;
        const size_t written = hw_utf8_encode(bytes, code);
        assert_int_equal(hw_utf8_decode(&size, bytes, written), code);
        assert_int_equal(size, written);
        assert_true(hw_utf8_is_valid(bytes, written));
    }
}

static void test_invalid_utf8_is_seen(void **state) {
    (void)state;
    static const char *const invalid[] = {
        "\x80",         "\xC0\x80",         "\xC1\xBF",         "\xE0\x9F\xBF",
        "\xED\xA0\x80", "\xF0\x8F\xBF\xBF", "\xF4\x90\x80\x80", "\xFF",
        "a\xE2\x82"
    };
    for (size_t i = 0; i < sizeof invalid / sizeof *invalid; ++i)
        assert_false(hw_utf8_is_valid(invalid[i], strlen(invalid[i])));
    assert_true(hw_utf8_is_valid("\xEF\xBF\xBD", 3)); /* U+FFFD itself */
}

/* Models hold hashes: these values may never change. */
static void test_hashes_are_fixed(void **state) {
    (void)state;
    static const struct {
        const char *bytes;
        uint64_t hash;
    } cases[] = { { "", 0xe220a8397b1dcdafu },
                  { "a", 0x65d44b5d2479f265u },
                  { "ab", 0xc84a947780c64266u },
                  { "abc", 0xe08f8b84e9aabbffu },
                  { "word", 0x8363d22bac7a32b0u },
                  { "seventy", 0x024229f5d6135032u },
                  { "eightlet", 0x634b35682488611fu },
                  { "nine chars", 0x5da728352748cfc8u },
                  { "我", 0xb5e5f2a453df653cu },
                  { "a string of more than sixteen bytes", 0x11d8b18deff39255u } };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; ++i)
        assert_int_equal(hw_hash_bytes(cases[i].bytes, strlen(cases[i].bytes)), cases[i].hash);
}

static void test_hashes_of_similar_strings_differ(void **state) {
    (void)state;
    char bytes[40] = { 0 };
    uint64_t previous = 0;
    for (size_t length = 0; length <= sizeof bytes; ++length) {
        const uint64_t hash = hw_hash_bytes(bytes, length);
        assert_true(hash != previous);
        for (size_t i = 0; i < length; ++i) {
            bytes[i] = 1;
            assert_true(hw_hash_bytes(bytes, length) != hash);
            bytes[i] = 0;
        }
        previous = hash;
    }
}

static void test_failing_allocation_is_reported(void **state) {
    (void)state;
    hw_error err;
    for (uint64_t at = 1;; ++at) {
        hw_words words = { 0 };
        hw_fault_arm(HW_FAULT_MEMORY, at, false);
        const hw_status status = hw_words_split(&words, hw_text_of("a few words"), &err);
        hw_fault_arm(HW_FAULT_MEMORY, 0, false);
        hw_words_free(&words);
        if (status == HW_OK) break;
        assert_int_equal(status, HW_ERROR_MEMORY);
        assert_true(at < 10);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_split_agrees_with_cases),
        cmocka_unit_test(test_offsets_point_into_the_text),
        cmocka_unit_test(test_empty_text_has_no_words),
        cmocka_unit_test(test_any_bytes_give_ordered_words),
        cmocka_unit_test(test_only_the_first_mebibyte_is_read),
        cmocka_unit_test(test_every_code_point_survives_utf8),
        cmocka_unit_test(test_invalid_utf8_is_seen),
        cmocka_unit_test(test_hashes_are_fixed),
        cmocka_unit_test(test_hashes_of_similar_strings_differ),
        cmocka_unit_test(test_failing_allocation_is_reported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
