/* Every table of kernels against the scalar one, bit for bit. The arrays end where a page
 * ends that nobody may touch, so that a kernel which reads or writes past an end crashes. */
#include "tensor/bf16.h"
#include "tensor/kernels.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <cmocka.h>

#if defined(__x86_64__)
extern const hw_kernels emulated_kernels_avxvnni; /* tests/emulated_avxvnni.c */
#endif

static const hw_kernels *table(const char *name) {
    const hw_kernels *kernels = NULL;
    for (size_t i = 0; (kernels = hw_kernels_at(i)); i++)
        if (strcmp(kernels->name, name) == 0) return kernels;
#if defined(__x86_64__)
    if (strcmp(name, "emulated avxvnni") == 0 && table("avx2")) return &emulated_kernels_avxvnni;
#endif
    return NULL;
}

/* Numbers in [-1, 1) that depend on *state alone. */
static float next_number(uint64_t *state) {
    *state = *state * 6364136223846793005u + 1442695040888963407u; /* Knuth's MMIX */
    return (float)((double)(*state >> 40) / (1 << 23) - 1);
}

enum {
    ARRAYS = 5,
    POSITIVE = 4,
    FLOATS = 9 << 12 /* whole pages, also of bytes */,
    BYTE_ARRAYS = 2
};

/* x[POSITIVE] has no negative numbers. */
typedef struct arena {
    float *x[ARRAYS];           /* [FLOATS] each */
    int8_t *bytes[BYTE_ARRAYS]; /* [FLOATS] each */
} arena;

