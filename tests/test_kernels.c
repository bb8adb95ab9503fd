/* The scalar kernels against formulas in double precision, and the choice of a table. */
#include "headwise.h"
#include "tensor/kernels.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const hw_kernels *table(const char *name) {
    const hw_kernels *kernels = NULL;
    for (size_t i = 0; (kernels = hw_kernels_at(i)); i++)
        if (strcmp(kernels->name, name) == 0) return kernels;
    return NULL;
}

/* Numbers in [-1, 1) that depend on *state alone. */
static float next_number(uint64_t *state) {
    *state = *state * 6364136223846793005u + 1442695040888963407u; /* Knuth's MMIX */
    return (float)((double)(*state >> 40) / (1 << 23) - 1);
}

enum { N = 67, ROWS = 5 };

/* |got - expected| <= tolerance * (|expected| + scale) */
static void assert_near(float got, double expected, double scale, double tolerance) {
    if (!(fabs(got - expected) <= tolerance * (fabs(expected) + scale)))
        fail_msg("%.9g instead of %.9g", (double)got, expected);
}

static void fill(float *x, size_t n, float size, uint64_t seed) {
    for (size_t i = 0; i < n; i++) x[i] = size * next_number(&seed);
}

static void test_sums_of_vectors_are_right(void **state) {
    (void)state;
    float x[N], y[N], start[N], scale[N], sum;
    int8_t bytes[N];
    double expected = 0;
    fill(x, N, 1, 1), fill(start, N, 1, 2), fill(scale, N, 0.01f, 3);
    for (size_t i = 0; i < N; i++) bytes[i] = (int8_t)(i * 91);

    table("scalar")->dot(&sum, x, start, N);
    for (size_t i = 0; i < N; i++) expected += (double)x[i] * start[i];
    assert_near(sum, expected, 1, 1e-6);

    memcpy(y, start, sizeof y);
    table("scalar")->axpy(y, x, 0.7f, N);
    for (size_t i = 0; i < N; i++) assert_near(y[i], start[i] + (double)0.7f * x[i], 0.1, 1e-6);

    static const uint32_t index[] = { 1, 7, 0, 7 };
    static const float factor[] = { 2, 0.5f };
    enum { HALF = N / 2 };
    memcpy(y, start, sizeof y);
    table("scalar")->add_rows(y, x, index, 2, factor, 1, 2, HALF);
    for (size_t i = 0; i < HALF; i++)
        assert_near(y[i], start[i] + 2.0 * x[HALF + i] + 0.5 * x[i], 0.1, 1e-6);

    memcpy(y, start, sizeof y);
    table("scalar")->add(y, x, N);
    for (size_t i = 0; i < N; i++) assert_near(y[i], (double)start[i] + x[i], 0, 1e-7);

    memcpy(y, start, sizeof y);
    table("scalar")->axpy_int8(y, bytes, scale, 2, N);
    for (size_t i = 0; i < N; i++)
        assert_near(y[i], start[i] + 2 * (double)scale[i] * bytes[i], 0.1, 1e-6);
}

/* Every 997th float between the bounds, of both signs. */
static void test_exp_has_the_stated_error(void **state) {
    (void)state;
    const hw_kernels *kernels = table("scalar");
    for (uint32_t bits = 0; bits < 0x42b00000; bits += 997) { /* 88 */
        float x[2], y[2];
        memcpy(x, &bits, sizeof *x);
        x[1] = x[0] <= 87 ? -x[0] : 0;
        kernels->exp(y, x, 2);
        for (size_t i = 0; i < 2; i++) assert_near(y[i], exp((double)x[i]), 0, 2e-7);
    }
}

static void test_exp_is_bounded(void **state) {
    (void)state;
    const float x[] = { -87, nextafterf(-87, -100), -1e30f, -INFINITY, 88, 100, INFINITY, NAN };
    float y[8];
    table("scalar")->exp(y, x, 8);
    assert_near(y[0], exp(-87), 0, 2e-7);
    for (size_t i = 1; i < 4; i++) assert_true(y[i] == 0);
    for (size_t i = 4; i < 7; i++) assert_near(y[i], exp(88), 0, 2e-7);
    assert_true(isnan(y[7]));
}

static void test_softmax_is_normalised_exp(void **state) {
    (void)state;
    enum { STRIDE = N + 3 };
    float x[ROWS * STRIDE], y[ROWS * STRIDE];
    fill(x, ROWS * STRIDE, 20, 1);
    x[4] = -INFINITY; /* a masked entry */
    memcpy(y, x, sizeof y);
    table("scalar")->softmax(y, STRIDE, ROWS, N);
    for (size_t row = 0; row < ROWS; row++) {
        const float *from = x + row * STRIDE, *to = y + row * STRIDE;
        double sum = 0;
        for (size_t i = 0; i < N; i++) sum += exp((double)from[i]);
        for (size_t i = 0; i < N; i++) assert_near(to[i], exp((double)from[i]) / sum, 0, 3e-6);
        assert_memory_equal(to + N, from + N, 3 * sizeof(float));
    }
}

