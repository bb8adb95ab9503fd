/* Reads a labelled file and runs a classifier over it, a fixed chunk of texts a task. */
#include "classify/corpus.h"

#include "base/memory.h"
#include "base/threads.h"

#include <string.h>

enum { CHUNK = 64 };

/* map: [dataset->label_count] the model's index of each name; a name that it does not have
 * gets an index of its own past the model's. */
static void map_labels(uint32_t *map, const hw_dataset *dataset, const hw_classifier *classifier) {
    uint32_t unknown = (uint32_t)classifier->summary.labels;
    for (size_t name = 0; name < dataset->label_count; name++) {
        const int32_t label =
            hw_classifier_find_label(classifier, hw_text_of(dataset->label_names[name]));
        map[name] = label < 0 ? unknown++ : (uint32_t)label;
    }
}

static void fill_targets(hw_corpus *corpus, const uint32_t *map) {
    const hw_dataset *dataset = corpus->dataset;
    uint32_t end = 0;
    for (size_t row = 0; row < dataset->count; row++) {
        const hw_example *example = &dataset->examples[row];
        corpus->offsets[row] = end;
        for (uint32_t i = 0; i < example->labels; i++)
            corpus->labels[end++] = map[dataset->label_index[example->first_label + i]];
    }
    corpus->offsets[dataset->count] = end;
    corpus->targets = (hw_targets){ corpus->offsets, corpus->labels, dataset->count };
}

hw_status hw_corpus_load(hw_corpus *corpus, const hw_classifier *classifier, const char *path,
                         const hw_reader_options *options, hw_error *err) {
    HW_TRY(hw_classifier_check_labels(classifier, err));
    corpus->dataset = hw_dataset_load(path, options, err);
    if (!corpus->dataset) return HW_ERROR_FORMAT;
    const hw_dataset *dataset = corpus->dataset;
    size_t total = 0;
    for (size_t row = 0; row < dataset->count; row++) total += dataset->examples[row].labels;
    uint32_t *map = hw_calloc(dataset->label_count + 1, sizeof *map);
    corpus->offsets = hw_calloc(dataset->count + 1, sizeof *corpus->offsets);
    corpus->labels = hw_calloc(total + 1, sizeof *corpus->labels);
    const bool reserved = map && corpus->offsets && corpus->labels;
    if (reserved) {
        map_labels(map, dataset, classifier);
        fill_targets(corpus, map);
    }
    hw_free(map);
    return reserved ? HW_OK : hw_fail_memory(err, (dataset->count + total) * sizeof *map);
}

void hw_corpus_clear(hw_corpus *corpus) {
    hw_free(corpus->probabilities);
    hw_free(corpus->bag);
    hw_free(corpus->tower);
    corpus->probabilities = corpus->bag = corpus->tower = NULL;
}

void hw_corpus_free(hw_corpus *corpus) {
    hw_corpus_clear(corpus);
    hw_dataset_free(corpus->dataset);
    hw_free(corpus->offsets);
    hw_free(corpus->labels);
    *corpus = (hw_corpus){ 0 };
}

/* ---- Running ------------------------------------------------------------------------ */

/* What one thread works with. */
typedef struct worker {
    hw_session *session;
    hw_status status;
    hw_error error;
} worker;

typedef struct run {
    hw_corpus *corpus;
    size_t labels;
    worker *workers; /* [threads] */
} run;

static float *row_of(float *rows, size_t row, size_t labels) {
    return rows ? rows + row * labels : NULL;
}

static void run_chunk(void *context, size_t task, int32_t worker_index) {
    const run *r = context;
    worker *w = &r->workers[worker_index];
    if (w->status != HW_OK) return;
    hw_text texts[CHUNK];
    const hw_dataset *dataset = r->corpus->dataset;
    const size_t first = task * CHUNK, left = dataset->count - first;
    const size_t count = left < CHUNK ? left : CHUNK;
    for (size_t i = 0; i < count; i++) texts[i] = dataset->examples[first + i].text;
    w->status =
        hw_session_run(w->session, texts, count, row_of(r->corpus->probabilities, first, r->labels),
                       row_of(r->corpus->bag, first, r->labels),
                       row_of(r->corpus->tower, first, r->labels), &w->error);
}

static hw_status reserve_rows(float **rows, size_t count, size_t labels, hw_error *err) {
    size_t floats = 0;
    if (hw_mul_size(&floats, count, labels)) *rows = hw_calloc(floats, sizeof **rows);
    return *rows ? HW_OK : hw_fail_memory(err, floats * sizeof **rows);
}

static hw_status make_sessions(worker *workers, int32_t threads, const hw_classifier *classifier,
                               const hw_session_options *options, hw_error *err) {
    for (int32_t i = 0; i < threads; i++) {
        workers[i].session = hw_session_new(classifier, options, err);
        if (!workers[i].session) return err->status;
    }
    return HW_OK;
}

static hw_status run_chunks(run *r, int32_t threads, hw_error *err) {
    hw_pool *pool = hw_pool_new(threads, err);
    if (!pool) return HW_ERROR_MEMORY;
    hw_pool_run(pool, (r->corpus->dataset->count + CHUNK - 1) / CHUNK, run_chunk, r);
    hw_pool_free(pool);
    for (int32_t i = 0; i < threads; i++)
        if (r->workers[i].status != HW_OK)
            return hw_fail(err, r->workers[i].status, "%s", r->workers[i].error.message);
    return HW_OK;
}

static hw_status reserve_results(hw_corpus *corpus, const hw_classifier *classifier,
                                 hw_error *err) {
    const size_t count = corpus->dataset->count, labels = (size_t)classifier->summary.labels;
    HW_TRY(reserve_rows(&corpus->probabilities, count, labels, err));
    if (classifier->bag_bias) HW_TRY(reserve_rows(&corpus->bag, count, labels, err));
    if (classifier->config.towers || classifier->encoder)
        HW_TRY(reserve_rows(&corpus->tower, count, labels, err));
    return HW_OK;
}

hw_status hw_corpus_run(hw_corpus *corpus, const hw_classifier *classifier,
                        const hw_session_options *options, int32_t threads, hw_error *err) {
    hw_error own;
    if (!err) err = &own;
    HW_TRY(reserve_results(corpus, classifier, err));
    worker *workers = hw_calloc((size_t)threads, sizeof *workers);
    if (!workers) return hw_fail_memory(err, (size_t)threads * sizeof *workers);
    run r = { corpus, (size_t)classifier->summary.labels, workers };
    hw_status status = make_sessions(workers, threads, classifier, options, err);
    if (status == HW_OK) status = run_chunks(&r, threads, err);
    for (int32_t i = 0; i < threads; i++) hw_session_free(workers[i].session);
    hw_free(workers);
    return status;
}
