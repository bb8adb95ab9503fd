/* Corrupted texts: as much is corrupted as the share says, characters and words stay whole, and a
 * corrupted text follows from the text, the kind, the share, the seed and the row alone. */
#include "study/corruption.h"

#include "base/fault.h"
#include "text/utf8.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static hw_error error;
static hw_text_buffer made;
static hw_words scratch;

static hw_text corrupt(hw_text text, hw_corruption kind, double share, uint64_t seed,
                       uint64_t row) {
    const hw_corruption_draw draw = { share, seed, row };
    assert_int_equal(hw_corrupt(&made, &scratch, text, kind, draw, &error), HW_OK);
    assert_int_equal(made.bytes[made.length], 0);
    return (hw_text){ made.bytes, made.length };
}

static int free_all(void **state) {
    (void)state;
    hw_text_buffer_free(&made);
    hw_words_free(&scratch);
    return 0;
}

/* ---- As much as the share says ------------------------------------------------------------ */

enum { PLACES = 10000 };

/* Within five deviations of PLACES draws. */
static void assert_about(size_t hits, double share) {
    const double off = (double)hits - share * PLACES;
    if (off * off > 25 * PLACES * share * (1 - share))
        fail_msg("%zu of %d places for a share of %g", hits, PLACES, share);
}

static size_t differing(const char *a, const char *b, size_t count) {
    size_t different = 0;
    for (size_t i = 0; i < count; i++) different += a[i] != b[i];
    return different;
}

static void test_a_share_of_the_characters_is_hit(void **state) {
    (void)state;
    static char text[PLACES + 1];
    memset(text, 'o', PLACES);
    for (size_t i = 0; i < HW_CORRUPTION_STRENGTHS; i++) {
        const double share = hw_corruption_shares[i];
        const hw_text all = { text, PLACES };
        assert_about(PLACES - corrupt(all, HW_CORRUPTION_DELETE, share, 1, i).length, share);
        assert_about(corrupt(all, HW_CORRUPTION_INSERT, share, 1, i).length - PLACES, share);
        const hw_text keys = corrupt(all, HW_CORRUPTION_KEYBOARD, share, 1, i);
        assert_int_equal(keys.length, PLACES);
        assert_about(differing(text, keys.bytes, PLACES), share);
        const hw_text looks = corrupt(all, HW_CORRUPTION_LOOKALIKE, share, 1, i);
        assert_int_equal(looks.length, PLACES);
        for (size_t at = 0; at < PLACES; at++)
            assert_true(looks.bytes[at] == 'o' || looks.bytes[at] == '0');
        assert_about(differing(text, looks.bytes, PLACES), share);
    }
}

/* A swap takes two characters, and none of them is swapped again. */
static void test_a_share_of_the_characters_changes_places(void **state) {
    (void)state;
    static char text[PLACES + 1];
    for (size_t i = 0; i < PLACES; i++) text[i] = (char)('a' + i % 26);
    for (size_t i = 0; i < HW_CORRUPTION_STRENGTHS; i++) {
        const double share = hw_corruption_shares[i];
        const hw_text swapped = corrupt((hw_text){ text, PLACES }, HW_CORRUPTION_SWAP, share, 1, i);
        assert_int_equal(swapped.length, PLACES);
        for (size_t at = 0; at < PLACES; at++) {
            if (swapped.bytes[at] == text[at]) continue;
            assert_int_equal(swapped.bytes[at], text[at + 1]);
            assert_int_equal(swapped.bytes[at + 1], text[at]);
            at++;
        }
        assert_about(differing(text, swapped.bytes, PLACES) / 2, share / (1 + share));
    }
}

static size_t count_words(hw_text text) {
    assert_int_equal(hw_words_split(&scratch, text, &error), HW_OK);
    return scratch.count;
}

static void test_a_share_of_the_words_is_hit(void **state) {
    (void)state;
    hw_text_buffer text = { 0 };
    for (int i = 0; i < PLACES; i++) hw_text_printf(&text, "w%d ", i);
    const hw_text all = { text.bytes, text.length };
    for (size_t i = 0; i < HW_CORRUPTION_STRENGTHS; i++) {
        const double share = hw_corruption_shares[i];
        assert_about(PLACES - count_words(corrupt(all, HW_CORRUPTION_WORD_DROP, share, 1, i)),
                     share);
        assert_about(count_words(corrupt(all, HW_CORRUPTION_FILLER, share, 1, i)) - PLACES, share);
        const hw_text cut = corrupt(all, HW_CORRUPTION_TRUNCATE, share, 1, i);
        assert_int_equal(count_words(cut), (int)(PLACES * (1 - 2.5 * share) + 0.5));
        assert_memory_equal(cut.bytes, text.bytes, cut.length);
    }
    hw_text_buffer_free(&text);
}

static int number_at(const hw_words *words, size_t i) {
    return atoi(words->normalized + words->items[i].offset + 1);
}

