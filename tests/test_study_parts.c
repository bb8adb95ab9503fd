/* The parts of a study and their variants: no text is in two parts, labels and words are what a
 * variant says, and turning a text of the order task round turns its label round. */
#include "study/parts.h"

#include "base/fault.h"
#include "base/random.h"
#include "text/words.h"
#include "toy_data.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static hw_error error;

/* Rows whose texts are all different; labels a, b and c of 100, 60 and 40 in each 200. */
static void write_rows(const char *path, int rows, const char *prefix) {
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    for (int row = 0; row < rows; row++) {
        const int place = row * 7 % 20;
        fprintf(file, "%c\t%s%d shared%d\n", "abc"[(place >= 10) + (place >= 16)], prefix, row,
                (int)hw_random_below(1, 2, (uint64_t)row, 40));
    }
    assert_int_equal(fclose(file), 0);
}

static hw_parts load(const char *input, const char *valid, const char *test) {
    hw_parts parts = { 0 };
    const hw_study_options options = { .input = input, .valid = valid, .test = test };
    if (hw_parts_load(&parts, &options, &error) != HW_OK) fail_msg("%s", error.message);
    return parts;
}

static void assert_refused(const char *input, const char *test, const char *why) {
    hw_parts parts = { 0 };
    const hw_study_options options = { .input = input, .test = test };
    const hw_status status = hw_parts_load(&parts, &options, &error);
    hw_parts_free(&parts);
    assert_int_equal(status, error.status);
    if (!strstr(error.message, why)) fail_msg("\"%s\" is not in: %s", why, error.message);
}

static hw_parts vary(const hw_parts *parts, hw_variant variant, int32_t level, uint64_t seed) {
    hw_parts made = { 0 };
    if (hw_parts_vary(&made, parts, variant, level, seed, &error) != HW_OK)
        fail_msg("%s", error.message);
    return made;
}

static bool is_same(hw_text a, hw_text b) {
    return a.length == b.length && memcmp(a.bytes, b.bytes, a.length) == 0;
}

/* The row with that text, or dataset->count. */
static size_t row_of(const hw_dataset *dataset, hw_text text) {
    size_t row = 0;
    while (row < dataset->count && !is_same(dataset->examples[row].text, text)) row++;
    return row;
}

static bool has(const hw_dataset *dataset, hw_text text) {
    return row_of(dataset, text) < dataset->count;
}

static const char *label_of(const hw_dataset *dataset, size_t row, uint32_t i) {
    return dataset->label_names[dataset->label_index[dataset->examples[row].first_label + i]];
}

static size_t carriers(const hw_dataset *dataset, const char *label) {
    const int32_t found = hw_dataset_find_label(dataset, hw_text_of(label));
    return found < 0 ? 0 : dataset->label_examples[found];
}

/* ---- Loading ------------------------------------------------------------------------------ */

static void test_parts_of_one_file_share_no_text(void **state) {
    (void)state;
    write_rows("all", 200, "row");
    hw_dataset *all = hw_dataset_load("all", &(hw_reader_options){ 0 }, &error);
    hw_parts parts = load("all", NULL, NULL);
    for (size_t row = 0; row < all->count; row++) {
        const hw_text text = all->examples[row].text;
        const int places = has(parts.train, text) + has(parts.dev, text) + has(parts.test, text);
        assert_int_equal(places, 1);
    }
    assert_int_equal(parts.train->count + parts.dev->count + parts.test->count, all->count);
    hw_parts_free(&parts);
    hw_dataset_free(all);
}

static void test_parts_have_the_same_shares_of_labels(void **state) {
    (void)state;
    write_rows("all", 200, "row");
    hw_parts parts = load("all", NULL, NULL);
    static const char *const labels[] = { "a", "b", "c" };
    static const size_t tenth[] = { 10, 6, 4 };
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(carriers(parts.dev, labels[i]), tenth[i]);
        assert_int_equal(carriers(parts.test, labels[i]), 2 * tenth[i]);
        assert_int_equal(carriers(parts.train, labels[i]), 7 * tenth[i]);
    }
    hw_parts_free(&parts);
}

