/* Training an arm on its variant of the data, and measuring what came of it. */
#include "study/job.h"

#include "base/clock.h"
#include "base/memory.h"
#include "classify/encoding.h"
#include "study/probe.h"
#include "train/training.h"

#include <math.h>
#include <string.h>

static const double default_rate = 0.004;
/* Of the task over distances: all of a text; and its loss may stand still for long before it falls.
 */
enum { ORDER_WINDOW = 512, ORDER_PATIENCE = 1000 };

bool hw_job_equal(const hw_job *a, const hw_job *b) {
    return a->arm == b->arm && a->heads == b->heads && a->rate == b->rate &&
           a->dropout == b->dropout && a->variant == b->variant && a->level == b->level &&
           a->seed == b->seed;
}

json_t *hw_job_json(const hw_job *job) {
    return json_pack("{s:s, s:i, s:f, s:f, s:s, s:i, s:I}", "arm", hw_arm_name(job->arm), "heads",
                     (int)job->heads, "rate", job->rate, "dropout", job->dropout, "variant",
                     hw_variant_name(job->variant), "level", (int)job->level, "seed",
                     (json_int_t)job->seed);
}

/* ---- Training ------------------------------------------------------------------------------ */

typedef struct training {
    const hw_job *job;
    hw_job_goes_on *goes_on;
    void *context;
    json_t *dev; /* [[step, log-loss], ...] */
    uint64_t last_step;
    double last_loss;
    bool stopped, failed;
} training;

/* The loss stays as it is between two evaluations. */
static bool note_progress(void *user, const hw_progress *progress) {
    training *t = user;
    t->stopped = t->stopped || !t->goes_on(t->context, progress->overall);
    if (isfinite(progress->valid_loss) && progress->valid_loss != t->last_loss) {
        t->last_loss = progress->valid_loss;
        json_t *point = json_pack("[I, f]", (json_int_t)progress->step, progress->valid_loss);
        t->failed = json_array_append_new(t->dev, point) != 0 || t->failed;
    }
    if (progress->step) t->last_step = progress->step;
    return !t->stopped;
}

static hw_classifier *train(training *t, const hw_parts *parts, hw_error *err) {
    const hw_job *job = t->job;
    const bool is_order = job->variant == HW_VARIANT_ORDER;
    hw_train_options options = {
        .input = "the study's data",
        .loss = job->variant == HW_VARIANT_PAIRS ? HW_LOSS_OVA : HW_LOSS_AUTO,
        .towers = 1,
        .width = HW_STUDY_WIDTH,
        .window = is_order ? ORDER_WINDOW : 0,
        .patience = is_order ? ORDER_PATIENCE : 0,
        .learning_rate = default_rate * job->rate,
        .dropout = job->dropout,
        .seed = job->seed,
        .threads = 1,
        .progress = note_progress,
        .user = t,
    };
    hw_arm_set(&options, job->arm, job->heads);
    hw_classifier *classifier = hw_train_on(&options, parts->train, parts->dev, err);
    if (!t->stopped) return classifier;
    hw_classifier_close(classifier);
    hw_fail(err, HW_ERROR_STOPPED, "the study was stopped");
    return NULL;
}

/* ---- Measuring ----------------------------------------------------------------------------- */

static hw_status measure(hw_metrics **metrics, hw_corpus *corpus, const hw_classifier *classifier,
                         const hw_dataset *dataset, hw_error *err) {
    HW_TRY(hw_corpus_view(corpus, classifier, dataset, err));
    HW_TRY(hw_corpus_run(corpus, classifier, NULL, 1, err));
    *metrics = hw_metrics_measure(corpus->probabilities, corpus->targets,
                                  (size_t)classifier->summary.labels, classifier->thresholds, err);
    return *metrics ? HW_OK : HW_ERROR_MEMORY;
}

static hw_status mean_operations(double *mean, const hw_tower_config *tower,
                                 const hw_dataset *dataset, hw_error *err) {
    hw_words words = { 0 };
    hw_status status = HW_OK;
    for (size_t row = 0; row < dataset->count && status == HW_OK; row++) {
        status = hw_words_split(&words, dataset->examples[row].text, err);
        *mean += hw_tower_operations(tower, hw_token_count(&words));
    }
    hw_words_free(&words);
    *mean /= (double)dataset->count;
    return status;
}

static hw_status set(json_t *run, const char *key, json_t *value, hw_error *err) {
    return json_object_set_new(run, key, value) == 0 ? HW_OK : hw_fail_memory(err, 0);
}

static hw_status add_scores(json_t *run, const char *key, const hw_corpus *corpus,
                            const hw_classifier *classifier, hw_error *err) {
    const size_t rows = corpus->targets.rows;
    double *scores = hw_calloc(rows, sizeof *scores);
    if (!scores) return hw_fail_memory(err, rows * sizeof *scores);
    hw_status status = hw_row_scores(scores, corpus, classifier, err);
    if (status == HW_OK) status = set(run, key, hw_json_numbers(scores, rows), err);
    hw_free(scores);
    return status;
}