static void *guarded(size_t bytes) {
    char *block =
        mmap(NULL, bytes + 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_true(block != MAP_FAILED);
    assert_int_equal(mprotect(block + bytes, 4096, PROT_NONE), 0);
    return block;
}

static arena arena_new(void) {
    arena new;
    for (size_t i = 0; i < BYTE_ARRAYS; i++) new.bytes[i] = guarded(FLOATS);
    for (size_t i = 0; i < ARRAYS; i++) new.x[i] = guarded(FLOATS * sizeof(float));
    return new;
}

static void arena_free(arena *old) {
    for (size_t i = 0; i < ARRAYS; i++) munmap(old->x[i], FLOATS * sizeof(float) + 4096);
    for (size_t i = 0; i < BYTE_ARRAYS; i++) munmap(old->bytes[i], FLOATS + 4096);
}

/* The last n numbers of an array: behind them is the guard. */
static float *last(const arena *t, size_t array, size_t n) {
    return t->x[array] + FLOATS - n;
}

static int8_t *last_bytes(const arena *t, size_t array, size_t n) {
    return t->bytes[array] + FLOATS - n;
}

static void arena_fill(arena *t, bool special) {
    static const float specials[] = { 0,      -0.0f,  1e-42f, -3e-39f, 1e-30f, -1e-20f, 3e38f,
                                      -3e38f, 1e19f,  -87.0f, -87.01f, 88.0f,  88.01f,  -200,
                                      300,    -16.5f, 10,     -10,     1,      -1 };
    enum { SPECIALS = sizeof specials / sizeof *specials };
    uint64_t state = 1;
    for (size_t array = 0; array < ARRAYS; array++) {
        for (size_t i = 0; i < FLOATS; i++) {
            const float number = next_number(&state);
            const bool is_special = special && state >> 62 == 0;
            const float x = is_special ? specials[(state >> 40) % SPECIALS] : number;
            t->x[array][i] = array == POSITIVE ? fabsf(x) : x;
        }
    }
    for (size_t array = 0; array < BYTE_ARRAYS; array++)
        for (size_t i = 0; i < FLOATS; i++) /* in [-32, 32]: any four fit */
            t->bytes[array][i] = (int8_t)((int)(i * (37 + array * 54) % 65) - 32);
}

static void arena_copy(arena *to, const arena *from) {
    for (size_t i = 0; i < ARRAYS; i++) memcpy(to->x[i], from->x[i], FLOATS * sizeof(float));
    for (size_t i = 0; i < BYTE_ARRAYS; i++) memcpy(to->bytes[i], from->bytes[i], FLOATS);
}

static void assert_same(const arena *got, const arena *expected, const char *what, size_t m,
                        size_t n, size_t k) {
    for (size_t array = 0; array < ARRAYS; array++) {
        const float *x = got->x[array], *y = expected->x[array];
        if (memcmp(x, y, FLOATS * sizeof *x) == 0) continue;
        for (size_t i = 0; i < FLOATS; i++) {
            if (memcmp(x + i, y + i, sizeof *x) == 0 || (isnan(x[i]) && isnan(y[i]))) continue;
            fail_msg("%s %zux%zux%zu: array %zu, %zu from the end: %a, scalar %a", what, m, n, k,
                     array, FLOATS - i, (double)x[i], (double)y[i]);
        }
    }
    for (size_t i = 0; i < BYTE_ARRAYS; i++)
        if (memcmp(got->bytes[i], expected->bytes[i], FLOATS) != 0)
            fail_msg("%s %zux%zux%zu: array %zu of bytes", what, m, n, k, i);
}

typedef struct shape {
    size_t m, n, k;
} shape;
typedef void run_kernel(const hw_kernels *kernels, const arena *t, shape s);

/* Runs a kernel of the scalar table and of another on the same numbers. */
typedef struct rivals {
    const hw_kernels *scalar, *fast;
    arena ordinary, special, expected, got;
} rivals;

static void compare(rivals *r, const char *what, run_kernel *run, shape s) {
    const arena *inputs[] = { &r->ordinary, &r->special };
    for (size_t i = 0; i < 2; i++) {
        arena_copy(&r->expected, inputs[i]);
        arena_copy(&r->got, inputs[i]);
        run(r->scalar, &r->expected, s);
        run(r->fast, &r->got, s);
        assert_same(&r->got, &r->expected, what, s.m, s.n, s.k);
    }
}

/* Skips the test if this CPU or this build has no such table. */
static void rivals_open(rivals *r, const char *isa) {
    r->scalar = table("scalar");
    r->fast = table(isa);
    if (!r->fast) skip();
    r->ordinary = arena_new(), r->special = arena_new();
    r->expected = arena_new(), r->got = arena_new();
    arena_fill(&r->ordinary, false);
    arena_fill(&r->special, true);
}

static void rivals_close(rivals *r) {
    arena_free(&r->ordinary), arena_free(&r->special);
    arena_free(&r->expected), arena_free(&r->got);
}

static void run_axpy(const hw_kernels *kernels, const arena *t, shape s) {
    kernels->axpy(last(t, 0, s.n), last(t, 1, s.n), 0.3f, s.n);
}
static void run_add_rows(const hw_kernels *kernels, const arena *t, shape s) {
    static const uint32_t index[] = { 2, 9, 0, 9, 1, 9, 2, 9 };
    const float *table = last(t, 1, 3 * s.n), *factor = last(t, 2, 4);
    kernels->add_rows(last(t, 0, s.n), table, index, 2, factor, 1, 4, s.n);
    kernels->add_rows(last(t, 0, s.n), table, index, 2, factor, 0, 3, s.n);
    kernels->add_rows(last(t, 0, s.n), table, index, 2, factor, 0, 0, s.n);
}
static void run_add(const hw_kernels *kernels, const arena *t, shape s) {
    kernels->add(last(t, 0, s.n), last(t, 1, s.n), s.n);
}
static void run_dot(const hw_kernels *kernels, const arena *t, shape s) {
    kernels->dot(last(t, 0, 1), last(t, 1, s.n), last(t, 2, s.n), s.n);
}
static void run_exp(const hw_kernels *kernels, const arena *t, shape s) {
    kernels->exp(last(t, 0, s.n), last(t, 1, s.n), s.n);
}

/* Forward, backward, and backward in place. */
#define DEFINE_ACTIVATION(name)                                                  \
    static void run_##name(const hw_kernels *kernels, const arena *t, shape s) { \
        float *x = last(t, 2, s.n);                                              \
        kernels->name(last(t, 0, s.n), x, s.n);                                  \
        kernels->name##_backward(last(t, 1, s.n), last(t, 1, s.n), x, s.n);      \
        kernels->name##_backward(last(t, 3, s.n), last(t, 4, s.n), x, s.n);      \
    }
