/* hw_evaluate: a labelled file, the measures of a classifier on it, and the score of each of
 * its branches alone. */
#include "classify/corpus.h"

#include "base/memory.h"

#include <math.h>

/* A branch predicts by its own logits: the largest one, or every one >= 0, which is a
 * probability of 0.5 under any temperature. zeros: [labels] if multi-label, else NULL. */
static double branch_score(const float *logits, const hw_corpus *corpus, size_t labels,
                           const float *zeros) {
    return logits ? hw_metrics_score(logits, corpus->targets, labels, zeros) : NAN;
}

static hw_status score_branches(hw_metrics *metrics, const hw_corpus *corpus,
                                const hw_classifier *classifier, hw_error *err) {
    const size_t labels = (size_t)classifier->summary.labels;
    float *zeros = NULL;
    if (classifier->config.multi_label && !(zeros = hw_calloc(labels, sizeof *zeros)))
        return hw_fail_memory(err, labels * sizeof *zeros);
    metrics->bag_score = branch_score(corpus->bag, corpus, labels, zeros);
    metrics->tower_score = branch_score(corpus->tower, corpus, labels, zeros);
    hw_free(zeros);
    return HW_OK;
}

static hw_metrics *measure(const hw_corpus *corpus, const hw_classifier *classifier,
                           hw_error *err) {
    hw_metrics *metrics =
        hw_metrics_measure(corpus->probabilities, corpus->targets,
                           (size_t)classifier->summary.labels, classifier->thresholds, err);
    if (!metrics || score_branches(metrics, corpus, classifier, err) == HW_OK) return metrics;
    hw_metrics_free(metrics);
    return NULL;
}

hw_metrics *hw_evaluate(const hw_classifier *classifier, const char *path,
                        const hw_reader_options *reader, const hw_session_options *session,
                        int32_t threads, hw_error *err) {
    hw_corpus corpus = { 0 };
    hw_metrics *metrics = NULL;
    if (threads <= 0) threads = hw_cpu_count();
    if (hw_corpus_load(&corpus, classifier, path, reader, err) == HW_OK &&
        hw_corpus_run(&corpus, classifier, session, threads, err) == HW_OK)
        metrics = measure(&corpus, classifier, err);
    hw_corpus_free(&corpus);
    return metrics;
}

void hw_buffer_free(void *buffer) {
    hw_free(buffer);
}
