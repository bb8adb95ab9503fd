/* NAOPC against values worked out by hand, and against every order of a few words. */
#include "base/fault.h"
#include "base/random.h"
#include "explain/naopc.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

enum { MOST_WORDS = 12 };

static hw_error error;

/* A drop is the sum of the removed words' own, and a bonus if both of a pair are among them. */
typedef struct game {
    double own[MOST_WORDS];
    size_t pair[2];
    double bonus;
    size_t words, asked;
} game;

static hw_status play(double *drops, void *context, const bool *removed, size_t count,
                      hw_error *err) {
    (void)err;
    game *g = context;
    g->asked += count;
    for (size_t row = 0; row < count; row++) {
        const bool *set = removed + row * g->words;
        drops[row] = set[g->pair[0]] && set[g->pair[1]] ? g->bonus : 0;
        for (size_t i = 0; i < g->words; i++) drops[row] += set[i] ? g->own[i] : 0;
    }
    return HW_OK;
}

static hw_drops drops_of(game *g) {
    return (hw_drops){ play, g, g->words };
}

static void assert_near(double value, double expected) {
    if (!(fabs(value - expected) <= 1e-12)) fail_msg("%.15g, expected %.15g", value, expected);
}

static hw_aopc_ends ends_of(game *g) {
    const hw_drops drops = drops_of(g);
    hw_aopc_ends ends;
    assert_int_equal(hw_aopc_find_ends(&ends, &drops, &error), HW_OK);
    return ends;
}

static double aopc_of(game *g, const uint32_t *order) {
    const hw_drops drops = drops_of(g);
    double aopc;
    assert_int_equal(hw_aopc(&aopc, &drops, order, &error), HW_OK);
    return aopc;
}

/* Of 4 words the removals take 1, 1, 1, 1 and 2. */
static void test_four_words_that_add_up(void **state) {
    (void)state;
    game g = { .own = { 0.1, 0.2, 0.3, 0 }, .words = 4 };
    const hw_aopc_ends ends = ends_of(&g);
    assert_near(ends.greatest, 0.8 * 0.3 + 0.2 * 0.5);
    assert_near(ends.least, 0.8 * 0 + 0.2 * 0.1);
    assert_near(hw_naopc(aopc_of(&g, (uint32_t[]){ 2, 1, 0, 3 }), ends), 1);
    assert_near(hw_naopc(aopc_of(&g, (uint32_t[]){ 3, 0, 1, 2 }), ends), 0);
    assert_near(aopc_of(&g, (uint32_t[]){ 1, 2, 0, 3 }), 0.8 * 0.2 + 0.2 * 0.5);
    assert_near(hw_naopc(aopc_of(&g, (uint32_t[]){ 1, 2, 0, 3 }), ends), 0.24 / 0.32);
}

/* The way to the pair begins with a word that alone is worth nothing, and is better. */
static void test_a_pair_that_counts_only_together(void **state) {
    (void)state;
    game g = { .own = { 0, 0, 0.1, 0 }, .pair = { 0, 3 }, .bonus = 0.9, .words = 4 };
    const hw_aopc_ends ends = ends_of(&g);
    assert_near(ends.greatest, 0.2 * 0.9);
    assert_near(ends.least, 0);
    assert_near(hw_naopc(aopc_of(&g, (uint32_t[]){ 2, 0, 3, 1 }), ends), 0.1 / 0.18);
}

static void test_a_single_word_and_words_that_do_nothing(void **state) {
    (void)state;
    game one = { .own = { 0.7 }, .pair = { 0, 0 }, .words = 1 };
    assert_near(ends_of(&one).greatest, 0.7);
    assert_near(hw_naopc(0.7, ends_of(&one)), 0.5);
    game idle = { .words = 10 };
    assert_near(hw_naopc(0, ends_of(&idle)), 0.5);
    assert_near(hw_naopc(3, (hw_aopc_ends){ 1, 2 }), 1);
    assert_near(hw_naopc(0.5, (hw_aopc_ends){ 1, 2 }), 0);
}

/* Of 10 words the removals take 1, 1, 1, 2 and 5. Word 0 alone drops 0.1, words 3 and 4 together
 * 0.9: to begin with word 0 brings 0.6 * 0.1 + 0.2 * 0.1 + 0.2 * 1 = 0.28, with word 3
 * 0.2 * 0.9 + 0.2 * 1 = 0.38. One set alone would have taken word 0 first. */
