/* TF-IDF features against a naive computation. */
#include "base/fault.h"
#include "base/memory.h"
#include "base/random.h"
#include "classify/features.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

enum { MEMBERS = 300, CAPACITY = 1024 };

/* Members 0 .. MEMBERS - 1; what is not a multiple of 3 is rarer, so its idf is larger. */
typedef struct world {
    hw_slot slots[CAPACITY];
    hw_dictionary dictionary;
    float idf[MEMBERS];
} world;

static uint64_t hash_of(uint64_t member) {
    return hw_mix64(member + 1);
}

static world new_world(void) {
    world w = { .dictionary.capacity = CAPACITY };
    for (uint32_t member = 0; member < MEMBERS; member++) {
        size_t slot = (size_t)(hash_of(member) >> 32) & (CAPACITY - 1);
        while (w.slots[slot].index_plus_one) slot = (slot + 1) & (CAPACITY - 1);
        w.slots[slot] = (hw_slot){ (uint32_t)hash_of(member), member + 1 };
        w.idf[member] = 1 + (float)(member % 3) * 0.7f;
    }
    return w;
}

static hw_ngrams ngrams_of(uint64_t *hashes, const uint64_t *members, size_t count,
                           size_t sequences_end) {
    for (size_t i = 0; i < count; i++) hashes[i] = hash_of(members[i]);
    return (hw_ngrams){ .hashes = hashes, .count = count, .sequences_end = sequences_end };
}

static void test_values_are_tf_times_idf_over_the_norm(void **state) {
    (void)state;
    world w = new_world();
    w.dictionary.slots = w.slots;
    /* 7 three times, 2 once; 1000 is no member; then characters: 9 twice. */
    const uint64_t members[] = { 7, 2, 1000, 7, 7, 9, 9 };
    uint64_t hashes[7];
    const hw_ngrams ngrams = ngrams_of(hashes, members, 7, 5);
    hw_features features = { 0 };
    assert_int_equal(hw_features_extract(&features, &ngrams, &w.dictionary, w.idf, NULL), HW_OK);
    assert_int_equal(features.count, 3);
    const double seven = (1 + log(3)) * (double)w.idf[7], two = (double)w.idf[2];
    const double norm = sqrt(seven * seven + two * two);
    assert_int_equal(features.items[0].index, 7);
    assert_true(fabs((double)features.items[0].value - seven / norm) < 1e-6);
    assert_int_equal(features.items[1].index, 2);
    assert_true(fabs((double)features.items[1].value - two / norm) < 1e-6);
    assert_int_equal(features.items[2].index, 9);
    assert_true(fabs((double)features.items[2].value - 1) < 1e-6);
    hw_features_free(&features);
}

static void test_nothing_known_gives_no_features(void **state) {
    (void)state;
    world w = new_world();
    w.dictionary.slots = w.slots;
    const uint64_t members[] = { 1000, 1001 };
    uint64_t hashes[2];
    hw_features features = { 0 };
    const hw_ngrams unknown = ngrams_of(hashes, members, 2, 1), empty = { 0 };
    assert_int_equal(hw_features_extract(&features, &unknown, &w.dictionary, w.idf, NULL), HW_OK);
    assert_int_equal(features.count, 0);
    assert_int_equal(hw_features_extract(&features, &empty, &w.dictionary, w.idf, NULL), HW_OK);
    assert_int_equal(features.count, 0);
    const hw_dictionary none = { 0 };
    assert_int_equal(hw_features_extract(&features, &unknown, &none, NULL, NULL), HW_OK);
    assert_int_equal(features.count, 0);
    hw_features_free(&features);
}

static void test_zero_idf_gives_zero_values(void **state) {
    (void)state;
    world w = new_world();
    w.dictionary.slots = w.slots;
    w.idf[5] = 0;
    const uint64_t members[] = { 5, 5 };
    uint64_t hashes[2];
    hw_features features = { 0 };
    const hw_ngrams ngrams = ngrams_of(hashes, members, 2, 2);
    assert_int_equal(hw_features_extract(&features, &ngrams, &w.dictionary, w.idf, NULL), HW_OK);
    assert_int_equal(features.count, 1);
    assert_true(features.items[0].value == 0);
    hw_features_free(&features);
}

/* The features of members[first .. end), by comparing each with all before it. */
static size_t naive_block(hw_feature *items, const float *idf, const uint64_t *members,
                          size_t first, size_t end) {
    size_t count = 0;
    double counts[MEMBERS], squares = 0;
    for (size_t i = first; i < end; i++) {
        size_t item = 0;
        if (members[i] >= MEMBERS) continue;
        while (item < count && items[item].index != members[i]) item++;
        if (item == count) {
            items[count].index = (uint32_t)members[i];
            counts[count++] = 0;
        }
        counts[item]++;
    }
    for (size_t i = 0; i < count; i++) {
        counts[i] = (1 + log(counts[i])) * (double)idf[items[i].index];
        squares += counts[i] * counts[i];
    }
    for (size_t i = 0; i < count; i++) items[i].value = (float)(counts[i] / sqrt(squares));
    return count;
}

static void test_random_texts_match_the_naive_computation(void **state) {
    (void)state;
    enum { LONGEST = 4000 };
    world w = new_world();
    w.dictionary.slots = w.slots;
    hw_features features = { 0 };
    for (uint64_t text = 0; text < 60; text++) {
        uint64_t members[LONGEST], hashes[LONGEST];
        const size_t count = hw_random_below(1, 0, text, text % 10 ? 200 : LONGEST);
        const size_t words = count / 2;
        for (size_t i = 0; i < count; i++) /* blocks share no member */
            members[i] = hw_random_below(1, text + 1, i, MEMBERS / 2 + 20) * 2 + (i >= words);
        const hw_ngrams ngrams = ngrams_of(hashes, members, count, words);
        assert_int_equal(hw_features_extract(&features, &ngrams, &w.dictionary, w.idf, NULL),
                         HW_OK);
        hw_feature expected[MEMBERS];
        size_t total = naive_block(expected, w.idf, members, 0, words);
        total += naive_block(expected + total, w.idf, members, words, count);
        assert_int_equal(features.count, total);
        for (size_t i = 0; i < total; i++) {
            assert_int_equal(features.items[i].index, expected[i].index);
            assert_true(fabsf(features.items[i].value - expected[i].value) < 1e-6f);
        }
    }
    hw_features_free(&features);
}

#ifdef HW_FAULTS

static void test_failing_memory_is_reported(void **state) {
    (void)state;
    world w = new_world();
    w.dictionary.slots = w.slots;
    const uint64_t members[] = { 1, 2, 3 };
    uint64_t hashes[3];
    const hw_ngrams ngrams = ngrams_of(hashes, members, 3, 3);
    for (uint64_t at = 1; at <= 2; at++) {
        hw_features features = { 0 };
        hw_fault_arm(HW_FAULT_MEMORY, at, false);
        assert_int_equal(hw_features_extract(&features, &ngrams, &w.dictionary, w.idf, NULL),
                         HW_ERROR_MEMORY);
        assert_int_equal(hw_features_extract(&features, &ngrams, &w.dictionary, w.idf, NULL),
                         HW_OK);
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
#ifdef HW_FAULTS
        cmocka_unit_test(test_failing_memory_is_reported),
#endif
    };
    return cmocka_run_group_tests_name("features", tests, NULL, NULL);
}
