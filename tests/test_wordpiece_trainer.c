/* Vocabularies: which pairs are joined, what always can be written, limits, and the tokenizer that
 * is made of one. */
#include "base/fault.h"
#include "base/memory.h"
#include "base/random.h"
#include "tokenizer/bert_words.h"
#include "tokenizer/tokenizer.h"
#include "tokenizer/wordpiece_trainer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

typedef struct counted {
    const char *word;
    uint64_t count;
} counted;

static const counted frequent[] = { { "low", 5 },    { "lower", 2 },        { "newest", 6 },
                                    { "widest", 3 }, { "\xE4\xBD\xA0", 4 }, { "rare", 1 } };
enum { FREQUENT = sizeof frequent / sizeof *frequent };

static void add(hw_word_bag *words, const char *word, uint64_t count) {
    hw_error err;
    assert_int_equal(hw_word_bag_add(words, NULL, hw_text_of(word), count, &err), HW_OK);
}

static hw_word_bag bag_of(const counted *words, size_t count, bool backwards) {
    hw_word_bag bag = { 0 };
    for (size_t i = 0; i < count; i++) {
        const counted *c = &words[backwards ? count - 1 - i : i];
        add(&bag, c->word, c->count);
    }
    return bag;
}

static hw_word_bag train(hw_word_bag words, size_t vocabulary, uint64_t min_count) {
    hw_error err;
    hw_word_bag pieces = { 0 };
    assert_int_equal(hw_wordpiece_train(&pieces, &words, vocabulary, min_count, &err), HW_OK);
    hw_word_bag_free(&words);
    return pieces;
}

static bool has(const hw_word_bag *pieces, const char *piece) {
    uint32_t index;
    return hw_word_bag_find(pieces, &index, hw_text_of(piece));
}

static void assert_same(const hw_word_bag *a, const hw_word_bag *b) {
    assert_int_equal(a->count, b->count);
    for (size_t i = 0; i < a->count; i++) {
        assert_int_equal(a->items[i].text.length, b->items[i].text.length);
        assert_memory_equal(a->items[i].text.bytes, b->items[i].text.bytes,
                            a->items[i].text.length);
    }
}

/* ---- What is in a vocabulary ---------------------------------------------------------- */

static void test_special_tokens_come_first(void **state) {
    (void)state;
    hw_word_bag pieces = train(bag_of(frequent, FREQUENT, false), 60, 2);
    assert_memory_equal(pieces.items[HW_WORDPIECE_PAD].text.bytes, "[PAD]", 5);
    assert_memory_equal(pieces.items[HW_WORDPIECE_MASK].text.bytes, "[MASK]", 6);
    hw_word_bag_free(&pieces);
}

static uint32_t place_of(const hw_word_bag *pieces, const char *piece) {
    uint32_t index = 0;
    assert_true(hw_word_bag_find(pieces, &index, hw_text_of(piece)));
    return index;
}

/* e+s occurs in newest (6) and widest (3), more often than any other pair; then es+t. */
static void test_most_frequent_pairs_are_joined_first(void **state) {
    (void)state;
    hw_word_bag pieces = train(bag_of(frequent, FREQUENT, false), 1000, 2);
    const uint32_t first = place_of(&pieces, "##es");
    for (uint32_t id = HW_WORDPIECE_SPECIALS; id < first; id++)
        assert_true(pieces.items[id].text.length <= 3); /* a letter */
    assert_int_equal(place_of(&pieces, "##est"), first + 1);
    assert_true(has(&pieces, "low") && has(&pieces, "lower") && has(&pieces, "newest"));
    hw_word_bag_free(&pieces);
}

static void test_letters_stand_in_both_forms_if_they_make_words(void **state) {
    (void)state;
    hw_word_bag pieces = train(bag_of(frequent, FREQUENT, false), 60, 2);
    assert_true(has(&pieces, "w") && has(&pieces, "##w"));
    assert_true(has(&pieces, "\xE4\xBD\xA0"));
    assert_false(has(&pieces, "##\xE4\xBD\xA0"));
    hw_word_bag_free(&pieces);
}

static void test_rare_letters_and_pairs_are_left_out(void **state) {
    (void)state;
    hw_word_bag pieces = train(bag_of(frequent, FREQUENT, false), 1000, 2);
    assert_false(has(&pieces, "a") || has(&pieces, "##a") || has(&pieces, "rare"));
    hw_word_bag_free(&pieces);
}

static void test_order_of_words_does_not_matter(void **state) {
    (void)state;
    hw_word_bag a = train(bag_of(frequent, FREQUENT, false), 40, 1);
    hw_word_bag b = train(bag_of(frequent, FREQUENT, true), 40, 1);
    assert_same(&a, &b);
    hw_word_bag_free(&a);
    hw_word_bag_free(&b);
}

