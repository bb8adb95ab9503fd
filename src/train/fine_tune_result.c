/* From what was learned to a classifier. Invariant: its bytes depend on the base, the data, the
 * options and the version alone. */
#include "base/json.h"
#include "base/memory.h"
#include "classify/calibration.h"
#include "train/fine_tune.h"

#include <math.h>
#include <string.h>

/* ---- Calibration ------------------------------------------------------------------------ */

/* probabilities: [rows][labels] = softmax or sigmoid of logits / temperature. */
static void to_probabilities(float *probabilities, const float *logits, size_t rows, size_t labels,
                             double temperature, bool multi_label) {
    for (size_t row = 0; row < rows; row++) {
        const float *z = logits + row * labels;
        float *p = probabilities + row * labels;
        double largest = -INFINITY, sum = 0;
        for (size_t i = 0; i < labels; i++) largest = fmax(largest, (double)z[i]);
        for (size_t i = 0; i < labels; i++) {
            p[i] = (float)(multi_label ? 1 / (1 + exp(-(double)z[i] / temperature))
                                       : exp(((double)z[i] - largest) / temperature));
            sum += (double)p[i];
        }
        for (size_t i = 0; i < labels && !multi_label; i++) p[i] = (float)((double)p[i] / sum);
    }
}

static hw_status calibrate(hw_fine_tuning *f, float *probabilities, hw_error *err) {
    hw_training *t = &f->training;
    const bool multi_label = t->plan.multi_label;
    f->temperature = hw_temperature_fit(f->held_logits, t->held_targets, t->labels, multi_label);
    to_probabilities(probabilities, f->held_logits, t->held_count, t->labels, f->temperature,
                     multi_label);
    if (multi_label)
        HW_TRY(hw_thresholds_fit(t->thresholds, probabilities, t->held_targets, t->labels, err));
    f->score = hw_metrics_score(probabilities, t->held_targets, t->labels,
                                multi_label ? t->thresholds : NULL);
    return HW_OK;
}

hw_status hw_fine_tune_calibrate(hw_fine_tuning *f, hw_error *err) {
    hw_training *t = &f->training;
    t->thresholds = hw_calloc(t->labels, sizeof *t->thresholds);
    if (!t->thresholds) return hw_fail_memory(err, t->labels * sizeof *t->thresholds);
    for (size_t i = 0; i < t->labels; i++) t->thresholds[i] = 0.5f;
    if (!t->held_count) return HW_OK;
    float *probabilities = hw_calloc(t->held_count, t->labels * sizeof *probabilities);
    if (!probabilities)
        return hw_fail_memory(err, t->held_count * t->labels * sizeof *probabilities);
    const hw_status status = calibrate(f, probabilities, err);
    hw_free(probabilities);
    return status;
}

/* ---- The classifier --------------------------------------------------------------------- */

/* What a reader needs to make the same model again. */
static json_t *training_record(const hw_fine_tuning *f) {
    const hw_training *t = &f->training;
    const hw_train_options *asked = t->options;
    const hw_encoder_trainer_options *o = &f->plan.learning;
    const char *weighting = !asked->class_weight                           ? "none"
                            : strcmp(asked->class_weight, "balanced") == 0 ? "balanced"
                                                                           : "file";
    char checksum[16], start[16];
    snprintf(checksum, sizeof checksum, "%08x", t->data.dataset->checksum);
    snprintf(start, sizeof start, "%08x", f->start);
    json_t *json =
        json_pack("{s:s, s:s, s:I, s:I, s:I, s:s, s:s, s:I, s:s}", "version", HW_VERSION,
                  "data_crc32c", checksum, "examples", (json_int_t)t->data.count, "held_back",
                  (json_int_t)t->held_count, "seed", (json_int_t)asked->seed, "base_crc32c", start,
                  "freeze", asked->freeze ? asked->freeze : "none", "max_tokens",
                  (json_int_t)f->plan.max_tokens, "class_weight", weighting);
    json_t *rest =
        f->plan.few_shot || f->plan.only_readout
            ? json_pack("{s:b, s:f}", "few_shot", (int)f->plan.few_shot, "regularization",
                        f->readout.strength)
            : json_pack("{s:i, s:I, s:i, s:f, s:f, s:f, s:f, s:f, s:f}", "epoch", o->epochs,
                        "best_epoch", (json_int_t)f->best_epoch, "batch", o->batch, "lr",
                        o->learning_rate, "warmup", o->warm_up, "weight_decay", o->weight_decay,
                        "layer_decay", o->layer_decay, "readout_rate", o->readout_rate, "dropout",
                        (double)o->hidden_dropout);
    const bool whole = json && rest && json_object_update(json, rest) == 0;
    json_decref(rest);
    if (whole) return json;
    json_decref(json);
    return NULL;
}

hw_classifier *hw_fine_tune_classifier(hw_fine_tuning *f, hw_error *err) {
    const hw_training *t = &f->training;
    hw_text_buffer record = { 0 };
    hw_classifier *classifier = NULL;
    if (hw_json_append(&record, training_record(f), err) == HW_OK)
        classifier = hw_classifier_of_encoder(
            &(hw_fine_tuned){ .encoder = f->encoder,
                              .tokenizer = f->base.tokenizer,
                              .labels = t->label_names,
                              .label_count = t->labels,
                              .multi_label = t->plan.multi_label,
                              .thresholds = t->plan.multi_label ? t->thresholds : NULL,
                              .temperature = f->temperature,
                              .max_tokens = (int32_t)f->plan.max_tokens,
                              .held_back_score = f->score,
                              .held_back_examples = t->held_count,
                              .training = record.bytes },
            err);
    hw_text_buffer_free(&record);
    return classifier;
}
