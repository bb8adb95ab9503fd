/* Speed of the kernels, as CSV. Share is of the peak that was measured on the same core a
 * moment before: a loop of fused multiply-adds on registers alone, as wide as the
 * instruction set; for int8 too, so that a share of 2 is twice the peak of float. Each figure is
 * the best of many short repetitions by the time that the thread had, because the machine may be
 * shared and its clock moves.
 *
 *     gcc -O2 -ffp-contract=off -D_GNU_SOURCE -Iinclude -Isrc bench/kernels_bench.c \
 *         build/release/libheadwise.a -lm -o kernels_bench
 *     taskset -c 1 ./kernels_bench [isa [kernel]] */
#include "peak.h"
#include "tensor/kernels.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { LARGEST = 4096 * 768, ROUNDS = 60 };

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* ---- What is measured ------------------------------------------------------------- */

typedef struct bench {
    const hw_kernels *kernels;
    const char *only;       /* the kernel that is measured, or NULL */
    float *a, *b, *c, *d;   /* [LARGEST] each, small numbers */
    int8_t *bytes, *packed; /* [LARGEST] each */
    int32_t *sums;          /* [LARGEST] */
    hw_bf16_pair *pairs;    /* [LARGEST] */
    hw_int8_row *rows;      /* [LARGEST / 2] */
    size_t m, n, k;
    bool transposed;
} bench;

/* Each runs its kernel once and returns its floating-point operations, or for kernels that
 * are not matrix products, its elements. */
static double run_gemm(const bench *t) {
    t->kernels->gemm(t->c, t->n, t->a, t->transposed ? 1 : t->k, t->transposed ? t->m : 1, t->b,
                     t->n, t->m, t->n, t->k, false);
    return 2.0 * (double)(t->m * t->n * t->k);
}
static double run_gemm_packed(const bench *t) {
    t->kernels->gemm_packed(t->c, t->n, t->a, t->k, t->b, t->d, t->m, t->n, t->k);
    return 2.0 * (double)(t->m * t->n * t->k);
}
static double run_gemm_bf16(const bench *t) {
    const size_t pairs = hw_bf16_pairs(t->k);
    t->kernels->gemm_bf16(t->c, t->n, t->pairs, t->pairs, t->d, t->m, t->n, pairs);
    return 2.0 * (double)(t->m * t->n * t->k);
}
static double run_gemm_int8(const bench *t) {
    const hw_int8_matrix b = { t->packed, t->sums, t->a, t->a, t->d };
    t->kernels->gemm_int8(t->c, t->n, t->bytes, t->rows, b, t->m, t->n, t->k);
    return 2.0 * (double)(t->m * t->n * t->k);
}
static double run_pack(const bench *t) {
    t->kernels->pack(t->b, t->a, t->n, t->m, t->n);
    return (double)(t->m * t->n);
}
static double run_pack_int8(const bench *t) {
    t->kernels->pack_int8(t->packed, t->sums, t->bytes, t->m, t->n);
    return (double)(t->m * t->n);
}
static double run_round_bf16(const bench *t) {
    t->kernels->round_bf16(t->c, t->a, t->m, t->n);
    return (double)(t->m * t->n);
}
static double run_quantize(const bench *t) {
    const hw_int8_input input = { .smooth = t->b };
    t->kernels->quantize(t->bytes, t->rows, t->a, &input, t->m, t->n);
    return (double)(t->m * t->n);
}
static double run_axpy(const bench *t) {
    t->kernels->axpy(t->c, t->a, 1e-9f, t->n);
    return (double)t->n;
}
static double run_axpy_int8(const bench *t) {
    t->kernels->axpy_int8(t->c, t->bytes, t->a, 1e-9f, t->n);
    return (double)t->n;
}
static double run_add(const bench *t) {
    t->kernels->add(t->c, t->a, t->n);
    return (double)t->n;
}
static double run_dot(const bench *t) {
    t->kernels->dot(t->c, t->a, t->b, t->n);
    return (double)t->n;
}
static double run_exp(const bench *t) {
    t->kernels->exp(t->c, t->a, t->n);
    return (double)t->n;
}
static double run_softmax(const bench *t) {
    t->kernels->softmax(t->c, t->n, t->m, t->n);
    return (double)(t->m * t->n);
}
/* m tokens, a head of n numbers out of 4 */
static double run_attend(const bench *t) {
    t->kernels->attend(t->c, t->n, t->c + LARGEST / 2, t->a, t->b, t->b + t->n, 12 * t->n, t->d,
                       t->m, t->n);
    return 4.0 * (double)(t->m * t->m * t->n);
}
static double run_gelu(const bench *t) {
    t->kernels->gelu(t->c, t->a, t->n);
    return (double)t->n;
}
static double run_gelu_backward(const bench *t) {
    t->kernels->gelu_backward(t->c, t->a, t->b, t->n);
    return (double)t->n;
}
static double run_gelu_erf(const bench *t) {
    t->kernels->gelu_erf(t->c, t->a, t->n);
    return (double)t->n;
}
static double run_gelu_erf_backward(const bench *t) {
    t->kernels->gelu_erf_backward(t->c, t->a, t->b, t->n);
    return (double)t->n;
}
static double run_norm(const bench *t) {
    t->kernels->norm(t->c, NULL, NULL, t->a, t->b, t->b, 1e-5f, t->m, t->n);
    return (double)(t->m * t->n);
}
static double run_adam(const bench *t) {
    const hw_adam step = { 1e-9f, 0, 0.9f, 0.999f, 1e-6f };
    t->kernels->adam(t->c, t->b, t->d, t->a, &step, t->n);
    return (double)t->n;
}

