/* The lexicon against looking every n-gram up: however many words there were before, however long
 * they are, and whatever their hashes. */
#include "classify/lexicon.h"

#include "base/fault.h"
#include "base/memory.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static const hw_ngram_options options = {
    .word_max = 1, .cjk_max = 1, .char_min = 2, .char_max = 3
};

enum { WORDS = 40000 /* more than it remembers */, MOST = 512 };

static hw_text word_at(char *bytes, size_t number) {
    return (hw_text){ bytes, (size_t)sprintf(bytes, "w%zu", number * 7919) };
}

/* A dictionary of the n-grams of every third word. */
static hw_built_dictionary build(void) {
    hw_built_dictionary built = { 0 };
    hw_counter *counter = hw_counter_new(NULL);
    assert_non_null(counter);
    for (size_t i = 0; i < WORDS; i += 3) {
        char bytes[32];
        uint64_t hashes[MOST];
        const size_t count = hw_ngrams_characters(hashes, word_at(bytes, i), &options);
        assert_int_equal(hw_counter_add(counter, hashes, count, (uint32_t)i, NULL), HW_OK);
    }
    assert_int_equal(hw_counter_build(&built, counter, 1, 300, NULL), HW_OK);
    hw_counter_free(counter);
    return built;
}

static void assert_lexeme(hw_lexicon *lexicon, const hw_dictionary *dictionary, hw_text word,
                          uint64_t hash) {
    uint64_t hashes[MOST];
    hw_lexeme lexeme;
    assert_int_equal(hw_lexicon_find(&lexeme, lexicon, word, hash, NULL), HW_OK);
    assert_true(hw_ngrams_most_characters(word.length, &options) <= MOST);
    const size_t count = hw_ngrams_characters(hashes, word, &options);
    assert_int_equal(lexeme.ngrams, count);
    size_t known = 0;
    for (size_t i = 0; i < count; i++) {
        const int64_t index = hw_dictionary_find(dictionary, hashes[i]);
        if (index == HW_ABSENT) continue;
        assert_true(known < lexeme.count);
        assert_int_equal(lexeme.known[known++], index);
    }
    assert_int_equal(lexeme.count, known);
}

static void test_every_word_has_its_known_ngrams(void **state) {
    (void)state;
    hw_built_dictionary built = build();
    const hw_dictionary dictionary = { built.slots, built.capacity };
    hw_lexicon *lexicon = hw_lexicon_new(&dictionary, &options, NULL);
    assert_non_null(lexicon);
    for (size_t i = 0; i < 2 * WORDS; i++) {
        char bytes[32];
        const hw_text word = word_at(bytes, i % 5 ? i % WORDS : 1); /* one comes back often */
        const uint64_t hash = hw_hash_bytes(word.bytes, word.length);
        hw_lexicon_prefetch_slot(lexicon, hash);
        hw_lexicon_prefetch_entry(lexicon, hash);
        assert_lexeme(lexicon, &dictionary, word, hash);
    }
    hw_lexicon_free(lexicon);
    hw_built_dictionary_free(&built);
}

static void test_words_of_one_hash_are_told_apart(void **state) {
    (void)state;
    hw_built_dictionary built = build();
    const hw_dictionary dictionary = { built.slots, built.capacity };
    hw_lexicon *lexicon = hw_lexicon_new(&dictionary, &options, NULL);
    assert_non_null(lexicon);
    static const char *const words[] = { "w79197919",  "w79187919", "w7918791979", "w7",
                                         "w791979198", "w79197919", "w7918791979", "w7919" };
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        assert_lexeme(lexicon, &dictionary, hw_text_of(words[i]), UINT64_MAX);
    hw_lexicon_free(lexicon);
    hw_built_dictionary_free(&built);
}

static void test_long_words_are_whole(void **state) {
    (void)state;
    hw_built_dictionary built = build();
    const hw_dictionary dictionary = { built.slots, built.capacity };
    hw_lexicon *lexicon = hw_lexicon_new(&dictionary, &options, NULL);
    assert_non_null(lexicon);
    char bytes[200];
    for (size_t i = 0; i < sizeof bytes; i++) bytes[i] = "w791938"[i * i % 7];
    for (size_t length = 1; length < sizeof bytes; length++)
        for (int again = 0; again < 2; again++)
            assert_lexeme(lexicon, &dictionary, (hw_text){ bytes, length }, length);
    hw_lexicon_free(lexicon);
    hw_built_dictionary_free(&built);
}

#ifdef HW_FAULTS

static void test_every_failing_allocation_is_reported(void **state) {
    (void)state;
    const hw_dictionary none = { 0 };
    const hw_text word = hw_text_of("word");
    for (uint64_t at = 1; at <= 3; at++) {
        hw_error err;
        hw_lexeme lexeme;
        hw_fault_arm(HW_FAULT_MEMORY, at, false);
        hw_lexicon *lexicon = hw_lexicon_new(&none, &options, &err);
        assert_true((lexicon == NULL) == (at == 1));
        if (lexicon)
            assert_int_equal(hw_lexicon_find(&lexeme, lexicon, word, 1, &err), HW_ERROR_MEMORY);
        hw_fault_arm(HW_FAULT_MEMORY, 0, false);
        assert_int_equal(err.status, HW_ERROR_MEMORY);
        if (lexicon) assert_lexeme(lexicon, &none, word, 1);
        hw_lexicon_free(lexicon);
    }
}

#endif

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_word_has_its_known_ngrams),
        cmocka_unit_test(test_words_of_one_hash_are_told_apart),
        cmocka_unit_test(test_long_words_are_whole),
#ifdef HW_FAULTS
        cmocka_unit_test(test_every_failing_allocation_is_reported),
#endif
    };
    return cmocka_run_group_tests_name("lexicon", tests, NULL, NULL);
}
