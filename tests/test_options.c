/* The option table and its parser. */
#include "../app/options.h"
#include "../app/spelling.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static arguments args;
static char message[USAGE_MESSAGE];

/* Splits a line at blanks and parses it. */
static bool parse(verb_id verb, const char *line) {
    static char copy[1024];
    char *words[64];
    int count = 0;
    snprintf(copy, sizeof copy, "%s", line);
    for (char *word = strtok(copy, " "); word; word = strtok(NULL, " ")) words[count++] = word;
    return arguments_parse(&args, verb, count, words, message);
}

static void test_one_dash_and_two_are_the_same(void **state) {
    (void)state;
    assert_true(parse(VERB_TRAIN, "-epoch 3 --lr 0.5 --dim=32 -seed=9"));
    assert_int_equal(args.values[OPTION_EPOCH].whole, 3);
    assert_true(args.values[OPTION_LR].number == 0.5);
    assert_int_equal(args.values[OPTION_DIM].whole, 32);
    assert_int_equal(args.values[OPTION_SEED].whole, 9);
}

static void test_camel_case_has_a_hyphenated_spelling(void **state) {
    (void)state;
    assert_true(parse(VERB_TRAIN, "--word-ngrams 4 --min-count-label 2"));
    assert_int_equal(args.values[OPTION_WORD_NGRAMS].whole, 4);
    assert_int_equal(args.values[OPTION_MIN_COUNT_LABEL].whole, 2);
    assert_true(parse(VERB_TRAIN, "-wordNgrams 5"));
    assert_int_equal(args.values[OPTION_WORD_NGRAMS].whole, 5);
    assert_false(parse(VERB_TRAIN, "-wordngrams 5"));
    assert_false(parse(VERB_TRAIN, "-word-Ngrams 5"));
}

static void test_abbreviations_are_refused(void **state) {
    (void)state;
    assert_false(parse(VERB_TRAIN, "-lo ova"));
    assert_false(parse(VERB_TRAIN, "-epo 5"));
    assert_non_null(strstr(message, "did you mean -epoch?"));
    assert_false(parse(VERB_TRAIN, "-epochx 5"));
}

static void test_the_last_of_repeated_options_counts(void **state) {
    (void)state;
    assert_true(parse(VERB_TRAIN, "-epoch 3 -epoch 4"));
    assert_int_equal(args.values[OPTION_EPOCH].whole, 4);
}

static void test_positional_arguments_mix_with_options(void **state) {
    (void)state;
    assert_true(parse(VERB_PREDICT, "model --json - -thread 2 -1 .5"));
    assert_int_equal(args.positionals, 4);
    assert_string_equal(args.positional[1], "-");
    assert_string_equal(args.positional[2], "-1");
    assert_string_equal(args.positional[3], ".5");
    assert_true(is_given(&args, OPTION_JSON));
}

static void test_two_dashes_end_the_options(void **state) {
    (void)state;
    assert_true(parse(VERB_PREDICT, "-- model --json -h"));
    assert_int_equal(args.positionals, 3);
    assert_string_equal(args.positional[1], "--json");
    assert_false(is_given(&args, OPTION_JSON));
    assert_false(is_given(&args, OPTION_HELP));
}

static void test_help_wins_over_errors(void **state) {
    (void)state;
    assert_true(parse(VERB_TRAIN, "-epoch abc --help"));
    assert_true(is_given(&args, OPTION_HELP));
}

static void test_every_numeric_option_names_its_range(void **state) {
    (void)state;
    static const char *const wrong[] = { "abc", "",    "1e308", "nan", "inf",
                                         "5x",  "0x9", "--",    "1 2", "99999999999999999999" };
    for (int id = 0; id < OPTION_COUNT; id++) {
        const option_info *option = &option_table[id];
        const bool is_wide = option->group == GROUP_IGNORED || option->highest > 1e18;
        if (option->kind != KIND_WHOLE && option->kind != KIND_NUMBER) continue;
        for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
            option_value value;
            if (option->kind == KIND_NUMBER && (is_wide || strcmp(wrong[i], "0x9") == 0)) continue;
            assert_false(option_read(&value, (option_id)id, wrong[i], message));
            assert_non_null(strstr(message, option->name));
            if (!is_wide) assert_non_null(strstr(message, " from "));
        }
    }
}