/* ---- Measuring -------------------------------------------------------------------- */

static double run_times(double (*run)(const bench *), const bench *t, size_t calls) {
    double work = 0;
    for (size_t i = 0; i < calls; i++) work += run(t);
    return work;
}

/* The best rate of ROUNDS repetitions, each of so many calls that they take about `seconds`;
 * reading the clock then costs nothing. */
static double best_rate(double (*run)(const bench *), const bench *t, double seconds) {
    size_t calls = 1;
    double best = 0;
    for (int round = 0; round < ROUNDS; round++) {
        const double start = now();
        const double work = run_times(run, t, calls);
        const double elapsed = now() - start;
        if (elapsed < seconds / 2) calls *= 2;
        if (work / elapsed > best) best = work / elapsed;
    }
    return best;
}

static double run_peak(const bench *t) {
    return peak_of(t->kernels->name)();
}

static bool is_wanted(const bench *t, const char *name) {
    return !t->only || strcmp(t->only, name) == 0;
}

static void report_product(const char *name, double (*run)(const bench *), bench *t, size_t m,
                           size_t n, size_t k) {
    if (!is_wanted(t, name)) return;
    t->m = m, t->n = n, t->k = k;
    const double peak = best_rate(run_peak, t, 2e-4);
    const double rate = best_rate(run, t, 5e-4);
    printf("%s,%s,%zux%zux%zu,%.1f,%.3f\n", name, t->kernels->name, m, n, k, rate * 1e-9,
           peak > 0 ? rate / peak : 0);
}

static void report_gemm(bench *t, size_t m, size_t n, size_t k, bool transposed) {
    t->transposed = transposed;
    report_product(transposed ? "gemm_transposed" : "gemm", run_gemm, t, m, n, k);
}

static void report(const char *name, double (*run)(const bench *), bench *t, size_t m, size_t n) {
    if (!is_wanted(t, name)) return;
    t->m = m, t->n = n;
    printf("%s,%s,%zux%zu,%.2f,\n", name, t->kernels->name, m, n, best_rate(run, t, 2e-4) * 1e-9);
}

