/* The cache of words: a word is found with its own tokens or not at all, and memory is bounded. */
#include "base/fault.h"
#include "base/memory.h"
#include "tokenizer/word_cache.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

enum { LARGEST_BITS = 16 };

/* The key of a word in a block of its own, so that a sanitizer sees a byte too many. */
static hw_word_key key_of(const char *bytes, size_t length, hw_word_kind kind) {
    char *own = malloc(length ? length : 1);
    assert_non_null(own);
    if (length > 0) memcpy(own, bytes, length);
    const hw_word_key key = hw_word_key_of((hw_text){ own, length }, length, kind);
    free(own);
    return key;
}

static void put(hw_word_cache *cache, const hw_word_key *key, uint32_t id) {
    const hw_token token = { id, 0, 1 };
    assert_int_equal(hw_word_cache_put(cache, key, &token, 1, NULL), HW_OK);
}

static void test_a_word_is_its_bytes_its_length_and_its_kind(void **state) {
    (void)state;
    static const char bytes[HW_WORD_LONGEST] = { 0 };
    hw_word_cache cache = { 0 };
    for (size_t length = 0; length <= HW_WORD_LONGEST; ++length)
        for (hw_word_kind kind = HW_WORD_SEGMENT; kind <= HW_WORD_PRE_TOKEN; ++kind) {
            const hw_word_key key = key_of(bytes, length, kind);
            assert_null(hw_word_cache_find(&cache, &key));
            put(&cache, &key, (uint32_t)(2 * length + kind));
            assert_int_equal(hw_word_cache_find(&cache, &key)->ids[0], 2 * length + kind);
        }
    hw_word_cache_free(&cache);
}

static void test_what_may_be_read_behind_a_word_changes_no_key(void **state) {
    (void)state;
    static const char text[] = "a word and the text that goes on behind it";
    for (size_t length = 0; length <= HW_WORD_LONGEST; ++length) {
        const hw_word_key alone = key_of(text, length, HW_WORD_SEGMENT);
        const hw_word_key within =
            hw_word_key_of((hw_text){ text, length }, strlen(text), HW_WORD_SEGMENT);
        assert_memory_equal(alone.units, within.units, sizeof alone.units);
        assert_true(alone.hash == within.hash && alone.tag == within.tag);
    }
}

static void test_places_come_back(void **state) {
    (void)state;
    hw_word_cache cache = { 0 };
    const hw_token tokens[] = { { 7, 0, 1 }, { 1u << 23, 1, 30 }, { 9, 30, 30 }, { 8, 30, 32 } };
    const hw_word_key key = key_of("0123456789abcdef0123456789abcdef", 32, HW_WORD_SEGMENT);
    assert_int_equal(hw_word_cache_put(&cache, &key, tokens, 4, NULL), HW_OK);
    const hw_word_entry *entry = hw_word_cache_find(&cache, &key);
    assert_int_equal(entry->count, 4);
    for (size_t i = 0; i < 4; ++i) {
        assert_int_equal(entry->ids[i], tokens[i].id);
        assert_int_equal(entry->begins[i], tokens[i].begin);
        assert_int_equal(entry->ends[i], tokens[i].end);
    }
    hw_word_cache_free(&cache);
}

static void test_long_words_and_many_tokens_are_not_kept(void **state) {
    (void)state;
    hw_word_cache cache = { 0 };
    const hw_token tokens[HW_WORD_MOST_TOKENS + 1] = { { 1, 0, 1 } };
    const hw_word_key many = key_of("word", 4, HW_WORD_SEGMENT);
    const hw_word_key wide =
        key_of("0123456789abcdef0123456789abcdef!", HW_WORD_LONGEST + 1, HW_WORD_SEGMENT);
    assert_int_equal(wide.tag, 0);
    assert_int_equal(hw_word_cache_put(&cache, &wide, tokens, 1, NULL), HW_OK);
    assert_int_equal(hw_word_cache_put(&cache, &many, tokens, HW_WORD_MOST_TOKENS + 1, NULL),
                     HW_OK);
    assert_null(hw_word_cache_find(&cache, &wide));
    assert_null(hw_word_cache_find(&cache, &many));
    hw_word_cache_free(&cache);
}

/* Each word is found right after it was put; later it may be gone, but is never another one. */
static void test_it_grows_to_its_bound_and_stays_right(void **state) {
    (void)state;
    hw_word_cache cache = { 0 };
    size_t kept = 0;
    enum { WORDS = 200000 };
    for (int round = 0; round < 2; ++round)
        for (uint32_t word = 0; word < WORDS; ++word) {
            char text[16];
            const int length = snprintf(text, sizeof text, "%x", word * 2654435761u);
            const hw_word_key key = key_of(text, (size_t)length, HW_WORD_SEGMENT);
            const hw_word_entry *entry = hw_word_cache_find(&cache, &key);
            if (entry) assert_int_equal(entry->ids[0], word);
            kept += entry != NULL;
            if (round == 1) continue;
            put(&cache, &key, word);
            assert_int_equal(hw_word_cache_find(&cache, &key)->ids[0], word);
        }
    assert_int_equal(cache.bits, LARGEST_BITS);
    assert_in_range(kept, ((size_t)1 << LARGEST_BITS) * 9 / 10, (size_t)1 << LARGEST_BITS);
    hw_word_cache_free(&cache);
}

static void test_lack_of_memory_leaves_it_as_it_was(void **state) {
    (void)state;
    hw_word_cache cache = { 0 };
    hw_error err = { 0 };
    const hw_token token = { 1, 0, 1 };
    const hw_word_key key = key_of("word", 4, HW_WORD_SEGMENT);
    hw_fault_arm(HW_FAULT_MEMORY, 1, false);
    assert_int_equal(hw_word_cache_put(&cache, &key, &token, 1, &err), HW_ERROR_MEMORY);
    hw_fault_arm(HW_FAULT_MEMORY, 0, false);
    assert_null(hw_word_cache_find(&cache, &key));
    put(&cache, &key, 1);
    assert_non_null(hw_word_cache_find(&cache, &key));
    hw_word_cache_free(&cache);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_word_is_its_bytes_its_length_and_its_kind),
        cmocka_unit_test(test_what_may_be_read_behind_a_word_changes_no_key),
        cmocka_unit_test(test_places_come_back),
        cmocka_unit_test(test_long_words_and_many_tokens_are_not_kept),
        cmocka_unit_test(test_it_grows_to_its_bound_and_stays_right),
        cmocka_unit_test(test_lack_of_memory_leaves_it_as_it_was),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
