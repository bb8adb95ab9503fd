/* N-grams: how many, which are alike, and their fixed values; counter and dictionary. */
#include "text/ngrams.h"

#include "base/fault.h"
#include "base/memory.h"
#include "base/random.h"
#include "text/dictionary.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

/* ---- N-grams -------------------------------------------------------------------- */

static void extract(hw_ngrams *ngrams, const char *text, const hw_ngram_options *options) {
    hw_words words = { 0 };
    assert_int_equal(hw_words_split(&words, hw_text_of(text), NULL), HW_OK);
    assert_int_equal(hw_ngrams_extract(ngrams, &words, options, NULL), HW_OK);
    hw_words_free(&words);
}

typedef struct expectation {
    const char *text;
    hw_ngram_options options;
    size_t words, sequences, characters;
} expectation;

static void test_counts_follow_the_options(void **state) {
    (void)state;
    static const expectation cases[] = {
        { "", { 3, 3, 2, 4 }, 0, 0, 0 },
        { "a b c d", { 1, 1, 0, 0 }, 4, 0, 0 },
        { "a b c d", { 2, 1, 0, 0 }, 4, 3, 0 },
        { "a b c d", { 3, 1, 0, 0 }, 4, 5, 0 },
        { "a b", { 16, 16, 0, 0 }, 2, 1, 0 },
        { "我爱你", { 1, 3, 0, 0 }, 3, 3, 0 },
        { "我爱你", { 3, 1, 0, 0 }, 3, 0, 0 },
        { "我爱x", { 2, 1, 0, 0 }, 3, 1, 0 }, /* only the pair with the letter */
        { "我爱x", { 3, 1, 0, 0 }, 3, 2, 0 }, /* and the three, of which one is a letter */
        { "我爱x", { 1, 3, 0, 0 }, 3, 1, 0 },
        { "cat", { 1, 1, 3, 3 }, 1, 0, 3 },  /* <ca cat at> */
        { "cat", { 1, 1, 1, 1 }, 1, 0, 3 },  /* c a t */
        { "cat", { 1, 1, 2, 5 }, 1, 0, 10 }, /* 4 + 3 + 2 + 1 */
        { "cat", { 1, 1, 6, 9 }, 1, 0, 0 },
        { "a", { 1, 1, 1, 3 }, 1, 0, 4 }, /* a <a a> <a> */
        { "我!", { 1, 1, 1, 3 }, 2, 0, 0 },
        { "h\xC3\xA9!", { 1, 1, 2, 2 }, 2, 0, 3 }, /* <h hé é> */
    };
    hw_ngrams ngrams = { 0 };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; ++i) {
        const expectation *expected = &cases[i];
        extract(&ngrams, expected->text, &expected->options);
        assert_int_equal(ngrams.words_end, expected->words);
        assert_int_equal(ngrams.sequences_end - ngrams.words_end, expected->sequences);
        assert_int_equal(ngrams.count - ngrams.sequences_end, expected->characters);
    }
    hw_ngrams_free(&ngrams);
}

static int by_value(const void *left, const void *right) {
    const uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;
    return (a > b) - (a < b);
}

static size_t count_distinct(uint64_t *hashes, size_t count) {
    qsort(hashes, count, sizeof *hashes, by_value);
    size_t distinct = 0;
    for (size_t i = 0; i < count; ++i) distinct += i == 0 || hashes[i] != hashes[i - 1];
    return distinct;
}

/* All n-grams of this text are different as (kind, string). */
static void test_different_ngrams_have_different_hashes(void **state) {
    (void)state;
    static const hw_ngram_options options = { 3, 4, 1, 6 };
    hw_ngrams ngrams = { 0 };
    extract(&ngrams, "abcdefgh ij,我爱你们x!", &options);
    assert_int_equal(count_distinct(ngrams.hashes, ngrams.count), ngrams.count);
    hw_ngrams_free(&ngrams);
}

static uint64_t sequence_of(const char *text) {
    static const hw_ngram_options options = { 3, 3, 0, 0 };
    hw_ngrams ngrams = { 0 };
    extract(&ngrams, text, &options);
    const uint64_t hash = ngrams.hashes[ngrams.count - 1];
    hw_ngrams_free(&ngrams);
    return hash;
}

