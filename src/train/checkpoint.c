/* The checkpoint of a training: one safetensors file, replaced whole at every save. It holds
 * the state of every tower's trainer in the current phase, and the best towers of the first
 * phase; the n-grams are learned again on resuming, which gives the same bits. */
#include "base/checksum.h"
#include "base/file.h"
#include "base/json.h"
#include "base/memory.h"
#include "train/training.h"

#include <math.h>
#include <string.h>

/* Of the texts as the towers see them, and of what they count. */
static uint32_t checksum_of_tokens(const hw_training *t) {
    const hw_token_lists *tokens = &t->set.tokens;
    const size_t count = tokens->text_offsets[t->set.rows];
    uint32_t crc = hw_crc32c(0, t->data.weights, t->set.rows * sizeof *t->data.weights);
    if (t->data.label_weights)
        crc = hw_crc32c(crc, t->data.label_weights, t->labels * sizeof *t->data.label_weights);
    crc = hw_crc32c(crc, tokens->token_offsets, (count + 1) * sizeof *tokens->token_offsets);
    return hw_crc32c(crc, tokens->ngrams, tokens->token_offsets[count] * sizeof *tokens->ngrams);
}

#define NO_LOSS 1e300 /* stands for infinity, which JSON lacks */

/* What must be the same for a checkpoint to be taken up. */
static json_t *identity(const hw_training *t) {
    const hw_tower_config *c = &t->plan.tower;
    const hw_tower_trainer_options *o = &t->plan.learning;
    const hw_tower_penalties *p = &o->penalties;
    const uint32_t valid = t->valid.dataset ? t->valid.dataset->checksum : 0;
    return json_pack(
        "{s:s, s:I, s:I, s:I, s:I, s:I, s:[i,i,i,i,i,i,i,i,i,i,i,i], s:[f,f,f,f,f,f,f,f,f], "
        "s:[i,i,i,i,i], s:I, s:i, s:b, s:[i,i,i,b,f,f,f,f]}",
        "version", HW_VERSION, "data", (json_int_t)t->data.dataset->checksum, "valid",
        (json_int_t)valid, "tokens", (json_int_t)checksum_of_tokens(t), "learned",
        (json_int_t)t->data.count, "held", (json_int_t)t->held_count, "tower", c->vocabulary,
        c->width, c->layers, c->heads, c->head_dim, c->inner_width, c->distance, c->queries,
        c->window, c->labels, c->capsule_dim, c->routing, "learning", (double)o->learning_rate,
        (double)o->embedding_rate, (double)o->weight_decay, (double)o->dropout,
        (double)o->embedding_dropout, (double)o->drop_head, (double)o->ngram_dropout,
        (double)o->token_dropout, (double)o->average, "counts", o->epochs, o->batch, t->plan.towers,
        (int)t->plan.folds, (int)t->plan.trials, "seed", (json_int_t)t->options->seed, "arch",
        (int)t->plan.arch, "multi_label", (int)t->plan.multi_label, "heads", (int)c->attention,
        c->shared_dim, (int)c->head_gates, (int)o->drop_head_v, (double)p->open_gates,
        (double)p->like_values, (double)p->like_outputs, (double)p->overlap);
}

/* Where training stands. */
static json_t *position(const hw_checkpoint *checkpoint) {
    const double loss = isfinite(checkpoint->best_loss) ? checkpoint->best_loss : NO_LOSS;
    return json_pack("{s:i, s:I, s:I, s:f}", "phase", checkpoint->phase, "best_steps",
                     (json_int_t)checkpoint->best_steps, "stale", (json_int_t)checkpoint->stale,
                     "best_loss", loss);
}

static hw_status save(const hw_training *t, const hw_checkpoint *checkpoint,
                      const hw_tensor *tensors, size_t count, hw_error *err) {
    hw_text_buffer who = { 0 }, where = { 0 };
    hw_status status = hw_json_append(&who, identity(t), err);
    if (status == HW_OK) status = hw_json_append(&where, position(checkpoint), err);
    if (status == HW_OK) {
        const hw_metadata metadata[] = { { "identity", who.bytes }, { "position", where.bytes } };
        status = hw_safetensors_save(t->options->checkpoint, tensors, count, metadata, 2, err);
    }
    hw_text_buffer_free(&who);
    hw_text_buffer_free(&where);
    return status;
}

hw_status hw_checkpoint_save(const hw_training *t, const hw_checkpoint *checkpoint,
                             hw_tower_trainer *const *trainers, int32_t trainer_count,
                             hw_error *err) {
    enum { MOST = 2 * HW_TOWERS_LIMIT + 1 };
    hw_tensor tensors[MOST];
    char names[MOST][32];
    void *states[HW_TOWERS_LIMIT] = { 0 };
    size_t count = 0;
    hw_status status = HW_OK;
    for (int32_t i = 0; i < trainer_count && status == HW_OK; i++) {
        const size_t bytes = hw_tower_trainer_state_bytes(trainers[i]);
        states[i] = hw_malloc(bytes);
        if (!states[i]) {
            status = hw_fail_memory(err, bytes);
            break;
        }
        hw_tower_trainer_save(states[i], trainers[i]);
        snprintf(names[count], sizeof names[count], "state.%d", i);
        tensors[count] =
            (hw_tensor){ names[count], HW_U8, 1, { bytes, 1, 1, 1 }, states[i], bytes };
        count++;
    }
    for (int32_t i = 0; i < hw_plan_trial_towers(&t->plan) && status == HW_OK; i++) {
        const size_t floats = hw_tower_floats(&t->plan.tower);
        snprintf(names[count], sizeof names[count], "best.%d", i);
        tensors[count] =
            (hw_tensor){ names[count],          HW_F32, 1, { floats, 1, 1, 1 }, t->first.towers[i],
                         floats * sizeof(float) };
        count++;
    }
    const size_t cells = t->held_count * t->labels;
    tensors[count++] = (hw_tensor){ "held_tower",       HW_F32,        1,
                                    { cells, 1, 1, 1 }, t->held_tower, cells * sizeof(float) };
    if (status == HW_OK) status = save(t, checkpoint, tensors, count, err);
    for (int32_t i = 0; i < HW_TOWERS_LIMIT; i++) hw_free(states[i]);
    return status;
}