DEFINE_ACTIVATION(gelu)
DEFINE_ACTIVATION(gelu_erf)
DEFINE_ACTIVATION(relu)
DEFINE_ACTIVATION(silu)
DEFINE_ACTIVATION(tanh)

static void run_adam(const hw_kernels *kernels, const arena *t, shape s) {
    const hw_adam step = { 1e-3f, 1e-5f, 0.9f, 0.999f, 1e-7f };
    kernels->adam(last(t, 0, s.n), last(t, 1, s.n), last(t, POSITIVE, s.n), last(t, 2, s.n), &step,
                  s.n);
}
static void run_axpy_int8(const hw_kernels *kernels, const arena *t, shape s) {
    kernels->axpy_int8(last(t, 0, s.n), last_bytes(t, 0, s.n), last(t, 1, s.n), 0.7f, s.n);
}
/* For kernels over rows k is what lies between them. */
static void run_softmax(const hw_kernels *kernels, const arena *t, shape s) {
    kernels->softmax(last(t, 0, s.m * (s.n + s.k) - s.k), s.n + s.k, s.m, s.n);
}
static void run_softmax_backward(const hw_kernels *kernels, const arena *t, shape s) {
    const size_t floats = s.m * (s.n + s.k) - s.k;
    kernels->softmax_backward(last(t, 0, floats), last(t, 1, floats), s.n + s.k, s.m, s.n);
}
/* n tokens of k numbers; rows of q, k and v have m unused numbers between. */
static void run_attend(const hw_kernels *kernels, const arena *t, shape s) {
    static float scratch[16 * (200 + 33)];
    const size_t ld = s.k + s.m, floats = s.n * ld - s.m;
    kernels->attend(last(t, 0, s.n * (s.k + 1) - 1), s.k + 1, scratch, last(t, 1, floats),
                    last(t, 2, floats), last(t, 3, floats), ld, last(t, 4, 2 * s.n - 1), s.n, s.k);
}

static void run_norm(const hw_kernels *kernels, const arena *t, shape s) {
    const size_t floats = s.m * s.n;
    kernels->norm(last(t, 0, floats), NULL, NULL, last(t, 1, floats), last(t, 2, s.n),
                  last(t, 3, s.n), 1e-5f, s.m, s.n);
    kernels->norm(last(t, 0, floats), last(t, 4, s.m), last(t, 4, 100), last(t, 1, floats),
                  last(t, 2, s.n), last(t, 3, s.n), 1e-5f, s.m, s.n);
}
static void run_norm_without_bias(const hw_kernels *kernels, const arena *t, shape s) {
    const size_t floats = s.m * s.n;
    kernels->norm(last(t, 0, floats), NULL, NULL, last(t, 1, floats), last(t, 2, s.n), NULL, 1e-3f,
                  s.m, s.n);
    kernels->norm_backward(last(t, 0, floats), last(t, 1, s.n), NULL, last(t, 2, floats),
                           last(t, 3, floats), last(t, 2, 9000), last(t, POSITIVE, s.m),
                           last(t, POSITIVE, 2000), s.m, s.n);
}
static void run_norm_backward(const hw_kernels *kernels, const arena *t, shape s) {
    const size_t floats = s.m * s.n;
    kernels->norm_backward(last(t, 0, floats), last(t, 1, s.n), last(t, 1, 2000),
                           last(t, 2, floats), last(t, 3, floats), last(t, 2, 9000),
                           last(t, POSITIVE, s.m), last(t, POSITIVE, 2000), s.m, s.n);
}