static void test_files_that_are_given_are_used_as_they_are(void **state) {
    (void)state;
    write_rows("all", 100, "row");
    write_rows("valid", 30, "valid");
    write_rows("test", 40, "test");
    const hw_reader_options reader = { 0 };
    hw_dataset *all = hw_dataset_load("all", &reader, &error);
    hw_dataset *valid = hw_dataset_load("valid", &reader, &error);
    hw_dataset *test = hw_dataset_load("test", &reader, &error);
    hw_parts both = load("all", "valid", "test"), one = load("all", NULL, "test");
    assert_int_equal(both.train->checksum, all->checksum);
    assert_int_equal(both.dev->checksum, valid->checksum);
    assert_int_equal(both.test->checksum, test->checksum);
    assert_int_equal(one.test->checksum, test->checksum);
    assert_int_equal(one.dev->count, 10);
    assert_int_equal(one.train->count, 90);
    for (size_t row = 0; row < one.dev->count; row++)
        assert_false(has(one.train, one.dev->examples[row].text));
    hw_parts_free(&both);
    hw_parts_free(&one);
    hw_dataset_free(all);
    hw_dataset_free(valid);
    hw_dataset_free(test);
}

static void test_data_that_no_study_can_be_made_of_are_refused(void **state) {
    (void)state;
    write_rows("all", 40, "row");
    toy_write_text("alike", "a\tone\na\ttwo\na\tthree\na\tfour\na\tfive\na\tsix\na\tseven\n");
    toy_write_text("single", "a\tone\n");
    toy_write_text("two", "a\tone\nb\ttwo\n");
    assert_refused("alike", NULL, "alike: only one label");
    assert_refused("all", "single", "single: only one text to test with");
    assert_refused("two", NULL, "too few texts for a study");
    assert_refused("missing", NULL, "missing");
    assert_refused("all", "missing", "missing");
    assert_int_equal(error.status, HW_ERROR_IO);
}

/* ---- Fewer rows, wrong labels, pairs ------------------------------------------------------ */

static void assert_same_but_train(const hw_parts *made, const hw_parts *parts) {
    assert_int_equal(made->dev->checksum, parts->dev->checksum);
    assert_int_equal(made->test->checksum, parts->test->checksum);
}

static void test_a_fraction_is_part_of_every_larger_one(void **state) {
    (void)state;
    write_rows("all", 1000, "row");
    hw_parts parts = load("all", NULL, NULL);
    static const int32_t levels[] = { 10, 30, 100 };
    hw_parts made[3];
    for (size_t i = 0; i < 3; i++) {
        made[i] = vary(&parts, HW_VARIANT_FRACTION, levels[i], 5);
        assert_same_but_train(&made[i], &parts);
        const double expected = 7 * levels[i];
        assert_true(abs((int)made[i].train->count - (int)expected) <= 60); /* 4.9 deviations */
    }
    for (size_t i = 0; i < 2; i++)
        for (size_t row = 0; row < made[i].train->count; row++)
            assert_true(has(made[i + 1].train, made[i].train->examples[row].text));
    assert_int_equal(made[2].train->checksum, parts.train->checksum);
    hw_parts other = vary(&parts, HW_VARIANT_FRACTION, 30, 6);
    assert_true(other.train->checksum != made[1].train->checksum);
    for (size_t i = 0; i < 3; i++) hw_parts_free(&made[i]);
    hw_parts_free(&other);
    hw_parts_free(&parts);
}

static bool is_mislabelled(const hw_parts *made, const hw_parts *parts, size_t row) {
    return strcmp(label_of(made->train, row, 0), label_of(parts->train, row, 0)) != 0;
}

