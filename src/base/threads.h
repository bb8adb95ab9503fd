/* A fixed pool of threads for loops of independent tasks. Invariant: which worker runs
 * a task never changes a result, because a task writes only what is its own. */
#ifndef HW_BASE_THREADS_H
#define HW_BASE_THREADS_H

#include "base/error.h"

typedef struct hw_pool hw_pool;

/* threads - 1 workers are started; the caller is the last one. threads >= 1. If a
 * thread cannot be created the call fails cleanly. */
hw_pool *hw_pool_new(int32_t threads, hw_error *err);
void hw_pool_free(hw_pool *pool);
int32_t hw_pool_threads(const hw_pool *pool); /* 1 for NULL */

/* worker is in [0, threads): index scratch memory with it. */
typedef void hw_task_fn(void *context, size_t task, int32_t worker);

/* Runs every task in [0, tasks) once and returns when all are done. Serial in the
 * caller when pool is NULL. Idle workers spin for some microseconds, then sleep.
 * A pool runs one such loop at a time: never call it from a task. */
void hw_pool_run(hw_pool *pool, size_t tasks, hw_task_fn *run, void *context);

#endif