static void test_vectors_give_the_bits_of_scalar(void **state) {
    static const struct {
        const char *name;
        run_kernel *run;
    } kernels[] = { { "axpy", run_axpy },         { "add_rows", run_add_rows },
                    { "add", run_add },           { "dot", run_dot },
                    { "exp", run_exp },           { "gelu", run_gelu },
                    { "gelu_erf", run_gelu_erf }, { "relu", run_relu },
                    { "silu", run_silu },         { "tanh", run_tanh },
                    { "adam", run_adam },         { "axpy_int8", run_axpy_int8 } };
    static const size_t sizes[] = { 0,  1,  2,  3,  4,  5,  7,  8,  9,   12,  15,  16,
                                    17, 24, 31, 32, 33, 63, 64, 91, 127, 256, 1000 };
    rivals r;
    rivals_open(&r, *state);
    for (size_t i = 0; i < sizeof kernels / sizeof *kernels; i++)
        for (size_t j = 0; j < sizeof sizes / sizeof *sizes; j++)
            compare(&r, kernels[i].name, kernels[i].run, (shape){ 1, sizes[j], 0 });
    rivals_close(&r);
}

static void test_rows_give_the_bits_of_scalar(void **state) {
    static const struct {
        const char *name;
        run_kernel *run;
    } kernels[] = { { "softmax", run_softmax },
                    { "softmax_backward", run_softmax_backward },
                    { "norm", run_norm },
                    { "norm without bias", run_norm_without_bias },
                    { "norm_backward", run_norm_backward } };
    static const shape shapes[] = { { 1, 1, 0 },  { 2, 3, 2 },  { 3, 7, 0 },   { 2, 8, 1 },
                                    { 5, 9, 0 },  { 7, 13, 3 }, { 2, 15, 1 },  { 3, 16, 0 },
                                    { 4, 17, 0 }, { 2, 31, 1 }, { 9, 48, 16 }, { 3, 200, 7 } };
    rivals r;
    rivals_open(&r, *state);
    for (size_t i = 0; i < sizeof kernels / sizeof *kernels; i++)
        for (size_t j = 0; j < sizeof shapes / sizeof *shapes; j++)
            compare(&r, kernels[i].name, kernels[i].run, shapes[j]);
    rivals_close(&r);
}

static void test_attention_gives_the_bits_of_scalar(void **state) {
    static const size_t lengths[] = { 1, 2, 7, 8, 9, 15, 16, 17, 31, 33, 40, 200 };
    static const size_t widths[] = { 1, 3, 8, 13, 16, 33 };
    rivals r;
    rivals_open(&r, *state);
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++)
        for (size_t j = 0; j < sizeof widths / sizeof *widths; j++)
            compare(&r, "attend", run_attend, (shape){ i % 3, lengths[i], widths[j] });
    rivals_close(&r);
}

/* a and b end at the guard; rows of a, b and c have 3, 1 and 2 unused numbers between. */
static void run_gemm(const hw_kernels *kernels, const arena *t, shape s, bool transposed,
                     bool add) {
    const size_t lda = (transposed ? s.m : s.k) + 3, ldb = s.n + 1, ldc = s.n + 2;
    const size_t lines = transposed ? s.k : s.m;
    kernels->gemm(last(t, 0, s.m * ldc - 2), ldc, last(t, 1, lines * lda - (lines ? 3 : 0)),
                  transposed ? 1 : lda, transposed ? lda : 1, last(t, 2, s.k * ldb - (s.k ? 1 : 0)),
                  ldb, s.m, s.n, s.k, add);
}
static void run_product(const hw_kernels *kernels, const arena *t, shape s) {
    run_gemm(kernels, t, s, false, false);
}
static void run_product_added(const hw_kernels *kernels, const arena *t, shape s) {
    run_gemm(kernels, t, s, false, true);
}
static void run_transposed(const hw_kernels *kernels, const arena *t, shape s) {
    run_gemm(kernels, t, s, true, false);
}
static void run_transposed_added(const hw_kernels *kernels, const arena *t, shape s) {
    run_gemm(kernels, t, s, true, true);
}

