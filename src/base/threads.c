/* A pool of threads. A job is published in one atomic word, the ticket: the job's number
 * above, the count of its unclaimed tasks below. Claiming a task is a compare-and-swap
 * that takes one off.
 * Invariant: while a job has an unclaimed task the caller has not returned, so the job's
 * fields are those of the ticket's job; and whoever read the fields of another job fails
 * to swap, because the number has changed. A worker that wakes late is not waited for:
 * a run ends when its tasks are done. */
#include "base/threads.h"

#include "base/fault.h"
#include "base/memory.h"

#include <assert.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>

enum { SPINS = 1000 }; /* pauses before sleeping: 10 to 50 microseconds, by CPU */

typedef struct pool_worker {
    hw_pool *pool;
    pthread_t thread;
    int32_t index;
} pool_worker;

struct hw_pool {
    int32_t threads, started;
    pool_worker *workers; /* [threads]; the first is the caller and has no thread */

    _Atomic uint64_t ticket; /* job << 32 | unclaimed tasks */
    _Atomic(hw_task_fn *) run;
    void *_Atomic context;
    _Atomic uint32_t tasks; /* of the job */
    _Atomic size_t base;    /* number of the job's first task */
    _Atomic uint32_t done;  /* tasks of the job that have ended */

    atomic_bool stop;
    _Atomic int32_t sleepers; /* workers that wait for `published` */
    atomic_bool caller_sleeps;
    pthread_mutex_t mutex;
    pthread_cond_t published, finished;
};

