/* A job's file is named after it and holds the run and what it was made of. */
#include "study/runs.h"

#include "base/folder.h"
#include "base/memory.h"
#include "base/plain_numbers.h"
#include "base/threads.h"

#include <math.h>
#include <stdatomic.h>
#include <string.h>

enum { FILE_LIMIT = 1 << 30, WHOLE = 1000 };

typedef struct entry {
    hw_job job;
    json_t *run; /* or NULL */
} entry;

struct hw_runs {
    hw_runs_options options;
    uint32_t checksum; /* of the data */
    entry *entries;    /* [count] */
    size_t count, capacity;
};

static uint32_t checksum_of(const hw_parts *parts) {
    return parts->train->checksum ^ (parts->dev->checksum * 3) ^ (parts->test->checksum * 5);
}

hw_runs *hw_runs_new(const hw_runs_options *options, hw_error *err) {
    hw_runs *runs = hw_calloc(1, sizeof *runs);
    if (!runs) return hw_fail_memory(err, sizeof *runs), NULL;
    runs->options = *options;
    runs->checksum = checksum_of(options->parts);
    return runs;
}

void hw_runs_free(hw_runs *runs) {
    if (!runs) return;
    for (size_t i = 0; i < runs->count; i++) json_decref(runs->entries[i].run);
    hw_free(runs->entries);
    hw_free(runs);
}

static entry *find(const hw_runs *runs, const hw_job *job) {
    for (size_t i = 0; i < runs->count; i++)
        if (hw_job_equal(&runs->entries[i].job, job)) return &runs->entries[i];
    return NULL;
}

hw_status hw_runs_want(hw_runs *runs, const hw_job *job, hw_error *err) {
    entry *known = find(runs, job);
    if (known && (job->probes & ~known->job.probes)) {
        known->job.probes |= job->probes;
        json_decref(known->run);
        known->run = NULL;
    }
    if (known) return HW_OK;
    if (!hw_grow((void **)&runs->entries, &runs->capacity, runs->count + 1, sizeof *runs->entries))
        return hw_fail_memory(err, (runs->count + 1) * sizeof *runs->entries);
    runs->entries[runs->count++] = (entry){ .job = *job };
    return HW_OK;
}

const json_t *hw_runs_get(const hw_runs *runs, const hw_job *job) {
    const entry *known = find(runs, job);
    return known ? known->run : NULL;
}

size_t hw_runs_count(const hw_runs *runs) {
    return runs->count;
}

const json_t *hw_runs_at(const hw_runs *runs, size_t i) {
    return runs->entries[i].run;
}

/* ---- Files -------------------------------------------------------------------------------- */

static char *path_of(const hw_runs *runs, const hw_job *job, hw_error *err) {
    char name[160];
    snprintf(name, sizeof name, "%s-h%d-rate%g-dropout%g-%s%d-seed%llu.json", hw_arm_name(job->arm),
             (int)job->heads, job->rate, job->dropout, hw_variant_name(job->variant),
             (int)job->level, (unsigned long long)job->seed);
    return hw_path_join(runs->options.folder, name, err);
}

/* What a stored run must have been made of. */
static json_t *origin_of(const hw_runs *runs, const hw_job *job) {
    return json_pack("{s:s, s:I, s:I, s:o}", "version", HW_VERSION, "data",
                     (json_int_t)runs->checksum, "probes", (json_int_t)job->probes, "job",
                     hw_job_json(job));
}

/* One with more probes will do. */
static bool is_of(const json_t *stored, const json_t *origin) {
    const json_int_t has = json_integer_value(json_object_get(stored, "probes"));
    const json_int_t wants = json_integer_value(json_object_get(origin, "probes"));
    static const char *const keys[] = { "version", "data", "job" };
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        if (!json_equal(json_object_get(stored, keys[i]), json_object_get(origin, keys[i])))
            return false;
    return (wants & ~has) == 0;
}

/* Whatever is wrong with a file, the job is simply done anew. */
static json_t *load(const char *path, const json_t *origin) {
    hw_mapping mapping;
    if (hw_file_map(&mapping, path, FILE_LIMIT, NULL) != HW_OK) return NULL;
    json_t *stored = hw_json_parse((const char *)mapping.data, mapping.size, 0, path, NULL);
    hw_file_unmap(&mapping);
    if (stored && is_of(json_object_get(stored, "origin"), origin) &&
        json_is_object(json_object_get(stored, "run"))) {
        json_t *run = json_incref(json_object_get(stored, "run"));
        json_decref(stored);
        return run;
    }
    json_decref(stored);
    return NULL;
}

