/* hw_classifier_quantize: the n-gram table in int8, one scale a label (its largest weight is
 * 127 steps), or the linear layers of an encoder, one scale an output; or these in bfloat16.
 * Everything else is copied as it is. */
#include "base/memory.h"
#include "base/random.h"
#include "base/sizes.h"
#include "classify/encoder_classifier.h"
#include "classify/token_windows.h"

#include <math.h>

/* ---- N-grams -------------------------------------------------------------------------------- */

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

/* ---- An encoder ----------------------------------------------------------------------------- */

/* Layers are smoothed for texts of random tokens: which columns of activations are large is hardly
 * the text's doing. */
enum { RANDOM_TEXTS = 32, RANDOM_TOKENS = 32 };

typedef struct random_texts {
    uint32_t *ids;
    uint32_t offsets[RANDOM_TEXTS + 1];
} random_texts;

/* The template's tokens are around each. */
static hw_status make_random_texts(random_texts *texts, const hw_fine_tuned *parts, hw_error *err) {
    static const uint64_t purpose = 0x736d6f6f; /* "smoo" */
    const uint64_t vocabulary = (uint64_t)hw_encoder_config_of(parts->encoder)->vocabulary;
    const size_t around = hw_template_tokens(parts->tokenizer);
    const size_t tokens = hw_smaller(RANDOM_TOKENS, (size_t)parts->max_tokens - around);
    const size_t bytes = RANDOM_TEXTS * (tokens + around) * sizeof *texts->ids;
    hw_token token[RANDOM_TOKENS] = { 0 };
    texts->ids = hw_malloc(bytes);
    if (!texts->ids) return hw_fail_memory(err, bytes);
    texts->offsets[0] = 0;
    for (size_t t = 0; t < RANDOM_TEXTS; t++) {
        for (size_t i = 0; i < tokens; i++)
            token[i].id = (uint32_t)hw_random_below(t, purpose, i, vocabulary);
        uint32_t *at = texts->ids + texts->offsets[t];
        texts->offsets[t + 1] =
            texts->offsets[t] + (uint32_t)hw_window_write(at, parts->tokenizer, token, tokens);
    }
    return HW_OK;
}

static hw_encoder *quantized_of(const hw_fine_tuned *parts, hw_error *err) {
    random_texts texts;
    if (hw_template_tokens(parts->tokenizer) >= (size_t)parts->max_tokens)
        return hw_encoder_quantize(parts->encoder, NULL, err); /* it can read no text */
    if (make_random_texts(&texts, parts, err) != HW_OK) return NULL;
    const hw_encoder_batch batch = { texts.ids, texts.offsets, RANDOM_TEXTS, NULL };
    hw_encoder *quantized = hw_encoder_quantize(parts->encoder, &batch, err);
    hw_free(texts.ids);
    return quantized;
}

/* bfloat16 comes of the rounding with which the copy's tensors are written. */
static hw_classifier *quantize_encoder(const hw_classifier *classifier, hw_quantization to,
                                       hw_error *err) {
    hw_fine_tuned parts = hw_classifier_parts(classifier);
    hw_encoder *quantized = NULL;
    parts.bf16 = to == HW_QUANTIZED_BF16;
    if (!classifier->summary.quantized && to == HW_QUANTIZED_INT8) {
        quantized = quantized_of(&parts, err);
        if (!quantized) return NULL;
        parts.encoder = quantized;
    }
    hw_classifier *copy = hw_classifier_of_encoder(&parts, err);
    hw_encoder_free(quantized);
    return copy;
}

static hw_status check(const hw_classifier *classifier, hw_quantization to, hw_error *err) {
    const hw_quantization now = classifier->summary.quantized;
    if (!classifier->encoder && !classifier->table && !classifier->table_int8)
        return hw_fail(err, HW_ERROR_ARGUMENT, "the model has no n-gram table to quantize");
    if (to == HW_NOT_QUANTIZED || (to == HW_QUANTIZED_BF16 && !classifier->encoder))
        return hw_fail(err, HW_ERROR_ARGUMENT, "n-grams can be int8 alone; an encoder, bf16 too");
    if (now && now != to)
        return hw_fail(err, HW_ERROR_ARGUMENT,
                       "the model is %s already; quantize the model that it was made from",
                       now == HW_QUANTIZED_INT8 ? "int8" : "bf16");
    return HW_OK;
}

hw_classifier *hw_classifier_quantize(const hw_classifier *classifier, hw_quantization to,
                                      hw_error *err) {
    static const char *const without[] = { "ngram.table" };
    if (check(classifier, to, err) != HW_OK) return NULL;
    if (classifier->encoder) return quantize_encoder(classifier, to, err);
    const bool add = classifier->table != NULL;
    hw_bundle *copy = hw_bundle_copy(classifier->bundle, without, add ? 1 : 0, err);
    if (!copy) return NULL;
    if (!add || add_quantized(copy, classifier, err) == HW_OK)
        return hw_classifier_from_bundle(copy, "the quantized model", err);
    hw_bundle_free(copy);
    return NULL;
}
