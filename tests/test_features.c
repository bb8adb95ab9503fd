/* TF-IDF features against a naive computation. */
#include "base/fault.h"
#include "base/random.h"
#include "classify/features.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

enum { MEMBERS = 300 };

/* What is not a multiple of 3 is rarer, so its idf is larger. */
static void fill_idf(float *idf) {
    for (size_t member = 0; member < MEMBERS; member++)
        idf[member] = 1 + (float)(member % 3) * 0.7f;
}

enum { LONGEST = 4000 };

/* n-grams [0, words) are of words, the others of characters, each of a word of its own; there are
 * as many words as n-grams. */
static hw_status make(hw_features *features, const int32_t *found, size_t count, size_t words,
                      const float *idf) {
    uint32_t characters[LONGEST];
    size_t known = 0;
    for (size_t i = words; i < count; i++)
        if (found[i] != HW_ABSENT) characters[known++] = (uint32_t)found[i];
    const hw_known_ngrams ngrams = { .words = found,
                                     .word_count = words,
                                     .characters = characters,
                                     .character_count = known,
                                     .share = count ? (double)(count - words) / (double)count : 0 };
    return hw_features_make(features, &ngrams, MEMBERS, idf, NULL);
}

static void test_values_are_tf_times_idf_over_the_norm(void **state) {
    (void)state;
    float idf[MEMBERS];
    fill_idf(idf);
    /* 7 three times, 2 once; then characters: 9 twice */
    static const int32_t found[] = { 7, 2, HW_ABSENT, 7, 7, 9, HW_ABSENT, 9 };
    hw_features features = { 0 };
    assert_int_equal(make(&features, found, 8, 5, idf), HW_OK);
    assert_int_equal(features.count, 3);
    const double seven = (1 + log(3)) * (double)idf[7], two = (double)idf[2];
    const double norm = sqrt(seven * seven + two * two);
    assert_int_equal(features.items[0].index, 7);
    assert_true(fabs((double)features.items[0].value - seven / norm) < 1e-6);
    assert_int_equal(features.items[1].index, 2);
    assert_true(fabs((double)features.items[1].value - two / norm) < 1e-6);
    assert_int_equal(features.items[2].index, 9);
    assert_true(fabs((double)features.items[2].value - 3.0 / 8) < 1e-6); /* of 8 words, 3 */
    hw_features_free(&features);
}

static void test_nothing_known_gives_no_features(void **state) {
    (void)state;
    float idf[MEMBERS];
    fill_idf(idf);
    static const int32_t unknown[] = { HW_ABSENT, HW_ABSENT };
    hw_features features = { 0 };
    assert_int_equal(make(&features, unknown, 2, 1, idf), HW_OK);
    assert_int_equal(features.count, 0);
    assert_int_equal(make(&features, NULL, 0, 0, idf), HW_OK);
    assert_int_equal(features.count, 0);
    hw_features_free(&features);
}

static void test_zero_idf_gives_zero_values(void **state) {
    (void)state;
    float idf[MEMBERS] = { 0 };
    static const int32_t found[] = { 5, 5 };
    hw_features features = { 0 };
    assert_int_equal(make(&features, found, 2, 2, idf), HW_OK);
    assert_int_equal(features.count, 1);
    assert_true(features.items[0].value == 0);
    hw_features_free(&features);
}

/* The features of found[first .. end), by comparing each with all before it. */
static size_t naive_block(hw_feature *items, const float *idf, const int32_t *found, size_t first,
                          size_t end, double length) {
    size_t count = 0;
    double counts[MEMBERS], squares = 0;
    for (size_t i = first; i < end; i++) {
        size_t item = 0;
        if (found[i] == HW_ABSENT) continue;
        while (item < count && items[item].index != (uint32_t)found[i]) item++;
        if (item == count) {
            items[count].index = (uint32_t)found[i];
            counts[count++] = 0;
        }
        counts[item]++;
    }
    for (size_t i = 0; i < count; i++) {
        counts[i] = (1 + log(counts[i])) * (double)idf[items[i].index];
        squares += counts[i] * counts[i];
    }
    for (size_t i = 0; i < count; i++) items[i].value = (float)(counts[i] * length / sqrt(squares));
    return count;
}