static void test_sequences_depend_on_words_and_order_only(void **state) {
    (void)state;
    assert_true(sequence_of("red car") == sequence_of("Red\n  CAR"));
    assert_true(sequence_of("red car") != sequence_of("car red"));
    assert_true(sequence_of("red red") != sequence_of("red"));
    assert_true(sequence_of("red red") != sequence_of("car car"));
    assert_true(sequence_of("我爱") != sequence_of("爱我"));
}

/* For each n-gram the index of the word with which it ends. */
static void test_ngrams_know_where_they_end(void **state) {
    (void)state;
    static const hw_ngram_options options = { 3, 2, 2, 3 };
    static const uint32_t expected[] = {
        0, 1, 2, 3, 4,       /* ab 我 爱 ! c */
        1, 2, 2, 3, 3, 4, 4, /* pairs and threes: (01) (012) (12) (123) (23) (234) (34) */
        0, 0, 0, 0, 0,       /* <a ab <ab b> ab> */
        4, 4, 4,             /* <c c> <c> */
    };
    hw_ngrams ngrams = { 0 };
    extract(&ngrams, "ab我爱!c", &options);
    assert_int_equal(ngrams.count, sizeof expected / sizeof *expected);
    for (size_t i = 0; i < ngrams.count; ++i) assert_int_equal(ngrams.tokens[i], expected[i]);
    hw_ngrams_free(&ngrams);
}

/* The words from where a sequence begins to where it ends have it as their whole. */
static void expect_firsts(const hw_words *words, const hw_ngram_options *options) {
    hw_ngrams ngrams = { 0 }, alone = { 0 };
    uint32_t firsts[200];
    assert_int_equal(hw_ngrams_extract(&ngrams, words, options, NULL), HW_OK);
    assert_true(ngrams.count <= sizeof firsts / sizeof *firsts);
    hw_ngrams_firsts(firsts, &ngrams, words, options);
    for (size_t i = 0; i < ngrams.count; ++i) {
        if (i < ngrams.words_end || i >= ngrams.sequences_end) {
            assert_int_equal(firsts[i], ngrams.tokens[i]);
            continue;
        }
        hw_words covered = *words;
        covered.items += firsts[i];
        covered.count = ngrams.tokens[i] - firsts[i] + 1;
        assert_int_equal(hw_ngrams_extract(&alone, &covered, options, NULL), HW_OK);
        uint64_t whole = 0;
        for (size_t k = alone.words_end; k < alone.sequences_end; ++k)
            if (alone.tokens[k] == covered.count - 1) {
                whole = alone.hashes[k]; /* the first that ends there begins at the start */
                break;
            }
        assert_true(whole == ngrams.hashes[i]);
    }
    hw_ngrams_free(&ngrams);
    hw_ngrams_free(&alone);
}

static void test_ngrams_know_where_they_begin(void **state) {
    (void)state;
    hw_words words = { 0 };
    assert_int_equal(hw_words_split(&words, hw_text_of("我爱 the 北京烤鸭 and tea!"), NULL), HW_OK);
    for (int32_t word_max = 1; word_max <= 5; ++word_max)
        for (int32_t cjk_max = 1; cjk_max <= 5; ++cjk_max)
            expect_firsts(&words, &(hw_ngram_options){ word_max, cjk_max, 2, 3 });
    hw_words_free(&words);
}

/* The character n-grams of a word are those of the same letters elsewhere, by place. */
static void test_characters_mark_both_ends(void **state) {
    (void)state;
    static const hw_ngram_options pairs = { 1, 1, 2, 2 };
    hw_ngrams one = { 0 }, other = { 0 };
    extract(&one, "ab", &pairs);   /* <a ab b> */
    extract(&other, "ba", &pairs); /* <b ba a> */
    for (size_t i = 1; i < 4; ++i)
        for (size_t j = 1; j < 4; ++j) assert_true(one.hashes[i] != other.hashes[j]);
    extract(&other, "cab", &pairs); /* <c ca ab b> */
    assert_true(one.hashes[2] == other.hashes[3]);
    assert_true(one.hashes[3] == other.hashes[4]);
    hw_ngrams_free(&one);
    hw_ngrams_free(&other);
}