static void test_words_that_change_places_stay_near(void **state) {
    (void)state;
    enum { WORDS = 1000 };
    hw_text_buffer text = { 0 };
    for (int i = 0; i < WORDS; i++) hw_text_printf(&text, "w%d ", i);
    const hw_text swapped =
        corrupt((hw_text){ text.bytes, text.length }, HW_CORRUPTION_WORD_SWAP, 0.05, 1, 0);
    assert_int_equal(count_words(swapped), WORDS);
    bool seen[WORDS] = { false };
    int moved = 0;
    for (size_t i = 0; i < WORDS; i++) {
        const int number = number_at(&scratch, i);
        assert_false(seen[number]);
        seen[number] = true;
        moved += number != (int)i;
    }
    assert_true(moved > 50 && moved < 150);
    hw_text_buffer_free(&text);
}

/* ---- Whole characters and words ----------------------------------------------------------- */

static const char *const texts[] = {
    "Don't panic: the e-mail (of 1999) said 'well-known', a..b\tand x/y!",
    "\xE4\xBD\xA0\xE5\xA5\xBD\xEF\xBC\x8C\xE4\xB8\x96\xE7\x95\x8C iPhone 15 \xE5\xBE\x88\xE5\xA5"
    "\xBD\xE7\x94\xA8\xE3\x80\x82OK? \xE5\xA5\xBD",
    "caf\xC3\xA9 \xF0\x9F\x98\x80\xF0\x9F\x98\x81 na\xC3\xAFve \xC3\x9C"
    "ber",
    "a",
    "\xE5\xA5\xBD",
    " ",
    "",
};
enum { TEXTS = sizeof texts / sizeof *texts, ROWS = 60 };
static const double shares[] = { 0, 0.05, 0.2, 0.4, 1 };
enum { SHARES = sizeof shares / sizeof *shares };

static void test_utf8_stays_valid(void **state) {
    (void)state;
    for (size_t i = 0; i < TEXTS; i++)
        for (hw_corruption kind = 0; kind < HW_CORRUPTIONS; kind++)
            for (size_t share = 0; share < SHARES - 1; share++)
                for (uint64_t row = 0; row < ROWS; row++) {
                    const hw_text text = corrupt(hw_text_of(texts[i]), kind, shares[share], 1, row);
                    assert_true(hw_utf8_is_valid(text.bytes, text.length));
                }
}

static bool has_word(const hw_words *words, const hw_words *of, size_t i) {
    for (size_t at = 0; at < words->count; at++)
        if (words->items[at].hash == of->items[i].hash) return true;
    return false;
}

/* However they are dropped, moved and repeated, no two words grow together, and no space is left
 * beside a Chinese character where it would be a word. */
static void test_corrupted_words_are_words_of_the_text(void **state) {
    (void)state;
    hw_words own = { 0 }, left = { 0 };
    for (size_t i = 0; i < TEXTS; i++)
        for (hw_corruption kind = HW_CORRUPTION_WORD_DROP; kind < HW_CORRUPTIONS; kind++)
            for (size_t share = 0; share < SHARES - 1; share++)
                for (uint64_t row = 0; row < ROWS; row++) {
                    const hw_text text = corrupt(hw_text_of(texts[i]), kind, shares[share], 1, row);
                    assert_int_equal(hw_words_split(&left, text, &error), HW_OK);
                    assert_int_equal(hw_words_split(&own, hw_text_of(texts[i]), &error), HW_OK);
                    for (size_t word = 0; word < left.count; word++)
                        if (!has_word(&own, &left, word))
                            fail_msg("%s: \"%s\" became \"%s\"", hw_corruption_name(kind), texts[i],
                                     text.bytes);
                }
    hw_words_free(&own);
    hw_words_free(&left);
}

static void test_without_a_share_the_words_are_the_same(void **state) {
    (void)state;
    hw_words own = { 0 }, left = { 0 };
    for (size_t i = 0; i < TEXTS; i++)
        for (hw_corruption kind = 0; kind < HW_CORRUPTIONS; kind++) {
            assert_int_equal(hw_words_split(&own, hw_text_of(texts[i]), &error), HW_OK);
            const hw_text text = corrupt(hw_text_of(texts[i]), kind, 0, 1, 7);
            assert_int_equal(hw_words_split(&left, text, &error), HW_OK);
            assert_int_equal(left.count, own.count);
            for (size_t word = 0; word < left.count; word++)
                assert_true(left.items[word].hash == own.items[word].hash);
        }
    hw_words_free(&own);
    hw_words_free(&left);
}

static void test_any_bytes_are_survived(void **state) {
    (void)state;
    static const char bytes[] = "\xFF\xFE"
                                "abc\xE4\xB8 \x80\xC3";
    for (hw_corruption kind = 0; kind < HW_CORRUPTIONS; kind++)
        for (uint64_t row = 0; row < ROWS; row++)
            for (size_t share = 0; share < SHARES - 1; share++)
                for (size_t length = 0; length < sizeof bytes; length++) {
                    /* At the end of a block, so that a byte too many is seen. */
                    char *copy = malloc(length ? length : 1);
                    memcpy(copy, bytes, length);
                    const hw_text text =
                        corrupt((hw_text){ copy, length }, kind, shares[share], 1, row);
                    assert_true(text.length <= 2 * length + 2 * length);
                    free(copy);
                }
}