static void test_attend_is_attention(void **state) {
    (void)state;
    enum { TOKENS = 9, DIM = 5, LD = 7 };
    float q[TOKENS * LD], k[TOKENS * LD], v[TOKENS * LD], y[TOKENS * DIM];
    float bias[2 * TOKENS - 1], scratch[16 * (TOKENS + DIM)];
    fill(q, TOKENS * LD, 1, 1), fill(k, TOKENS * LD, 1, 2), fill(v, TOKENS * LD, 1, 3);
    fill(bias, 2 * TOKENS - 1, 2, 4);
    table("scalar")->attend(y, DIM, scratch, q, k, v, LD, bias, TOKENS, DIM);
    for (size_t i = 0; i < TOKENS; i++) {
        double sum = 0, expected[DIM] = { 0 };
        for (size_t j = 0; j < TOKENS; j++) {
            double score = (double)bias[TOKENS - 1 + i - j];
            for (size_t d = 0; d < DIM; d++) score += (double)q[i * LD + d] * k[j * LD + d];
            sum += exp(score);
            for (size_t d = 0; d < DIM; d++) expected[d] += exp(score) * v[j * LD + d];
        }
        for (size_t d = 0; d < DIM; d++) assert_near(y[i * DIM + d], expected[d] / sum, 0.1, 3e-6);
    }
}

static void test_softmax_backward_is_its_formula(void **state) {
    (void)state;
    float d_y[N], y[N], d_x[N];
    fill(d_y, N, 1, 1), fill(y, N, 1, 2);
    memcpy(d_x, d_y, sizeof d_x);
    table("scalar")->softmax_backward(d_x, y, N, 1, N);
    double sum = 0;
    for (size_t i = 0; i < N; i++) sum += (double)y[i] * d_y[i];
    for (size_t i = 0; i < N; i++) assert_near(d_x[i], y[i] * (d_y[i] - sum), 1, 1e-6);
}

static double gelu(double x) {
    return 0.5 * x * (1 + tanh(sqrt(2 / acos(-1)) * (x + 0.044715 * x * x * x)));
}

static void test_gelu_is_its_formula(void **state) {
    (void)state;
    for (float x = -20; x < 20; x += 0.0137f) {
        float y;
        table("scalar")->gelu(&y, &x, 1);
        assert_near(y, gelu(x), 1e-2, 1e-6);
    }
    const float huge[] = { -3e38f, 3e38f };
    float y[2];
    table("scalar")->gelu(y, huge, 2);
    assert_true(y[0] == 0 && y[1] == huge[1]);
}

static void test_gelu_backward_is_the_slope_of_gelu(void **state) {
    (void)state;
    for (float x = -20; x < 20; x += 0.0137f) {
        const float d_y = 2;
        float d_x;
        table("scalar")->gelu_backward(&d_x, &d_y, &x, 1);
        assert_near(d_x, (gelu(x + 1e-4) - gelu(x - 1e-4)) / 1e-4, 1, 1e-6);
    }
    const float huge[] = { -3e38f, 3e38f }, ones[] = { 1, 1 };
    float d_x[2];
    table("scalar")->gelu_backward(d_x, ones, huge, 2);
    assert_true(d_x[0] == 0 && d_x[1] == 1);
}

static double normal(double x) {
    return erfc(-x / sqrt(2)) / 2;
}

static double gelu_erf(double x) {
    return x * normal(x);
}

static double relu(double x) {
    return x > 0 ? x : 0;
}

static double silu(double x) {
    return x / (1 + exp(-x));
}

typedef void activation(float *y, const float *x, size_t n);
typedef void activation_backward(float *d_x, const float *d_y, const float *x, size_t n);

/* y and its slope within an absolute error and that much of their size. */
static void assert_activation(activation *forward, activation_backward *backward,
                              double (*formula)(double), double error) {
    for (float x = -20; x < 20; x += 0.0137f) {
        const float d_y = 2;
        float y, d_x;
        forward(&y, &x, 1);
        assert_near(y, formula(x), 1, error);
        backward(&d_x, &d_y, &x, 1);
        assert_near(d_x, (formula(x + 1e-5) - formula(x - 1e-5)) / 1e-5, 1, error);
    }
}

