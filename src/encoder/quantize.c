/* A copy of an encoder whose layers' matrices are int8, one scale an output (row): what is kept in
 * float is all that is small. Invariant: the copy owns all its values. */
#include "encoder/smoothing.h"

#include "base/memory.h"
#include "encoder/weights.h"
#include "tensor/int8_weights.h"

#include <string.h>

static size_t float_count(const hw_weight *weight) {
    const hw_slot *slot = &weight->slot;
    if (hw_is_linear(slot)) return hw_int8_floats(slot);
    return hw_padded(slot->rows * slot->columns);
}

static size_t byte_count(const hw_weight *weight) {
    return hw_is_linear(&weight->slot) ? hw_padded(weight->slot.rows * weight->slot.columns) : 0;
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

/* What a copy is made with. */
typedef struct quantizing {
    const hw_smoothing *smoothing; /* or NULL */
    float *row;                    /* [widest] of a weight, divided by its factors */
} quantizing;

static float smoothed(float value, const float *smooth, size_t i) {
    if (!smooth) return value;
    return smooth[i] == 0 ? 0 : value / smooth[i];
}

static void quantize_rows(const hw_weight *copy, const hw_weight *weight, float *scale,
                          int8_t *bytes, const quantizing *with) {
    const hw_slot *slot = &weight->slot;
    for (size_t row = 0; row < slot->rows; row++) {
        const size_t at = row * slot->columns;
        for (size_t i = 0; i < slot->columns; i++)
            with->row[i] = smoothed(weight->values[at + i], copy->smooth, i);
        hw_int8_quantize(bytes + at, scale + row, with->row, slot->columns);
    }
}

static void keep_exact(float *exact, const hw_weight *weight, const float *smooth) {
    const hw_slot *slot = &weight->slot;
    for (size_t i = 0; i < slot->columns; i++) {
        if (smooth[i] != 0) continue;
        for (size_t row = 0; row < slot->rows; row++)
            *exact++ = weight->values[row * slot->columns + i];
    }
}

static void copy_int8(const hw_weight *weight, const hw_int8_parts *to, int8_t *bytes) {
    const hw_slot *slot = &weight->slot;
    memcpy(bytes, weight->values8, slot->rows * slot->columns);
    memcpy(to->scale, weight->scale, slot->rows * sizeof *to->scale);
    if (weight->smooth)
        memcpy(to->exact, weight->exact, HW_INT8_EXACT * slot->rows * sizeof *to->exact);
}

/* floats and bytes: where the copy's values go. */
static void quantize_weight(hw_weight *copy, const hw_weight *weight, float *floats, int8_t *bytes,
                            const quantizing *with) {
    const hw_slot *slot = &weight->slot;
    if (!hw_is_linear(slot)) {
        memcpy(floats, weight->values, slot->rows * slot->columns * sizeof *floats);
        copy->values = floats;
        return;
    }
    const float *smooth = weight->values8 ? weight->smooth : hw_smoothing_of(with->smoothing, slot);
    const hw_int8_parts parts = hw_int8_parts_at(floats, slot);
    copy->values8 = bytes;
    copy->scale = parts.scale;
    if (smooth) {
        copy->smooth = memcpy(parts.smooth, smooth, slot->columns * sizeof *smooth);
        copy->exact = parts.exact;
    }
    if (weight->values8) {
        copy_int8(weight, &parts, bytes);
        return;
    }
    quantize_rows(copy, weight, parts.scale, bytes, with);
    if (smooth) keep_exact(parts.exact, weight, smooth);
}

static void quantize_all(hw_encoder *copy, const hw_encoder *encoder, const quantizing *with) {
    float *floats = copy->floats;
    int8_t *bytes = copy->bytes;
    for (size_t i = 0; i < copy->slots; i++) {
        quantize_weight(&copy->weight[i], &encoder->weight[i], floats, bytes, with);
        floats += float_count(&copy->weight[i]);
        bytes += byte_count(&copy->weight[i]);
    }
}

static size_t widest(const hw_encoder *encoder) {
    size_t columns = 0;
    for (size_t i = 0; i < encoder->slots; i++)
        if (encoder->weight[i].slot.columns > columns) columns = encoder->weight[i].slot.columns;
    return columns;
}

static hw_status quantize_into(hw_encoder *copy, const hw_encoder *encoder,
                               const hw_smoothing *smoothing, hw_error *err) {
    const quantizing with = { smoothing, hw_malloc(widest(encoder) * sizeof *with.row) };
    if (!with.row) return hw_fail_memory(err, widest(encoder) * sizeof *with.row);
    quantize_all(copy, encoder, &with);
    hw_free(with.row);
    hw_encoder_bind(copy);
    return hw_encoder_make_room(copy, err);
}

static bool has_bf16(const hw_encoder *encoder) {
    for (size_t i = 0; i < encoder->slots; i++)
        if (encoder->weight[i].values16) return true;
    return false;
}

hw_encoder *hw_encoder_quantize(const hw_encoder *encoder, const hw_encoder_batch *typical,
                                hw_error *err) {
    if (has_bf16(encoder))
        return hw_fail(err, HW_ERROR_ARGUMENT, "an encoder of bfloat16 cannot become int8"), NULL;
    const bool smooth = typical && !hw_encoder_is_quantized(encoder);
    hw_smoothing *smoothing = smooth ? hw_smoothing_measure(encoder, typical, err) : NULL;
    if (smooth && !smoothing) return NULL;
    hw_encoder *copy = hw_encoder_alloc(&encoder->config, err);
    if (copy && make_blocks(copy, err) == HW_OK &&
        quantize_into(copy, encoder, smoothing, err) == HW_OK) {
        hw_encoder_pack(copy, hw_kernels_select(), NULL);
    } else {
        hw_encoder_free(copy);
        copy = NULL;
    }
    hw_smoothing_free(smoothing);
    return copy;
}
