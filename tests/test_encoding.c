/* A text as both branches see it: which n-grams its tokens have, in which order, and that
 * what the dictionary does not know leaves no trace. */
#include "base/fault.h"
#include "classify/encoding.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static const hw_ngram_options options = {
    .word_max = 2, .cjk_max = 2, .char_min = 2, .char_max = 2
};

enum { MOST = 64 };

/* The dictionary of every n-gram of one text, numbered by first occurrence. */
typedef struct known {
    hw_built_dictionary built;
    hw_dictionary view;
    float idf[MOST];
} known;

static known know(const char *text) {
    hw_words words = { 0 };
    hw_ngrams ngrams = { 0 };
    hw_counter *counter = hw_counter_new(NULL);
    assert_non_null(counter);
    assert_int_equal(hw_words_split(&words, hw_text_of(text), NULL), HW_OK);
    assert_int_equal(hw_ngrams_extract(&ngrams, &words, &options, NULL), HW_OK);
    assert_int_equal(hw_counter_add(counter, ngrams.hashes, ngrams.count, 0, NULL), HW_OK);
    known k = { 0 };
    assert_int_equal(hw_counter_build(&k.built, counter, 1, MOST, NULL), HW_OK);
    k.view = (hw_dictionary){ k.built.slots, k.built.capacity };
    for (size_t i = 0; i < MOST; i++) k.idf[i] = 1;
    hw_counter_free(counter);
    hw_ngrams_free(&ngrams);
    hw_words_free(&words);
    return k;
}

static hw_status try_to_encode(hw_encoding *e, const known *k, const char *text) {
    hw_status status = hw_encoding_make(e, hw_text_of(text), &options, &k->view, NULL);
    if (status == HW_OK) status = hw_encoding_weigh(e, k->built.count, k->idf, NULL);
    return status == HW_OK ? hw_encoding_sort(e, NULL) : status;
}

static void encode(hw_encoding *e, const known *k, const char *text) {
    assert_int_equal(try_to_encode(e, k, text), HW_OK);
}

static void assert_token(const hw_encoding *e, size_t token, const uint32_t *ngrams, size_t count) {
    const size_t begin = e->token_offsets[token];
    assert_int_equal(e->token_offsets[token + 1] - begin, count);
    for (size_t i = 0; i < count; i++) assert_int_equal(e->token_ngrams[begin + i], ngrams[i]);
}

/* 0 red, 1 car, 2 red car, then characters: 3 <r, 4 re, 5 ed, 6 d>, 7 <c, 8 ca, 9 ar, 10 r> */
static void test_tokens_have_the_ngrams_that_end_there(void **state) {
    (void)state;
    known k = know("red car");
    hw_encoding e = { 0 };
    encode(&e, &k, "Red car, red");
    assert_int_equal(e.tokens, 4);
    assert_int_equal(e.token_offsets[0], 0);
    assert_token(&e, 0, (const uint32_t[]){ 0, 3, 4, 5, 6 }, 5);
    assert_token(&e, 1, (const uint32_t[]){ 1, 2, 7, 8, 9, 10 }, 6);
    assert_token(&e, 2, NULL, 0); /* the comma */
    assert_token(&e, 3, (const uint32_t[]){ 0, 3, 4, 5, 6 }, 5);
    hw_encoding_free(&e);
    hw_built_dictionary_free(&k.built);
}

static void test_both_branches_see_the_same_ngrams(void **state) {
    (void)state;
    known k = know("red car");
    hw_encoding e = { 0 };
    encode(&e, &k, "car red, red car");
    int tokens[MOST] = { 0 }, features[MOST] = { 0 };
    for (size_t i = 0; i < e.token_offsets[e.tokens]; i++) tokens[e.token_ngrams[i]]++;
    for (size_t i = 0; i < e.features.count; i++) features[e.features.items[i].index]++;
    for (size_t i = 0; i < k.built.count; i++) {
        assert_int_equal(tokens[i] > 0, features[i]);
        assert_true(tokens[i] > 0);
    }
    hw_encoding_free(&e);
    hw_built_dictionary_free(&k.built);
}

static void test_empty_text_is_one_token_without_ngrams(void **state) {
    (void)state;
    static const char *const empty[] = { "", " \t\n", "\xe2\x80\x8b" /* a zero-width space */ };
    known k = know("red car");
    hw_encoding e = { 0 };
    for (size_t i = 0; i < sizeof empty / sizeof *empty; i++) {
        encode(&e, &k, "red car");
        encode(&e, &k, empty[i]);
        assert_int_equal(e.tokens, 1);
        assert_token(&e, 0, NULL, 0);
        assert_int_equal(e.features.count, 0);
    }
    hw_encoding_free(&e);
    hw_built_dictionary_free(&k.built);
}

static void test_unknown_ngrams_leave_no_trace(void **state) {
    (void)state;
    known k = know("red car");
    const known nothing = { 0 };
    hw_encoding e = { 0 };
    encode(&e, &k, "blue sky!");
    assert_int_equal(e.tokens, 3);
    for (size_t token = 0; token < 3; token++) assert_token(&e, token, NULL, 0);
    assert_int_equal(e.features.count, 0);
    hw_encoding_free(&e);
    encode(&e, &nothing, "red car");
    assert_int_equal(e.tokens, 2);
    assert_int_equal(e.token_offsets[2], 0);
    hw_encoding_free(&e);
    hw_built_dictionary_free(&k.built);
}

