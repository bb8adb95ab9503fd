/* A linear layer y = x W^T in one engine: its own process, which does what its standard input asks
 * for, a line each, and answers each line with one line of JSON.
 *
 *     gemm_bench headwise|openblas|onednn THREADS
 *     peak SECONDS           of the multiply-add loop (bench/peak.h), all threads together
 *     linear M N K SECONDS   y[M][N], x[M][K], W[N][K]
 *
 * Each answer is a rate, in operations a second, over calls that take about SECONDS, after a call
 * that is not timed. W is constant: an engine may lay it out as it likes before. Headwise and
 * oneDNN add a bias, OpenBLAS cannot. "sum" is that of y's elements, each times a weight of its
 * own: the same for all engines up to rounding. bench/gemm_peers.py says how this file is compiled.
 */
#include "base/memory.h"
#include "base/threads.h"
#include "encoder/linear.h"
#include "peak.h"
#include "tensor/kernels.h"

#include <oneapi/dnnl/dnnl.h>

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { REPETITIONS = 5, MOST_THREADS = 256 };

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void fail(const char *what, const char *why) {
    fprintf(stderr, "gemm_bench: %s: %s\n", what, why);
    exit(1);
}

static float *allocate(size_t count) {
    float *values = aligned_alloc(64, (count * sizeof *values + 63) / 64 * 64);
    if (!values) fail("memory", "there is not enough");
    return values;
}

/* ---- A product ---------------------------------------------------------------------- */

typedef struct product {
    size_t m, n, k;
    float *y, *x, *weight, *bias; /* [m][n], [m][k], [n][k], [n]: zeros */
    float *prepared;              /* what an engine made of the weight */
} product;

static void fill(float *values, size_t count, size_t step) {
    for (size_t i = 0; i < count; i++) values[i] = (float)(i * step % 251) / 251 - 0.5f;
}

static product new_product(size_t m, size_t n, size_t k) {
    product p = { m, n, k, allocate(m * n), allocate(m * k), allocate(n * k), allocate(n), NULL };
    fill(p.x, m * k, 7);
    fill(p.weight, n * k, 11);
    memset(p.bias, 0, n * sizeof *p.bias);
    return p;
}

static void free_product(product *p) {
    free(p->y);
    free(p->x);
    free(p->weight);
    free(p->bias);
    free(p->prepared);
}

static double weighted_sum(const product *p) {
    double sum = 0;
    for (size_t i = 0; i < p->m * p->n; i++) sum += p->y[i] * (double)(i % 17 + 1);
    return sum;
}

/* ---- Headwise: as an encoder's linear layer calls its kernel ---------------------------- */

static const hw_kernels *kernels;
static hw_pool *pool;

static void start_headwise(int32_t threads) {
    hw_error err;
    kernels = hw_kernels_select();
    pool = hw_pool_new(threads, &err);
    if (!pool) fail("hw_pool_new", err.message);
}

static void prepare_headwise(product *p) {
    p->prepared = allocate((p->n + HW_PANEL - 1) / HW_PANEL * HW_PANEL * p->k);
    kernels->pack(p->prepared, p->weight, p->k, p->n, p->k);
}

static void run_headwise(const product *p) {
    const hw_module layer = {
        .rows = p->n, .columns = p->k, .packed = p->prepared, .bias = p->bias
    };
    hw_encoder_scratch scratch = { .pool = pool };
    const hw_encoder_pass pass = { .kernels = kernels, .scratch = &scratch };
    hw_linear_forward(p->y, &layer, p->x, p->m, &pass);
}

/* ---- OpenBLAS: the weight as it is or transposed, whichever is faster --------------------- */

enum { ROW_MAJOR = 101, PLAIN = 111, TRANSPOSED = 112 };

/* NumPy's own, with 64-bit sizes. */
void scipy_cblas_sgemm64_(int order, int trans_a, int trans_b, int64_t m, int64_t n, int64_t k,
                          float alpha, const float *a, int64_t lda, const float *b, int64_t ldb,
                          float beta, float *c, int64_t ldc);
void scipy_cblas_sgemv64_(int order, int trans, int64_t m, int64_t n, float alpha, const float *a,
                          int64_t lda, const float *x, int64_t step_x, float beta, float *y,
                          int64_t step_y);
void scipy_openblas_set_num_threads64_(int threads);
char *scipy_openblas_get_corename64_(void);

static void start_openblas(int32_t threads) {
    scipy_openblas_set_num_threads64_(threads);
}

static void run_openblas(const product *p) {
    const int64_t m = (int64_t)p->m, n = (int64_t)p->n, k = (int64_t)p->k;
    const bool plain = p->prepared != NULL; /* the weight as [k][n] */
    if (m == 1)
        scipy_cblas_sgemv64_(ROW_MAJOR, plain ? TRANSPOSED : PLAIN, plain ? k : n, plain ? n : k, 1,
                             plain ? p->prepared : p->weight, plain ? n : k, p->x, 1, 0, p->y, 1);
    else
        scipy_cblas_sgemm64_(ROW_MAJOR, PLAIN, plain ? PLAIN : TRANSPOSED, m, n, k, 1, p->x, k,
                             plain ? p->prepared : p->weight, plain ? n : k, 0, p->y, n);
}