/* Models hold hashes: these values may never change. */
static void test_hashes_are_fixed(void **state) {
    (void)state;
    static const hw_ngram_options options = { 2, 2, 3, 3 };
    static const uint64_t expected[] = { 0xd283ea19627f21ffu, 0x3537a697ff690d43u,
                                         0x25d955639913c23eu, 0x741b6c0820ac1ad4u,
                                         0x9148969b6a135574u, 0xaab6e983ca0f3ff4u,
                                         0x4f42939b56ec24d3u };
    hw_ngrams ngrams = { 0 };
    extract(&ngrams, "to b\xC3\xA9", &options);
    assert_int_equal(ngrams.count, sizeof expected / sizeof *expected);
    for (size_t i = 0; i < ngrams.count; ++i) assert_int_equal(ngrams.hashes[i], expected[i]);
    hw_ngrams_free(&ngrams);
}

/* ---- Counter and dictionary ------------------------------------------------------ */

static hw_counter *counter_of(const uint64_t *hashes, const size_t *ends, size_t documents) {
    hw_counter *counter = hw_counter_new(NULL);
    assert_non_null(counter);
    for (size_t document = 0, at = 0; document < documents; at = ends[document++])
        assert_int_equal(
            hw_counter_add(counter, hashes + at, ends[document] - at, (uint32_t)document, NULL),
            HW_OK);
    return counter;
}

static void test_counter_counts_documents(void **state) {
    (void)state;
    static const uint64_t hashes[] = { 7, 8, 7, 7, 9, 0, 7, 0 };
    static const size_t ends[] = { 3, 5, 8 };
    hw_counter *counter = counter_of(hashes, ends, 3);
    assert_int_equal(hw_counter_documents(counter, 7), 3);
    assert_int_equal(hw_counter_documents(counter, 8), 1);
    assert_int_equal(hw_counter_documents(counter, 9), 1);
    assert_int_equal(hw_counter_documents(counter, 0), 1);
    assert_int_equal(hw_counter_documents(counter, 10), 0);
    assert_int_equal(hw_counter_documents(counter, UINT64_C(7) << 32), 0);
    hw_counter_free(counter);
}

static void test_build_keeps_the_frequent(void **state) {
    (void)state;
    static const uint64_t hashes[] = { 1, 2, 3, 4, 1, 4, 5 };
    static const size_t ends[] = { 4, 7 };
    hw_counter *counter = counter_of(hashes, ends, 2);
    hw_built_dictionary built;
    assert_int_equal(hw_counter_build(&built, counter, 2, 100, NULL), HW_OK);
    const hw_dictionary view = { built.slots, built.capacity };
    static const int64_t expected[] = { 0, HW_ABSENT, HW_ABSENT, 1, HW_ABSENT };
    for (uint64_t hash = 1; hash <= 5; ++hash)
        assert_int_equal(hw_dictionary_find(&view, hash), expected[hash - 1]);
    assert_int_equal(built.count, 2);
    assert_int_equal(built.documents[0], 2);
    assert_int_equal(built.documents[1], 2);
    assert_int_equal(hw_dictionary_check(&view, 2, NULL), HW_OK);
    hw_built_dictionary_free(&built);
    hw_counter_free(counter);
}

static void test_build_limit_keeps_the_most_frequent(void **state) {
    (void)state;
    static const uint64_t hashes[] = { 1, 2, 3, 4, 5, 3, 5, 2, 5 };
    static const size_t ends[] = { 5, 8, 9 };
    hw_counter *counter = counter_of(hashes, ends, 3);
    static const int64_t expected[][6] = {
        /* limit */ { -1, -1, -1, -1, -1, -1 },
        { -1, -1, -1, -1, -1, 0 },
        { -1, -1, 0, -1, -1, 1 },
        { -1, -1, 0, 1, -1, 2 },
        { -1, 0, 1, 2, -1, 3 },
        { -1, 0, 1, 2, 3, 4 },
    };
    for (size_t limit = 0; limit <= 5; ++limit) {
        hw_built_dictionary built;
        assert_int_equal(hw_counter_build(&built, counter, 1, limit, NULL), HW_OK);
        const hw_dictionary view = { built.slots, built.capacity };
        assert_int_equal(built.count, limit);
        for (uint64_t hash = 1; hash <= 5; ++hash)
            assert_int_equal(hw_dictionary_find(&view, hash), expected[limit][hash]);
        hw_built_dictionary_free(&built);
    }
    hw_counter_free(counter);
}