static void test_a_beam_sees_further_than_one_set(void **state) {
    (void)state;
    game g = { .own = { 0.1 }, .pair = { 3, 4 }, .bonus = 0.9, .words = 10 };
    const hw_aopc_ends ends = ends_of(&g);
    assert_near(ends.greatest, 0.38);
    assert_near(ends.least, 0);
    assert_near(aopc_of(&g, (uint32_t[]){ 0, 3, 4, 1, 2, 5, 6, 7, 8, 9 }), 0.28);
    assert_true(g.asked < 2 * 5 * 5 * 10 + 10);
}

/* Words -5 ... 5 hundredths: the ends are those that add up greatest and least. */
static void test_a_beam_is_exact_where_words_add_up(void **state) {
    (void)state;
    game g = { .words = 11 };
    for (size_t i = 0; i < g.words; i++) g.own[i] = ((double)(i * 7 % 11) - 5) / 100;
    const hw_aopc_ends ends = ends_of(&g); /* 1, 1, 2, 3 and 6 words */
    assert_near(ends.greatest, (5 + 5 + 9 + 12 + 15) / 500.0);
    assert_near(ends.least, -(5 + 5 + 9 + 12 + 15) / 500.0);
}

/* ---- Every order -------------------------------------------------------------------------- */

/* A drop by chance, the same for the same set. */
static hw_status draw(double *drops, void *context, const bool *removed, size_t count,
                      hw_error *err) {
    (void)err;
    const size_t words = ((const size_t *)context)[0], number = ((const size_t *)context)[1];
    for (size_t row = 0; row < count; row++) {
        uint64_t set = 0;
        for (size_t i = 0; i < words; i++) set |= (uint64_t)removed[row * words + i] << i;
        drops[row] = (double)hw_random_uniform(number, 7, set) - 0.3;
    }
    return HW_OK;
}

static void widen(hw_aopc_ends *ends, const hw_drops *drops, uint32_t *order, size_t fixed) {
    if (fixed == drops->words) {
        double aopc;
        assert_int_equal(hw_aopc(&aopc, drops, order, &error), HW_OK);
        ends->least = fmin(ends->least, aopc);
        ends->greatest = fmax(ends->greatest, aopc);
        return;
    }
    for (size_t i = fixed; i < drops->words; i++) {
        const uint32_t word = order[i];
        order[i] = order[fixed];
        order[fixed] = word;
        widen(ends, drops, order, fixed + 1);
        order[fixed] = order[i];
        order[i] = word;
    }
}

static void test_no_order_is_beyond_the_ends_and_some_reach_them(void **state) {
    (void)state;
    for (size_t words = 1; words <= 7; words++)
        for (size_t number = 0; number < 3; number++) {
            size_t context[] = { words, number };
            const hw_drops drops = { draw, context, words };
            uint32_t order[] = { 0, 1, 2, 3, 4, 5, 6 };
            hw_aopc_ends found, all = { INFINITY, -INFINITY };
            assert_int_equal(hw_aopc_find_ends(&found, &drops, &error), HW_OK);
            widen(&all, &drops, order, 0);
            assert_near(found.least, all.least);
            assert_near(found.greatest, all.greatest);
        }
}

static void test_lack_of_memory_is_told(void **state) {
    (void)state;
    for (size_t words = 6; words <= 10; words += 4) {
        game g = { .words = words };
        const hw_drops drops = drops_of(&g);
        hw_aopc_ends ends;
        double aopc;
        for (uint64_t at = 1; at <= (words > 8 ? 4 : 1); at++) {
            hw_fault_arm(HW_FAULT_MEMORY, at, false);
            assert_int_equal(hw_aopc_find_ends(&ends, &drops, &error), HW_ERROR_MEMORY);
        }
        hw_fault_arm(HW_FAULT_MEMORY, 1, false);
        const uint32_t order[] = { 0, 1, 2, 3, 4, 5, 6, 7, 8, 9 };
        assert_int_equal(hw_aopc(&aopc, &drops, order, &error), HW_ERROR_MEMORY);
        hw_fault_arm(HW_FAULT_MEMORY, 0, false);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_four_words_that_add_up),
        cmocka_unit_test(test_a_pair_that_counts_only_together),
        cmocka_unit_test(test_a_single_word_and_words_that_do_nothing),
        cmocka_unit_test(test_a_beam_sees_further_than_one_set),
        cmocka_unit_test(test_a_beam_is_exact_where_words_add_up),
        cmocka_unit_test(test_no_order_is_beyond_the_ends_and_some_reach_them),
        cmocka_unit_test(test_lack_of_memory_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