static void test_noise_gives_as_many_rows_as_it_says_another_label(void **state) {
    (void)state;
    write_rows("all", 1000, "row");
    hw_parts parts = load("all", NULL, NULL);
    static const int32_t levels[] = { 0, 20, 40, 100 };
    hw_parts made[4];
    for (size_t i = 0; i < 4; i++) {
        made[i] = vary(&parts, HW_VARIANT_NOISE, levels[i], 3);
        assert_same_but_train(&made[i], &parts);
        assert_int_equal(made[i].train->count, parts.train->count);
        int wrong = 0;
        for (size_t row = 0; row < parts.train->count; row++) {
            assert_true(
                is_same(made[i].train->examples[row].text, parts.train->examples[row].text));
            const bool is_wrong = is_mislabelled(&made[i], &parts, row);
            wrong += is_wrong;
            if (i > 0 && !is_wrong) assert_false(is_mislabelled(&made[i - 1], &parts, row));
        }
        const int off = abs(wrong - 7 * levels[i]);
        assert_true(levels[i] % 100 ? off <= 65 : off == 0); /* 5 deviations */
    }
    assert_int_equal(made[0].train->checksum, parts.train->checksum);
    for (size_t i = 0; i < 4; i++) hw_parts_free(&made[i]);
    hw_parts_free(&parts);
}

static void test_noise_gives_each_other_label_alike(void **state) {
    (void)state;
    write_rows("all", 1000, "row");
    hw_parts parts = load("all", NULL, NULL);
    hw_parts made = vary(&parts, HW_VARIANT_NOISE, 100, 9);
    int b = 0, all = 0;
    for (size_t row = 0; row < parts.train->count; row++) {
        if (strcmp(label_of(parts.train, row, 0), "a") != 0) continue;
        all++;
        b += strcmp(label_of(made.train, row, 0), "b") == 0;
    }
    assert_int_equal(all, 350);
    assert_true(abs(b - all / 2) < 47); /* 5 deviations */
    hw_parts_free(&made);
    hw_parts_free(&parts);
}

static void test_pairs_have_the_texts_and_labels_of_both(void **state) {
    (void)state;
    write_rows("all", 200, "row");
    hw_parts parts = load("all", NULL, NULL);
    hw_parts made = vary(&parts, HW_VARIANT_PAIRS, 0, 4);
    assert_int_equal(made.train->checksum, parts.train->checksum);
    assert_int_equal(made.dev->checksum, parts.dev->checksum);
    assert_int_equal(made.test->count, parts.test->count);
    for (size_t row = 0; row < made.test->count; row++) {
        const hw_text pair = made.test->examples[row].text, own = parts.test->examples[row].text;
        assert_int_equal(made.test->examples[row].labels, 2);
        assert_true(is_same((hw_text){ pair.bytes, own.length }, own));
        assert_int_equal(pair.bytes[own.length], ' ');
        const hw_text rest = { pair.bytes + own.length + 1, pair.length - own.length - 1 };
        const size_t other = row_of(parts.test, rest);
        assert_true(other < parts.test->count);
        const char *first = label_of(parts.test, row, 0), *second = label_of(parts.test, other, 0);
        assert_string_not_equal(first, second);
        for (uint32_t i = 0; i < 2; i++) {
            const char *label = label_of(made.test, row, i);
            assert_true(strcmp(label, first) == 0 || strcmp(label, second) == 0);
        }
    }
    hw_parts_free(&made);
    hw_parts_free(&parts);
}

static void test_variants_of_texts_with_several_labels(void **state) {
    (void)state;
    toy_write("multi", (toy_shape){ .rows = 200, .labels = 4, .multi_label = true, .seed = 3 });
    hw_parts parts = load("multi", NULL, NULL);
    assert_true(parts.train->multi_label);
    hw_parts plain = vary(&parts, HW_VARIANT_PLAIN, 0, 1);
    assert_int_equal(plain.train->checksum, parts.train->checksum);
    assert_same_but_train(&plain, &parts);
    hw_parts noisy = vary(&parts, HW_VARIANT_NOISE, 100, 1);
    for (size_t row = 0; row < noisy.train->count; row++) {
        assert_int_equal(noisy.train->examples[row].labels, 1);
        assert_string_not_equal(label_of(noisy.train, row, 0), label_of(parts.train, row, 0));
    }
    hw_parts_free(&plain);
    hw_parts_free(&noisy);
    hw_parts_free(&parts);
}