/* Frequencies on both sides of 2^16, where the selection changes from half to half. */
static void test_build_limit_is_exact_for_great_counts(void **state) {
    (void)state;
    enum { DOCUMENTS = 65540 };
    static const uint64_t hashes[] = { 1, 2, 3 };
    hw_counter *counter = hw_counter_new(NULL);
    for (uint32_t document = 0; document < DOCUMENTS; ++document) {
        const size_t count = document < 65530 ? 3 : document < 65538 ? 2 : 1;
        assert_int_equal(hw_counter_add(counter, hashes, count, document, NULL), HW_OK);
    }
    for (size_t limit = 1; limit <= 3; ++limit) {
        hw_built_dictionary built;
        assert_int_equal(hw_counter_build(&built, counter, 65530, limit, NULL), HW_OK);
        const hw_dictionary view = { built.slots, built.capacity };
        assert_int_equal(built.count, limit);
        for (uint64_t hash = 1; hash <= 3; ++hash)
            assert_int_equal(hw_dictionary_find(&view, hash),
                             hash <= limit ? (int64_t)hash - 1 : HW_ABSENT);
        hw_built_dictionary_free(&built);
    }
    hw_counter_free(counter);
}

static void test_many_hashes_are_found_again(void **state) {
    (void)state;
    enum { COUNT = 200000 };
    uint64_t *hashes = malloc(COUNT * sizeof *hashes);
    assert_non_null(hashes);
    for (size_t i = 0; i < COUNT; ++i) hashes[i] = hw_mix64(i);
    static const size_t ends[] = { COUNT / 2, COUNT };
    hw_counter *counter = counter_of(hashes, ends, 2);
    hw_built_dictionary built;
    assert_int_equal(hw_counter_build(&built, counter, 1, COUNT, NULL), HW_OK);
    const hw_dictionary view = { built.slots, built.capacity };
    assert_int_equal(built.count, COUNT);
    assert_true(built.capacity / 3 * 2 >= COUNT);
    for (size_t i = 0; i < COUNT; ++i) {
        assert_int_equal(hw_dictionary_find(&view, hashes[i]), (int64_t)i);
        assert_int_equal(hw_dictionary_find(&view, hw_mix64(COUNT + i)), HW_ABSENT);
    }
    assert_int_equal(hw_dictionary_check(&view, COUNT, NULL), HW_OK);
    hw_built_dictionary_free(&built);
    hw_counter_free(counter);
    free(hashes);
}

/* Same low half, same first slot: the dictionary cannot hold both. */
static void test_indistinguishable_hashes_are_kept_once(void **state) {
    (void)state;
    static const uint64_t hashes[] = { 5, (UINT64_C(1) << 60) + 5, 6 };
    static const size_t ends[] = { 3 };
    hw_counter *counter = counter_of(hashes, ends, 1);
    hw_built_dictionary built;
    assert_int_equal(hw_counter_build(&built, counter, 1, 10, NULL), HW_OK);
    const hw_dictionary view = { built.slots, built.capacity };
    assert_int_equal(built.count, 2);
    assert_int_equal(hw_dictionary_find(&view, 5), 0);
    assert_int_equal(hw_dictionary_find(&view, 6), 1);
    assert_int_equal(hw_dictionary_check(&view, 2, NULL), HW_OK);
    hw_built_dictionary_free(&built);
    hw_counter_free(counter);
}

static void assert_malformed(const hw_slot *slots, size_t capacity, size_t count) {
    hw_error err;
    const hw_dictionary view = { slots, capacity };
    assert_int_equal(hw_dictionary_check(&view, count, &err), HW_ERROR_FORMAT);
    assert_int_equal(err.status, HW_ERROR_FORMAT);
}

