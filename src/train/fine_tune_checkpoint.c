/* The checkpoint of a fine-tuning: one safetensors file, replaced whole at every save. It holds the
 * trainer's state and the best weights so far with their logits of the held-back rows. */
#include "base/checksum.h"
#include "base/json.h"
#include "base/memory.h"
#include "train/fine_tune.h"

#include <math.h>
#include <string.h>

enum { ARRAYS = HW_ENCODER_TRAINER_ARRAYS + 2 };
#define NO_LOSS 1e300 /* stands for infinity and NaN, which JSON lacks */

/* The i-th array of the state. */
static hw_state_array state_array(const hw_fine_tuning *f, hw_encoder_trainer *trainer, size_t i,
                                  bool best) {
    const hw_training *t = &f->training;
    if (i < HW_ENCODER_TRAINER_ARRAYS) return hw_encoder_trainer_state(trainer, i);
    if (i == HW_ENCODER_TRAINER_ARRAYS)
        return (hw_state_array){ "best", f->best,
                                 best ? hw_fine_tune_best_floats(f) * sizeof *f->best : 0 };
    const size_t held = t->held_count * t->labels;
    return (hw_state_array){ "held_logits", f->held_logits,
                             best ? held * sizeof *f->held_logits : 0 };
}

static uint32_t checksum_of_lesson(const hw_fine_tuning *f) {
    const hw_training *t = &f->training;
    uint32_t crc = hw_crc32c(0, t->data.weights, f->texts.count * sizeof *t->data.weights);
    if (t->data.label_weights)
        crc = hw_crc32c(crc, t->data.label_weights, t->labels * sizeof *t->data.label_weights);
    return hw_crc32c(crc, f->texts.ids, f->texts.offsets[f->texts.count] * sizeof *f->texts.ids);
}

/* What must be the same for a checkpoint to be taken up. */
static json_t *identity(const hw_fine_tuning *f) {
    const hw_training *t = &f->training;
    const hw_encoder_trainer_options *o = &f->plan.learning;
    const uint32_t valid = t->valid.dataset ? t->valid.dataset->checksum : 0;
    return json_pack(
        "{s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:[f,f,f,f,f], s:[f,f,f], s:[i,i,i,i], s:I, s:b}",
        "version", HW_VERSION, "start", (json_int_t)f->start, "data",
        (json_int_t)t->data.dataset->checksum, "valid", (json_int_t)valid, "lesson",
        (json_int_t)checksum_of_lesson(f), "learned", (json_int_t)t->trials[0].learned_count,
        "held", (json_int_t)t->held_count, "learning", o->learning_rate, o->warm_up,
        o->weight_decay, o->layer_decay, o->readout_rate, "dropout", (double)o->hidden_dropout,
        (double)o->attention_dropout, (double)o->readout_dropout, "counts", o->epochs, o->batch,
        (int)o->piece_tokens, (int)o->lowest, "seed", (json_int_t)o->seed, "multi_label",
        (int)t->plan.multi_label);
}

static json_t *position(const hw_fine_tune_progress *progress) {
    const double loss = isfinite(progress->best_loss) ? progress->best_loss : NO_LOSS;
    return json_pack("{s:I, s:I, s:f}", "best_epoch", (json_int_t)progress->best_epoch, "stale",
                     (json_int_t)progress->stale, "best_loss", loss);
}

hw_status hw_fine_tune_save(const hw_fine_tuning *f, const hw_fine_tune_progress *progress,
                            hw_encoder_trainer *trainer, hw_error *err) {
    hw_tensor tensors[ARRAYS];
    size_t count = 0;
    for (size_t i = 0; i < ARRAYS; i++) {
        const hw_state_array array = state_array(f, trainer, i, progress->best_epoch > 0);
        if (!array.bytes) continue;
        tensors[count++] =
            (hw_tensor){ array.name, HW_U8, 1, { array.bytes, 1, 1, 1 }, array.data, array.bytes };
    }
    hw_text_buffer who = { 0 }, where = { 0 };
    hw_status status = hw_json_append(&who, identity(f), err);
    if (status == HW_OK) status = hw_json_append(&where, position(progress), err);
    if (status == HW_OK) {
        const hw_metadata metadata[] = { { "identity", who.bytes }, { "position", where.bytes } };
        status =
            hw_safetensors_save(f->training.options->checkpoint, tensors, count, metadata, 2, err);
    }
    hw_text_buffer_free(&who);
    hw_text_buffer_free(&where);
    return status;
}

