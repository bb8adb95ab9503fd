/* Matrix products and packing: the scalar kernels against sums in double precision, int8 products
 * of every table against exact integers. */
#include "tensor/kernels.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Numbers in [-1, 1) that depend on *state alone. */
static float next_number(uint64_t *state) {
    *state = *state * 6364136223846793005u + 1442695040888963407u; /* Knuth's MMIX */
    return (float)((double)(*state >> 40) / (1 << 23) - 1);
}

static void fill(float *x, size_t n, float size, uint64_t seed) {
    for (size_t i = 0; i < n; i++) x[i] = size * next_number(&seed);
}

static void fill_bytes(int8_t *x, size_t n, uint64_t seed) {
    for (size_t i = 0; i < n; i++) x[i] = (int8_t)(128 * next_number(&seed));
}

static void assert_near(float got, double expected, double tolerance) {
    if (!(fabs(got - expected) <= tolerance * (fabs(expected) + 1)))
        fail_msg("%.9g instead of %.9g", (double)got, expected);
}

static const hw_kernels *scalar(void) {
    return hw_kernels_at(0);
}

enum { N = 67 };

static void test_gemm_is_the_matrix_product(void **state) {
    (void)state;
    enum { M = 7, K = 13 };
    float a[M * K], b[K * N], c[M * N], start[M * N];
    fill(a, M * K, 1, 1), fill(b, K * N, 1, 2), fill(start, M * N, 1, 3);
    memcpy(c, start, sizeof c);
    scalar()->gemm(c, N, a, K, 1, b, N, M, N, K, true);
    for (size_t i = 0; i < M; i++) {
        for (size_t j = 0; j < N; j++) {
            double sum = start[i * N + j];
            for (size_t p = 0; p < K; p++) sum += (double)a[i * K + p] * b[p * N + j];
            assert_near(c[i * N + j], sum, 1e-6);
        }
    }
}

static void test_gemm_of_transposed_a_is_the_matrix_product(void **state) {
    (void)state;
    enum { M = 7, K = 13 };
    float a[K * M], b[K * N], c[M * N];
    fill(a, K * M, 1, 1), fill(b, K * N, 1, 2);
    scalar()->gemm(c, N, a, 1, M, b, N, M, N, K, false);
    for (size_t i = 0; i < M; i++) {
        for (size_t j = 0; j < N; j++) {
            double sum = 0;
            for (size_t p = 0; p < K; p++) sum += (double)a[p * M + i] * b[p * N + j];
            assert_near(c[i * N + j], sum, 1e-6);
        }
    }
}

/* ---- Packed --------------------------------------------------------------------------------- */

enum { MOST_M = 33, MOST_N = 53, MOST_K = 40, MOST_PADDED = 64 };

static void test_pack_makes_panels(void **state) {
    (void)state;
    enum { COLUMNS = 21, K = 3, LDB = 5 };
    float b[COLUMNS * LDB], packed[2 * K * HW_PANEL];
    fill(b, COLUMNS * LDB, 1, 1);
    scalar()->pack(packed, b, LDB, COLUMNS, K);
    for (size_t j = 0; j < 2 * HW_PANEL; j++)
        for (size_t p = 0; p < K; p++)
            assert_true(packed[(j / HW_PANEL * K + p) * HW_PANEL + j % HW_PANEL] ==
                        (j < COLUMNS ? b[j * LDB + p] : 0));
}

static void assert_packed_product(size_t m, size_t n, size_t k, bool has_bias) {
    static float a[MOST_M * MOST_K], b[MOST_N * MOST_K], bias[MOST_N];
    static float packed[MOST_PADDED * MOST_K], c[MOST_M * MOST_N];
    fill(a, m * k, 1, 1), fill(b, n * k, 1, 2), fill(bias, n, 1, 3);
    scalar()->pack(packed, b, k, n, k);
    scalar()->gemm_packed(c, n, a, k, packed, has_bias ? bias : NULL, m, n, k);
    for (size_t i = 0; i < m; i++) {
        for (size_t j = 0; j < n; j++) {
            double sum = has_bias ? bias[j] : 0;
            for (size_t p = 0; p < k; p++) sum += (double)a[i * k + p] * b[j * k + p];
            assert_near(c[i * n + j], sum, 1e-6);
        }
    }
}