static void test_malformed_dictionaries_are_refused(void **state) {
    (void)state;
    hw_slot slots[4] = { { 1, 1 }, { 2, 2 }, { 0, 0 }, { 0, 0 } };
    assert_int_equal(hw_dictionary_check(&(hw_dictionary){ slots, 4 }, 2, NULL), HW_OK);
    assert_int_equal(hw_dictionary_check(&(hw_dictionary){ NULL, 0 }, 0, NULL), HW_OK);
    assert_malformed(slots, 4, 1);
    assert_malformed(slots, 4, 3);
    assert_malformed(slots, 3, 2);
    assert_malformed(slots, 2, 2); /* none is empty */
    assert_malformed(NULL, 0, 1);
    slots[1].index_plus_one = 1; /* twice */
    assert_malformed(slots, 4, 2);
    slots[1].index_plus_one = 3; /* past the last */
    assert_malformed(slots, 4, 2);
    slots[1].index_plus_one = UINT32_MAX;
    assert_malformed(slots, 4, 2);
}

static void test_empty_dictionary_has_no_members(void **state) {
    (void)state;
    const hw_dictionary none = { NULL, 0 };
    assert_int_equal(hw_dictionary_find(&none, 1), HW_ABSENT);
    hw_dictionary_prefetch(&none, 1);
}

/* ---- Faults ------------------------------------------------------------------------ */

static hw_status count_and_build(hw_error *err) {
    static const hw_ngram_options options = { 2, 2, 2, 4 };
    hw_words words = { 0 };
    hw_ngrams ngrams = { 0 };
    hw_built_dictionary built = { 0 };
    hw_counter *counter = hw_counter_new(err);
    hw_status status = counter ? HW_OK : HW_ERROR_MEMORY;
    if (!status) status = hw_words_split(&words, hw_text_of("one two three four five"), err);
    if (!status) status = hw_ngrams_extract(&ngrams, &words, &options, err);
    for (uint64_t i = 0; !status && i < 2000; ++i) status = hw_counter_add(counter, &i, 1, 0, err);
    if (!status) status = hw_counter_add(counter, ngrams.hashes, ngrams.count, 0, err);
    if (!status) status = hw_counter_build(&built, counter, 1, 1000, err);
    const hw_dictionary view = { built.slots, built.capacity };
    if (!status) status = hw_dictionary_check(&view, built.count, err);
    hw_built_dictionary_free(&built);
    hw_counter_free(counter);
    hw_ngrams_free(&ngrams);
    hw_words_free(&words);
    return status;
}

static void test_every_failing_allocation_is_reported(void **state) {
    (void)state;
    hw_error err;
    uint64_t at = 1;
    for (;; ++at) {
        hw_fault_arm(HW_FAULT_MEMORY, at, false);
        const hw_status status = count_and_build(&err);
        hw_fault_arm(HW_FAULT_MEMORY, 0, false);
        if (status == HW_OK) break;
        assert_int_equal(status, HW_ERROR_MEMORY);
        assert_int_equal(err.status, HW_ERROR_MEMORY);
    }
    assert_true(at > 10);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_counts_follow_the_options),
        cmocka_unit_test(test_different_ngrams_have_different_hashes),
        cmocka_unit_test(test_sequences_depend_on_words_and_order_only),
        cmocka_unit_test(test_ngrams_know_where_they_end),
        cmocka_unit_test(test_ngrams_know_where_they_begin),
        cmocka_unit_test(test_characters_mark_both_ends),
        cmocka_unit_test(test_hashes_are_fixed),
        cmocka_unit_test(test_counter_counts_documents),
        cmocka_unit_test(test_build_keeps_the_frequent),
        cmocka_unit_test(test_build_limit_keeps_the_most_frequent),
        cmocka_unit_test(test_build_limit_is_exact_for_great_counts),
        cmocka_unit_test(test_many_hashes_are_found_again),
        cmocka_unit_test(test_indistinguishable_hashes_are_kept_once),
        cmocka_unit_test(test_malformed_dictionaries_are_refused),
        cmocka_unit_test(test_empty_dictionary_has_no_members),
        cmocka_unit_test(test_every_failing_allocation_is_reported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
