/* A linear layer y = x W^T in one engine: its own process, which does what its standard input asks
 * for, a line each, and answers each line with one line of JSON.
 *
 *     gemm_bench headwise|openblas|onednn THREADS
 *     peak SECONDS           of the multiply-add loop (bench/peak.h), all threads together
 *     linear M N K SECONDS   y[M][N], x[M][K], W[N][K]
 *
 * Each answer is a rate in operations a second, the best of REPETITIONS, so that another program's
 * moment does not count; each is of calls that take about SECONDS. W is constant: an engine may lay
 * it out as it likes before. Headwise and oneDNN add a bias, OpenBLAS cannot. "sum" is that of y's
 * elements, each times a weight of its own: the same for all engines up to rounding.
 * bench/gemm_peers.py says how this file is compiled. */
#include "gemm_engines.h"

#include "base/threads.h"
#include "peak.h"
#include "tensor/kernels.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { REPETITIONS = 5, MOST_THREADS = 256 };

char *scipy_openblas_get_corename64_(void);

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* ---- A product ---------------------------------------------------------------------- */

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

/* ---- Measuring -------------------------------------------------------------------------- */

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

static double peak_rate(hw_pool *pool, int32_t threads, double seconds) {
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
    hw_error err;
    hw_pool *pool = hw_pool_new(threads, &err);
    if (!pool) fail("hw_pool_new", err.message);
    double best = 0;
    for (int i = 0; i < REPETITIONS; i++) {
        const double rate = peak_rate(pool, threads, seconds);
        if (rate > best) best = rate;
    }
    hw_pool_free(pool);
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
    used->stop();
    return 0;
}