/* ---- Taking one up --------------------------------------------------------------- */

static hw_status check_identity(const hw_safetensors *file, const hw_training *t, hw_error *err) {
    const char *theirs = hw_safetensors_metadata(file, "identity");
    hw_text_buffer ours = { 0 };
    hw_status status = hw_json_append(&ours, identity(t), err);
    if (status == HW_OK && (!theirs || strcmp(theirs, ours.bytes) != 0))
        status = hw_fail(err, HW_ERROR_ARGUMENT,
                         "%s: the checkpoint is of other data or options; train with those, or "
                         "remove it",
                         t->options->checkpoint);
    hw_text_buffer_free(&ours);
    return status;
}

static hw_status read_position(hw_checkpoint *checkpoint, const hw_safetensors *file,
                               const hw_training *t, hw_error *err) {
    const char *text = hw_safetensors_metadata(file, "position");
    json_t *json = text ? json_loads(text, JSON_REJECT_DUPLICATES, NULL) : NULL;
    json_int_t best_steps = 0, stale = 0;
    int phase = 0;
    double loss = 0;
    const bool read =
        json && json_unpack(json, "{s:i, s:I, s:I, s:f}", "phase", &phase, "best_steps",
                            &best_steps, "stale", &stale, "best_loss", &loss) == 0;
    json_decref(json);
    if (!read || phase < 1 || phase > 2 || best_steps < 0 || stale < 0)
        return hw_fail(err, HW_ERROR_FORMAT, "%s: not a checkpoint", t->options->checkpoint);
    *checkpoint = (hw_checkpoint){ phase, (size_t)best_steps, (size_t)stale,
                                   loss < NO_LOSS ? loss : INFINITY };
    return HW_OK;
}

hw_status hw_checkpoint_open(hw_checkpoint *checkpoint, hw_safetensors **file, const hw_training *t,
                             hw_error *err) {
    *checkpoint = (hw_checkpoint){ 0 };
    *file = NULL;
    if (!t->options->resume || !t->options->checkpoint || !hw_file_exists(t->options->checkpoint))
        return HW_OK;
    *file = hw_safetensors_open(t->options->checkpoint, true, err);
    if (!*file) return err ? err->status : HW_ERROR_FORMAT;
    hw_status status = check_identity(*file, t, err);
    if (status == HW_OK) status = read_position(checkpoint, *file, t, err);
    if (status == HW_OK) return HW_OK;
    hw_safetensors_close(*file);
    *file = NULL;
    return status;
}

static hw_status copy(void *to, size_t bytes, const hw_safetensors *file, const char *name,
                      const char *path, hw_error *err) {
    const hw_tensor *tensor = hw_safetensors_find(file, name);
    if (!tensor || tensor->bytes != bytes)
        return hw_fail(err, HW_ERROR_FORMAT, "%s: tensor %s is missing or has another size", path,
                       name);
    memcpy(to, tensor->data, bytes);
    return HW_OK;
}

static hw_status restore_trainer(hw_tower_trainer *trainer, const hw_safetensors *file,
                                 const char *name, const char *path, hw_error *err) {
    const size_t bytes = hw_tower_trainer_state_bytes(trainer);
    void *state = hw_malloc(bytes);
    if (!state) return hw_fail_memory(err, bytes);
    hw_status status = copy(state, bytes, file, name, path, err);
    if (status == HW_OK && !hw_tower_trainer_load(trainer, state))
        status = hw_fail(err, HW_ERROR_FORMAT, "%s: %s is not of this training", path, name);
    hw_free(state);
    return status;
}

hw_status hw_checkpoint_restore(hw_training *t, const hw_safetensors *file,
                                hw_tower_trainer *const *trainers, int32_t trainer_count,
                                hw_error *err) {
    const char *path = t->options->checkpoint;
    char name[32];
    for (int32_t i = 0; i < trainer_count && trainers; i++) {
        snprintf(name, sizeof name, "state.%d", i);
        HW_TRY(restore_trainer(trainers[i], file, name, path, err));
    }
    for (int32_t i = 0; i < hw_plan_trial_towers(&t->plan); i++) {
        snprintf(name, sizeof name, "best.%d", i);
        HW_TRY(copy(t->first.towers[i], hw_tower_floats(&t->plan.tower) * sizeof(float), file, name,
                    path, err));
    }
    return copy(t->held_tower, t->held_count * t->labels * sizeof(float), file, "held_tower", path,
                err);
}
