/* A tower with fewer heads: what belongs to a head that goes is left out, everything else is copied
 * as it is. The bias of a layer's output stays: a head whose gate is 0 adds nothing to it. */
#include "model/tower.h"

#include <string.h>

/* ---- What stays ----------------------------------------------------------------------------- */

static hw_status fail_together(const char *heads, hw_error *err) {
    return hw_fail(err, HW_ERROR_UNSUPPORTED, "%s cannot be pruned: they are not apart", heads);
}

/* off: [heads] of the layer, of the config. */
static hw_status prune_layer(hw_tower_config *pruned, int32_t layer, const bool *off,
                             hw_error *err) {
    const uint64_t before = pruned->pruned[layer];
    for (int32_t head = 0; head < pruned->heads; head++)
        if (off[head]) pruned->pruned[layer] |= UINT64_C(1) << hw_clear_bit_at(before, head);
    if (pruned->pruned[layer] == before) return HW_OK;
    if (pruned->capsule_dim && layer + 1 == pruned->layers)
        return fail_together("heads of the last layer, which capsules are made of,", err);
    if (hw_tower_layer_heads(pruned, layer) > 0) return HW_OK;
    return hw_fail(err, HW_ERROR_ARGUMENT, "layer %d would have no head left", (int)layer);
}

hw_status hw_tower_prune_config(hw_tower_config *pruned, const hw_tower_config *config,
                                const bool *off, hw_error *err) {
    *pruned = *config;
    if (config->attention == HW_ATTENTION_TALKING) return fail_together("talking heads", err);
    if (config->heads > HW_BITS)
        return hw_fail(err, HW_ERROR_UNSUPPORTED, "a layer of more than %d heads cannot be pruned",
                       HW_BITS);
    for (int32_t l = 0; l < config->layers; l++)
        HW_TRY(prune_layer(pruned, l, off + l * config->heads, err));
    return HW_OK;
}

/* ---- Copying -------------------------------------------------------------------------------- */

/* The heads of a layer, before any goes. */
typedef struct heads {
    const bool *off;
    size_t count;
} heads;

/* Copies what heads that stay have, `unit` floats each; returns where the next goes. */
static float *copy_heads(float *to, const float *from, const heads *h, size_t unit) {
    for (size_t head = 0; head < h->count; head++) {
        if (h->off[head]) continue;
        memcpy(to, from + head * unit, unit * sizeof *to);
        to += unit;
    }
    return to;
}

/* Rows of queries, keys and values: the first two of each head, or as a whole of all. */
static void copy_qkv(float *to, const float *from, size_t rows, const heads *h,
                     const hw_tower_config *c) {
    const size_t head_dim = (size_t)c->head_dim, queries = (size_t)hw_tower_query_width(c);
    const bool apart = queries == h->count * head_dim && c->attention != HW_ATTENTION_TIED &&
                       c->attention != HW_ATTENTION_COLLABORATIVE;
    for (size_t row = 0; row < rows; row++, from += h->count * head_dim)
        for (int part = 0; part < 3; part++) {
            if (part == 2 || apart) {
                to = copy_heads(to, from, h, head_dim);
            } else {
                memcpy(to, from, queries * sizeof *to);
                to += queries;
            }
            if (part < 2) from += queries;
        }
}

/* c: the layer's config before. */
static void copy_what_is_of_heads(const hw_tower_layer *to, const hw_tower_layer *from,
                                  const heads *h, const hw_tower_config *c) {
    const size_t width = (size_t)c->width, head_dim = (size_t)c->head_dim;
    copy_qkv(to->qkv, from->qkv, width, h, c);
    copy_qkv(to->qkv_bias, from->qkv_bias, 1, h, c);
    if (hw_tower_patterns(c) > 0 && c->attention != HW_ATTENTION_TIED)
        copy_heads(to->position, from->position, h, 2 * (size_t)c->distance + 1);
    if (hw_tower_collaborating(c))
        copy_heads(to->mix_queries, from->mix_queries, h, (size_t)c->shared_dim);
    copy_heads(to->attention_gate, from->attention_gate, h, 1);
    if (hw_tower_l0_gates(c)) copy_heads(to->gate_alpha, from->gate_alpha, h, 1);
    if (hw_tower_input_gates(c)) {
        copy_heads(to->gate_weight, from->gate_weight, h, width);
        copy_heads(to->gate_bias, from->gate_bias, h, 1);
    }
    copy_heads(to->output, from->output, h, head_dim * width);
}

static void copy(float *to, const float *from, int32_t rows, int32_t columns) {
    if (rows && columns) memcpy(to, from, (size_t)rows * (size_t)columns * sizeof *to);
}

/* pruned, config: of the whole tower. */
static void copy_layer(const hw_tower_layer *to, const hw_tower_layer *from, int32_t layer,
                       const hw_tower_config *pruned, const hw_tower_config *config,
                       const bool *off) {
    const hw_tower_config before = hw_tower_layer_config(config, layer);
    const hw_tower_config after = hw_tower_layer_config(pruned, layer), *c = &after;
    const heads h = { off + layer * config->heads, (size_t)before.heads };
    /* What has fewer elements now is written again below. */
#define X(name, rows, columns) copy(to->name, from->name, rows, columns);
    HW_TOWER_LAYER_PARAMETERS(X)
#undef X
    copy_what_is_of_heads(to, from, &h, &before);
}

void hw_tower_prune(float *block, const hw_tower_config *pruned, const hw_tower_config *config,
                    const hw_tower_views *weights, const bool *off) {
    const hw_tower_config *c = pruned;
    hw_tower_views views;
    hw_tower_view(&views, pruned, block);
#define X(name, rows, columns) copy(views.name, weights->name, rows, columns);
    HW_TOWER_PARAMETERS(X)
#undef X
    for (int32_t l = 0; l < c->layers; l++)
        copy_layer(&views.layer[l], &weights->layer[l], l, pruned, config, off);
}
