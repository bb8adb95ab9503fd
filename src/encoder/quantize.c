/* A copy of an encoder whose layers' matrices are int8, one scale an output (row): what is kept in
 * float is all that is small. Invariant: the copy owns all its values. */
#include "base/memory.h"
#include "encoder/weights.h"

#include <string.h>

static bool becomes_int8(const hw_weight *weight) {
    return weight->slot.kind == HW_MODULE_IS_LINEAR && hw_is_of_layer(weight->slot.module) &&
           !weight->slot.is_bias;
}

static size_t padded(size_t count) {
    return (count + 15) / 16 * 16;
}

static size_t float_count(const hw_weight *weight) {
    const hw_slot *slot = &weight->slot;
    return padded(becomes_int8(weight) ? slot->rows : slot->rows * slot->columns);
}

static size_t byte_count(const hw_weight *weight) {
    return becomes_int8(weight) ? padded(weight->slot.rows * weight->slot.columns) : 0;
}

static hw_status make_blocks(hw_encoder *copy, hw_error *err) {
    size_t floats = 0, bytes = 0;
    for (size_t i = 0; i < copy->slots; i++) {
        floats += float_count(&copy->weight[i]);
        bytes += byte_count(&copy->weight[i]);
    }
    copy->floats = hw_malloc(floats * sizeof *copy->floats);
    copy->bytes = hw_malloc(bytes);
    if (!copy->floats || !copy->bytes)
        return hw_fail_memory(err, floats * sizeof *copy->floats + bytes);
    return HW_OK;
}

/* floats and bytes: where the copy's values go. */
static void quantize_weight(hw_weight *copy, const hw_weight *weight, float *floats, int8_t *bytes,
                            const hw_kernels *kernels) {
    const hw_slot *slot = &weight->slot;
    const size_t count = slot->rows * slot->columns;
    if (!becomes_int8(weight)) {
        memcpy(floats, weight->values, count * sizeof *floats);
        copy->values = floats;
        return;
    }
    if (weight->values8) {
        memcpy(bytes, weight->values8, count);
        memcpy(floats, weight->scale, slot->rows * sizeof *floats);
    } else {
        kernels->quantize(bytes, floats, weight->values, slot->rows, slot->columns);
    }
    copy->values8 = bytes;
    copy->scale = floats;
}

static void quantize_all(hw_encoder *copy, const hw_encoder *encoder, const hw_kernels *kernels) {
    float *floats = copy->floats;
    int8_t *bytes = copy->bytes;
    for (size_t i = 0; i < copy->slots; i++) {
        quantize_weight(&copy->weight[i], &encoder->weight[i], floats, bytes, kernels);
        floats += float_count(&copy->weight[i]);
        bytes += byte_count(&copy->weight[i]);
    }
}

hw_encoder *hw_encoder_quantize(const hw_encoder *encoder, hw_error *err) {
    const hw_kernels *kernels = hw_kernels_select();
    hw_encoder *copy = hw_encoder_alloc(&encoder->config, err);
    if (!copy) return NULL;
    if (make_blocks(copy, err) != HW_OK) goto failed;
    quantize_all(copy, encoder, kernels);
    hw_encoder_bind(copy);
    if (hw_encoder_make_room(copy, err) != HW_OK) goto failed;
    hw_encoder_pack(copy, kernels, NULL);
    return copy;
failed:
    hw_encoder_free(copy);
    return NULL;
}
