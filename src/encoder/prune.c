/* A copy of an encoder with fewer heads: of a layer's queries, keys and values (and of positions')
 * the rows of the heads that stay, and of its output the columns. A bias of the output stays as it
 * is: a head whose output is 0 adds nothing to it. Invariant: the copy owns all its values, and
 * int8 ones keep their scales. */
#include "base/memory.h"
#include "encoder/pruned_heads.h"
#include "encoder/weights.h"
#include "tensor/int8_weights.h"

#include <string.h>

/* ---- What stays ----------------------------------------------------------------------------- */

static hw_status prune_layer(hw_encoder_config *config, int32_t layer, const bool *off,
                             hw_error *err) {
    const uint64_t before = config->pruned[layer];
    for (int32_t head = 0; head < config->heads; head++)
        if (off[head]) config->pruned[layer] |= UINT64_C(1) << hw_clear_bit_at(before, head);
    if (hw_layer_heads(config, layer) > 0) return HW_OK;
    return hw_fail(err, HW_ERROR_ARGUMENT, "layer %d would have no head left", (int)layer);
}

hw_status hw_encoder_prune_config(hw_encoder_config *pruned, const hw_encoder_config *config,
                                  const bool *off, hw_error *err) {
    *pruned = *config;
    if (config->shared_layers)
        return hw_fail(err, HW_ERROR_UNSUPPORTED,
                       "heads of layers that share their weights cannot be pruned one by one");
    if (config->heads > HW_PRUNABLE_HEADS)
        return hw_fail(err, HW_ERROR_UNSUPPORTED, "a layer of more than %d heads cannot be pruned",
                       HW_PRUNABLE_HEADS);
    for (int32_t l = 0; l < config->layers; l++)
        HW_TRY(prune_layer(pruned, l, off + l * config->heads, err));
    return HW_OK;
}

/* A matrix whose rows, or columns, are those of heads, `parts` times. */
typedef struct cut {
    const bool *off; /* [heads] of the layer, or NULL: nothing goes */
    size_t heads, head_dim, parts;
    bool columns;
} cut;

static cut cut_of(const hw_encoder_config *config, const hw_slot *slot, const bool *off) {
    cut c = { .heads = (size_t)hw_layer_heads(config, slot->layer),
              .head_dim = (size_t)config->head_dim,
              .parts = 1 };
    switch (slot->module) {
    case HW_MODULE_QKV:
        c.parts = 3;
        break;
    case HW_MODULE_OUTPUT:
        c.columns = true;
        if (slot->is_bias) return c;
        break;
    case HW_MODULE_QUERY:
    case HW_MODULE_KEY:
    case HW_MODULE_VALUE:
    case HW_MODULE_POSITION_KEY:
    case HW_MODULE_POSITION_QUERY:
        break;
    default:
        return c;
    }
    c.off = off + slot->layer * config->heads;
    return c;
}

/* Copies the heads that stay, each `unit` bytes, from groups of all heads. */
static void copy_heads(char *to, const char *from, const cut *c, size_t groups, size_t unit) {
    for (size_t group = 0; group < groups; group++)
        for (size_t head = 0; head < c->heads; head++, from += unit) {
            if (c->off[head]) continue;
            memcpy(to, from, unit);
            to += unit;
        }
}

/* ---- Copying -------------------------------------------------------------------------------- */

static size_t elements(const hw_weight *weight) {
    return weight->slot.rows * weight->slot.columns;
}

/* Of the copy's slot, whose values are like those of the original's: int8 ones have a scale, and
 * may be smoothed. */
static size_t float_count(const hw_weight *to, const hw_weight *from) {
    if (from->values16) return 0;
    return from->values ? hw_padded(elements(to)) : hw_int8_floats(&to->slot);
}

static size_t byte_count(const hw_weight *to, const hw_weight *from) {
    const size_t size = from->values16 ? sizeof *from->values16 : from->values8 ? 1 : 0;
    return hw_padded(elements(to) * size);
}