static void test_words_of_one_letter_repeated_are_joined_from_the_left(void **state) {
    (void)state;
    const counted words[] = { { "aaaaaa", 7 }, { "aaa", 5 }, { "aa", 3 } };
    hw_word_bag pieces = train(bag_of(words, 3, false), 1000, 1);
    for (size_t i = 0; i < 3; i++) assert_true(has(&pieces, words[i].word));
    hw_word_bag_free(&pieces);
}

/* ---- Limits ----------------------------------------------------------------------------- */

static void test_vocabulary_is_never_larger_than_asked(void **state) {
    (void)state;
    for (size_t limit = HW_WORDPIECE_SPECIALS + 1; limit < 60; limit++) {
        hw_word_bag pieces = train(bag_of(frequent, FREQUENT, false), limit, 1);
        assert_true(pieces.count <= limit && pieces.count >= HW_WORDPIECE_SPECIALS);
        hw_word_bag_free(&pieces);
    }
}

static void test_rarest_letters_go_when_there_is_no_room(void **state) {
    (void)state;
    const counted words[] = { { "x", 9 }, { "y", 8 }, { "z", 7 } };
    hw_word_bag pieces = train(bag_of(words, 3, false), HW_WORDPIECE_SPECIALS + 2, 1);
    assert_true(has(&pieces, "x") && has(&pieces, "y"));
    assert_false(has(&pieces, "z"));
    hw_word_bag_free(&pieces);
}

static void test_no_words_make_special_tokens(void **state) {
    (void)state;
    hw_word_bag pieces = train((hw_word_bag){ 0 }, 100, 1);
    assert_int_equal(pieces.count, HW_WORDPIECE_SPECIALS);
    hw_word_bag_free(&pieces);
}

static void test_overlong_words_are_not_looked_at(void **state) {
    (void)state;
    char word[HW_WORDPIECE_WORD_LIMIT + 2];
    memset(word, 'q', sizeof word - 1);
    word[sizeof word - 1] = 0;
    const counted words[] = { { word, 9 }, { "ab", 2 } };
    hw_word_bag pieces = train(bag_of(words, 2, false), 100, 1);
    assert_false(has(&pieces, "q"));
    assert_true(has(&pieces, "ab"));
    hw_word_bag_free(&pieces);
}

/* ---- The tokenizer ------------------------------------------------------------------------ */

static hw_word_bag random_words(size_t count) {
    hw_word_bag words = { 0 };
    for (size_t i = 0; i < count; i++) {
        char word[12] = "";
        const size_t length = 1 + (size_t)hw_random_below(1, 1, i, sizeof word - 1);
        for (size_t at = 0; at < length; at++)
            word[at] = (char)('a' + (int)hw_random_below(hw_random_below(2, 2, i, 40), 3, at, 8));
        add(&words, word, 1 + hw_random_below(1, 4, i, 3));
    }
    return words;
}

static hw_tokenizer *tokenizer_of(const hw_word_bag *pieces) {
    hw_error err;
    hw_text_buffer json = { 0 };
    assert_int_equal(hw_wordpiece_json(&json, pieces, &err), HW_OK);
    hw_tokenizer *tokenizer = hw_tokenizer_parse(json.bytes, json.length, "test", &err);
    if (!tokenizer) fail_msg("%s", err.message);
    hw_text_buffer_free(&json);
    return tokenizer;
}

static void test_every_word_is_written_without_the_unknown_token(void **state) {
    (void)state;
    hw_error err;
    hw_word_bag words = random_words(3000), pieces = { 0 };
    assert_int_equal(hw_wordpiece_train(&pieces, &words, 300, 1, &err), HW_OK);
    hw_tokenizer *tokenizer = tokenizer_of(&pieces);
    assert_int_equal(hw_tokenizer_size(tokenizer), pieces.count);
    hw_tokenizer_scratch *scratch = hw_tokenizer_scratch_new(tokenizer, &err);
    hw_tokens tokens = { 0 };
    for (size_t i = 0; i < words.count; i++) {
        assert_int_equal(hw_tokenizer_encode(&tokens, scratch, words.items[i].text, &err), HW_OK);
        assert_true(tokens.count > 0);
        for (size_t token = 0; token < tokens.count; token++)
            assert_int_not_equal(tokens.items[token].id, HW_WORDPIECE_UNK);
    }
    hw_free(tokens.items);
    hw_tokenizer_scratch_free(scratch);
    hw_tokenizer_free(tokenizer);
    hw_word_bag_free(&words);
    hw_word_bag_free(&pieces);
}

