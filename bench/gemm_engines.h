/* The engines of gemm_bench.c, and the product y = x W^T that each of them computes. */
#ifndef BENCH_GEMM_ENGINES_H
#define BENCH_GEMM_ENGINES_H

#include <stddef.h>
#include <stdint.h>

typedef struct product {
    size_t m, n, k;
    float *y, *x, *weight, *bias; /* [m][n], [m][k], [n][k], [n]: zeros */
    float *prepared;              /* what an engine made of the weight; NULL: nothing */
} product;

typedef struct engine {
    const char *name;
    void (*start)(int32_t threads);
    void (*prepare)(product *p); /* for the calls of run that follow */
    void (*run)(const product *p);
    void (*stop)(void);
} engine;

const engine *find_engine(const char *name);

/* What the C library has, with an end of the program where that fails. */
void fail(const char *what, const char *why);
float *allocate(size_t count);

/* Of that many calls, by the clock. */
double seconds_of(void (*run)(const product *), const product *p, size_t calls);

#endif
