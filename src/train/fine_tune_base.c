/* The base: opened once; an encoder for our labels is made from it. Invariant: a readout is kept
 * only if its labels are ours by name, and its rows are then in our order. */
#include "base/checksum.h"
#include "base/json.h"
#include "base/memory.h"
#include "train/fine_tune.h"

#include <string.h>

/* Rate of a readout that starts from random weights, as a multiple of the others'. MiniLM-L6, 3
 * epochs at 5e-5 on a part of the training data, judged by another part of it: with 1 and 10 the
 * accuracy was 0.916 and 0.930 on trec6, 0.485 and 0.771 on banking77 (77 labels). */
static const double fresh_rate = 10;

hw_status hw_fine_tune_open_base(hw_fine_tuning *f, hw_error *err) {
    return hw_pretrained_open(&f->base, f->training.options->base, err);
}

/* ---- Labels of the base ------------------------------------------------------------- */

static int32_t find_label(const hw_training *t, const char *name) {
    for (size_t label = 0; label < t->labels && name; label++)
        if (strcmp(t->label_names[label], name) == 0) return (int32_t)label;
    return -1;
}

/* ours: [labels] our index of each label of the base. False if the labels are not the same. */
static bool match_labels(uint32_t *ours, const hw_training *t, const json_t *names) {
    if (json_array_size(names) != t->labels) return false;
    for (size_t i = 0; i < t->labels; i++) {
        const int32_t label = find_label(t, json_string_value(json_array_get(names, i)));
        if (label < 0) return false;
        ours[i] = (uint32_t)label;
    }
    return true; /* names are unique, on both sides */
}

/* *same: the base has a readout of the labels that are to be learned. */
static hw_status compare_labels(bool *same, uint32_t *ours, const hw_fine_tuning *f,
                                hw_error *err) {
    *same = false;
    const char *text = hw_bundle_metadata(f->base.bundle, "labels");
    if (!text || f->base.config.readout != HW_ENCODER_LABELS) return HW_OK;
    json_error_t problem;
    json_t *names = json_loads(text, 0, &problem);
    if (!names && hw_json_lacked_memory(&problem)) return hw_fail_memory(err, strlen(text));
    *same = match_labels(ours, &f->training, names);
    json_decref(names);
    return HW_OK;
}

/* ---- The output layer ---------------------------------------------------------------- */

void hw_encoder_output_layer(float **weight, float **bias, const hw_encoder_config *config,
                             float *block) {
    hw_encoder_parameter p;
    *weight = *bias = NULL;
    for (size_t i = 0; hw_encoder_parameter_at(&p, config, i); i++) {
        if (p.is_matrix) {
            *weight = block + p.offset; /* the last matrix, */
            *bias = NULL;
        } else {
            *bias = block + p.offset; /* and what follows it */
        }
    }
}

/* Row i becomes row ours[i]. */
static hw_status reorder(float *block, const hw_encoder_config *config, const uint32_t *ours,
                         hw_error *err) {
    const size_t labels = (size_t)config->labels, width = (size_t)config->width;
    float *weight, *bias, *copy = hw_malloc(labels * (width + 1) * sizeof *copy);
    if (!copy) return hw_fail_memory(err, labels * (width + 1) * sizeof *copy);
    hw_encoder_output_layer(&weight, &bias, config, block);
    memcpy(copy, weight, labels * width * sizeof *copy);
    if (bias) memcpy(copy + labels * width, bias, labels * sizeof *copy);
    for (size_t i = 0; i < labels; i++) {
        memcpy(weight + ours[i] * width, copy + i * width, width * sizeof *copy);
        if (bias) bias[ours[i]] = copy[labels * width + i];
    }
    hw_free(copy);
    return HW_OK;
}

/* ---- The encoder ------------------------------------------------------------------------ */

static hw_status make(hw_fine_tuning *f, const uint32_t *ours, bool same, hw_error *err) {
    const hw_training *t = &f->training;
    hw_encoder_free(f->encoder);
    const hw_encoder_source source = {
        .name = t->options->base,
        .find = same ? hw_pretrained_find : hw_pretrained_find_without_output,
        .context = &f->base,
        .readout_seed = &t->options->seed,
    };
    f->encoder = hw_encoder_new(&f->config, &source, t->pool, err);
    float *block = f->encoder ? hw_encoder_thaw(f->encoder, err) : NULL;
    if (!block) return HW_ERROR_MEMORY;
    if (same) HW_TRY(reorder(block, &f->config, ours, err));
    hw_encoder_pack(f->encoder, t->kernels, t->pool);
    f->start = hw_crc32c(0, block, hw_encoder_floats(&f->config) * sizeof *block);
    return HW_OK;
}

hw_status hw_fine_tune_make_encoder(hw_fine_tuning *f, hw_error *err) {
    const size_t labels = f->training.labels;
    uint32_t *ours = hw_calloc(labels, sizeof *ours);
    if (!ours) return hw_fail_memory(err, labels * sizeof *ours);
    f->config = f->base.config;
    f->config.readout = HW_ENCODER_LABELS;
    f->config.labels = (int32_t)labels;
    f->config.pooling = f->plan.pooling;
    bool same;
    hw_status status = compare_labels(&same, ours, f, err);
    if (status == HW_OK) status = make(f, ours, same, err);
    if (status == HW_OK) f->plan.learning.readout_rate = same ? 1 : fresh_rate;
    hw_free(ours);
    return status;
}
