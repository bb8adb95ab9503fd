/* Rounds of steps are short, so the median over them leaves out what else the machine does. */
#include "study/timing.h"

#include "base/clock.h"
#include "base/memory.h"
#include "classify/corpus.h"
#include "statistics/ranking.h"
#include "train/training.h"

enum { MOST_TEXTS = 2000, EPOCHS = 2, MOST_ROUNDS = 512 };

typedef struct rounds {
    double speed[MOST_ROUNDS]; /* texts/s */
    size_t count;
} rounds;

static bool note_round(void *user, const hw_progress *progress) {
    rounds *r = user;
    if (progress->texts_per_second > 0 && r->count < MOST_ROUNDS)
        r->speed[r->count++] = progress->texts_per_second;
    return true;
}

static double median(double *values, size_t count) {
    hw_sort(values, count);
    return hw_quantile(values, count, 0.5);
}

static hw_status time_predicting(double *speed, const hw_classifier *classifier,
                                 const hw_dataset *test, hw_error *err) {
    hw_corpus corpus = { 0 };
    hw_status status = hw_corpus_view(&corpus, classifier, test, err);
    const double began = hw_seconds_now();
    if (status == HW_OK) status = hw_corpus_run(&corpus, classifier, NULL, 1, err);
    *speed = (double)test->count / (hw_seconds_now() - began);
    hw_corpus_free(&corpus);
    return status;
}

static hw_dataset first_of(const hw_dataset *dataset) {
    hw_dataset some = *dataset;
    if (some.count > MOST_TEXTS) some.count = MOST_TEXTS;
    return some;
}

hw_status hw_timing_take(hw_timing *timing, const hw_experiment *study, const hw_job *job,
                         hw_error *err) {
    rounds r = { 0 };
    hw_train_options options = { .input = "the study's data",
                                 .towers = 1,
                                 .width = HW_STUDY_WIDTH,
                                 .epochs = EPOCHS,
                                 .seed = job->seed,
                                 .threads = 1,
                                 .progress = note_round,
                                 .user = &r };
    hw_arm_set(&options, job->arm, job->heads);
    const hw_dataset train = first_of(study->parts.train), dev = first_of(study->parts.dev);
    const hw_dataset test = first_of(study->parts.test);
    hw_classifier *classifier = hw_train_on(&options, &train, &dev, err);
    if (!classifier) return err->status;
    timing->train = r.count ? median(r.speed, r.count) : 0;
    const hw_status status = time_predicting(&timing->predict, classifier, &test, err);
    hw_classifier_close(classifier);
    return status;
}