static hw_status add_test(json_t *run, const hw_classifier *classifier, const hw_dataset *test,
                          hw_error *err) {
    hw_corpus corpus = { 0 };
    hw_metrics *m = NULL;
    hw_status status = measure(&m, &corpus, classifier, test, err);
    if (status == HW_OK) status = add_scores(run, "scores", &corpus, classifier, err);
    if (status == HW_OK)
        status =
            hw_json_update(run,
                           json_pack("{s:f, s:f, s:f, s:f, s:f, s:f}", "accuracy", m->accuracy,
                                     "macro_f1", m->macro_f1, "micro_f1", m->micro_f1, "log_loss",
                                     m->log_loss, "ece", m->ece, "brier", m->brier),
                           err);
    hw_metrics_free(m);
    hw_corpus_free(&corpus);
    return status;
}

static hw_status add_train_loss(json_t *run, const hw_classifier *classifier,
                                const hw_dataset *train, hw_error *err) {
    hw_corpus corpus = { 0 };
    hw_metrics *m = NULL;
    hw_status status = measure(&m, &corpus, classifier, train, err);
    if (status == HW_OK) status = set(run, "train_log_loss", json_real(m->log_loss), err);
    hw_metrics_free(m);
    hw_corpus_free(&corpus);
    return status;
}

/* Those that there are room for only, so that rows begin at a multiple of 16, do not count. */
static void count_parameters(size_t *embedding, size_t *dense, const hw_tower_config *tower) {
    hw_tower_parameter parameter;
    *embedding = *dense = 0;
    for (size_t i = 0; hw_tower_parameter_at(&parameter, tower, i); i++) {
        const bool is_padded = strncmp(parameter.name, "readout", 7) == 0;
        const size_t columns = is_padded ? (size_t)tower->labels : parameter.columns;
        *(i == 0 ? embedding : dense) += parameter.rows * columns;
    }
}

static hw_status add_size(json_t *run, const hw_classifier *classifier, const hw_dataset *test,
                          hw_error *err) {
    const hw_tower_config *tower = &classifier->config.tower;
    double operations = 0;
    HW_TRY(mean_operations(&operations, tower, test, err));
    size_t embedding, dense;
    count_parameters(&embedding, &dense, tower);
    return hw_json_update(run,
                          json_pack("{s:I, s:I, s:f}", "parameters",
                                    (json_int_t)(embedding + dense), "dense_parameters",
                                    (json_int_t)dense, "operations", operations),
                          err);
}

static hw_status measure_all(json_t *run, const training *t, const hw_classifier *classifier,
                             const hw_parts *parts, hw_error *err) {
    HW_TRY(add_size(run, classifier, parts->test, err));
    HW_TRY(add_test(run, classifier, parts->test, err));
    HW_TRY(add_train_loss(run, classifier, parts->train, err));
    HW_TRY(set(run, "steps", json_integer((json_int_t)t->last_step), err));
    HW_TRY(set(run, "dev", json_incref(t->dev), err));
    return hw_probe(run, t->job, classifier, parts, err);
}

/* ---- The run ------------------------------------------------------------------------------- */

static hw_status run_on(json_t *run, const hw_parts *parts, training *t, hw_error *err) {
    const double began = hw_seconds_now();
    hw_classifier *classifier = train(t, parts, err);
    if (!classifier && err->status == HW_ERROR_DIVERGED)
        return set(run, "diverged", json_true(), err);
    if (!classifier) return err->status;
    hw_status status = set(run, "seconds", json_real(hw_seconds_now() - began), err);
    if (status == HW_OK) status = measure_all(run, t, classifier, parts, err);
    hw_classifier_close(classifier);
    return status;
}

static hw_status fill(json_t *run, const hw_parts *parts, training *t, hw_error *err) {
    const hw_job *job = t->job;
    hw_parts varied = { 0 };
    if (!run || !t->dev) return hw_fail_memory(err, 0);
    HW_TRY(set(run, "job", hw_job_json(job), err));
    if (job->variant == HW_VARIANT_PLAIN) return run_on(run, parts, t, err);
    hw_status status = hw_parts_vary(&varied, parts, job->variant, job->level, job->seed, err);
    if (status == HW_OK) status = run_on(run, &varied, t, err);
    hw_parts_free(&varied);
    return status;
}

json_t *hw_job_run(const hw_job *job, const hw_parts *parts, hw_job_goes_on *goes_on, void *context,
                   hw_error *err) {
    hw_error own;
    if (!err) err = &own;
    training t = {
        .job = job, .goes_on = goes_on, .context = context, .dev = json_array(), .last_loss = NAN
    };
    json_t *run = json_object();
    hw_status status = fill(run, parts, &t, err);
    if (status == HW_OK && t.failed) status = hw_fail_memory(err, 0);
    json_decref(t.dev);
    if (status == HW_OK) return run;
    json_decref(run);
    return NULL;
}

double hw_run_dev_loss(const json_t *run) {
    const json_t *dev = json_object_get(run, "diverged") ? NULL : json_object_get(run, "dev");
    double least = INFINITY;
    for (size_t i = 0; i < json_array_size(dev); i++)
        least = fmin(least, json_real_value(json_array_get(json_array_get(dev, i), 1)));
    return least;
}