/* ---- Taking one up --------------------------------------------------------------------- */

static hw_status check_identity(const hw_safetensors *file, const hw_fine_tuning *f,
                                hw_error *err) {
    const char *theirs = hw_safetensors_metadata(file, "identity");
    hw_text_buffer ours = { 0 };
    hw_status status = hw_json_append(&ours, identity(f), err);
    if (status == HW_OK && (!theirs || strcmp(theirs, ours.bytes) != 0))
        status = hw_fail(err, HW_ERROR_ARGUMENT,
                         "%s: the checkpoint is of another base, other data or options; train with "
                         "those, or remove it",
                         f->training.options->checkpoint);
    hw_text_buffer_free(&ours);
    return status;
}

static hw_status read_position(hw_fine_tune_progress *progress, const hw_safetensors *file,
                               const char *path, hw_error *err) {
    const char *text = hw_safetensors_metadata(file, "position");
    json_error_t problem = { 0 };
    json_t *json = text ? json_loads(text, JSON_REJECT_DUPLICATES, &problem) : NULL;
    if (text && !json && hw_json_lacked_memory(&problem)) return hw_fail_memory(err, strlen(text));
    json_int_t best_epoch = -1, stale = -1;
    double loss = 0;
    const bool read = json && json_unpack(json, "{s:I, s:I, s:f}", "best_epoch", &best_epoch,
                                          "stale", &stale, "best_loss", &loss) == 0;
    json_decref(json);
    if (!read || best_epoch < 0 || stale < 0)
        return hw_fail(err, HW_ERROR_FORMAT, "%s: not a checkpoint", path);
    *progress = (hw_fine_tune_progress){ (size_t)best_epoch, (size_t)stale,
                                         loss < NO_LOSS ? loss : (double)INFINITY };
    return HW_OK;
}

static hw_status read_arrays(const hw_safetensors *file, hw_fine_tuning *f, bool best,
                             hw_encoder_trainer *trainer, const char *path, hw_error *err) {
    for (size_t i = 0; i < ARRAYS; i++) {
        const hw_state_array array = state_array(f, trainer, i, best);
        if (!array.bytes) continue;
        const hw_tensor *tensor = hw_safetensors_find(file, array.name);
        if (!tensor || tensor->bytes != array.bytes)
            return hw_fail(err, HW_ERROR_FORMAT, "%s: tensor %s is missing or has another size",
                           path, array.name);
        memcpy(array.data, tensor->data, array.bytes);
    }
    if (hw_encoder_trainer_resume(trainer)) return HW_OK;
    return hw_fail(err, HW_ERROR_FORMAT, "%s: the state is not of this training", path);
}

hw_status hw_fine_tune_restore(hw_fine_tuning *f, hw_fine_tune_progress *progress,
                               hw_encoder_trainer *trainer, hw_error *err) {
    const hw_train_options *o = f->training.options;
    if (!o->resume || !o->checkpoint || !hw_file_exists(o->checkpoint)) return HW_OK;
    hw_error own;
    if (!err) err = &own;
    hw_safetensors *file = hw_safetensors_open(o->checkpoint, true, err);
    if (!file) return err->status;
    hw_status status = check_identity(file, f, err);
    if (status == HW_OK) status = read_position(progress, file, o->checkpoint, err);
    if (status == HW_OK)
        status = read_arrays(file, f, progress->best_epoch > 0, trainer, o->checkpoint, err);
    hw_safetensors_close(file);
    return status;
}