/* ---- The order task ----------------------------------------------------------------------- */

enum { ENDS = 8, NOT_SEEN = 0, RISING, FALLING };

/* What a data set of the order task says of its words. */
typedef struct seen {
    char ends[ENDS][32];
    size_t count;
    int label[ENDS][ENDS];
} seen;

static size_t end_index(seen *s, const char *word) {
    for (size_t i = 0; i < s->count; i++)
        if (strcmp(s->ends[i], word) == 0) return i;
    assert_true(s->count < ENDS);
    snprintf(s->ends[s->count], sizeof *s->ends, "%s", word);
    return s->count++;
}

static void take_word(char word[32], const hw_words *words, size_t i) {
    snprintf(word, 32, "%.*s", (int)words->items[i].length,
             words->normalized + words->items[i].offset);
}

/* The second word and the last but one decide, and `distance` words are between them. */
static void look_at(seen *s, const hw_dataset *dataset, size_t distance) {
    hw_words words = { 0 };
    for (size_t row = 0; row < dataset->count; row++) {
        assert_int_equal(hw_words_split(&words, dataset->examples[row].text, &error), HW_OK);
        assert_int_equal(words.count, distance + 4);
        char first[32], last[32];
        take_word(first, &words, 1);
        take_word(last, &words, words.count - 2);
        const int label = strcmp(label_of(dataset, row, 0), "rising") == 0 ? RISING : FALLING;
        int *known = &s->label[end_index(s, first)][end_index(s, last)];
        assert_true(*known == NOT_SEEN || *known == label);
        *known = label;
    }
    hw_words_free(&words);
}

static void assert_no_end_is_a_filler(const seen *s, const hw_dataset *dataset) {
    hw_words words = { 0 };
    for (size_t row = 0; row < dataset->count; row++) {
        assert_int_equal(hw_words_split(&words, dataset->examples[row].text, &error), HW_OK);
        for (size_t i = 0; i < words.count; i++) {
            char word[32];
            take_word(word, &words, i);
            bool is_end = false;
            for (size_t end = 0; end < ENDS; end++) is_end |= strcmp(word, s->ends[end]) == 0;
            assert_true(is_end == (i == 1 || i == words.count - 2));
        }
    }
    hw_words_free(&words);
}

/* Ranks are the numbers of words that come before: 0 to 7, each once. */
static void assert_ordered(const seen *s) {
    int with_rank[ENDS] = { 0 };
    assert_int_equal(s->count, ENDS);
    for (size_t a = 0; a < ENDS; a++) {
        size_t rank = 0;
        for (size_t b = 0; b < ENDS; b++) {
            if (a == b) continue;
            assert_true(s->label[a][b] != NOT_SEEN);
            assert_true(s->label[a][b] != s->label[b][a]);
            rank += s->label[b][a] == RISING;
        }
        with_rank[rank]++;
    }
    for (size_t rank = 0; rank < ENDS; rank++) assert_int_equal(with_rank[rank], 1);
}

static void check_order_task(const char *path, size_t distance) {
    hw_parts parts = load(path, NULL, NULL);
    hw_parts made = vary(&parts, HW_VARIANT_ORDER, (int32_t)distance, 2);
    seen s = { 0 };
    look_at(&s, made.train, distance);
    look_at(&s, made.dev, distance);
    look_at(&s, made.test, distance);
    assert_ordered(&s);
    assert_no_end_is_a_filler(&s, made.test);
    const double rising = (double)carriers(made.train, "rising") / (double)made.train->count;
    assert_true(rising > 0.44 && rising < 0.56);
    hw_parts again = vary(&parts, HW_VARIANT_ORDER, (int32_t)distance, 2);
    hw_parts other = vary(&parts, HW_VARIANT_ORDER, (int32_t)distance, 3);
    assert_int_equal(again.train->checksum, made.train->checksum);
    assert_true(other.train->checksum != made.train->checksum);
    hw_parts_free(&again);
    hw_parts_free(&other);
    hw_parts_free(&made);
    hw_parts_free(&parts);
}

