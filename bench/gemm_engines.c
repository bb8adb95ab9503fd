/* Headwise, OpenBLAS and oneDNN behind one interface. A product's weight is constant: prepare lays
 * it out as the engine likes it, and is not timed. */
#include "gemm_engines.h"

#include "base/threads.h"
#include "encoder/linear.h"
#include "tensor/kernels.h"

#include <oneapi/dnnl/dnnl.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

void fail(const char *what, const char *why) {
    fprintf(stderr, "gemm_bench: %s: %s\n", what, why);
    exit(1);
}

float *allocate(size_t count) {
    float *values = aligned_alloc(64, (count * sizeof *values + 63) / 64 * 64);
    if (!values) fail("memory", "there is not enough");
    return values;
}

double seconds_of(void (*run)(const product *), const product *p, size_t calls) {
    const double start = now();
    for (size_t i = 0; i < calls; i++) run(p);
    return now() - start;
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

static void stop_headwise(void) {
    hw_pool_free(pool);
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
    const hw_encoder_pass pass = { .kernels = kernels, .scratch = &scratch, .packed = true };
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

static void start_openblas(int32_t threads) {
    scipy_openblas_set_num_threads64_(threads);
}

static void stop_openblas(void) {}

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

static void forget_product(void) {
    for (int i = 0; i < current.count; i++) dnnl_memory_destroy(current.arguments[i].memory);
    if (current.count > 0) dnnl_primitive_destroy(current.matmul);
    current.count = 0;
}

static void prepare_onednn(product *p) {
    dnnl_primitive_desc_t description;
    const dnnl_memory_desc_t x = matrix(p->m, p->k, dnnl_ab), y = matrix(p->m, p->n, dnnl_ab);
    const dnnl_memory_desc_t bias = matrix(1, p->n, dnnl_ab);
    const dnnl_memory_desc_t any = matrix(p->k, p->n, dnnl_format_tag_any);
    forget_product();
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

/* ---- All of them ------------------------------------------------------------------------ */

static const engine engines[] = {
    { "headwise", start_headwise, prepare_headwise, run_headwise, stop_headwise },
    { "openblas", start_openblas, prepare_openblas, run_openblas, stop_openblas },
    { "onednn", start_onednn, prepare_onednn, run_onednn, forget_product },
};

const engine *find_engine(const char *name) {
    for (size_t i = 0; i < sizeof engines / sizeof *engines; i++)
        if (strcmp(engines[i].name, name) == 0) return &engines[i];
    fail(name, "there are headwise, openblas and onednn");
    return NULL;
}