static void test_packed_product_is_the_product_of_the_transpose(void **state) {
    static const size_t columns[] = { 1, 16, 37, MOST_N }, depths[] = { 0, 1, 7, MOST_K };
    (void)state;
    for (size_t m = 1; m <= MOST_M; m++)
        for (size_t i = 0; i < 4; i++) assert_packed_product(m, columns[i], depths[i], m % 2);
}

/* ---- int8 ----------------------------------------------------------------------------------- */

static void test_quantize_rounds_to_127_steps(void **state) {
    (void)state;
    float x[3 * N], scale[3];
    int8_t q[3 * N];
    fill(x, 3 * N, 5, 1);
    memset(x + N, 0, N * sizeof *x);
    scalar()->quantize(q, scale, x, 3, N);
    assert_true(scale[1] == 0);
    for (size_t row = 0; row < 3; row++) {
        int most = 0;
        for (size_t i = 0; i < N; i++) {
            assert_true(fabsf(x[row * N + i] - (float)q[row * N + i] * scale[row]) <=
                        scale[row] * 0.50001f);
            most = abs(q[row * N + i]) > most ? abs(q[row * N + i]) : most;
        }
        assert_int_equal(most, row == 1 ? 0 : 127);
    }
}

static void test_quantize_rounds_half_to_even_and_never_wraps(void **state) {
    static const float x[] = { 127, 0.5f, 1.5f, -2.5f, -127 };
    static const float tiny[] = { 190e-45f, -190e-45f, 1e-45f }; /* whose scale has one bit */
    static const int8_t expected_x[] = { 127, 0, 2, -2, -127 }, expected_tiny[] = { 127, -127, 1 };
    (void)state;
    const hw_kernels *kernels = NULL;
    for (size_t t = 0; (kernels = hw_kernels_at(t)); t++) {
        int8_t q[5];
        float scale;
        kernels->quantize(q, &scale, x, 1, 5);
        assert_memory_equal(q, expected_x, sizeof expected_x);
        kernels->quantize(q, &scale, tiny, 1, 3);
        assert_memory_equal(q, expected_tiny, sizeof expected_tiny);
    }
}

static void test_pack_int8_makes_panels_of_quads(void **state) {
    (void)state;
    enum { COLUMNS = 21, K = 6, QUADS = 2 };
    int8_t b[COLUMNS * K], packed[2 * QUADS * HW_PANEL * HW_QUAD];
    int32_t sums[2][HW_SUMS][HW_PANEL];
    fill_bytes(b, COLUMNS * K, 1);
    scalar()->pack_int8(packed, sums[0][0], b, COLUMNS, K);
    for (size_t j = 0; j < 2 * HW_PANEL; j++) {
        int sum = 0, products = 0, before = 0;
        for (size_t p = 0; p < QUADS * HW_QUAD; p++) {
            const size_t quad = j / HW_PANEL * QUADS + p / HW_QUAD;
            const int8_t got = packed[(quad * HW_PANEL + j % HW_PANEL) * HW_QUAD + p % HW_QUAD];
            assert_int_equal(got, j < COLUMNS && p < K ? b[j * K + p] : 0);
            sum += got;
            if (p % 2 == 1) products += before * got;
            before = got;
        }
        assert_int_equal(sums[j / HW_PANEL][0][j % HW_PANEL], sum);
        assert_int_equal(sums[j / HW_PANEL][1][j % HW_PANEL], products);
    }
}

/* c of exact sums, whose scales are powers of two, so that float has no error either. */
static void assert_exact_product(const hw_kernels *kernels, const int8_t *a, const int8_t *b,
                                 size_t m, size_t n, size_t k) {
    float *c = calloc(m * n, sizeof *c), *scale = calloc(m + n, sizeof *scale);
    int8_t *packed = calloc((n + HW_PANEL) * (k + HW_QUAD), 1);
    int32_t *sums = calloc((n + HW_PANEL) * HW_SUMS, sizeof *sums);
    assert_true(c && scale && packed && sums);
    for (size_t i = 0; i < m + n; i++) scale[i] = i % 2 ? 0.5f : 2;
    kernels->pack_int8(packed, sums, b, n, k);
    kernels->gemm_int8(c, n, a, scale, packed, sums, scale + m, NULL, m, n, k);
    for (size_t i = 0; i < m; i++) {
        for (size_t j = 0; j < n; j++) {
            int64_t sum = 0;
            for (size_t p = 0; p < k; p++) sum += a[i * k + p] * b[j * k + p];
            if (c[i * n + j] != (float)sum * (scale[i] * scale[m + j]))
                fail_msg("%s %zux%zux%zu: %.9g instead of %lld times %g", kernels->name, m, n, k,
                         (double)c[i * n + j], (long long)sum, (double)(scale[i] * scale[m + j]));
        }
    }
    free(c), free(scale), free(packed), free(sums);
}