static void compare_products(rivals *r, shape s) {
    compare(r, "gemm", run_product, s);
    compare(r, "gemm, add", run_product_added, s);
    compare(r, "gemm, transposed", run_transposed, s);
    compare(r, "gemm, transposed, add", run_transposed_added, s);
}

static void test_gemm_gives_the_bits_of_scalar(void **state) {
    static const size_t columns[] = { 1, 3, 4, 7, 8, 13, 16, 17, 24, 33, 48, 50, 64, 80 };
    static const shape deep[] = { { 3, 5, 0 },    { 7, 13, 1 },    { 5, 20, 512 },
                                  { 9, 33, 513 }, { 16, 48, 300 }, { 2, 17, 1030 },
                                  { 130, 33, 3 }, { 60, 131, 20 }, { 9, 128, 260 } };
    rivals r;
    rivals_open(&r, *state);
    for (size_t m = 1; m <= 30; m++)
        for (size_t j = 0; j < sizeof columns / sizeof *columns; j++)
            compare_products(&r, (shape){ m, columns[j], 5 });
    for (size_t i = 0; i < sizeof deep / sizeof *deep; i++) compare_products(&r, deep[i]);
    rivals_close(&r);
}

/* b and the packed matrix end at the guard. */
static void run_pack(const hw_kernels *kernels, const arena *t, shape s) {
    const size_t panels = (s.n + HW_PANEL - 1) / HW_PANEL, ldb = s.k + s.m;
    kernels->pack(last(t, 0, panels * s.k * HW_PANEL), last(t, 1, s.n * ldb - s.m), ldb, s.n, s.k);
}

static void run_packed(const hw_kernels *kernels, const arena *t, shape s, bool has_bias) {
    const size_t lda = s.k + 3, ldc = s.n + 2;
    const size_t panels = (s.n + HW_PANEL - 1) / HW_PANEL;
    kernels->gemm_packed(last(t, 0, s.m * ldc - 2), ldc, last(t, 1, s.m * lda - 3), lda,
                         last(t, 2, panels * s.k * HW_PANEL), has_bias ? last(t, 3, s.n) : NULL,
                         s.m, s.n, s.k);
}
static void run_packed_product(const hw_kernels *kernels, const arena *t, shape s) {
    run_packed(kernels, t, s, false);
}
static void run_packed_product_and_bias(const hw_kernels *kernels, const arena *t, shape s) {
    run_packed(kernels, t, s, true);
}

static void test_packed_products_give_the_bits_of_scalar(void **state) {
    static const size_t columns[] = { 1, 4, 7, 8, 15, 16, 17, 24, 25, 48, 50, 64, 80, 130, 200 };
    static const shape deep[] = { { 3, 5, 0 },     { 7, 13, 1 },    { 5, 20, 512 }, { 9, 33, 513 },
                                  { 16, 48, 300 }, { 2, 17, 1030 }, { 130, 33, 3 } };
    rivals r;
    rivals_open(&r, *state);
    for (size_t m = 1; m <= 33; m++)
        for (size_t j = 0; j < sizeof columns / sizeof *columns; j++) {
            const shape s = { m, columns[j], 5 };
            compare(&r, "gemm_packed", run_packed_product, s);
            compare(&r, "gemm_packed, bias", run_packed_product_and_bias, s);
            if (m < 20) compare(&r, "pack", run_pack, (shape){ m % 3, columns[j], m });
        }
    for (size_t i = 0; i < sizeof deep / sizeof *deep; i++) {
        compare(&r, "gemm_packed", run_packed_product, deep[i]);
        compare(&r, "gemm_packed, bias", run_packed_product_and_bias, deep[i]);
    }
    rivals_close(&r);
}