static void test_everything_may_be_hit(void **state) {
    (void)state;
    const hw_text abc = hw_text_of("abcd");
    assert_string_equal(corrupt(abc, HW_CORRUPTION_DELETE, 1, 1, 0).bytes, "");
    assert_string_equal(corrupt(abc, HW_CORRUPTION_SWAP, 1, 1, 0).bytes, "badc");
    assert_string_equal(corrupt(hw_text_of("Sol"), HW_CORRUPTION_LOOKALIKE, 1, 1, 0).bytes, "501");
    assert_int_equal(corrupt(abc, HW_CORRUPTION_INSERT, 1, 1, 0).length, 8);
    assert_string_equal(corrupt(abc, HW_CORRUPTION_WORD_DROP, 1, 1, 0).bytes, "");
    assert_string_equal(corrupt(abc, HW_CORRUPTION_FILLER, 1, 1, 0).bytes, "abcd abcd");
    assert_string_equal(corrupt(hw_text_of("a b"), HW_CORRUPTION_WORD_SWAP, 1, 1, 0).bytes, "b a");
    assert_string_equal(corrupt(hw_text_of("\xE5\xA5\xBD"), HW_CORRUPTION_INSERT, 1, 1, 0).bytes,
                        "\xE5\xA5\xBD\xE5\xA5\xBD");
    const hw_text keys = corrupt(abc, HW_CORRUPTION_KEYBOARD, 1, 1, 0);
    for (size_t i = 0; i < 4; i++) assert_true(keys.bytes[i] != abc.bytes[i]);
}

/* ---- What it follows from ----------------------------------------------------------------- */

static void test_a_corruption_follows_from_its_draw_alone(void **state) {
    (void)state;
    static const char text[] = "the quick brown fox jumps over the lazy dog, and the dog sleeps on "
                               "while one more fox comes slowly out of the dark brown wood";
    for (hw_corruption kind = 0; kind < HW_CORRUPTIONS; kind++) {
        char *first = strdup(corrupt(hw_text_of(text), kind, 0.2, 3, 5).bytes);
        corrupt(hw_text_of("another text"), (kind + 1) % HW_CORRUPTIONS, 0.4, 9, 1);
        assert_string_equal(corrupt(hw_text_of(text), kind, 0.2, 3, 5).bytes, first);
        hw_text_buffer fresh = { 0 };
        hw_words words = { 0 };
        const hw_corruption_draw draw = { 0.2, 3, 5 };
        assert_int_equal(hw_corrupt(&fresh, &words, hw_text_of(text), kind, draw, &error), HW_OK);
        assert_string_equal(fresh.bytes, first);
        hw_text_buffer_free(&fresh);
        hw_words_free(&words);
        if (kind != HW_CORRUPTION_TRUNCATE) {
            assert_string_not_equal(corrupt(hw_text_of(text), kind, 0.2, 4, 5).bytes, first);
            assert_string_not_equal(corrupt(hw_text_of(text), kind, 0.2, 3, 6).bytes, first);
        }
        free(first);
    }
}

static void test_lack_of_memory_is_told(void **state) {
    (void)state;
    for (hw_corruption kind = 0; kind < HW_CORRUPTIONS; kind++)
        for (uint64_t at = 1;; at++) {
            hw_text_buffer fresh = { 0 };
            hw_words words = { 0 };
            hw_fault_arm(HW_FAULT_MEMORY, at, false);
            const hw_status status = hw_corrupt(&fresh, &words, hw_text_of(texts[0]), kind,
                                                (hw_corruption_draw){ 0.4, 1, 1 }, &error);
            const uint64_t calls = hw_fault_calls(HW_FAULT_MEMORY);
            hw_fault_arm(HW_FAULT_MEMORY, 0, false);
            hw_text_buffer_free(&fresh);
            hw_words_free(&words);
            if (calls < at) break;
            assert_int_equal(status, HW_ERROR_MEMORY);
        }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_share_of_the_characters_is_hit),
        cmocka_unit_test(test_a_share_of_the_characters_changes_places),
        cmocka_unit_test(test_a_share_of_the_words_is_hit),
        cmocka_unit_test(test_words_that_change_places_stay_near),
        cmocka_unit_test(test_utf8_stays_valid),
        cmocka_unit_test(test_corrupted_words_are_words_of_the_text),
        cmocka_unit_test(test_without_a_share_the_words_are_the_same),
        cmocka_unit_test(test_any_bytes_are_survived),
        cmocka_unit_test(test_everything_may_be_hit),
        cmocka_unit_test(test_a_corruption_follows_from_its_draw_alone),
        cmocka_unit_test(test_lack_of_memory_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, free_all);
}
