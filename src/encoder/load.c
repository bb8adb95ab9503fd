/* From named tensors to an encoder. Invariant: on success every slot has values of its shape, all
 * finite; F32 is viewed where it is, everything else is in memory of the encoder's own. */
#include "base/memory.h"
#include "encoder/weights.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

typedef struct source {
    hw_tensor_find *find;
    void *context;
    const char *name;
    const uint64_t *readout_seed;
} source;

/* ---- Finding ------------------------------------------------------------------------------ */

static const hw_tensor *find_slot(const source *from, const hw_slot *slot,
                                  const hw_encoder_config *config) {
    char name[HW_SLOT_NAME];
    for (int i = 0; hw_slot_spelling(name, slot, config, i); i++) {
        const hw_tensor *tensor = from->find(from->context, name);
        if (tensor) return tensor;
    }
    return NULL;
}

static bool has_shape(const hw_tensor *tensor, const hw_slot *slot) {
    if (tensor->dims != slot->dims) return false;
    return slot->dims == 1 ? tensor->shape[0] == slot->columns
                           : tensor->shape[0] == slot->rows && tensor->shape[1] == slot->columns;
}

static bool may_be_int8(const hw_slot *slot) {
    return slot->kind == HW_MODULE_IS_LINEAR && hw_is_of_layer(slot->module) && !slot->is_bias;
}

static bool may_be_new(const source *from, const hw_slot *slot) {
    return from->readout_seed && slot->module > HW_MODULE_FINAL_NORM;
}

static hw_status fail_shape(const source *from, const hw_tensor *tensor, const hw_slot *slot,
                            hw_error *err) {
    if (tensor->dims == 2 && slot->dims == 2)
        return hw_fail(err, HW_ERROR_FORMAT, "%s: tensor %s is [%zu, %zu], not [%zu, %zu]",
                       from->name, tensor->name, tensor->shape[0], tensor->shape[1], slot->rows,
                       slot->columns);
    return hw_fail(err, HW_ERROR_FORMAT,
                   "%s: tensor %s has %d dimensions and starts with %zu, "
                   "not %d with %zu",
                   from->name, tensor->name, tensor->dims, tensor->shape[0], slot->dims,
                   slot->dims == 1 ? slot->columns : slot->rows);
}

/* *tensor: of the slot's shape and a type that is offered, or NULL if it is to be initialised. */
static hw_status find_checked(const hw_tensor **tensor, const source *from, const hw_slot *slot,
                              const hw_encoder_config *config, hw_error *err) {
    *tensor = find_slot(from, slot, config);
    if (may_be_new(from, slot) && (!*tensor || !has_shape(*tensor, slot))) {
        *tensor = NULL;
        return HW_OK;
    }
    if (!*tensor) {
        char name[HW_SLOT_NAME];
        hw_slot_name(name, slot, config);
        return hw_fail(err, HW_ERROR_FORMAT, "%s: no tensor %s", from->name, name);
    }
    if (!has_shape(*tensor, slot)) return fail_shape(from, *tensor, slot, err);
    const hw_dtype type = (*tensor)->dtype;
    if (type == HW_F32 || type == HW_F16 || type == HW_BF16) return HW_OK;
    if (type == HW_I8 && may_be_int8(slot)) return HW_OK;
    return hw_fail(err, HW_ERROR_UNSUPPORTED,
                   "%s: the values of tensor %s have an unsupported type", from->name,
                   (*tensor)->name);
}

static hw_status find_scale(const hw_tensor **scale, const source *from, const hw_tensor *tensor,
                            const hw_slot *slot, hw_error *err) {
    char name[HW_SLOT_NAME + 8];
    snprintf(name, sizeof name, "%s.scale", tensor->name);
    *scale = from->find(from->context, name);
    if (!*scale) return hw_fail(err, HW_ERROR_FORMAT, "%s: no tensor %s", from->name, name);
    if ((*scale)->dtype != HW_F32 || (*scale)->dims != 1 || (*scale)->shape[0] != slot->rows)
        return hw_fail(err, HW_ERROR_FORMAT, "%s: tensor %s is not F32 [%zu]", from->name, name,
                       slot->rows);
    return HW_OK;
}

/* ---- Values ------------------------------------------------------------------------------- */