static double seconds_of(void (*run)(const product *), const product *p, size_t calls) {
    const double start = now();
    for (size_t i = 0; i < calls; i++) run(p);
    return now() - start;
}

static void prepare_openblas(product *p) {
    enum { TRIALS = 20 };
    product other = *p;
    other.prepared = allocate(p->n * p->k);
    for (size_t i = 0; i < p->n; i++)
        for (size_t j = 0; j < p->k; j++) other.prepared[j * p->n + i] = p->weight[i * p->k + j];
    run_openblas(p);
    run_openblas(&other);
    if (seconds_of(run_openblas, &other, TRIALS) < seconds_of(run_openblas, p, TRIALS))
        p->prepared = other.prepared;
    else
        free(other.prepared);
}

/* ---- oneDNN: a matmul primitive with a weight in the layout of its choice ------------------- */

typedef struct dnnl_product {
    dnnl_primitive_t matmul;
    dnnl_exec_arg_t arguments[4];
    int count;
} dnnl_product;

static dnnl_engine_t cpu;
static dnnl_stream_t stream;
static dnnl_product current;

static void must(dnnl_status_t status, const char *what) {
    if (status != dnnl_success) fail(what, "oneDNN refuses");
}

static void start_onednn(int32_t threads) {
    (void)threads; /* OMP_NUM_THREADS */
    must(dnnl_engine_create(&cpu, dnnl_cpu, 0), "dnnl_engine_create");
    must(dnnl_stream_create(&stream, cpu, dnnl_stream_default_flags), "dnnl_stream_create");
}

static dnnl_memory_desc_t matrix(size_t rows, size_t columns, dnnl_format_tag_t tag) {
    dnnl_memory_desc_t made;
    const dnnl_dims_t dims = { (dnnl_dim_t)rows, (dnnl_dim_t)columns };
    must(dnnl_memory_desc_create_with_tag(&made, 2, dims, dnnl_f32, tag), "a matrix");
    return made;
}

static dnnl_memory_t memory_of(const_dnnl_memory_desc_t shape, float *values) {
    dnnl_memory_t made;
    must(dnnl_memory_create(&made, shape, cpu, values), "dnnl_memory_create");
    return made;
}

/* The weight, [k][n] as seen from outside, in the layout that the primitive wants. */
static dnnl_memory_t reordered(product *p, const_dnnl_memory_desc_t wanted) {
    dnnl_primitive_desc_t description;
    dnnl_primitive_t reorder;
    const dnnl_memory_desc_t given = matrix(p->k, p->n, dnnl_ba);
    p->prepared = allocate(dnnl_memory_desc_get_size(wanted) / sizeof *p->prepared);
    const dnnl_memory_t from = memory_of(given, p->weight), to = memory_of(wanted, p->prepared);
    const dnnl_exec_arg_t arguments[] = { { DNNL_ARG_FROM, from }, { DNNL_ARG_TO, to } };
    must(dnnl_reorder_primitive_desc_create(&description, given, cpu, wanted, cpu, NULL),
         "dnnl_reorder_primitive_desc_create");
    must(dnnl_primitive_create(&reorder, description), "dnnl_primitive_create");
    must(dnnl_primitive_execute(reorder, stream, 2, arguments), "the reorder");
    must(dnnl_stream_wait(stream), "dnnl_stream_wait");
    dnnl_primitive_destroy(reorder);
    dnnl_primitive_desc_destroy(description);
    dnnl_memory_destroy(from);
    dnnl_memory_desc_destroy(given);
    return to;
}

static void forget_current(void) {
    for (int i = 0; i < current.count; i++) dnnl_memory_destroy(current.arguments[i].memory);
    if (current.count > 0) dnnl_primitive_destroy(current.matmul);
    current.count = 0;
}

static void prepare_onednn(product *p) {
    dnnl_primitive_desc_t description;
    const dnnl_memory_desc_t x = matrix(p->m, p->k, dnnl_ab), y = matrix(p->m, p->n, dnnl_ab);
    const dnnl_memory_desc_t bias = matrix(1, p->n, dnnl_ab);
    const dnnl_memory_desc_t any = matrix(p->k, p->n, dnnl_format_tag_any);
    forget_current();
    must(dnnl_matmul_primitive_desc_create(&description, cpu, x, any, bias, y, NULL),
         "dnnl_matmul_primitive_desc_create");
    must(dnnl_primitive_create(&current.matmul, description), "dnnl_primitive_create");
    const_dnnl_memory_desc_t wanted =
        dnnl_primitive_desc_query_md(description, dnnl_query_weights_md, 0);
    current.arguments[0] = (dnnl_exec_arg_t){ DNNL_ARG_SRC, memory_of(x, p->x) };
    current.arguments[1] = (dnnl_exec_arg_t){ DNNL_ARG_WEIGHTS, reordered(p, wanted) };
    current.arguments[2] = (dnnl_exec_arg_t){ DNNL_ARG_BIAS, memory_of(bias, p->bias) };
    current.arguments[3] = (dnnl_exec_arg_t){ DNNL_ARG_DST, memory_of(y, p->y) };
    current.count = 4;
    dnnl_primitive_desc_destroy(description);
    dnnl_memory_desc_destroy(x);
    dnnl_memory_desc_destroy(y);
    dnnl_memory_desc_destroy(bias);
    dnnl_memory_desc_destroy(any);
}