static hw_status save(const char *path, json_t *run, json_t *origin, hw_error *err) {
    hw_text_buffer text = { 0 };
    hw_status status =
        hw_json_append(&text, json_pack("{s:O, s:O}", "origin", origin, "run", run), err);
    if (status == HW_OK)
        status = hw_file_replace(path, &(hw_chunk){ text.bytes, text.length }, 1, err);
    hw_text_buffer_free(&text);
    return status;
}

/* ---- Side by side ------------------------------------------------------------------------- */

typedef struct worker {
    struct crew *crew;
    int32_t index;
    atomic_int share; /* of its job, in 1/WHOLE */
    hw_status status;
    hw_error error;
} worker;

typedef struct crew {
    hw_runs *runs;
    entry **todo; /* [total] */
    size_t total;
    atomic_size_t done;
    atomic_bool stop;
    worker *workers; /* [threads] */
    const char *stage;
    double from, to;
} crew;

static double share_done(const crew *c) {
    double done = (double)atomic_load(&c->done);
    for (int32_t i = 0; i < c->runs->options.threads; i++)
        done += atomic_load(&c->workers[i].share) / (double)WHOLE;
    return fmin(done / (double)c->total, 1);
}

/* Only the calling thread, which is worker 0, speaks to the callback. */
static bool report(crew *c) {
    const hw_runs_options *options = &c->runs->options;
    const hw_progress progress = { .stage = c->stage,
                                   .done = atomic_load(&c->done),
                                   .total = c->total,
                                   .overall = c->from + (c->to - c->from) * share_done(c),
                                   .loss = NAN,
                                   .learning_rate = NAN,
                                   .texts_per_second = NAN,
                                   .valid_score = NAN,
                                   .valid_loss = NAN };
    return !options->progress || options->progress(options->user, &progress);
}

static bool goes_on(void *context, double share) {
    worker *w = context;
    atomic_store(&w->share, (int)(share * WHOLE));
    if (w->index == 0 && !atomic_load(&w->crew->stop) && !report(w->crew))
        atomic_store(&w->crew->stop, true);
    return !atomic_load(&w->crew->stop);
}

static hw_status do_job(worker *w, entry *e, hw_error *err) {
    const hw_runs *runs = w->crew->runs;
    char *path = path_of(runs, &e->job, err);
    json_t *origin = origin_of(runs, &e->job);
    hw_status status = path && origin ? HW_OK : hw_fail_memory(err, 0);
    if (status == HW_OK) e->run = load(path, origin);
    if (status == HW_OK && !e->run) {
        e->run = hw_job_run(&e->job, runs->options.parts, goes_on, w, err);
        status = e->run ? save(path, e->run, origin, err) : err->status;
    }
    json_decref(origin);
    hw_free(path);
    return status;
}

static void do_task(void *context, size_t task, int32_t index) {
    crew *c = context;
    worker *w = &c->workers[index];
    hw_plain_numbers numbers;
    if (!goes_on(w, 0)) return;
    w->status = hw_plain_numbers_begin(&numbers, &w->error);
    if (w->status == HW_OK) {
        w->status = do_job(w, c->todo[task], &w->error);
        hw_plain_numbers_end(&numbers);
    }
    atomic_store(&w->share, 0);
    atomic_fetch_add(&c->done, 1);
    if (w->status != HW_OK) atomic_store(&c->stop, true);
}

static hw_status do_all(crew *c, hw_error *err) {
    const int32_t threads = c->runs->options.threads;
    for (int32_t i = 0; i < threads; i++) {
        c->workers[i].crew = c;
        c->workers[i].index = i;
    }
    hw_pool *pool = hw_pool_new(threads, err);
    if (!pool) return HW_ERROR_MEMORY;
    hw_pool_run(pool, c->total, do_task, c);
    hw_pool_free(pool);
    for (int32_t i = 0; i < threads; i++)
        if (c->workers[i].status != HW_OK && c->workers[i].status != HW_ERROR_STOPPED)
            return hw_fail(err, c->workers[i].status, "%s", c->workers[i].error.message);
    if (atomic_load(&c->stop))
        return hw_fail(err, HW_ERROR_STOPPED,
                       "the study was stopped; the same command goes on where it was");
    return HW_OK;
}

hw_status hw_runs_do(hw_runs *runs, const char *stage, double from, double to, hw_error *err) {
    crew c = { .runs = runs, .stage = stage, .from = from, .to = to };
    c.todo = hw_calloc(runs->count + 1, sizeof *c.todo);
    c.workers = hw_calloc((size_t)runs->options.threads, sizeof *c.workers);
    hw_status status = c.todo && c.workers ? HW_OK : hw_fail_memory(err, sizeof c);
    for (size_t i = 0; i < runs->count && status == HW_OK; i++)
        if (!runs->entries[i].run) c.todo[c.total++] = &runs->entries[i];
    if (status == HW_OK && c.total) status = do_all(&c, err);
    hw_free(c.todo);
    hw_free(c.workers);
    return status;
}