/* Of four words two have n-grams of characters, one of them known ones. */
static void test_the_block_of_characters_is_as_long_as_their_share(void **state) {
    (void)state;
    known k = know("red car");
    hw_encoding e = { 0 };
    encode(&e, &k, "blue red,\xE6\x88\x91");
    assert_int_equal(e.words.count, 4);
    double squares = 0;
    for (size_t i = 0; i < e.features.count; i++) {
        const double value = (double)e.features.items[i].value;
        if (e.features.items[i].index >= 3) squares += value * value;
    }
    assert_true(fabs(sqrt(squares) - 2.0 / 4) < 1e-6);
    hw_encoding_free(&e);
    hw_built_dictionary_free(&k.built);
}

static void test_what_was_read_before_does_not_matter(void **state) {
    (void)state;
    known k = know("red car");
    hw_encoding used = { 0 }, fresh = { 0 };
    encode(&used, &k, "car car car red, red car red and more of it to be longer");
    encode(&used, &k, "a red car");
    encode(&fresh, &k, "a red car");
    assert_int_equal(used.tokens, fresh.tokens);
    assert_memory_equal(used.token_offsets, fresh.token_offsets,
                        (fresh.tokens + 1) * sizeof *fresh.token_offsets);
    assert_memory_equal(used.token_ngrams, fresh.token_ngrams,
                        fresh.token_offsets[fresh.tokens] * sizeof *fresh.token_ngrams);
    assert_int_equal(used.features.count, fresh.features.count);
    assert_memory_equal(used.features.items, fresh.features.items,
                        fresh.features.count * sizeof *fresh.features.items);
    hw_encoding_free(&used);
    hw_encoding_free(&fresh);
    hw_built_dictionary_free(&k.built);
}

static void assert_same(const hw_encoding *a, const hw_encoding *b) {
    assert_int_equal(a->tokens, b->tokens);
    assert_int_equal(a->lettered, b->lettered);
    assert_int_equal(a->features.count, b->features.count);
    for (size_t i = 0; i < a->features.count; i++) {
        assert_int_equal(a->features.items[i].index, b->features.items[i].index);
        assert_true(a->features.items[i].value == b->features.items[i].value);
    }
    for (size_t token = 0; token <= a->tokens; token++)
        assert_int_equal(a->token_offsets[token], b->token_offsets[token]);
    for (size_t i = 0; i < a->token_offsets[a->tokens]; i++)
        assert_int_equal(a->token_ngrams[i], b->token_ngrams[i]);
}

/* Every set of words, beside the text that has words of the same kinds in their places. */
static void test_words_are_removed_as_if_nobody_knew_them(void **state) {
    (void)state;
    enum { WORDS = 7 };
    static const char *const words[WORDS] = { "red",          " car",         ",",  " red",
                                              "\xe6\x88\x91", "\xe7\x88\xb1", "car" };
    static const char *const unknown[WORDS] = { "qqq",          " qqq",         ";",  " qqq",
                                                "\xe5\xa5\xbd", "\xe5\xa5\xbd", "qqq" };
    known k = know("red car, red\xe6\x88\x91\xe7\x88\xb1"
                   "car");
    hw_encoding e = { 0 }, other = { 0 };
    for (unsigned set = 0; set < 1u << WORDS; set++) {
        char whole[100] = "", changed[100] = "";
        bool removed[WORDS];
        for (size_t i = 0; i < WORDS; i++) {
            removed[i] = set >> i & 1;
            strcat(whole, words[i]);
            strcat(changed, removed[i] ? unknown[i] : words[i]);
        }
        assert_int_equal(hw_encoding_make(&e, hw_text_of(whole), &options, &k.view, NULL), HW_OK);
        assert_int_equal(e.words.count, WORDS);
        assert_int_equal(hw_encoding_remove(&e, removed, &options, NULL), HW_OK);
        assert_int_equal(hw_encoding_weigh(&e, k.built.count, k.idf, NULL), HW_OK);
        assert_int_equal(hw_encoding_sort(&e, NULL), HW_OK);
        encode(&other, &k, changed);
        assert_same(&e, &other);
    }
    hw_encoding_free(&e);
    hw_encoding_free(&other);
    hw_built_dictionary_free(&k.built);
}

#ifdef HW_FAULTS

static void test_every_failing_allocation_is_reported(void **state) {
    (void)state;
    known k = know("red car");
    hw_status status = HW_ERROR_MEMORY;
    uint64_t at = 0;
    while (status != HW_OK) {
        hw_encoding e = { 0 };
        hw_fault_arm(HW_FAULT_MEMORY, ++at, false);
        status = try_to_encode(&e, &k, "a red car");
        hw_fault_arm(HW_FAULT_MEMORY, 0, false);
        if (status != HW_OK) {
            assert_int_equal(status, HW_ERROR_MEMORY);
            encode(&e, &k, "a red car"); /* as if nothing had happened */
        }
        assert_int_equal(e.tokens, 3);
        hw_encoding_free(&e);
    }
    assert_true(at > 5);
    hw_built_dictionary_free(&k.built);
}

#endif

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tokens_have_the_ngrams_that_end_there),
        cmocka_unit_test(test_both_branches_see_the_same_ngrams),
        cmocka_unit_test(test_empty_text_is_one_token_without_ngrams),
        cmocka_unit_test(test_unknown_ngrams_leave_no_trace),
        cmocka_unit_test(test_the_block_of_characters_is_as_long_as_their_share),
        cmocka_unit_test(test_what_was_read_before_does_not_matter),
        cmocka_unit_test(test_words_are_removed_as_if_nobody_knew_them),
#ifdef HW_FAULTS
        cmocka_unit_test(test_every_failing_allocation_is_reported),
#endif
    };
    return cmocka_run_group_tests_name("encoding", tests, NULL, NULL);
}