static hw_int8_row *last_rows(const arena *t, size_t i, size_t m) {
    return (hw_int8_row *)(void *)last(t, i, m * sizeof(hw_int8_row) / sizeof(float));
}

static void quantize(const hw_kernels *kernels, const arena *t, shape s, const float *smooth) {
    const hw_int8_input input = { smooth, { 0, (uint32_t)s.n - 1 } };
    kernels->quantize(last_bytes(t, 0, s.m * s.n), last_rows(t, 0, s.m), last(t, 1, s.m * s.n),
                      &input, s.m, s.n);
}
static void run_quantize(const hw_kernels *kernels, const arena *t, shape s) {
    quantize(kernels, t, s, NULL);
}
static void run_quantize_smoothed(const hw_kernels *kernels, const arena *t, shape s) {
    quantize(kernels, t, s, last(t, POSITIVE, s.n));
}

static size_t packed_bytes(shape s) {
    return hw_panels(s.n) * hw_int8_panel(s.k);
}

static int32_t *last_sums(const arena *t, size_t i, shape s) {
    return (int32_t *)(void *)last(t, i, hw_panels(s.n) * HW_PANEL);
}

static void run_pack_int8(const hw_kernels *kernels, const arena *t, shape s) {
    kernels->pack_int8(last_bytes(t, 0, packed_bytes(s)), last_sums(t, 0, s),
                       last_bytes(t, 1, s.n * s.k), s.n, s.k);
}

/* Packs the end of one array of bytes into the other, and multiplies that by the first's. */
static void run_int8_product(const hw_kernels *kernels, const arena *t, shape s) {
    const size_t ldc = s.n + 2;
    int32_t *sums = last_sums(t, 3, s);
    int8_t *packed = last_bytes(t, 1, packed_bytes(s));
    hw_int8_row *rows = last_rows(t, 1, s.m);
    const hw_int8_matrix b = { packed, sums, last(t, 2, s.n),
                               s.m % 3
                                   ? last(t, POSITIVE, hw_panels(s.n) * HW_PANEL * HW_INT8_EXACT)
                                   : NULL,
                               s.m % 2 ? last(t, POSITIVE, s.n) : NULL };
    for (size_t i = 0; i < s.m; i++) rows[i].zero = (int32_t)(i * 101 % 255) - 127;
    kernels->pack_int8(packed, sums, t->bytes[0], s.n, s.k);
    kernels->gemm_int8(last(t, 0, s.m * ldc - 2), ldc, last_bytes(t, 0, s.m * s.k), rows, b, s.m,
                       s.n, s.k);
}

/* Of products of int8 and of bfloat16. */
static const size_t columns[] = { 1, 4, 8, 15, 16, 17, 25, 48, 50, 64, 130 };
static const shape deep[] = { { 3, 5, 1 },    { 5, 16, 768 },  { 9, 30, 771 },
                              { 90, 20, 70 }, { 2, 16, 1600 }, { 16, 7, 1541 } };
enum {
    COLUMNS = sizeof columns / sizeof *columns,
    DEEP = sizeof deep / sizeof *deep,
};

static void test_int8_products_give_the_bits_of_scalar(void **state) {
    rivals r;
    rivals_open(&r, *state);
    for (size_t m = 1; m <= 33; m++)
        for (size_t j = 0; j < COLUMNS; j++) {
            const shape s = { m, columns[j], 3 + m % 5 };
            compare(&r, "gemm_int8", run_int8_product, s);
            compare(&r, "pack_int8", run_pack_int8, s);
            compare(&r, "quantize", run_quantize, s);
            compare(&r, "quantize, smoothed", run_quantize_smoothed, s);
        }
    for (size_t i = 0; i < DEEP; i++) compare(&r, "gemm_int8", run_int8_product, deep[i]);
    rivals_close(&r);
}

