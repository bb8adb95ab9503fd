/* hw_classifier_quantize: the n-gram table in int8, one scale a label (its largest weight is
 * 127 steps), or the linear layers of an encoder, one scale an output. Everything else is copied as
 * it is. */
#include "classify/encoder_classifier.h"

#include <math.h>

/* scale[labels]: the step of each label, 0 if all its weights are. */
static void find_scales(float *scale, const float *table, size_t ngrams, size_t labels) {
    for (size_t ngram = 0; ngram < ngrams; ngram++)
        for (size_t label = 0; label < labels; label++)
            scale[label] = fmaxf(scale[label], fabsf(table[ngram * labels + label]));
    for (size_t label = 0; label < labels; label++) scale[label] /= INT8_MAX;
}

static void quantize(int8_t *quantized, const float *table, const float *scale, size_t ngrams,
                     size_t labels) {
    for (size_t ngram = 0; ngram < ngrams; ngram++)
        for (size_t label = 0; label < labels; label++) {
            const size_t i = ngram * labels + label;
            const float steps = scale[label] > 0 ? roundf(table[i] / scale[label]) : 0;
            quantized[i] = (int8_t)fmaxf(-INT8_MAX, fminf(INT8_MAX, steps));
        }
}

static hw_status add_quantized(hw_bundle *copy, const hw_classifier *classifier, hw_error *err) {
    const size_t ngrams = classifier->config.ngrams, labels = (size_t)classifier->summary.labels;
    int8_t *quantized = hw_bundle_add(copy, "ngram.table", HW_I8, ngrams, labels, err);
    float *scale = quantized ? hw_bundle_add(copy, "ngram.scale", HW_F32, labels, 0, err) : NULL;
    if (!scale) return HW_ERROR_MEMORY;
    find_scales(scale, classifier->table, ngrams, labels);
    quantize(quantized, classifier->table, scale, ngrams, labels);
    return HW_OK;
}

static hw_classifier *quantize_encoder(const hw_classifier *classifier, hw_error *err) {
    hw_fine_tuned parts = hw_classifier_parts(classifier);
    hw_encoder *quantized =
        classifier->summary.quantized ? NULL : hw_encoder_quantize(classifier->encoder, err);
    if (!quantized && !classifier->summary.quantized) return NULL;
    if (quantized) parts.encoder = quantized;
    hw_classifier *copy = hw_classifier_of_encoder(&parts, err);
    hw_encoder_free(quantized);
    return copy;
}

hw_classifier *hw_classifier_quantize(const hw_classifier *classifier, hw_error *err) {
    static const char *const without[] = { "ngram.table" };
    if (classifier->encoder) return quantize_encoder(classifier, err);
    if (!classifier->table && !classifier->table_int8) {
        hw_fail(err, HW_ERROR_ARGUMENT, "the model has no n-gram table to quantize");
        return NULL;
    }
    const bool add = classifier->table != NULL;
    hw_bundle *copy = hw_bundle_copy(classifier->bundle, without, add ? 1 : 0, err);
    if (!copy) return NULL;
    if (!add || add_quantized(copy, classifier, err) == HW_OK)
        return hw_classifier_from_bundle(copy, "the quantized model", err);
    hw_bundle_free(copy);
    return NULL;
}