static void test_the_ends_of_a_range_are_in_it(void **state) {
    (void)state;
    for (int id = 0; id < OPTION_COUNT; id++) {
        const option_info *option = &option_table[id];
        char text[64];
        option_value value;
        if (option->kind != KIND_WHOLE || option->highest > 1e18) continue;
        snprintf(text, sizeof text, "%.0f", option->lowest);
        assert_true(option_read(&value, (option_id)id, text, message));
        snprintf(text, sizeof text, "%.0f", option->highest);
        assert_true(option_read(&value, (option_id)id, text, message));
        snprintf(text, sizeof text, "%.0f", option->highest + 1);
        assert_false(option_read(&value, (option_id)id, text, message));
        snprintf(text, sizeof text, "%.0f", option->lowest - 1);
        assert_false(option_read(&value, (option_id)id, text, message));
    }
}

static void test_every_choice_is_accepted(void **state) {
    (void)state;
    for (int id = 0; id < OPTION_COUNT; id++) {
        if (option_table[id].kind != KIND_CHOICE) continue;
        char words[128];
        snprintf(words, sizeof words, "%s", option_table[id].argument);
        for (char *word = strtok(words, "|"); word; word = strtok(NULL, "|")) {
            option_value value;
            assert_true(option_read(&value, (option_id)id, word, message));
        }
        option_value value;
        if (strchr(option_table[id].argument, '|'))
            assert_false(option_read(&value, (option_id)id, option_table[id].argument, message));
    }
}

static const char *bare_name(int id) {
    return option_table[id].name + strspn(option_table[id].name, "-");
}

static void test_no_verb_has_two_options_of_one_name(void **state) {
    (void)state;
    for (int a = 0; a < OPTION_COUNT; a++) {
        for (int b = 0; b < OPTION_COUNT; b++) {
            if (a == b || !(option_table[a].verbs & option_table[b].verbs)) continue;
            assert_string_not_equal(bare_name(a), bare_name(b));
            assert_string_not_equal(bare_name(a), option_table[b].alias);
        }
    }
}

static void test_verbs_are_found_and_suggested(void **state) {
    (void)state;
    assert_int_equal(verb_find("supervised"), VERB_TRAIN);
    assert_int_equal(verb_find("predict-prob"), VERB_PREDICT_PROB);
    assert_int_equal(verb_find("predict-"), VERB_COUNT);
    assert_int_equal(verb_nearest("trian"), VERB_TRAIN);
    assert_int_equal(verb_nearest("something"), VERB_COUNT);
}

static void test_spelling_distance_counts_edits(void **state) {
    (void)state;
    assert_int_equal(spelling_distance("", ""), 0);
    assert_int_equal(spelling_distance("kitten", "sitting"), 3);
    assert_int_equal(spelling_distance("train", "trian"), 1);
    assert_int_equal(spelling_distance("", "abc"), 3);
    char word[200];
    memset(word, 'x', sizeof word - 1);
    word[sizeof word - 1] = '\0';
    assert_true(spelling_distance(word, "x") == SIZE_MAX);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_dash_and_two_are_the_same),
        cmocka_unit_test(test_camel_case_has_a_hyphenated_spelling),
        cmocka_unit_test(test_abbreviations_are_refused),
        cmocka_unit_test(test_the_last_of_repeated_options_counts),
        cmocka_unit_test(test_positional_arguments_mix_with_options),
        cmocka_unit_test(test_two_dashes_end_the_options),
        cmocka_unit_test(test_help_wins_over_errors),
        cmocka_unit_test(test_every_numeric_option_names_its_range),
        cmocka_unit_test(test_the_ends_of_a_range_are_in_it),
        cmocka_unit_test(test_every_choice_is_accepted),
        cmocka_unit_test(test_no_verb_has_two_options_of_one_name),
        cmocka_unit_test(test_verbs_are_found_and_suggested),
        cmocka_unit_test(test_spelling_distance_counts_edits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