/* The linear layers of MiniLM and of BERT base, forward and backward. */
static void report_linear_layers(bench *t) {
    static const size_t rows[] = { 1, 2, 4, 8, 12, 16, 25, 48, 128, 512 };
    static const size_t widths[][2] = { { 384, 384 },  { 1152, 384 }, { 1536, 384 },
                                        { 384, 1536 }, { 768, 768 },  { 3072, 768 } };
    for (size_t w = 0; w < sizeof widths / sizeof *widths; w++) {
        const size_t n = widths[w][0], k = widths[w][1];
        for (size_t r = 0; r < sizeof rows / sizeof *rows; r++) {
            report_product("gemm_packed", run_gemm_packed, t, rows[r], n, k);
            report_product("gemm_bf16", run_gemm_bf16, t, rows[r], n, k);
            report_product("gemm_int8", run_gemm_int8, t, rows[r], n, k);
        }
        static const size_t tokens[] = { 300, 600, 1000 };
        for (size_t r = 0; r < sizeof tokens / sizeof *tokens; r++) {
            report_gemm(t, tokens[r], k, n, false);
            report_gemm(t, n, k, tokens[r], true);
        }
        report("pack", run_pack, t, n, k);
        report("pack_int8", run_pack_int8, t, n, k);
    }
    report("round_bf16", run_round_bf16, t, 64, 384);
    report("quantize", run_quantize, t, 64, 384);
    report("gelu_erf", run_gelu_erf, t, 1, 4096);
    report("gelu_erf_backward", run_gelu_erf_backward, t, 1, 4096);
}

/* The tower's operations. */
static void report_tower(bench *t) {
    static const size_t rows[] = { 1, 4, 8, 16, 25, 48, 128, 512, 4096 };
    static const size_t widths[][2] = { { 64, 64 },   { 192, 64 },  { 256, 64 }, { 64, 256 },
                                        { 128, 128 }, { 384, 128 }, { 96, 96 },  { 256, 256 } };
    for (size_t w = 0; w < sizeof widths / sizeof *widths; w++)
        for (size_t r = 0; r < sizeof rows / sizeof *rows; r++)
            report_gemm(t, rows[r], widths[w][0], widths[w][1], false);
    for (size_t w = 0; w < sizeof widths / sizeof *widths; w++) /* weight gradients */
        for (size_t r = 4; r < sizeof rows / sizeof *rows; r++)
            report_gemm(t, widths[w][1], widths[w][0], rows[r], true);
    static const size_t lengths[] = { 16, 25, 40, 64, 100, 256 }; /* attention */
    for (size_t l = 0; l < sizeof lengths / sizeof *lengths; l++) {
        report_gemm(t, lengths[l], lengths[l], 32, false);
        report_gemm(t, lengths[l], 32, lengths[l], false);
    }
    report("axpy", run_axpy, t, 1, 64);
    report("axpy_int8", run_axpy_int8, t, 1, 64);
    report("add", run_add, t, 1, 4096);
    report("dot", run_dot, t, 1, 64);
    report("dot", run_dot, t, 1, 4096);
    report("exp", run_exp, t, 1, 4096);
    report("softmax", run_softmax, t, 64, 64);
    report("softmax", run_softmax, t, 64, 25);
    report("attend", run_attend, t, 19, 8);
    report("attend", run_attend, t, 128, 8);
    report("gelu", run_gelu, t, 1, 4096);
    report("gelu_backward", run_gelu_backward, t, 1, 4096);
    report("norm", run_norm, t, 64, 128);
    report("adam", run_adam, t, 1, 4096);
}

int main(int argc, char **argv) {
    bench t = { .only = argc > 2 ? argv[2] : NULL };
    float *blocks[7];
    for (size_t i = 0; i < 7; i++) {
        blocks[i] = aligned_alloc(64, LARGEST * sizeof(float));
        if (!blocks[i]) return 1;
        for (size_t j = 0; j < LARGEST; j++) blocks[i][j] = (float)(j % 251) / 251;
    }
    t.a = blocks[0], t.b = blocks[1], t.c = blocks[2], t.d = blocks[3];
    t.sums = (int32_t *)blocks[4];
    t.rows = (hw_int8_row *)blocks[5];
    t.pairs = blocks[6];
    hw_kernels_at(0)->round_bf16(t.pairs, t.a, 1, LARGEST);
    t.bytes = aligned_alloc(64, 2 * LARGEST);
    if (!t.bytes) return 1;
    memset(t.bytes, 3, 2 * LARGEST);
    t.packed = t.bytes + LARGEST;
    printf("kernel,isa,shape,GFLOP/s or elements/ns,share of peak\n");
    for (size_t i = 1; (t.kernels = hw_kernels_at(i)); i++) {
        if (argc > 1 && strcmp(argv[1], t.kernels->name) != 0) continue;
        report_linear_layers(&t);
        report_tower(&t);
    }
    free(t.bytes);
    for (size_t i = 0; i < 7; i++) free(blocks[i]);
    return 0;
}
