/* hw_classifier_calibrate: a copy of a classifier with a temperature, and thresholds if it is
 * multi-label, that fit a labelled file. */
#include "classify/calibration.h"
#include "classify/corpus.h"

#include <math.h>

/* logits: [rows][labels], joined, at temperature 1. */
static void join_rows(float *logits, const hw_corpus *corpus, const hw_classifier *classifier) {
    const size_t labels = (size_t)classifier->summary.labels;
    for (size_t row = 0; row < corpus->targets.rows; row++) {
        const float *bag = corpus->bag ? corpus->bag + row * labels : NULL;
        const float *tower = corpus->tower ? corpus->tower + row * labels : NULL;
        for (size_t label = 0; label < labels; label++)
            logits[row * labels + label] =
                (float)hw_classifier_logit(classifier, bag, tower, label);
    }
}

static void apply_sigmoid(float *logits, size_t count, double temperature) {
    for (size_t i = 0; i < count; i++)
        logits[i] = (float)(1 / (1 + exp(-(double)logits[i] / temperature)));
}

/* Writes over the corpus's probabilities. thresholds: [labels] if multi-label, else NULL. */
static hw_status fit(double *temperature, float *thresholds, hw_corpus *corpus,
                     const hw_classifier *classifier, hw_error *err) {
    const size_t labels = (size_t)classifier->summary.labels;
    float *logits = corpus->probabilities;
    join_rows(logits, corpus, classifier);
    *temperature = hw_temperature_fit(logits, corpus->targets, labels, thresholds != NULL);
    if (!thresholds) return HW_OK;
    apply_sigmoid(logits, corpus->targets.rows * labels, *temperature);
    return hw_thresholds_fit(thresholds, logits, corpus->targets, labels, err);
}

static hw_status fit_copy(hw_bundle *copy, hw_corpus *corpus, const hw_classifier *classifier,
                          hw_error *err) {
    const size_t labels = (size_t)classifier->summary.labels;
    hw_config config = classifier->config;
    float *thresholds = NULL;
    if (config.multi_label &&
        !(thresholds = hw_bundle_add(copy, "thresholds", HW_F32, labels, 0, err)))
        return HW_ERROR_MEMORY;
    HW_TRY(fit(&config.temperature, thresholds, corpus, classifier, err));
    return hw_config_save(&config, classifier->labels, labels, copy, err);
}

static hw_classifier *calibrated(hw_corpus *corpus, const hw_classifier *classifier,
                                 hw_error *err) {
    static const char *const without[] = { "thresholds" };
    hw_bundle *copy = hw_bundle_copy(classifier->bundle, without, 1, err);
    if (!copy) return NULL;
    if (fit_copy(copy, corpus, classifier, err) == HW_OK)
        return hw_classifier_from_bundle(copy, "the calibrated model", err);
    hw_bundle_free(copy);
    return NULL;
}

hw_classifier *hw_classifier_calibrate(const hw_classifier *classifier, const char *path,
                                       const hw_reader_options *options, hw_error *err) {
    hw_corpus corpus = { 0 };
    hw_classifier *copy = NULL;
    if (hw_corpus_load(&corpus, classifier, path, options, err) == HW_OK &&
        hw_corpus_run(&corpus, classifier, NULL, 1, err) == HW_OK)
        copy = calibrated(&corpus, classifier, err);
    hw_corpus_free(&corpus);
    return copy;
}
