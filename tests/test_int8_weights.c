/* Rows of int8 weights: which fit, and that steps are as fine as they can be. */
#include "tensor/int8_weights.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { N = 61 };

static bool fits(const int8_t row[16]) {
    return hw_int8_fits(row, 16);
}

static void test_fours_are_added_in_16_bits(void **state) {
    (void)state;
    assert_true(fits((int8_t[16]){ 127, 2 }));
    assert_false(fits((int8_t[16]){ 127, 3 }));
    assert_false(fits((int8_t[16]){ -127, -3 }));
    assert_false(fits((int8_t[16]){ [1] = 3, [4] = 127 }));
    assert_false(fits((int8_t[16]){ [10] = 33, [11] = 32, [14] = 33, [15] = 32 }));
    /* of two fours, of two eights, of two signs */
    assert_true(fits((int8_t[16]){ [1] = 127, [2] = 127, [5] = 2, [7] = 2 }));
    assert_true(fits((int8_t[16]){ [5] = 127, [8] = 127 }));
    assert_true(fits((int8_t[16]){ 127, -127, 0, 0, 2, -2 }));
    assert_true(hw_int8_fits(NULL, 0));
    assert_false(hw_int8_fits((int8_t[]){ 127, 127, 127 }, 3));
}

/* The largest sum of four, and the largest number. */
static void extremes(int *four, int *most, const int8_t *q, size_t n) {
    *four = *most = 0;
    for (size_t at = 0; at < n; at += 8)
        for (size_t half = 0; half < 4; half += 2)
            for (int sign = -1; sign <= 1; sign += 2) {
                int sum = 0;
                for (size_t i = 0; i < 4; i++) {
                    const size_t place = at + half + i / 2 * 4 + i % 2;
                    const int value = place < n ? sign * q[place] : 0;
                    if (value > 0) sum += value;
                    if (value > *most) *most = value;
                }
                if (sum > *four) *four = sum;
            }
}

/* Any bytes, in rows of any length. */
static void test_what_fits_has_no_larger_four(void **state) {
    (void)state;
    uint64_t seed = 1;
    size_t fit = 0;
    for (size_t row = 0; row < 20000; row++) {
        int8_t q[N];
        int four, most;
        const size_t n = row % (N + 1);
        for (size_t i = 0; i < n; i++) {
            seed = seed * 6364136223846793005u + 1442695040888963407u;
            q[i] = (int8_t)((int8_t)(seed >> 56) >> (row / 64 % 3));
        }
        extremes(&four, &most, q, n);
        assert_int_equal(hw_int8_fits(q, n), four <= 129);
        fit += four <= 129;
    }
    assert_true(fit > 2000 && fit < 18000);
}

/* Numbers in [-1, 1) that depend on *state alone; all but the power-th part of them near 0. */
static float next_number(uint64_t *state, int power) {
    *state = *state * 6364136223846793005u + 1442695040888963407u; /* Knuth's MMIX */
    return powf((float)((double)(*state >> 40) / (1 << 23) - 1), (float)power);
}

static void test_steps_are_the_finest_that_fit(void **state) {
    (void)state;
    uint64_t seed = 1;
    size_t bound_by_four = 0, bound_by_most = 0;
    for (size_t row = 0; row < 200; row++) {
        float x[N], scale;
        int8_t q[N];
        for (size_t i = 0; i < N; i++) x[i] = 0.1f * next_number(&seed, row % 2 ? 9 : 1);
        hw_int8_quantize(q, &scale, x, N);
        int four, most;
        extremes(&four, &most, q, N);
        assert_true(hw_int8_fits(q, N));
        assert_true(four <= 129 && (most == 127 || four >= 125));
        bound_by_most += most == 127;
        bound_by_four += four >= 125;
        for (size_t i = 0; i < N; i++)
            assert_true(fabsf(x[i] - (float)q[i] * scale) <= scale * 0.50001f);
    }
    assert_true(bound_by_four > 50 && bound_by_most > 10);
}

static void test_next_to_nothing_is_nothing(void **state) {
    (void)state;
    const float zeros[N] = { 0 }, tiny[N] = { 1e-45f, -3e-38f, 1e-37f };
    int8_t q[N];
    float scale = 1;
    hw_int8_quantize(q, &scale, zeros, N);
    assert_true(scale == 0 && q[0] == 0);
    hw_int8_quantize(q, &scale, tiny, N);
    assert_true(scale == 0 && q[0] == 0 && q[2] == 0);
}

static void test_a_row_that_does_not_fit_is_coarsened(void **state) {
    (void)state;
    int8_t row[16] = { 127, 127, -127, 5, 100, 127, 0, 0, 64 }, before[16];
    memcpy(before, row, sizeof row);
    float scale = 0.5f;
    hw_int8_coarsen(row, &scale, 16);
    assert_true(hw_int8_fits(row, 16));
    assert_true(fabsf(scale - 0.5f * 481 / 127) < 1e-6f);
    for (size_t i = 0; i < 16; i++)
        assert_true(fabsf((float)before[i] * 0.5f - (float)row[i] * scale) <= scale * 0.50001f);
    memcpy(before, row, sizeof row);
    hw_int8_coarsen(row, &scale, 16); /* it fits now */
    assert_memory_equal(row, before, sizeof row);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fours_are_added_in_16_bits),
        cmocka_unit_test(test_what_fits_has_no_larger_four),
        cmocka_unit_test(test_steps_are_the_finest_that_fit),
        cmocka_unit_test(test_next_to_nothing_is_nothing),
        cmocka_unit_test(test_a_row_that_does_not_fit_is_coarsened),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
