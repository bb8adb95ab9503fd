/* The walk over an encoder's parameters, and their places in one block. Invariant: every walk
 * takes the same order, and each parameter starts at a multiple of 16 floats. */
#include "encoder/modules.h"

#include "base/sizes.h"

#include <string.h>

typedef struct module_shape {
    hw_module_kind kind;
    int32_t rows, columns;
    bool has_bias;
} module_shape;

static module_shape shape_of(const hw_encoder_config *c, hw_module_id id, int32_t layer) {
    const int32_t heads = hw_layer_heads_width(c, layer);
    switch (id) {
#define X(id, kind, rows, columns, bias) \
    case HW_MODULE_##id:                 \
        return (module_shape){ HW_MODULE_IS_##kind, (int32_t)(rows), columns, bias };
        HW_MODULE_LIST(X)
#undef X
    default:
        return (module_shape){ 0 };
    }
}

/* A pre-norm encoder's first layer reads what the embedding's norm wrote: it has none itself. */
static bool is_there(const module_shape *shape, const hw_slot_walk *walk) {
    const bool first_norm = walk->module == HW_MODULE_ATTENTION_NORM && walk->layer == 0;
    return shape->rows > 0 && !(first_norm && walk->config->norm_first);
}

/* After the last module of a layer comes the first of the next one. */
static void step(hw_slot_walk *walk) {
    walk->bias_next = false;
    if (walk->module != HW_MODULE_INNER_NORM) {
        walk->module++;
    } else if (walk->layer + 1 < hw_stored_layers(walk->config)) {
        walk->layer++;
        walk->module = HW_MODULE_QKV;
    } else {
        walk->layer = 0;
        walk->module++;
    }
}

static hw_slot slot_at(const hw_slot_walk *walk, const module_shape *shape, bool is_bias) {
    hw_slot slot = { .module = (hw_module_id)walk->module,
                     .kind = shape->kind,
                     .layer = walk->layer,
                     .is_bias = is_bias,
                     .dims = 2,
                     .rows = (size_t)shape->rows,
                     .columns = (size_t)shape->columns,
                     .offset = walk->offset };
    if (is_bias || shape->kind == HW_MODULE_IS_NORM) {
        slot.dims = 1;
        slot.columns = shape->kind == HW_MODULE_IS_NORM ? slot.columns : slot.rows;
        slot.rows = 1;
    }
    return slot;
}

bool hw_slot_next(hw_slot *slot, hw_slot_walk *walk) {
    while (walk->module < HW_MODULES) {
        const module_shape shape = shape_of(walk->config, (hw_module_id)walk->module, walk->layer);
        const bool there = is_there(&shape, walk);
        const bool is_bias = walk->bias_next || shape.kind == HW_MODULE_IS_OFFSET;
        if (there) *slot = slot_at(walk, &shape, is_bias);
        if (there && !is_bias && shape.has_bias)
            walk->bias_next = true;
        else
            step(walk);
        if (there) {
            walk->offset += hw_padded(slot->rows * slot->columns);
            return true;
        }
    }
    return false;
}

size_t hw_slot_count(const hw_encoder_config *config) {
    hw_slot_walk walk = { .config = config };
    hw_slot slot;
    size_t count = 0;
    while (hw_slot_next(&slot, &walk)) count++;
    return count;
}

size_t hw_encoder_floats(const hw_encoder_config *config) {
    hw_slot_walk walk = { .config = config };
    hw_slot slot;
    while (hw_slot_next(&slot, &walk)) {
    }
    return walk.offset;
}

size_t hw_encoder_word_floats(const hw_encoder_config *config) {
    return hw_padded((size_t)config->vocabulary * (size_t)config->embedding_width);
}

/* The final norm counts to the last layer: what comes after it is the readout. */
static int32_t depth_of(const hw_slot *slot, const hw_encoder_config *config) {
    if (hw_is_of_layer(slot->module)) return slot->layer + 1;
    if (slot->module < HW_MODULE_QKV) return 0;
    return slot->module == HW_MODULE_FINAL_NORM ? config->layers : config->layers + 1;
}

bool hw_encoder_parameter_at(hw_encoder_parameter *parameter, const hw_encoder_config *config,
                             size_t i) {
    hw_slot_walk walk = { .config = config };
    hw_slot slot;
    for (size_t number = 0; number <= i; number++)
        if (!hw_slot_next(&slot, &walk)) return false;
    memset(parameter, 0, sizeof *parameter);
    hw_slot_name(parameter->name, &slot, config);
    parameter->dims = slot.dims;
    parameter->rows = slot.rows;
    parameter->columns = slot.columns;
    parameter->offset = slot.offset;
    parameter->depth = depth_of(&slot, config);
    parameter->is_matrix = slot.dims == 2;
    parameter->is_linear = hw_is_linear(&slot);
    return true;
}