static void test_order_task_says_which_of_two_words_comes_first(void **state) {
    (void)state;
    write_rows("all", 200, "row");
    check_order_task("all", 0);
    check_order_task("all", 4);
    check_order_task("all", 64);
}

static void test_order_task_of_chinese_words(void **state) {
    (void)state;
    FILE *file = fopen("chinese", "w");
    assert_non_null(file);
    for (uint64_t row = 0; row < 60; row++) {
        fprintf(file, "%c\t", row % 2 ? 'a' : 'b');
        for (uint64_t i = 0; i < 8; i++) {
            const int code = 0x4E00 + (int)hw_random_below(1, i, row, 30);
            fprintf(file, "%c%c%c", 0xE0 | code >> 12, 0x80 | (code >> 6 & 63), 0x80 | (code & 63));
        }
        fprintf(file, "\xEF\xBC\x8C iphone%d\n", (int)(row % 3));
    }
    fclose(file);
    check_order_task("chinese", 5);
}

static void test_order_task_needs_sixteen_words(void **state) {
    (void)state;
    toy_write_text("poor", "a\tone two\nb\tthree\na\tone\nb\tfour\na\tsix\nb\tten\na\tone\n"
                           "b\ttwo\na\tone\nb\tone\na\tone\nb\ttwo\na\t! !\nb\t? ?\n");
    hw_parts parts = load("poor", NULL, NULL), made = { 0 };
    assert_int_equal(hw_parts_vary(&made, &parts, HW_VARIANT_ORDER, 4, 1, &error),
                     HW_ERROR_UNSUPPORTED);
    assert_non_null(strstr(error.message, "needs 16"));
    hw_parts_free(&made);
    hw_parts_free(&parts);
}

/* ---- Faults ------------------------------------------------------------------------------- */

static hw_status make(hw_variant variant, int32_t level) {
    hw_parts parts = { 0 }, made = { 0 };
    const hw_study_options options = { .input = "all" };
    hw_status status = hw_parts_load(&parts, &options, &error);
    if (status == HW_OK) status = hw_parts_vary(&made, &parts, variant, level, 1, &error);
    hw_parts_free(&made);
    hw_parts_free(&parts);
    return status;
}

static void test_lack_of_memory_is_told(void **state) {
    (void)state;
    write_rows("all", 30, "row");
    for (hw_variant variant = 0; variant < HW_VARIANTS; variant++) {
        uint64_t calls;
        for (uint64_t at = 1;; at += at < 200 ? 1 : 13) {
            hw_fault_arm(HW_FAULT_MEMORY, at, false);
            const hw_status status = make(variant, 50);
            calls = hw_fault_calls(HW_FAULT_MEMORY);
            hw_fault_arm(HW_FAULT_MEMORY, 0, false);
            if (calls < at) break;
            assert_int_equal(status, HW_ERROR_MEMORY);
            assert_int_equal(error.status, HW_ERROR_MEMORY);
        }
        assert_true(calls > 50);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parts_of_one_file_share_no_text),
        cmocka_unit_test(test_parts_have_the_same_shares_of_labels),
        cmocka_unit_test(test_files_that_are_given_are_used_as_they_are),
        cmocka_unit_test(test_data_that_no_study_can_be_made_of_are_refused),
        cmocka_unit_test(test_a_fraction_is_part_of_every_larger_one),
        cmocka_unit_test(test_noise_gives_as_many_rows_as_it_says_another_label),
        cmocka_unit_test(test_noise_gives_each_other_label_alike),
        cmocka_unit_test(test_pairs_have_the_texts_and_labels_of_both),
        cmocka_unit_test(test_variants_of_texts_with_several_labels),
        cmocka_unit_test(test_order_task_says_which_of_two_words_comes_first),
        cmocka_unit_test(test_order_task_of_chinese_words),
        cmocka_unit_test(test_order_task_needs_sixteen_words),
        cmocka_unit_test(test_lack_of_memory_is_told),
    };
    return cmocka_run_group_tests(tests, toy_enter_folder, toy_leave_folder);
}
