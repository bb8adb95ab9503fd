/* All steps count: a few rounds alone would time the texts that a seed puts there. */
#include "study/timing.h"

#include "base/clock.h"
#include "classify/corpus.h"
#include "train/training.h"

enum { MOST_TEXTS = 2000, FEW_TEXTS = 32, EPOCHS = 2 };

typedef struct rounds {
    uint64_t steps;
    double time; /* steps by texts/s, of all rounds */
} rounds;

static bool note_round(void *user, const hw_progress *progress) {
    rounds *r = user;
    if (progress->texts_per_second > 0 && progress->step > r->steps) {
        r->time += (double)(progress->step - r->steps) / progress->texts_per_second;
        r->steps = progress->step;
    }
    return true;
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

static hw_dataset first_of(const hw_dataset *dataset, size_t most) {
    hw_dataset some = *dataset;
    if (some.count > most) some.count = most;
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
    const hw_dataset train = first_of(study->parts.train, MOST_TEXTS);
    const hw_dataset valid = first_of(&train, FEW_TEXTS); /* nothing is chosen by them */
    const hw_dataset test = first_of(study->parts.test, MOST_TEXTS);
    hw_classifier *classifier = hw_train_on(&options, &train, &valid, err);
    if (!classifier) return err->status;
    timing->train = r.steps ? (double)r.steps / r.time : 0;
    const hw_status status = time_predicting(&timing->predict, classifier, &test, err);
    hw_classifier_close(classifier);
    return status;
}