/* y and the slope where x is as large as can be. */
static void assert_limits(activation *forward, activation_backward *backward, float low, float high,
                          float high_slope) {
    const float huge[] = { -3e38f, 3e38f }, ones[] = { 1, 1 };
    float y[2], d_x[2];
    forward(y, huge, 2);
    assert_true(y[0] == low && y[1] == high);
    backward(d_x, ones, huge, 2);
    assert_true(d_x[0] == 0 && fabsf(d_x[1] - high_slope) < 1e-37f);
}

static void test_activations_are_their_formulas(void **state) {
    (void)state;
    const hw_kernels *k = table("scalar");
    assert_activation(k->gelu_erf, k->gelu_erf_backward, gelu_erf, 1e-6);
    assert_activation(k->relu, k->relu_backward, relu, 1e-6);
    assert_activation(k->silu, k->silu_backward, silu, 1e-6);
    assert_activation(k->tanh, k->tanh_backward, tanh, 2e-7);
}

static void test_activations_of_huge_numbers_are_their_limits(void **state) {
    (void)state;
    const hw_kernels *k = table("scalar");
    assert_limits(k->gelu_erf, k->gelu_erf_backward, 0, 3e38f, 1);
    assert_limits(k->relu, k->relu_backward, 0, 3e38f, 1);
    assert_limits(k->silu, k->silu_backward, 0, 3e38f, 1);
    assert_limits(k->tanh, k->tanh_backward, -1, 1, 0);
}

static void test_relu_has_no_slope_at_zero(void **state) {
    (void)state;
    const float x[] = { 0, -0.0f, 1e-45f, -1e-45f }, d_y[] = { 1, 1, 1, 1 };
    float d_x[4];
    table("scalar")->relu_backward(d_x, d_y, x, 4);
    assert_true(d_x[0] == 0 && d_x[1] == 0 && d_x[2] == 1 && d_x[3] == 0);
}

/* The mean and 1 / the standard deviation of a row. */
static void moments(double *mean, double *rstd, const float *x) {
    double sum = 0, squares = 0;
    for (size_t i = 0; i < N; i++) sum += x[i];
    *mean = sum / N;
    for (size_t i = 0; i < N; i++) squares += (x[i] - *mean) * (x[i] - *mean);
    *rstd = 1 / sqrt(squares / N + 1e-5);
}

static void test_norm_is_layer_norm(void **state) {
    (void)state;
    float x[ROWS * N], y[ROWS * N], gain[N], bias[N], mean[ROWS], rstd[ROWS];
    fill(x, ROWS * N, 3, 1), fill(gain, N, 1, 2), fill(bias, N, 1, 3);
    table("scalar")->norm(y, mean, rstd, x, gain, bias, 1e-5f, ROWS, N);
    for (size_t row = 0; row < ROWS; row++) {
        double center, scale;
        moments(&center, &scale, x + row * N);
        assert_near(mean[row], center, 1, 1e-6);
        assert_near(rstd[row], scale, 0, 1e-6);
        for (size_t i = 0; i < N; i++)
            assert_near(y[row * N + i], (x[row * N + i] - center) * scale * gain[i] + bias[i], 1,
                        1e-6);
    }
}

static void test_norm_goes_without_a_bias(void **state) {
    (void)state;
    const hw_kernels *k = table("scalar");
    float x[N], d_y[N], gain[N], zeros[N] = { 0 }, mean, rstd, y[2][N];
    float d_x[2][N] = { 0 }, d_gain[2][N] = { 0 }, d_bias[N] = { 0 };
    fill(x, N, 3, 1), fill(gain, N, 1, 2), fill(d_y, N, 1, 3);
    k->norm(y[0], &mean, &rstd, x, gain, NULL, 1e-3f, 1, N);
    k->norm(y[1], &mean, &rstd, x, gain, zeros, 1e-3f, 1, N);
    k->norm_backward(d_x[0], d_gain[0], NULL, d_y, x, &mean, &rstd, gain, 1, N);
    k->norm_backward(d_x[1], d_gain[1], d_bias, d_y, x, &mean, &rstd, gain, 1, N);
    assert_memory_equal(y[0], y[1], sizeof y[0]);
    assert_memory_equal(d_x[0], d_x[1], sizeof d_x[0]);
    assert_memory_equal(d_gain[0], d_gain[1], sizeof d_gain[0]);
}

/* sum of d_y * norm(x) for one row, in double. */
static double norm_product(const double *x, const float *d_y, const float *gain) {
    double sum = 0, squares = 0, product = 0;
    for (size_t i = 0; i < N; i++) sum += x[i];
    for (size_t i = 0; i < N; i++) squares += (x[i] - sum / N) * (x[i] - sum / N);
    for (size_t i = 0; i < N; i++)
        product += d_y[i] * gain[i] * (x[i] - sum / N) / sqrt(squares / N + 1e-5);
    return product;
}