static void test_random_texts_match_the_naive_computation(void **state) {
    (void)state;
    float idf[MEMBERS];
    fill_idf(idf);
    hw_features features = { 0 };
    for (uint64_t text = 0; text < 60; text++) {
        int32_t found[LONGEST];
        const size_t count = hw_random_below(1, 0, text, text % 10 ? 200 : LONGEST);
        const size_t words = count / 2;
        for (size_t i = 0; i < count; i++) { /* blocks share no member */
            const size_t member =
                hw_random_below(1, text + 1, i, MEMBERS / 2 + 20) * 2 + (i >= words);
            found[i] = member < MEMBERS ? (int32_t)member : HW_ABSENT;
        }
        assert_int_equal(make(&features, found, count, words, idf), HW_OK);
        hw_feature expected[MEMBERS];
        size_t total = naive_block(expected, idf, found, 0, words, 1);
        total += naive_block(expected + total, idf, found, words, count,
                             count ? (double)(count - words) / (double)count : 0);
        assert_int_equal(features.count, total);
        for (size_t i = 0; i < total; i++) {
            assert_int_equal(features.items[i].index, expected[i].index);
            assert_true(fabsf(features.items[i].value - expected[i].value) < 1e-6f);
        }
    }
    hw_features_free(&features);
}

/* A count of 1 to 40 of each of some members, by the formula of features.h. */
static void test_large_counts_follow_the_formula_too(void **state) {
    (void)state;
    enum { MOST = 40 };
    float idf[MEMBERS];
    fill_idf(idf);
    int32_t found[MOST * (MOST + 1) / 2];
    size_t count = 0;
    for (int32_t member = 0; member < MOST; member++)
        for (int32_t i = 0; i <= member; i++) found[count++] = member;
    hw_feature expected[MEMBERS];
    const size_t total = naive_block(expected, idf, found, 0, count, 1);
    hw_features features = { 0 };
    assert_int_equal(make(&features, found, count, count, idf), HW_OK);
    assert_int_equal(features.count, total);
    for (size_t i = 0; i < total; i++)
        assert_true(fabsf(features.items[i].value - expected[i].value) < 1e-7f);
    hw_features_free(&features);
}

/* Places are told from those of earlier texts by a number that grows, and must not overflow. */
static void test_texts_without_end_start_again(void **state) {
    (void)state;
    float idf[MEMBERS];
    fill_idf(idf);
    static const int32_t found[] = { 7, 2, 7, 11, 2 };
    hw_features features = { 0 };
    assert_int_equal(make(&features, found, 5, 5, idf), HW_OK);
    features.base = UINT32_MAX - 8;
    for (size_t text = 0; text < 6; text++) {
        assert_int_equal(make(&features, found, 5, 5, idf), HW_OK);
        assert_int_equal(features.count, 3);
        assert_int_equal(features.items[0].index, 7);
        assert_int_equal(features.items[1].index, 2);
        assert_int_equal(features.items[2].index, 11);
    }
    assert_true(features.base < 32);
    hw_features_free(&features);
}

#ifdef HW_FAULTS

static void test_failing_memory_is_reported(void **state) {
    (void)state;
    float idf[MEMBERS];
    fill_idf(idf);
    static const int32_t found[] = { 1, 2, 3 };
    for (uint64_t at = 1; at <= 2; at++) {
        hw_features features = { 0 };
        hw_fault_arm(HW_FAULT_MEMORY, at, false);
        assert_int_equal(make(&features, found, 3, 3, idf), HW_ERROR_MEMORY);
        assert_int_equal(make(&features, found, 3, 3, idf), HW_OK);
        assert_int_equal(features.count, 3);
        hw_features_free(&features);
    }
}

#endif

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values_are_tf_times_idf_over_the_norm),
        cmocka_unit_test(test_nothing_known_gives_no_features),
        cmocka_unit_test(test_zero_idf_gives_zero_values),
        cmocka_unit_test(test_random_texts_match_the_naive_computation),
        cmocka_unit_test(test_large_counts_follow_the_formula_too),
        cmocka_unit_test(test_texts_without_end_start_again),
#ifdef HW_FAULTS
        cmocka_unit_test(test_failing_memory_is_reported),
#endif
    };
    return cmocka_run_group_tests_name("features", tests, NULL, NULL);
}
