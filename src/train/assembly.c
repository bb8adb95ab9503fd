/* From what was learned to a model: the tensors and metadata of a bundle. Invariant: the
 * bytes depend on the data, the options and the version alone. */
#include "base/json.h"
#include "train/training.h"

#include <math.h>
#include <string.h>

static hw_status add(hw_bundle *bundle, const char *name, hw_dtype dtype, size_t rows,
                     size_t columns, const void *values, hw_error *err) {
    void *to = hw_bundle_add(bundle, name, dtype, rows, columns, err);
    if (!to) return HW_ERROR_MEMORY;
    memcpy(to, values, rows * (columns ? columns : 1) * hw_dtype_bytes(dtype));
    return HW_OK;
}

static hw_status add_ngrams(hw_bundle *bundle, const hw_training *t, const hw_branches *b,
                            hw_error *err) {
    const hw_built_dictionary *d = &t->set.dictionary;
    if (d->capacity) HW_TRY(add(bundle, "ngram.slots", HW_U32, d->capacity, 2, d->slots, err));
    if (t->set.words.length)
        HW_TRY(add(bundle, "ngram.words", HW_U8, t->set.words.length, 0, t->set.words.bytes, err));
    if (!b->table) return HW_OK;
    if (d->count) {
        HW_TRY(add(bundle, "ngram.idf", HW_F32, d->count, 0, t->set.idf, err));
        HW_TRY(add(bundle, "ngram.table", HW_F32, d->count, t->labels, b->table, err));
    }
    return add(bundle, "ngram.bias", HW_F32, t->labels, 0, b->bias, err);
}

static hw_config config_of(const hw_training *t, int32_t towers) {
    return (hw_config){ .arch = t->plan.arch,
                        .multi_label = t->plan.multi_label,
                        .ngrams = t->set.dictionary.count,
                        .ngram_options = t->plan.set.ngrams,
                        .towers = towers,
                        .tower = t->plan.tower,
                        .join = t->join.join,
                        .temperature = 1,
                        .held_back_score = t->join.score,
                        .held_back_bag = t->join.bag_score,
                        .held_back_examples = t->held_count };
}

/* What was wished of the heads and is not in the configuration, if it is not the usual. */
static void add_wishes_for_heads(json_t *json, const hw_train_options *asked,
                                 const hw_tower_trainer_options *o) {
    const hw_tower_penalties *p = &o->penalties;
    if (asked->drop_head < 0 || asked->drop_head > 0)
        json_object_set_new(json, "drop_head", json_real((double)o->drop_head));
    if (o->drop_head_v) json_object_set_new(json, "drop_head_v", json_true());
    const struct {
        const char *name;
        float weight;
    } weights[] = { { "gate_penalty", p->open_gates },
                    { "disagreement_of_values", p->like_values },
                    { "disagreement_of_outputs", p->like_outputs },
                    { "orthogonality", p->overlap } };
    for (size_t i = 0; i < sizeof weights / sizeof *weights; i++)
        if (weights[i].weight > 0)
            json_object_set_new(json, weights[i].name, json_real((double)weights[i].weight));
}

/* What a reader needs to make the same model again. */
static hw_status set_training(hw_bundle *bundle, const hw_training *t, hw_error *err) {
    const hw_tower_trainer_options *o = &t->plan.learning;
    const hw_train_options *asked = t->options;
    const char *weighting = !asked->class_weight                           ? "none"
                            : strcmp(asked->class_weight, "balanced") == 0 ? "balanced"
                                                                           : "file";
    char checksum[16];
    snprintf(checksum, sizeof checksum, "%08x", t->data.dataset->checksum);
    json_t *json = json_pack(
        "{s:s, s:s, s:I, s:I, s:I, s:i, s:i, s:i, s:f, s:f, s:f, s:f, s:I, s:i, s:f, s:s}",
        "version", HW_VERSION, "data_crc32c", checksum, "examples", (json_int_t)t->data.count,
        "held_back", (json_int_t)t->held_count, "seed", (json_int_t)asked->seed, "epoch", o->epochs,
        "batch", o->batch, "towers", t->plan.towers, "lr", (double)o->learning_rate, "dropout",
        (double)o->dropout, "ngram_dropout", (double)o->ngram_dropout, "token_dropout",
        (double)o->token_dropout, "best_steps", (json_int_t)t->best_steps, "minCount",
        (int)t->plan.set.min_documents, "regularization", t->plan.regularization, "class_weight",
        weighting);
    add_wishes_for_heads(json, asked, o);
    hw_text_buffer text = { 0 };
    hw_status status = hw_json_append(&text, json, err);
    if (status == HW_OK) status = hw_bundle_set(bundle, "training", text.bytes, err);
    hw_text_buffer_free(&text);
    return status;
}

static hw_status fill(hw_bundle *bundle, const hw_training *t, hw_error *err) {
    const bool whole = t->final.table || t->final.towers[0];
    const hw_branches *b = whole ? &t->final : &t->first;
    const int32_t towers = t->join.tower_share == 0 ? 0
                           : whole                  ? t->plan.towers
                                                    : hw_plan_trial_towers(&t->plan);
    const hw_config config = config_of(t, towers);
    HW_TRY(add_ngrams(bundle, t, b, err));
    for (int32_t i = 0; i < towers; i++)
        HW_TRY(hw_bundle_add_tower(bundle, i, &config.tower, b->towers[i], err));
    if (config.multi_label)
        HW_TRY(add(bundle, "thresholds", HW_F32, t->labels, 0, t->thresholds, err));
    HW_TRY(set_training(bundle, t, err));
    return hw_config_save(&config, t->label_names, t->labels, bundle, err);
}

hw_classifier *hw_training_assemble(hw_training *t, hw_error *err) {
    hw_bundle *bundle = hw_bundle_new(err);
    if (!bundle) return NULL;
    if (fill(bundle, t, err) == HW_OK)
        return hw_classifier_from_bundle(bundle, "the trained model", err);
    hw_bundle_free(bundle);
    return NULL;
}