static void test_tokenizer_has_the_template_and_the_ids(void **state) {
    (void)state;
    hw_word_bag pieces = train(bag_of(frequent, FREQUENT, false), 60, 2);
    hw_tokenizer *tokenizer = tokenizer_of(&pieces);
    for (uint32_t id = 0; id < pieces.count; id++) {
        const char *string = hw_tokenizer_string(tokenizer, id);
        assert_non_null(string);
        assert_memory_equal(string, pieces.items[id].text.bytes, pieces.items[id].text.length);
        assert_int_equal(hw_tokenizer_is_special(tokenizer, id), id < HW_WORDPIECE_SPECIALS);
    }
    size_t before, after;
    assert_int_equal(hw_tokenizer_before(tokenizer, &before)[0], HW_WORDPIECE_CLS);
    assert_int_equal(hw_tokenizer_after(tokenizer, &after)[0], HW_WORDPIECE_SEP);
    assert_true(before == 1 && after == 1);
    hw_tokenizer_free(tokenizer);
    hw_word_bag_free(&pieces);
}

static void test_words_are_those_of_bert(void **state) {
    (void)state;
    hw_error err;
    hw_word_bag bag = { 0 };
    hw_bert_words words = { 0 };
    assert_int_equal(hw_bert_words_init(&words, &err), HW_OK);
    const hw_text text = hw_text_of("Caf\xC3\xA9, caf\xC3\xA9!\t\xE4\xBD\xA0\xE5\xA5\xBD 2nd");
    assert_int_equal(hw_bert_words_add(&bag, &words, text, &err), HW_OK);
    uint32_t index;
    assert_true(hw_word_bag_find(&bag, &index, hw_text_of("cafe")));
    assert_int_equal(bag.items[index].count, 2);
    assert_true(has(&bag, ",") && has(&bag, "!") && has(&bag, "\xE4\xBD\xA0") &&
                has(&bag, "\xE5\xA5\xBD") && has(&bag, "2nd"));
    assert_int_equal(bag.count, 6);
    assert_int_equal(words.count, 7);
    hw_bert_words_free(&words);
    hw_word_bag_free(&bag);
}

/* ---- Faults ---------------------------------------------------------------------------------- */

static hw_status make_all(hw_error *err) {
    hw_word_bag words = { 0 }, pieces = { 0 };
    hw_bert_words stages = { 0 };
    hw_text_buffer json = { 0 };
    hw_status status = hw_bert_words_init(&stages, err);
    for (int i = 0; status == HW_OK && i < 20; i++)
        status = hw_bert_words_add(&words, &stages, hw_text_of("Low lower, lowest! newer"), err);
    if (status == HW_OK) status = hw_wordpiece_train(&pieces, &words, 100, 1, err);
    if (status == HW_OK) status = hw_wordpiece_json(&json, &pieces, err);
    hw_bert_words_free(&stages);
    hw_word_bag_free(&words);
    hw_word_bag_free(&pieces);
    hw_text_buffer_free(&json);
    return status;
}

static void test_each_allocation_may_fail(void **state) {
    (void)state;
    uint64_t tried = 0;
    for (uint64_t at = 1;; at++, tried++) {
        hw_error err = { 0 };
        hw_fault_arm(HW_FAULT_MEMORY, at, false);
        const hw_status status = make_all(&err);
        const uint64_t calls = hw_fault_calls(HW_FAULT_MEMORY);
        hw_fault_arm(HW_FAULT_MEMORY, 0, false);
        if (calls < at) {
            assert_int_equal(status, HW_OK);
            break;
        }
        assert_int_equal(status, HW_ERROR_MEMORY);
        assert_int_equal(err.status, HW_ERROR_MEMORY);
    }
    assert_true(tried > 20);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_special_tokens_come_first),
        cmocka_unit_test(test_most_frequent_pairs_are_joined_first),
        cmocka_unit_test(test_letters_stand_in_both_forms_if_they_make_words),
        cmocka_unit_test(test_rare_letters_and_pairs_are_left_out),
        cmocka_unit_test(test_order_of_words_does_not_matter),
        cmocka_unit_test(test_words_of_one_letter_repeated_are_joined_from_the_left),
        cmocka_unit_test(test_vocabulary_is_never_larger_than_asked),
        cmocka_unit_test(test_rarest_letters_go_when_there_is_no_room),
        cmocka_unit_test(test_no_words_make_special_tokens),
        cmocka_unit_test(test_overlong_words_are_not_looked_at),
        cmocka_unit_test(test_every_word_is_written_without_the_unknown_token),
        cmocka_unit_test(test_tokenizer_has_the_template_and_the_ids),
        cmocka_unit_test(test_words_are_those_of_bert),
        cmocka_unit_test(test_each_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
