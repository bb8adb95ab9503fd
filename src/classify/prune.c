/* hw_classifier_prune: the heads that go are taken out of every tower, or out of the encoder;
 * everything else is copied as it is. What was measured of the whole model is not true of what is
 * left, so it is not said of it. */
#include "classify/prune.h"

#include "base/memory.h"
#include "classify/encoder_classifier.h"
#include "classify/head_mask.h"

#include <math.h>
#include <string.h>

static hw_classifier *prune_encoder(const hw_classifier *classifier, const bool *off,
                                    hw_error *err) {
    hw_fine_tuned parts = hw_classifier_parts(classifier);
    hw_encoder *pruned = hw_encoder_prune(classifier->encoder, off, err);
    if (!pruned) return NULL;
    parts.encoder = pruned;
    parts.held_back_score = NAN;
    parts.held_back_examples = 0;
    hw_classifier *copy = hw_classifier_of_encoder(&parts, err);
    hw_encoder_free(pruned);
    return copy;
}

/* ---- Towers ------------------------------------------------------------------------------- */

static hw_status add_tower(hw_bundle *copy, int32_t tower, const hw_tower_config *pruned,
                           const hw_classifier *classifier, const bool *off, hw_error *err) {
    const size_t floats = hw_tower_floats(pruned);
    float *block = hw_calloc(floats, sizeof *block);
    if (!block) return hw_fail_memory(err, floats * sizeof *block);
    hw_tower_prune(block, pruned, &classifier->config.tower, &classifier->towers[tower], off);
    const hw_status status = hw_bundle_add_tower(copy, tower, pruned, block, err);
    hw_free(block);
    return status;
}

static hw_status add_towers(hw_bundle *copy, const hw_classifier *classifier, const bool *off,
                            hw_error *err) {
    hw_config config = classifier->config;
    config.held_back_score = NAN;
    config.held_back_examples = 0;
    HW_TRY(hw_tower_prune_config(&config.tower, &classifier->config.tower, off, err));
    for (int32_t tower = 0; tower < config.towers; tower++)
        HW_TRY(add_tower(copy, tower, &config.tower, classifier, off, err));
    return hw_config_save(&config, classifier->labels, (size_t)classifier->summary.labels, copy,
                          err);
}

/* The bundle but for its towers. */
static hw_bundle *copy_rest(const hw_bundle *bundle, hw_error *err) {
    const char **without = hw_calloc(hw_bundle_count(bundle), sizeof *without);
    size_t count = 0;
    if (!without) {
        hw_fail_memory(err, hw_bundle_count(bundle) * sizeof *without);
        return NULL;
    }
    for (size_t i = 0; i < hw_bundle_count(bundle); i++) {
        const char *name = hw_bundle_at(bundle, i)->name;
        if (strncmp(name, "tower.", strlen("tower.")) == 0) without[count++] = name;
    }
    hw_bundle *copy = hw_bundle_copy(bundle, without, count, err);
    hw_free((void *)without);
    return copy;
}

static hw_classifier *prune_towers(const hw_classifier *classifier, const bool *off,
                                   hw_error *err) {
    hw_bundle *copy = copy_rest(classifier->bundle, err);
    if (!copy) return NULL;
    if (add_towers(copy, classifier, off, err) == HW_OK)
        return hw_classifier_from_bundle(copy, "the pruned model", err);
    hw_bundle_free(copy);
    return NULL;
}

/* ---- Either --------------------------------------------------------------------------------- */

static bool *mask_of(const hw_classifier *classifier, const hw_head_id *heads, size_t count,
                     hw_error *err) {
    const hw_session_options options = { .masked_heads = heads, .masked_head_count = count };
    const hw_summary *summary = &classifier->summary;
    const size_t all = (size_t)summary->layers * (size_t)summary->heads;
    bool *off = NULL;
    if (all == 0) {
        hw_fail(err, HW_ERROR_ARGUMENT, "the model has no attention heads to prune");
        return NULL;
    }
    if (hw_head_mask_make(&off, classifier, &options, err) != HW_OK || off) return off;
    off = hw_calloc(all, sizeof *off);
    if (!off) hw_fail_memory(err, all * sizeof *off);
    return off;
}

hw_status hw_classifier_check_prune(const hw_classifier *classifier, const bool *off,
                                    hw_error *err) {
    hw_tower_config tower;
    hw_encoder_config encoder;
    return classifier->encoder
               ? hw_encoder_prune_config(&encoder, &classifier->pretrained.config, off, err)
               : hw_tower_prune_config(&tower, &classifier->config.tower, off, err);
}

hw_classifier *hw_classifier_prune(const hw_classifier *classifier, const hw_head_id *heads,
                                   size_t count, hw_error *err) {
    hw_error own;
    if (!err) err = &own;
    bool *off = mask_of(classifier, heads, count, err);
    if (!off) return NULL;
    hw_classifier *copy = classifier->encoder ? prune_encoder(classifier, off, err)
                                              : prune_towers(classifier, off, err);
    hw_free(off);
    return copy;
}