static void pause_briefly(void) {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

static uint32_t unclaimed(uint64_t ticket) {
    return (uint32_t)ticket;
}

/* Runs tasks of the current job until none is unclaimed. */
static void run_tasks(hw_pool *pool, int32_t worker) {
    uint64_t ticket = atomic_load(&pool->ticket);
    while (unclaimed(ticket) > 0) {
        hw_task_fn *run = atomic_load_explicit(&pool->run, memory_order_relaxed);
        void *context = atomic_load_explicit(&pool->context, memory_order_relaxed);
        const size_t base = atomic_load_explicit(&pool->base, memory_order_relaxed);
        const uint32_t tasks = atomic_load_explicit(&pool->tasks, memory_order_relaxed);
        if (!atomic_compare_exchange_weak(&pool->ticket, &ticket, ticket - 1)) continue;

        run(context, base + (tasks - unclaimed(ticket)), worker);

        const bool is_last = atomic_fetch_add(&pool->done, 1) + 1 == tasks;
        if (is_last && atomic_load(&pool->caller_sleeps)) {
            pthread_mutex_lock(&pool->mutex);
            pthread_cond_signal(&pool->finished);
            pthread_mutex_unlock(&pool->mutex);
        }
        ticket = atomic_load(&pool->ticket);
    }
}

static bool has_news(hw_pool *pool) {
    return unclaimed(atomic_load(&pool->ticket)) > 0 || atomic_load(&pool->stop);
}

/* `sleepers` is raised before the last look at the ticket, and the caller reads it after
 * changing the ticket: one of the two sees the other. */
static void wait_for_news(hw_pool *pool) {
    for (int spin = 0; spin < SPINS; spin++) {
        if (has_news(pool)) return;
        pause_briefly();
    }
    pthread_mutex_lock(&pool->mutex);
    atomic_fetch_add(&pool->sleepers, 1);
    while (!has_news(pool)) pthread_cond_wait(&pool->published, &pool->mutex);
    atomic_fetch_sub(&pool->sleepers, 1);
    pthread_mutex_unlock(&pool->mutex);
}

static void *worker_main(void *argument) {
    const pool_worker *worker = argument;
    hw_pool *pool = worker->pool;
    while (!atomic_load(&pool->stop)) {
        wait_for_news(pool);
        run_tasks(pool, worker->index);
    }
    return NULL;
}

static void wake_workers(hw_pool *pool) {
    if (atomic_load(&pool->sleepers) == 0) return;
    pthread_mutex_lock(&pool->mutex);
    pthread_cond_broadcast(&pool->published);
    pthread_mutex_unlock(&pool->mutex);
}

static void wait_until_done(hw_pool *pool, uint32_t tasks) {
    for (int spin = 0; spin < SPINS; spin++) {
        if (atomic_load(&pool->done) == tasks) return;
        pause_briefly();
    }
    pthread_mutex_lock(&pool->mutex);
    atomic_store(&pool->caller_sleeps, true);
    while (atomic_load(&pool->done) != tasks) {
        pthread_cond_wait(&pool->finished, &pool->mutex);
    }
    atomic_store(&pool->caller_sleeps, false);
    pthread_mutex_unlock(&pool->mutex);
}

static void run_job(hw_pool *pool, size_t base, uint32_t tasks, hw_task_fn *run, void *context) {
    atomic_store_explicit(&pool->run, run, memory_order_relaxed);
    atomic_store_explicit(&pool->context, context, memory_order_relaxed);
    atomic_store_explicit(&pool->base, base, memory_order_relaxed);
    atomic_store_explicit(&pool->tasks, tasks, memory_order_relaxed);
    atomic_store_explicit(&pool->done, 0, memory_order_relaxed);

    const uint64_t job = (atomic_load(&pool->ticket) >> 32) + 1;
    atomic_store(&pool->ticket, job << 32 | tasks);
    wake_workers(pool);
    run_tasks(pool, 0);
    wait_until_done(pool, tasks);
}

/* Workers leave signals to the threads of the program that uses the library. */
static int start_worker(pool_worker *worker) {
    if (hw_fault_hits(HW_FAULT_MEMORY)) return -1;

    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    const int failure = pthread_create(&worker->thread, NULL, worker_main, worker);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return failure;
}

hw_pool *hw_pool_new(int32_t threads, hw_error *err) {
    assert(threads >= 1);
    hw_pool *pool = hw_calloc(1, sizeof *pool);
    if (!pool) {
        hw_fail_memory(err, sizeof *pool);
        return NULL;
    }
    pool->threads = threads;
    pool->started = 1;
    pthread_mutex_init(&pool->mutex, NULL);
    pthread_cond_init(&pool->published, NULL);
    pthread_cond_init(&pool->finished, NULL);
    pool->workers = hw_calloc((size_t)threads, sizeof *pool->workers);
    if (!pool->workers) {
        hw_fail_memory(err, (size_t)threads * sizeof *pool->workers);
        hw_pool_free(pool);
        return NULL;
    }
    for (; pool->started < threads; pool->started++) {
        pool_worker *worker = &pool->workers[pool->started];
        worker->pool = pool;
        worker->index = pool->started;
        if (start_worker(worker) != 0) {
            hw_fail(err, HW_ERROR_MEMORY, "cannot start thread %d of %d", pool->started + 1,
                    threads);
            hw_pool_free(pool);
            return NULL;
        }
    }
    return pool;
}

void hw_pool_free(hw_pool *pool) {
    if (!pool) return;

    atomic_store(&pool->stop, true);
    wake_workers(pool);
    for (int32_t i = 1; i < pool->started; i++) pthread_join(pool->workers[i].thread, NULL);
    pthread_cond_destroy(&pool->finished);
    pthread_cond_destroy(&pool->published);
    pthread_mutex_destroy(&pool->mutex);
    hw_free(pool->workers);
    hw_free(pool);
}

int32_t hw_pool_threads(const hw_pool *pool) {
    return pool ? pool->threads : 1;
}

void hw_pool_run(hw_pool *pool, size_t tasks, hw_task_fn *run, void *context) {
    if (hw_pool_threads(pool) == 1 || tasks <= 1) {
        for (size_t task = 0; task < tasks; task++) run(context, task, 0);
        return;
    }
    for (size_t base = 0; base < tasks;) {
        const size_t rest = tasks - base;
        const uint32_t part = rest < UINT32_MAX ? (uint32_t)rest : UINT32_MAX;
        run_job(pool, base, part, run, context);
        base += part;
    }
}