static void run_onednn(const product *p) {
    (void)p;
    must(dnnl_primitive_execute(current.matmul, stream, current.count, current.arguments),
         "the product");
    must(dnnl_stream_wait(stream), "dnnl_stream_wait");
}

/* ---- Measuring -------------------------------------------------------------------------- */

typedef struct engine {
    const char *name;
    void (*start)(int32_t threads);
    void (*prepare)(product *p);
    void (*run)(const product *p);
} engine;

static const engine engines[] = {
    { "headwise", start_headwise, prepare_headwise, run_headwise },
    { "openblas", start_openblas, prepare_openblas, run_openblas },
    { "onednn", start_onednn, prepare_onednn, run_onednn },
};

static const engine *find_engine(const char *name) {
    for (size_t i = 0; i < sizeof engines / sizeof *engines; i++)
        if (strcmp(engines[i].name, name) == 0) return &engines[i];
    fail(name, "there are headwise, openblas and onednn");
    return NULL;
}

/* How many calls take about that long, found out by doubling. */
static size_t calls_that_take(double seconds, const engine *used, const product *p) {
    size_t calls = 1;
    double elapsed = seconds_of(used->run, p, calls);
    while (elapsed < seconds / 4) {
        calls *= 2;
        elapsed = seconds_of(used->run, p, calls);
    }
    return (size_t)(seconds / elapsed * (double)calls) + 1;
}

static void measure_linear(const engine *used, size_t m, size_t n, size_t k, double seconds) {
    product p = new_product(m, n, k);
    used->prepare(&p);
    used->run(&p);
    const size_t calls = calls_that_take(seconds, used, &p);
    const double work = 2.0 * (double)(m * n * k) * (double)calls;
    double best = 0;
    for (int i = 0; i < REPETITIONS; i++) {
        const double rate = work / seconds_of(used->run, &p, calls);
        if (rate > best) best = rate;
    }
    printf("{\"rate\": %.6e, \"sum\": %.9e}\n", best, weighted_sum(&p));
    free_product(&p);
}

typedef struct peak_job {
    double (*loop)(void);
    double until;
    double work[MOST_THREADS]; /* of each task */
} peak_job;

static void run_peak(void *context, size_t task, int32_t worker) {
    (void)worker;
    peak_job *job = context;
    while (now() < job->until) job->work[task] += job->loop();
}

static double peak_rate(int32_t threads, double seconds) {
    peak_job job = { .loop = peak_of(hw_kernels_select()->name) };
    const double start = now();
    job.until = start + seconds;
    hw_pool_run(pool, (size_t)threads, run_peak, &job);
    const double elapsed = now() - start;
    double work = 0;
    for (int32_t i = 0; i < threads; i++) work += job.work[i];
    return work / elapsed;
}

static void measure_peak(int32_t threads, double seconds) {
    double best = 0;
    for (int i = 0; i < REPETITIONS; i++) {
        const double rate = peak_rate(threads, seconds);
        if (rate > best) best = rate;
    }
    printf("{\"rate\": %.6e}\n", best);
}

int main(int argc, char **argv) {
    if (argc != 3) fail("usage", "gemm_bench ENGINE THREADS");
    const engine *used = find_engine(argv[1]);
    const int32_t threads = (int32_t)atoi(argv[2]);
    if (threads < 1 || threads > MOST_THREADS) fail(argv[2], "threads: 1 to 256");
    used->start(threads);
    printf("{\"kernels\": \"%s\", \"core\": \"%s\"}\n", hw_kernels_select()->name,
           scipy_openblas_get_corename64_());
    fflush(stdout);
    char line[256];
    size_t m, n, k;
    double seconds;
    while (fgets(line, sizeof line, stdin)) {
        if (sscanf(line, "linear %zu %zu %zu %lf", &m, &n, &k, &seconds) == 4)
            measure_linear(used, m, n, k, seconds);
        else if (sscanf(line, "peak %lf", &seconds) == 1)
            measure_peak(threads, seconds);
        else
            fail("not understood", line);
        fflush(stdout);
    }
    forget_current();
    hw_pool_free(pool);
    return 0;
}
