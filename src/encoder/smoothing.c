/* Peaks of activations come from passes over one text at a time, whose tapes keep what every layer
 * has read. Invariant: `peaks` becomes `factors` in place, once. */
#include "encoder/smoothing.h"

#include "base/memory.h"
#include "encoder/pass.h"

typedef enum input {
    INPUT_OF_QKV,
    INPUT_OF_INNER,
    INPUT_OF_INNER_OUTPUT,
    INPUTS,
    NO_INPUT = INPUTS,
} input;

struct hw_smoothing {
    const hw_encoder_config *config;
    float *factors; /* [stored layers] of [inputs] of [columns] */
};

static input input_of(hw_module_id id) {
    switch (id) {
    case HW_MODULE_QKV:
    case HW_MODULE_QUERY:
    case HW_MODULE_KEY:
    case HW_MODULE_VALUE:
        return INPUT_OF_QKV;
    case HW_MODULE_INNER:
        return INPUT_OF_INNER;
    case HW_MODULE_INNER_OUTPUT:
        return INPUT_OF_INNER_OUTPUT;
    default:
        return NO_INPUT;
    }
}

bool hw_may_be_smoothed(hw_module_id id) {
    return input_of(id) != NO_INPUT;
}

static size_t columns_of(const hw_encoder_config *config, input in) {
    return (size_t)(in == INPUT_OF_INNER_OUTPUT ? config->inner_width : config->width);
}

static size_t layer_floats(const hw_encoder_config *config) {
    size_t floats = 0;
    for (input in = 0; in < INPUTS; in++) floats += columns_of(config, in);
    return floats;
}

static float *factors_of(const hw_smoothing *smoothing, int32_t stored_layer, input in) {
    float *at = smoothing->factors + (size_t)stored_layer * layer_floats(smoothing->config);
    for (input before = 0; before < in; before++) at += columns_of(smoothing->config, before);
    return at;
}

const float *hw_smoothing_of(const hw_smoothing *smoothing, const hw_slot *slot) {
    if (!smoothing || slot->is_bias || !hw_may_be_smoothed(slot->module)) return NULL;
    if (slot->columns <= HW_INT8_EXACT) return NULL;
    return factors_of(smoothing, slot->layer, input_of(slot->module));
}

/* peak[n] = the largest magnitude of each column, if it is larger */
static void raise_peaks(float *peak, const float *x, size_t rows, size_t n) {
    for (size_t row = 0; row < rows; row++, x += n)
        for (size_t i = 0; i < n; i++) peak[i] = fmaxf(peak[i], fabsf(x[i]));
}

/* ---- Activations ---------------------------------------------------------------------------- */

static void see_inputs(hw_smoothing *smoothing, const hw_encoder_scratch *scratch, size_t tokens) {
    const hw_encoder_config *config = smoothing->config;
    for (int32_t l = 0; l < config->layers; l++) {
        const hw_layer_tape *tape = &scratch->layer[l];
        const float *read[INPUTS] = { tape->attention.u, tape->inner.u, tape->after };
        for (input in = 0; in < INPUTS; in++)
            raise_peaks(factors_of(smoothing, config->shared_layers ? 0 : l, in), read[in], tokens,
                        columns_of(config, in));
    }
}

static size_t longest_of(const hw_encoder_batch *texts) {
    size_t longest = 0;
    for (size_t t = 0; t < texts->texts; t++) {
        const size_t tokens = texts->offsets[t + 1] - texts->offsets[t];
        longest = tokens > longest ? tokens : longest;
    }
    return longest;
}

static hw_status see_texts(hw_smoothing *smoothing, const hw_encoder *encoder,
                           const hw_encoder_batch *texts, hw_error *err) {
    const size_t longest = longest_of(texts), width = (size_t)encoder->config.width;
    float *features = hw_malloc(width * sizeof *features);
    if (!features) return hw_fail_memory(err, width * sizeof *features);
    hw_encoder_scratch *scratch =
        hw_encoder_scratch_new(&encoder->config, 1, longest, longest, true, NULL, err);
    if (scratch) scratch->all_tokens = true;
    for (size_t t = 0; scratch && t < texts->texts; t++) {
        const hw_encoder_batch one = { texts->tokens, texts->offsets + t, 1, texts->words };
        hw_encoder_features(features, scratch, encoder, hw_kernels_select(), one);
        see_inputs(smoothing, scratch, one.offsets[1] - one.offsets[0]);
    }
    const bool seen = scratch != NULL;
    hw_encoder_scratch_free(scratch);
    hw_free(features);
    return seen ? HW_OK : HW_ERROR_MEMORY;
}

