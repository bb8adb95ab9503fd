/* A head of a tower ends in its gate, so switching it off is a gate of 0. An encoder has no gates:
 * there the forward pass looks at the mask (encoder/encoder.h). */
#include "classify/head_mask.h"

#include "base/memory.h"

#include <string.h>

static hw_status check_head(hw_head_id id, const hw_classifier *classifier, hw_error *err) {
    const hw_summary *summary = &classifier->summary;
    const int32_t layers = summary->layers, heads = summary->heads;
    const bool layer = id.layer >= 0 && id.layer < layers;
    const int32_t left = layer ? hw_classifier_heads(classifier, id.layer) : 0;
    if (id.head >= 0 && id.head < left) return HW_OK;
    if (layer && left < heads)
        return hw_fail(err, HW_ERROR_ARGUMENT,
                       "head %d.%d is not there: layer %d has %d.0 to %d.%d left", (int)id.layer,
                       (int)id.head, (int)id.layer, (int)id.layer, (int)id.layer, (int)left - 1);
    if (!layers || !heads)
        return hw_fail(err, HW_ERROR_ARGUMENT, "head %d.%d: the model has no attention heads",
                       (int)id.layer, (int)id.head);
    return hw_fail(err, HW_ERROR_ARGUMENT, "head %d.%d is not there: the model has 0.0 to %d.%d",
                   (int)id.layer, (int)id.head, (int)layers - 1, (int)heads - 1);
}

hw_status hw_head_mask_make(bool **off, const hw_classifier *classifier,
                            const hw_session_options *options, hw_error *err) {
    const hw_summary *summary = &classifier->summary;
    const size_t count = options ? options->masked_head_count : 0;
    *off = NULL;
    for (size_t i = 0; i < count; i++)
        HW_TRY(check_head(options->masked_heads[i], classifier, err));
    if (!count) return HW_OK;
    const size_t all = (size_t)summary->layers * (size_t)summary->heads;
    bool *mask = hw_calloc(all, sizeof *mask);
    if (!mask) return hw_fail_memory(err, all * sizeof *mask);
    for (size_t i = 0; i < count; i++) {
        const hw_head_id id = options->masked_heads[i];
        mask[id.layer * summary->heads + id.head] = true;
    }
    *off = mask;
    return HW_OK;
}

/* gates: [layers][heads], which the views get instead of their own. */
static void mask_gates(hw_tower_views *views, float *gates, const hw_tower_config *config,
                       const bool *off) {
    const size_t heads = (size_t)config->heads;
    for (int32_t l = 0; l < config->layers; l++, gates += heads, off += heads) {
        for (size_t head = 0; head < (size_t)hw_tower_layer_heads(config, l); head++)
            gates[head] = off[head] ? 0 : views->layer[l].attention_gate[head];
        views->layer[l].attention_gate = gates;
    }
}

hw_status hw_masked_towers_make(hw_masked_towers *masked, const hw_classifier *classifier,
                                const bool *off, hw_error *err) {
    const hw_tower_config *config = &classifier->config.tower;
    const size_t towers = (size_t)classifier->config.towers;
    const size_t gates = (size_t)config->layers * (size_t)config->heads;
    masked->towers = hw_calloc(towers, sizeof *masked->towers);
    masked->gates = hw_calloc(towers * gates, sizeof *masked->gates);
    if (!masked->towers || !masked->gates)
        return hw_fail_memory(err, towers * (sizeof *masked->towers + gates * sizeof(float)));
    for (size_t tower = 0; tower < towers; tower++) {
        masked->towers[tower] = classifier->towers[tower];
        mask_gates(&masked->towers[tower], masked->gates + tower * gates, config, off);
    }
    return HW_OK;
}

void hw_masked_towers_free(hw_masked_towers *masked) {
    hw_free(masked->towers);
    hw_free(masked->gates);
}
