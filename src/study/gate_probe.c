/* The test part with other gates than its texts' own. */
#include "study/probe.h"

#include "base/memory.h"
#include "base/random.h"
#include "study/gate_measures.h"
#include "study/gates.h"

#include <string.h>

enum { PURPOSE_PARTNER = 0x6761 };

typedef struct trial {
    json_t *run;
    const hw_classifier *classifier;
    const hw_dataset *test;
    hw_gates *gates;
    hw_corpus corpus;   /* of the test part */
    size_t count;       /* gates of a text */
    float *own, *asked; /* [rows][count]: the test texts' own, and those in their place */
    float *mean;        /* [count] over the training part */
    double *scores;     /* [rows] */
    uint32_t *partners; /* [rows] whose gates a text gets */
} trial;

static void free_trial(trial *t) {
    hw_gates_free(t->gates);
    hw_corpus_free(&t->corpus);
    hw_free(t->own);
    hw_free(t->asked);
    hw_free(t->mean);
    hw_free(t->scores);
    hw_free(t->partners);
}

static hw_status reserve(trial *t, hw_error *err) {
    const size_t rows = t->test->count, labels = (size_t)t->classifier->summary.labels;
    HW_TRY(hw_corpus_view(&t->corpus, t->classifier, t->test, err));
    t->gates = hw_gates_new(t->classifier, err);
    if (!t->gates) return HW_ERROR_MEMORY;
    t->count = hw_gates_count(t->gates);
    t->corpus.probabilities = hw_calloc(rows, labels * sizeof(float));
    t->own = hw_calloc(rows, t->count * sizeof *t->own);
    t->asked = hw_calloc(rows, t->count * sizeof *t->asked);
    t->mean = hw_calloc(t->count, sizeof *t->mean);
    t->scores = hw_calloc(rows, sizeof *t->scores);
    t->partners = hw_calloc(rows, sizeof *t->partners);
    const bool reserved =
        t->corpus.probabilities && t->own && t->asked && t->mean && t->scores && t->partners;
    return reserved ? HW_OK : hw_fail_memory(err, rows * (labels + 2 * t->count) * sizeof(float));
}

/* ---- Gates -------------------------------------------------------------------------------- */

static hw_status read_own(trial *t, hw_error *err) {
    for (size_t row = 0; row < t->test->count; row++)
        HW_TRY(hw_gates_read(t->own + row * t->count, t->gates, t->test->examples[row].text, err));
    return HW_OK;
}

static hw_status take_mean(trial *t, const hw_dataset *train, hw_error *err) {
    double *sums = hw_calloc(t->count, sizeof *sums);
    if (!sums) return hw_fail_memory(err, t->count * sizeof *sums);
    hw_status status = HW_OK;
    for (size_t row = 0; row < train->count && status == HW_OK; row++) {
        status = hw_gates_read(t->mean, t->gates, train->examples[row].text, err);
        for (size_t i = 0; i < t->count; i++) sums[i] += (double)t->mean[i];
    }
    for (size_t i = 0; i < t->count; i++) t->mean[i] = (float)(sums[i] / (double)train->count);
    hw_free(sums);
    return status;
}

/* ---- Scores ------------------------------------------------------------------------------- */

/* Of the test part with the gates that are asked for. */
static hw_status add_scores(trial *t, const char *key, hw_error *err) {
    const size_t rows = t->test->count, labels = (size_t)t->classifier->summary.labels;
    for (size_t row = 0; row < rows; row++)
        HW_TRY(hw_gates_classify(t->corpus.probabilities + row * labels, t->gates,
                                 t->test->examples[row].text, t->asked + row * t->count, err));
    HW_TRY(hw_row_scores(t->scores, &t->corpus, t->classifier, err));
    return hw_json_update(t->run, json_pack("{s:o}", key, hw_json_numbers(t->scores, rows)), err);
}

static hw_status score_with_means(trial *t, hw_error *err) {
    for (size_t row = 0; row < t->test->count; row++)
        memcpy(t->asked + row * t->count, t->mean, t->count * sizeof *t->mean);
    return add_scores(t, "scores_mean_gates", err);
}

static hw_status score_with_others(trial *t, uint64_t seed, hw_error *err) {
    const size_t rows = t->test->count;
    for (size_t row = 0; row < rows; row++) t->partners[row] = (uint32_t)row;
    hw_random_shuffle(t->partners, (uint32_t)rows, seed, PURPOSE_PARTNER);
    for (size_t row = 0; row < rows; row++)
        memcpy(t->asked + row * t->count, t->own + t->partners[row] * t->count,
               t->count * sizeof *t->own);
    return add_scores(t, "scores_other_gates", err);
}

/* ---- What gates say ----------------------------------------------------------------------- */

/* A text's class is its first label. */
static hw_status add_measures(trial *t, hw_error *err) {
    const size_t rows = t->test->count;
    double bits;
    for (size_t row = 0; row < rows; row++)
        t->partners[row] = t->test->label_index[t->test->examples[row].first_label];
    HW_TRY(hw_gates_information(&bits, t->own, rows, t->count, t->partners, t->test->label_count,
                                err));
    return hw_json_update(t->run,
                          json_pack("{s:f, s:f, s:f}", "gate_deviation",
                                    hw_gates_deviation(t->own, rows, t->count), "gate_entropy",
                                    hw_gates_entropy(t->own, rows, t->count), "gate_information",
                                    bits),
                          err);
}

static hw_status try_all(trial *t, const hw_dataset *train, uint64_t seed, hw_error *err) {
    HW_TRY(reserve(t, err));
    HW_TRY(read_own(t, err));
    HW_TRY(take_mean(t, train, err));
    HW_TRY(score_with_means(t, err));
    HW_TRY(score_with_others(t, seed, err));
    return add_measures(t, err);
}

hw_status hw_probe_gates(json_t *run, const hw_job *job, const hw_classifier *classifier,
                         const hw_parts *parts, hw_error *err) {
    trial t = { .run = run, .classifier = classifier, .test = parts->test };
    const hw_status status = try_all(&t, parts->train, job->seed, err);
    free_trial(&t);
    return status;
}