/* ---- Factors -------------------------------------------------------------------------------- */

/* Instead of the peak of a column that is to be exact. */
static const float exact_mark = -1;

static float largest(const float *x, size_t n) {
    float most = 0;
    for (size_t i = 0; i < n; i++) most = fmaxf(most, x[i]);
    return most;
}

/* Marks the column with the largest product of peaks, of those that are not marked yet. */
static void mark_exact(float *of_input, const float *of_weights, size_t n) {
    size_t found = 0;
    while (of_input[found] == exact_mark) found++;
    for (size_t i = found + 1; i < n; i++)
        if (of_input[i] != exact_mark &&
            of_input[i] * of_weights[i] > of_input[found] * of_weights[found])
            found = i;
    of_input[found] = exact_mark;
}

/* From peaks of an input and of the weights that read it. A peak that is far below all others
 * counts as a thousandth of the largest. n: above HW_INT8_EXACT */
static void peaks_to_factors(float *of_input, const float *of_weights, size_t n) {
    for (size_t e = 0; e < HW_INT8_EXACT; e++) mark_exact(of_input, of_weights, n);
    const float least = largest(of_input, n) / 1000, least_weight = largest(of_weights, n) / 1000;
    for (size_t i = 0; i < n; i++) {
        const float square = fmaxf(of_weights[i], least_weight) / fmaxf(of_input[i], least);
        if (of_input[i] == exact_mark)
            of_input[i] = 0;
        else
            of_input[i] = square > 1e-24f && square < 1e24f ? sqrtf(square) : 1;
    }
}

static void make_factors(hw_smoothing *smoothing, float *of_weights, const hw_encoder *encoder,
                         int32_t stored_layer, input in) {
    const size_t columns = columns_of(smoothing->config, in);
    if (columns <= HW_INT8_EXACT) return;
    for (size_t i = 0; i < columns; i++) of_weights[i] = 0;
    for (size_t i = 0; i < encoder->slots; i++) {
        const hw_weight *weight = &encoder->weight[i];
        const hw_slot *slot = &weight->slot;
        if (!slot->is_bias && slot->layer == stored_layer && input_of(slot->module) == in)
            raise_peaks(of_weights, weight->values, slot->rows, columns);
    }
    peaks_to_factors(factors_of(smoothing, stored_layer, in), of_weights, columns);
}

static hw_status make_all_factors(hw_smoothing *smoothing, const hw_encoder *encoder,
                                  hw_error *err) {
    const size_t floats = layer_floats(smoothing->config); /* enough for any input */
    float *of_weights = hw_malloc(floats * sizeof *of_weights);
    if (!of_weights) return hw_fail_memory(err, floats * sizeof *of_weights);
    for (int32_t l = 0; l < hw_stored_layers(smoothing->config); l++)
        for (input in = 0; in < INPUTS; in++) make_factors(smoothing, of_weights, encoder, l, in);
    hw_free(of_weights);
    return HW_OK;
}

hw_smoothing *hw_smoothing_measure(const hw_encoder *encoder, const hw_encoder_batch *texts,
                                   hw_error *err) {
    const size_t floats =
        (size_t)hw_stored_layers(&encoder->config) * layer_floats(&encoder->config);
    hw_smoothing *smoothing = hw_calloc(1, sizeof *smoothing);
    if (!smoothing) return hw_fail_memory(err, sizeof *smoothing), NULL;
    smoothing->config = &encoder->config;
    smoothing->factors = hw_calloc(floats, sizeof *smoothing->factors);
    if (!smoothing->factors) {
        hw_fail_memory(err, floats * sizeof *smoothing->factors);
    } else if (see_texts(smoothing, encoder, texts, err) == HW_OK &&
               make_all_factors(smoothing, encoder, err) == HW_OK) {
        return smoothing;
    }
    hw_smoothing_free(smoothing);
    return NULL;
}

void hw_smoothing_free(hw_smoothing *smoothing) {
    if (!smoothing) return;
    hw_free(smoothing->factors);
    hw_free(smoothing);
}