static void test_norm_backward_is_the_slope_of_norm(void **state) {
    (void)state;
    float x[N], d_y[N], gain[N], mean, rstd, y[N];
    float d_x[N], d_gain[N], d_bias[N];
    fill(x, N, 2, 1), fill(d_y, N, 1, 2), fill(gain, N, 1, 3);
    for (size_t i = 0; i < N; i++) d_x[i] = 1, d_gain[i] = 2, d_bias[i] = 3;
    table("scalar")->norm(y, &mean, &rstd, x, gain, gain, 1e-5f, 1, N);
    table("scalar")->norm_backward(d_x, d_gain, d_bias, d_y, x, &mean, &rstd, gain, 1, N);
    double center, scale, moved[N];
    moments(&center, &scale, x);
    for (size_t i = 0; i < N; i++) moved[i] = x[i];
    for (size_t i = 0; i < N; i++) {
        moved[i] = x[i] + 1e-4;
        const double above = norm_product(moved, d_y, gain);
        moved[i] = x[i] - 1e-4;
        const double below = norm_product(moved, d_y, gain);
        moved[i] = x[i];
        assert_near(d_x[i], 1 + (above - below) / 2e-4, 1, 1e-6);
        assert_near(d_gain[i], 2 + d_y[i] * (x[i] - center) * scale, 1, 1e-6);
        assert_near(d_bias[i], 3 + (double)d_y[i], 0, 1e-6);
    }
}

static void test_adam_is_its_formula(void **state) {
    (void)state;
    const hw_adam step = { 1e-2f, 1e-3f, 0.9f, 0.999f, 1e-6f };
    float w[N], m[N], v[N], g[N], old_w[N], old_m[N], old_v[N];
    fill(old_w, N, 1, 1), fill(old_m, N, 1, 2), fill(old_v, N, 1, 3), fill(g, N, 1, 4);
    for (size_t i = 0; i < N; i++) old_v[i] = fabsf(old_v[i]);
    memcpy(w, old_w, sizeof w), memcpy(m, old_m, sizeof m), memcpy(v, old_v, sizeof v);
    table("scalar")->adam(w, m, v, g, &step, N);
    for (size_t i = 0; i < N; i++) {
        const double mean = 0.9 * old_m[i] + 0.1 * g[i];
        const double square = 0.999 * old_v[i] + 0.001 * g[i] * g[i];
        assert_near(m[i], mean, 1, 1e-6);
        assert_near(v[i], square, 1, 1e-6);
        assert_near(w[i], old_w[i] * (1 - 1e-3) - 1e-2 * mean / (sqrt(square) + 1e-6), 1, 1e-6);
    }
}

/* ---- Choice ------------------------------------------------------------------------- */

static void test_environment_chooses_a_table(void **state) {
    (void)state;
    const hw_kernels *kernels = NULL, *best = NULL;
    assert_string_equal(hw_kernels_at(0)->name, "scalar");
    for (size_t i = 0; (kernels = hw_kernels_at(i)); i++) {
        setenv("HEADWISE_ISA", kernels->name, 1);
        assert_ptr_equal(hw_kernels_select(), kernels);
        assert_string_equal(hw_kernels_name(), kernels->name);
        best = kernels;
    }
    setenv("HEADWISE_ISA", "abacus", 1);
    assert_ptr_equal(hw_kernels_select(), best);
    unsetenv("HEADWISE_ISA");
    assert_ptr_equal(hw_kernels_select(), best);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sums_of_vectors_are_right),
        cmocka_unit_test(test_exp_has_the_stated_error),
        cmocka_unit_test(test_exp_is_bounded),
        cmocka_unit_test(test_softmax_is_normalised_exp),
        cmocka_unit_test(test_attend_is_attention),
        cmocka_unit_test(test_softmax_backward_is_its_formula),
        cmocka_unit_test(test_gelu_is_its_formula),
        cmocka_unit_test(test_gelu_backward_is_the_slope_of_gelu),
        cmocka_unit_test(test_activations_are_their_formulas),
        cmocka_unit_test(test_activations_of_huge_numbers_are_their_limits),
        cmocka_unit_test(test_relu_has_no_slope_at_zero),
        cmocka_unit_test(test_norm_is_layer_norm),
        cmocka_unit_test(test_norm_goes_without_a_bias),
        cmocka_unit_test(test_norm_backward_is_the_slope_of_norm),
        cmocka_unit_test(test_adam_is_its_formula),
        cmocka_unit_test(test_environment_chooses_a_table),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
