/* Matrix products and packing: the scalar kernels against sums in double precision, int8 products
 * of every table against exact integers. */
#include "tensor/int8_weights.h"
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

static void fill_bytes(int8_t *x, size_t n, float size, uint64_t seed) {
    for (size_t i = 0; i < n; i++) x[i] = (int8_t)(size * next_number(&seed));
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

static const hw_int8_input as_it_is = { .smooth = NULL };

static void test_quantize_rounds_to_254_steps(void **state) {
    (void)state;
    enum { ROWS = 4 }; /* of both signs, of zeros, of one sign */
    float x[ROWS * N];
    hw_int8_row row[ROWS];
    int8_t q[ROWS * N];
    fill(x, ROWS * N, 5, 1);
    memset(x + N, 0, N * sizeof *x);
    for (size_t i = 0; i < N; i++) x[2 * N + i] = fabsf(x[2 * N + i]), x[3 * N + i] = -x[2 * N + i];
    scalar()->quantize(q, row, x, &as_it_is, ROWS, N);
    for (size_t r = 0; r < ROWS; r++) {
        int most = -127, least = 127;
        for (size_t i = r * N; i < (r + 1) * N; i++) {
            const float near = (float)(q[i] - row[r].zero) * row[r].scale;
            assert_true(fabsf(x[i] - near) <= row[r].scale * 0.50001f);
            most = q[i] > most ? q[i] : most;
            least = q[i] < least ? q[i] : least;
        }
        assert_int_equal(most, r == 1 ? 0 : r == 3 ? most : 127);
        assert_int_equal(least, r == 1 ? 0 : r == 2 ? least : -127);
    }
    assert_true(row[1].scale == 0 && row[1].zero == 0);
    assert_true(row[2].zero == -127 && row[3].zero == 127);
}

static void test_quantize_rounds_half_to_even_and_never_wraps(void **state) {
    static const float x[] = { 127, 0.5f, 1.5f, -2.5f, -127 };
    static const float tiny[] = { 190e-45f, -190e-45f, 1e-45f }; /* whose scale has one bit */
    static const int8_t expected_x[] = { 127, 0, 2, -2, -127 }, expected_tiny[] = { 127, -127, 10 };
    (void)state;
    const hw_kernels *kernels = NULL;
    for (size_t t = 0; (kernels = hw_kernels_at(t)); t++) {
        int8_t q[5];
        hw_int8_row row;
        kernels->quantize(q, &row, x, &as_it_is, 1, 5);
        assert_memory_equal(q, expected_x, sizeof expected_x);
        kernels->quantize(q, &row, tiny, &as_it_is, 1, 3);
        assert_memory_equal(q, expected_tiny, sizeof expected_tiny);
    }
}

static void test_quantize_smooths_columns_first(void **state) {
    (void)state;
    float x[2 * N], smooth[N], product[2 * N];
    hw_int8_row row[2], expected_row[2];
    int8_t q[2 * N], expected[2 * N];
    fill(x, 2 * N, 5, 1);
    fill(smooth, N, 3, 2);
    smooth[1] = smooth[4] = 0;
    for (size_t i = 0; i < 2 * N; i++) product[i] = x[i] * smooth[i % N];
    scalar()->quantize(q, row, x, &(hw_int8_input){ smooth, { 1, 4 } }, 2, N);
    scalar()->quantize(expected, expected_row, product, &as_it_is, 2, N);
    assert_memory_equal(q, expected, sizeof q);
    for (size_t r = 0; r < 2; r++) {
        assert_true(row[r].scale == expected_row[r].scale && row[r].zero == expected_row[r].zero);
        assert_true(row[r].exact[0] == x[r * N + 1] && row[r].exact[1] == x[r * N + 4]);
        assert_true(expected_row[r].exact[0] == 0 && expected_row[r].exact[1] == 0);
    }
}

static void test_pack_int8_makes_panels_of_quads(void **state) {
    (void)state;
    enum { COLUMNS = 21, K = 6, QUADS = 2 };
    int8_t b[COLUMNS * K], packed[2 * QUADS * HW_PANEL * HW_QUAD];
    int32_t sums[2 * HW_PANEL];
    fill_bytes(b, COLUMNS * K, 128, 1);
    scalar()->pack_int8(packed, sums, b, COLUMNS, K);
    for (size_t j = 0; j < 2 * HW_PANEL; j++) {
        int sum = 0;
        for (size_t p = 0; p < QUADS * HW_QUAD; p++) {
            const size_t quad = j / HW_PANEL * QUADS + p / HW_QUAD;
            const int8_t got = packed[(quad * HW_PANEL + j % HW_PANEL) * HW_QUAD + p % HW_QUAD];
            assert_int_equal(got, j < COLUMNS && p < K ? b[j * K + p] : 0);
            sum += got;
        }
        assert_int_equal(sums[j], sum);
    }
}

/* c of exact sums, whose scales are powers of two, so that float has no error either. Rows of b are
 * made to fit. */
static void assert_exact_product(const hw_kernels *kernels, const int8_t *a, int8_t *b, size_t m,
                                 size_t n, size_t k) {
    float *c = calloc(m * n, sizeof *c), *scale = calloc(n, sizeof *scale);
    hw_int8_row *row = calloc(m, sizeof *row);
    int8_t *packed = calloc(hw_panels(n), hw_int8_panel(k));
    int32_t *sums = calloc(hw_panels(n) * HW_PANEL, sizeof *sums);
    assert_true(c && scale && row && packed && sums);
    for (size_t j = 0; j < n; j++) hw_int8_coarsen(b + j * k, scale, k);
    for (size_t j = 0; j < n; j++) scale[j] = j % 2 ? 0.5f : 2;
    for (size_t i = 0; i < m; i++)
        row[i] = (hw_int8_row){ .scale = i % 2 ? 4 : 0.25f,
                                .zero = i % 3 ? (int32_t)(i * 101 % 255) - 127 : 0 };
    kernels->pack_int8(packed, sums, b, n, k);
    kernels->gemm_int8(c, n, a, row, (hw_int8_matrix){ packed, sums, scale, NULL, NULL }, m, n, k);
    for (size_t i = 0; i < m; i++) {
        for (size_t j = 0; j < n; j++) {
            int64_t sum = 0;
            for (size_t p = 0; p < k; p++) sum += (a[i * k + p] - row[i].zero) * b[j * k + p];
            if (c[i * n + j] != (float)sum * (row[i].scale * scale[j]))
                fail_msg("%s %zux%zux%zu: %.9g instead of %lld times %g", kernels->name, m, n, k,
                         (double)c[i * n + j], (long long)sum, (double)(row[i].scale * scale[j]));
        }
    }
    free(c), free(scale), free(row), free(packed), free(sums);
}

static void test_int8_products_are_exact(void **state) {
    static const size_t columns[] = { 1, 16, 21, 48, 130 }, depths[] = { 1, 4, 6, 33, 1540 };
    static int8_t a[MOST_M * 1540], b[130 * 1540];
    (void)state;
    fill_bytes(a, sizeof a, 128, 1), fill_bytes(b, sizeof b, 128, 2);
    const hw_kernels *kernels = NULL;
    for (size_t t = 0; (kernels = hw_kernels_at(t)); t++)
        for (size_t m = 1; m <= MOST_M; m++)
            for (size_t i = 0; i < 5; i++) {
                assert_exact_product(kernels, a, b, m, columns[i], depths[4 - i]);
                if (m % 16 == 1) assert_exact_product(kernels, a, b, m, columns[i], depths[i]);
            }
}

/* The largest sums of four and of all that there are. */
static void test_int8_products_of_extremes_do_not_saturate(void **state) {
    enum { M = 3, COLUMNS = 18, K = (1 << 17) - 1 };
    static const int8_t eight[] = { 127, 2, 127, 2, 0, 0, 0, 0 };
    (void)state;
    int8_t *a = malloc(M * K), *b = malloc(COLUMNS * K);
    assert_true(a && b);
    const hw_kernels *kernels = NULL;
    for (int sign = -1; sign <= 1; sign += 2) {
        memset(a, 127, M * K);
        memset(a + K, -127, K);
        for (size_t i = 0; i < COLUMNS * K; i++) b[i] = (int8_t)(sign * eight[i % K % 8]);
        assert_true(hw_int8_fits(b, K));
        for (size_t t = 0; (kernels = hw_kernels_at(t)); t++)
            assert_exact_product(kernels, a, b, M, COLUMNS, K);
    }
    free(a), free(b);
}

static void test_int8_product_has_scales_exact_columns_and_a_bias(void **state) {
    enum { M = 2, COLUMNS = 19, K = 5 };
    (void)state;
    int8_t a[M * K], b[COLUMNS * K], packed[2 * 2 * HW_PANEL * HW_QUAD];
    int32_t sums[2 * HW_PANEL];
    float c[M * COLUMNS], b_scale[COLUMNS], bias[COLUMNS], exact[2][HW_INT8_EXACT][HW_PANEL];
    static const hw_int8_row row[M] = { { 0.07f, -3, { 2, -0.5f } }, { 0.02f, 127, { 0, 30 } } };
    fill_bytes(a, sizeof a, 128, 1), fill_bytes(b, sizeof b, 33, 2);
    fill(b_scale, COLUMNS, 0.1f, 4), fill(bias, COLUMNS, 9, 5);
    fill(exact[0][0], sizeof exact / sizeof(float), 3, 6);
    scalar()->pack_int8(packed, sums, b, COLUMNS, K);
    const hw_int8_matrix right = { packed, sums, b_scale, exact[0][0], bias };
    scalar()->gemm_int8(c, COLUMNS, a, row, right, M, COLUMNS, K);
    for (size_t i = 0; i < M; i++) {
        for (size_t j = 0; j < COLUMNS; j++) {
            int sum = 0;
            for (size_t p = 0; p < K; p++) sum += (a[i * K + p] - row[i].zero) * b[j * K + p];
            double kept = 0;
            for (size_t e = 0; e < HW_INT8_EXACT; e++)
                kept += (double)row[i].exact[e] * exact[j / HW_PANEL][e][j % HW_PANEL];
            assert_near(c[i * COLUMNS + j],
                        (double)row[i].scale * b_scale[j] * sum + bias[j] + kept, 1e-6);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_gemm_is_the_matrix_product),
        cmocka_unit_test(test_gemm_of_transposed_a_is_the_matrix_product),
        cmocka_unit_test(test_pack_makes_panels),
        cmocka_unit_test(test_packed_product_is_the_product_of_the_transpose),
        cmocka_unit_test(test_quantize_rounds_to_254_steps),
        cmocka_unit_test(test_quantize_rounds_half_to_even_and_never_wraps),
        cmocka_unit_test(test_quantize_smooths_columns_first),
        cmocka_unit_test(test_pack_int8_makes_panels_of_quads),
        cmocka_unit_test(test_int8_products_are_exact),
        cmocka_unit_test(test_int8_products_of_extremes_do_not_saturate),
        cmocka_unit_test(test_int8_product_has_scales_exact_columns_and_a_bias),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