static float from_bits(uint32_t bits) {
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

/* IEEE 754 binary16; subnormals are mantissa * 2^-24. */
static float from_f16(uint16_t half) {
    const uint32_t sign = (uint32_t)(half & 0x8000) << 16;
    const uint32_t exponent = half >> 10 & 31, mantissa = half & 0x3ff;
    if (exponent == 0) {
        const float x = (float)mantissa * 0x1p-24f;
        return sign ? -x : x;
    }
    if (exponent == 31) return from_bits(sign | 0x7f800000 | mantissa << 13);
    return from_bits(sign | (exponent + 112) << 23 | mantissa << 13);
}

static void convert(float *values, const hw_tensor *tensor, size_t count) {
    const unsigned char *bytes = tensor->data;
    if (tensor->dtype == HW_F32) {
        memcpy(values, bytes, count * sizeof *values);
        return;
    }
    for (size_t i = 0; i < count; i++) {
        uint16_t half;
        memcpy(&half, bytes + 2 * i, sizeof half);
        values[i] = tensor->dtype == HW_F16 ? from_f16(half) : from_bits((uint32_t)half << 16);
    }
}

static bool can_be_viewed(const hw_tensor *tensor) {
    return tensor && tensor->dtype == HW_F32 && (uintptr_t)tensor->data % sizeof(float) == 0;
}

/* Floats of its own that a tensor, or a slot without one, needs; a multiple of 16. */
static size_t own_floats(const hw_tensor *tensor, const hw_slot *slot) {
    if (can_be_viewed(tensor)) return 0;
    const size_t count = tensor && tensor->dtype == HW_I8 ? slot->rows : slot->rows * slot->columns;
    return (count + 15) / 16 * 16;
}

/* Sets what weight points to; *own is moved on past what it takes. */
static hw_status take_values(hw_weight *weight, float **own, const source *from,
                             const hw_encoder_config *config, hw_error *err) {
    const hw_slot *slot = &weight->slot;
    const hw_tensor *tensor = NULL, *scale = NULL;
    HW_TRY(find_checked(&tensor, from, slot, config, err));
    float *mine = *own;
    *own += own_floats(tensor, slot);
    if (!tensor) {
        hw_encoder_init_slot(mine, slot, config->initializer_range, *from->readout_seed);
        weight->values = mine;
    } else if (tensor->dtype == HW_I8) {
        HW_TRY(find_scale(&scale, from, tensor, slot, err));
        convert(mine, scale, slot->rows);
        weight->values8 = tensor->data;
        weight->scale = mine;
    } else if (can_be_viewed(tensor)) {
        weight->values = tensor->data;
    } else {
        convert(mine, tensor, slot->rows * slot->columns);
        weight->values = mine;
    }
    return HW_OK;
}

static hw_status take_all(hw_encoder *encoder, const source *from, hw_error *err) {
    size_t floats = 0;
    for (size_t i = 0; i < encoder->slots; i++) {
        const hw_slot *slot = &encoder->weight[i].slot;
        const hw_tensor *tensor = NULL;
        HW_TRY(find_checked(&tensor, from, slot, &encoder->config, err));
        floats += own_floats(tensor, slot);
    }
    encoder->floats = hw_malloc(floats * sizeof *encoder->floats);
    if (!encoder->floats) return hw_fail_memory(err, floats * sizeof *encoder->floats);
    float *own = encoder->floats;
    for (size_t i = 0; i < encoder->slots; i++)
        HW_TRY(take_values(&encoder->weight[i], &own, from, &encoder->config, err));
    return HW_OK;
}

/* ---- Checking ------------------------------------------------------------------------------ */

/* Infinities and NaNs are what has all bits of the exponent set. */
static uint32_t is_endless(float x) {
    const uint32_t exponent = 0x7f800000;
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return (bits & exponent) == exponent;
}

/* Sixteen at a time, which compilers make vectors of. */
static bool all_finite(const float *values, size_t count) {
    enum { LANES = 16 };
    uint32_t found[LANES] = { 0 };
    size_t i = 0;
    for (; i + LANES <= count; i += LANES)
        for (size_t lane = 0; lane < LANES; lane++) found[lane] |= is_endless(values[i + lane]);
    for (; i < count; i++) found[0] |= is_endless(values[i]);
    for (size_t lane = 1; lane < LANES; lane++) found[0] |= found[lane];
    return !found[0];
}

typedef struct checking {
    const hw_encoder *encoder;
    unsigned char *bad; /* [slots] */
} checking;

static void check_slot(void *context, size_t task, int32_t worker) {
    (void)worker;
    const checking *c = context;
    const hw_weight *weight = &c->encoder->weight[task];
    const size_t count = weight->slot.rows * weight->slot.columns;
    c->bad[task] = weight->values ? !all_finite(weight->values, count)
                                  : !all_finite(weight->scale, weight->slot.rows);
}

static hw_status check_values(const hw_encoder *encoder, const char *name, hw_pool *pool,
                              hw_error *err) {
    checking c = { encoder, hw_calloc(encoder->slots, 1) };
    if (!c.bad) return hw_fail_memory(err, encoder->slots);
    hw_pool_run(pool, encoder->slots, check_slot, &c);
    hw_status status = HW_OK;
    for (size_t i = 0; i < encoder->slots && status == HW_OK; i++) {
        char tensor[HW_SLOT_NAME];
        if (!c.bad[i]) continue;
        hw_slot_name(tensor, &encoder->weight[i].slot, &encoder->config);
        status = hw_fail(err, HW_ERROR_FORMAT, "%s: tensor %s has a value that is not finite", name,
                         tensor);
    }
    hw_free(c.bad);
    return status;
}

hw_encoder *hw_encoder_new(const hw_encoder_config *config, hw_tensor_find *find, void *context,
                           const char *name, const uint64_t *readout_seed, hw_pool *pool,
                           hw_error *err) {
    const source from = { find, context, name, readout_seed };
    if (hw_encoder_config_check(config, name, err) != HW_OK) return NULL;
    hw_encoder *encoder = hw_encoder_alloc(config, err);
    if (!encoder) return NULL;
    if (take_all(encoder, &from, err) != HW_OK) goto failed;
    if (check_values(encoder, name, pool, err) != HW_OK) goto failed;
    hw_encoder_bind(encoder);
    if (hw_encoder_make_room(encoder, err) != HW_OK) goto failed;
    return encoder;
failed:
    hw_encoder_free(encoder);
    return NULL;
}