static hw_status make_blocks(hw_encoder *copy, const hw_encoder *encoder, hw_error *err) {
    size_t floats = 0, bytes = 0;
    for (size_t i = 0; i < copy->slots; i++) {
        floats += float_count(&copy->weight[i], &encoder->weight[i]);
        bytes += byte_count(&copy->weight[i], &encoder->weight[i]);
    }
    copy->floats = hw_malloc(floats * sizeof *copy->floats);
    copy->bytes = hw_malloc(bytes);
    if (!copy->floats || !copy->bytes)
        return hw_fail_memory(err, floats * sizeof *copy->floats + bytes);
    return HW_OK;
}

/* Values of `size` bytes each. */
static void copy_values(void *to, const void *from, const hw_slot *slot, const cut *c,
                        size_t size) {
    if (!c->off)
        memcpy(to, from, slot->rows * slot->columns * size);
    else if (c->columns)
        copy_heads(to, from, c, slot->rows, c->head_dim * size);
    else
        copy_heads(to, from, c, c->parts, c->head_dim * (slot->is_bias ? 1 : slot->columns) * size);
}

/* The scales are those of the rows. */
static void copy_scale(float *to, const float *from, const hw_slot *slot, const cut *c) {
    if (!c->off || c->columns)
        memcpy(to, from, slot->rows * sizeof *to);
    else
        copy_heads((char *)to, (const char *)from, c, c->parts, c->head_dim * sizeof *to);
}

static void copy_weight(hw_weight *to, const hw_weight *from, const cut *c, float *floats,
                        int8_t *bytes) {
    if (from->values) {
        copy_values(floats, from->values, &from->slot, c, sizeof *floats);
        to->values = floats;
        return;
    }
    if (from->values16) {
        copy_values(bytes, from->values16, &from->slot, c, sizeof *from->values16);
        to->values16 = (const uint16_t *)(const void *)bytes;
        return;
    }
    copy_values(bytes, from->values8, &from->slot, c, sizeof *bytes);
    const hw_int8_parts parts = hw_int8_parts_at(floats, &to->slot);
    copy_scale(parts.scale, from->scale, &from->slot, c);
    if (c->off && c->columns) /* others are neighbours now */
        for (size_t row = 0; row < to->slot.rows; row++)
            hw_int8_coarsen(bytes + row * to->slot.columns, parts.scale + row, to->slot.columns);
    to->values8 = bytes;
    to->scale = parts.scale;
    if (!from->smooth) return;
    to->smooth = memcpy(parts.smooth, from->smooth, to->slot.columns * sizeof *parts.smooth);
    to->exact = parts.exact;
    for (size_t e = 0; e < HW_INT8_EXACT; e++)
        copy_scale(parts.exact + e * to->slot.rows, from->exact + e * from->slot.rows, &from->slot,
                   c);
}

static void copy_all(hw_encoder *copy, const hw_encoder *encoder, const bool *off) {
    float *floats = copy->floats;
    int8_t *bytes = copy->bytes;
    for (size_t i = 0; i < copy->slots; i++) {
        hw_weight *to = &copy->weight[i];
        const hw_weight *from = &encoder->weight[i];
        const cut c = cut_of(&encoder->config, &from->slot, off);
        copy_weight(to, from, &c, floats, bytes);
        floats += float_count(to, from);
        bytes += byte_count(to, from);
    }
}

hw_encoder *hw_encoder_prune(const hw_encoder *encoder, const bool *off, hw_error *err) {
    hw_encoder_config config;
    if (hw_encoder_prune_config(&config, &encoder->config, off, err) != HW_OK) return NULL;
    hw_encoder *copy = hw_encoder_alloc(&config, err);
    if (!copy) return NULL;
    if (make_blocks(copy, encoder, err) != HW_OK) goto failed;
    copy_all(copy, encoder, off);
    hw_encoder_bind(copy);
    if (hw_encoder_make_room(copy, err) != HW_OK) goto failed;
    hw_encoder_pack(copy, hw_kernels_select(), NULL);
    return copy;
failed:
    hw_encoder_free(copy);
    return NULL;
}