static void test_int8_products_are_exact(void **state) {
    static const size_t columns[] = { 1, 16, 21, 48, 130 }, depths[] = { 1, 4, 6, 33, 1540 };
    static int8_t a[MOST_M * 1540], b[130 * 1540];
    (void)state;
    fill_bytes(a, sizeof a, 1), fill_bytes(b, sizeof b, 2);
    const hw_kernels *kernels = NULL;
    for (size_t t = 0; (kernels = hw_kernels_at(t)); t++)
        for (size_t m = 1; m <= MOST_M; m++)
            for (size_t i = 0; i < 5; i++) {
                assert_exact_product(kernels, a, b, m, columns[i], depths[4 - i]);
                if (m % 16 == 1) assert_exact_product(kernels, a, b, m, columns[i], depths[i]);
            }
}

/* The largest sums that there are: +-128 * 128 * (2^17 - 1). */
static void test_int8_products_of_extremes_do_not_saturate(void **state) {
    enum { M = 3, COLUMNS = 18, K = (1 << 17) - 1 };
    (void)state;
    int8_t *a = malloc(M * K), *b = malloc(COLUMNS * K);
    assert_true(a && b);
    const hw_kernels *kernels = NULL;
    for (int sign = -1; sign <= 1; sign += 2) {
        memset(a, -128, M * K);
        memset(b, sign < 0 ? -128 : 127, COLUMNS * K);
        memset(b + K, sign, K);
        for (size_t t = 0; (kernels = hw_kernels_at(t)); t++)
            assert_exact_product(kernels, a, b, M, COLUMNS, K);
    }
    free(a), free(b);
}

static void test_int8_product_has_scales_and_a_bias(void **state) {
    enum { M = 2, COLUMNS = 19, K = 5 };
    (void)state;
    int8_t a[M * K], b[COLUMNS * K], packed[2 * 2 * HW_PANEL * HW_QUAD];
    int32_t sums[2 * HW_PANEL * HW_SUMS];
    float c[M * COLUMNS], a_scale[M], b_scale[COLUMNS], bias[COLUMNS];
    fill_bytes(a, sizeof a, 1), fill_bytes(b, sizeof b, 2);
    fill(a_scale, M, 0.1f, 3), fill(b_scale, COLUMNS, 0.1f, 4), fill(bias, COLUMNS, 9, 5);
    scalar()->pack_int8(packed, sums, b, COLUMNS, K);
    scalar()->gemm_int8(c, COLUMNS, a, a_scale, packed, sums, b_scale, bias, M, COLUMNS, K);
    for (size_t i = 0; i < M; i++) {
        for (size_t j = 0; j < COLUMNS; j++) {
            int sum = 0;
            for (size_t p = 0; p < K; p++) sum += a[i * K + p] * b[j * K + p];
            assert_near(c[i * COLUMNS + j], (double)a_scale[i] * b_scale[j] * sum + bias[j], 1e-6);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_gemm_is_the_matrix_product),
        cmocka_unit_test(test_gemm_of_transposed_a_is_the_matrix_product),
        cmocka_unit_test(test_pack_makes_panels),
        cmocka_unit_test(test_packed_product_is_the_product_of_the_transpose),
        cmocka_unit_test(test_quantize_rounds_to_127_steps),
        cmocka_unit_test(test_quantize_rounds_half_to_even_and_never_wraps),
        cmocka_unit_test(test_pack_int8_makes_panels_of_quads),
        cmocka_unit_test(test_int8_products_are_exact),
        cmocka_unit_test(test_int8_products_of_extremes_do_not_saturate),
        cmocka_unit_test(test_int8_product_has_scales_and_a_bias),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