/* Rounds array 1 into 3, packs what array 2 is rounded to into 4, and multiplies them. */
static void run_bf16_product(const hw_kernels *kernels, const arena *t, shape s) {
    const size_t pairs = hw_bf16_pairs(s.k), ldc = s.n + 2;
    uint16_t *halves = (uint16_t *)(void *)t->x[0];
    for (size_t i = 0; i < s.n * s.k; i++) halves[i] = hw_bf16_of(last(t, 2, s.n * s.k)[i]);
    hw_bf16_pair *a = last(t, 3, s.m * pairs);
    hw_bf16_pair *b = last(t, 4, hw_panels(s.n) * HW_PANEL * pairs);
    kernels->round_bf16(a, last(t, 1, s.m * s.k), s.m, s.k);
    hw_bf16_pack(kernels, b, halves, s.n, s.k);
    kernels->gemm_bf16(last(t, 0, s.m * ldc - 2), ldc, a, b, s.m % 2 ? last(t, 1, s.n) : NULL, s.m,
                       s.n, pairs);
}

/* Where there is an instruction, how it rounds is the processor's affair. */
static void assert_near(const rivals *r, shape s) {
    const float *got = last(&r->got, 0, s.m * (s.n + 2) - 2);
    const float *expected = last(&r->expected, 0, s.m * (s.n + 2) - 2);
    const float bound = (float)(s.k + 1) * 0x1p-22f; /* numbers are below 1 */
    for (size_t i = 0; i < s.m * (s.n + 2) - 2; i++)
        if (!(fabsf(got[i] - expected[i]) <= bound))
            fail_msg("gemm_bf16 %zux%zux%zu: %a, scalar %a", s.m, s.n, s.k, (double)got[i],
                     (double)expected[i]);
}

static void compare_bf16(rivals *r, shape s) {
    if (strcmp(r->fast->name, "avx512bf16") != 0) {
        compare(r, "gemm_bf16", run_bf16_product, s);
        return;
    }
    arena_copy(&r->expected, &r->ordinary);
    arena_copy(&r->got, &r->ordinary);
    run_bf16_product(r->scalar, &r->expected, s);
    run_bf16_product(r->fast, &r->got, s);
    assert_near(r, s);
}

static void test_bf16_products_give_the_bits_of_scalar(void **state) {
    rivals r;
    rivals_open(&r, *state);
    for (size_t m = 1; m <= 33; m++)
        for (size_t j = 0; j < COLUMNS; j++) compare_bf16(&r, (shape){ m, columns[j], 3 + m % 5 });
    for (size_t i = 0; i < DEEP; i++) compare_bf16(&r, deep[i]);
    rivals_close(&r);
}

#define ON(isa, test) \
    { #test ": " isa, test, NULL, NULL, (void *)(isa) }
#define ON_EACH(test)                                                                  \
    ON("avx2", test), ON("avxvnni", test), ON("avx512", test), ON("avx512vnni", test), \
        ON("avx512bf16", test), ON("neon", test)

int main(void) {
    const struct CMUnitTest tests[] = {
        ON_EACH(test_vectors_give_the_bits_of_scalar),
        ON_EACH(test_rows_give_the_bits_of_scalar),
        ON_EACH(test_attention_gives_the_bits_of_scalar),
        ON_EACH(test_gemm_gives_the_bits_of_scalar),
        ON_EACH(test_packed_products_give_the_bits_of_scalar),
        ON_EACH(test_int8_products_give_the_bits_of_scalar),
        ON_EACH(test_bf16_products_give_the_bits_of_scalar),
        ON("emulated avxvnni", test_int8_products_give_the_bits_of_scalar),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
