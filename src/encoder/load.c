/* From named tensors to an encoder. Invariant: on success every slot has values of its shape, all
 * finite; F32 is viewed where it is, everything else is in memory of the encoder's own. */
#include "base/memory.h"
#include "encoder/smoothing.h"
#include "encoder/weights.h"
#include "tensor/int8_weights.h"

#include <math.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

/* ---- Finding ------------------------------------------------------------------------------ */

static const hw_tensor *find_slot(const hw_encoder_source *from, const hw_slot *slot,
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

static bool may_be_new(const hw_encoder_source *from, const hw_slot *slot) {
    return from->readout_seed && slot->module > HW_MODULE_FINAL_NORM;
}

static hw_status fail_shape(const hw_encoder_source *from, const hw_tensor *tensor,
                            const hw_slot *slot, hw_error *err) {
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
static hw_status find_checked(const hw_tensor **tensor, const hw_encoder_source *from,
                              const hw_slot *slot, const hw_encoder_config *config, hw_error *err) {
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
    if (type == HW_I8 && hw_is_linear(slot)) return HW_OK;
    return hw_fail(err, HW_ERROR_UNSUPPORTED,
                   "%s: the values of tensor %s have an unsupported type", from->name,
                   (*tensor)->name);
}

/* What goes with a matrix of int8; *found is NULL if it is not there. columns: 0 of a vector. */
static hw_status find_part(const hw_tensor **found, const hw_encoder_source *from,
                           const hw_tensor *matrix, const char *tail, size_t rows, size_t columns,
                           hw_error *err) {
    char name[HW_SLOT_NAME + 8];
    snprintf(name, sizeof name, "%s%s", matrix->name, tail);
    const hw_tensor *part = *found = from->find(from->context, name);
    if (!part) return HW_OK;
    const bool fits = columns ? part->dims == 2 && part->shape[1] == columns : part->dims == 1;
    if (fits && part->dtype == HW_F32 && part->shape[0] == rows) return HW_OK;
    return hw_fail(err, HW_ERROR_FORMAT, "%s: tensor %s is not F32 of %zu x %zu", from->name, name,
                   rows, columns ? columns : 1);
}

static hw_status find_needed(const hw_tensor **found, const hw_encoder_source *from,
                             const hw_tensor *matrix, const char *tail, size_t rows, size_t columns,
                             hw_error *err) {
    HW_TRY(find_part(found, from, matrix, tail, rows, columns, err));
    if (*found) return HW_OK;
    return hw_fail(err, HW_ERROR_FORMAT, "%s: no tensor %s%s", from->name, matrix->name, tail);
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

static bool stays_bf16(const hw_tensor *tensor, const hw_slot *slot,
                       const hw_encoder_source *from) {
    return from->bf16 && tensor && tensor->dtype == HW_BF16 && hw_is_linear(slot) &&
           (uintptr_t)tensor->data % sizeof(uint16_t) == 0;
}

/* Floats of its own that a tensor, or a slot without one, needs; a multiple of 16. */
static size_t own_floats(const hw_tensor *tensor, const hw_slot *slot,
                         const hw_encoder_source *from) {
    if (can_be_viewed(tensor) || stays_bf16(tensor, slot, from)) return 0;
    if (tensor && tensor->dtype == HW_I8) return hw_int8_floats(slot);
    return hw_padded(slot->rows * slot->columns);
}

static hw_status take_int8(hw_weight *weight, float *mine, const hw_encoder_source *from,
                           const hw_tensor *tensor, hw_error *err) {
    const hw_slot *slot = &weight->slot;
    const hw_int8_parts parts = hw_int8_parts_at(mine, slot);
    const hw_tensor *scale = NULL, *smooth = NULL, *exact = NULL;
    HW_TRY(find_needed(&scale, from, tensor, ".scale", slot->rows, 0, err));
    convert(parts.scale, scale, slot->rows);
    weight->values8 = tensor->data;
    weight->scale = parts.scale;
    if (!hw_may_be_smoothed(slot->module)) return HW_OK;
    HW_TRY(find_part(&smooth, from, tensor, ".smooth", slot->columns, 0, err));
    if (!smooth) return HW_OK;
    HW_TRY(find_needed(&exact, from, tensor, ".exact", HW_INT8_EXACT, slot->rows, err));
    convert(parts.smooth, smooth, slot->columns);
    convert(parts.exact, exact, HW_INT8_EXACT * slot->rows);
    weight->smooth = parts.smooth;
    weight->exact = parts.exact;
    return HW_OK;
}

/* Sets what weight points to; *own is moved on past what it takes. */
static hw_status take_values(hw_weight *weight, float **own, const hw_encoder_source *from,
                             const hw_encoder_config *config, hw_error *err) {
    const hw_slot *slot = &weight->slot;
    const hw_tensor *tensor = NULL;
    HW_TRY(find_checked(&tensor, from, slot, config, err));
    float *mine = *own;
    *own += own_floats(tensor, slot, from);
    if (!tensor) {
        hw_encoder_init_slot(mine, slot, config->initializer_range, *from->readout_seed);
        weight->values = mine;
    } else if (tensor->dtype == HW_I8) {
        HW_TRY(take_int8(weight, mine, from, tensor, err));
    } else if (stays_bf16(tensor, slot, from)) {
        weight->values16 = tensor->data;
    } else if (can_be_viewed(tensor)) {
        weight->values = tensor->data;
    } else {
        convert(mine, tensor, slot->rows * slot->columns);
        weight->values = mine;
    }
    return HW_OK;
}

static hw_status take_all(hw_encoder *encoder, const hw_encoder_source *from, hw_error *err) {
    size_t floats = 0;
    for (size_t i = 0; i < encoder->slots; i++) {
        const hw_slot *slot = &encoder->weight[i].slot;
        const hw_tensor *tensor = NULL;
        HW_TRY(find_checked(&tensor, from, slot, &encoder->config, err));
        floats += own_floats(tensor, slot, from);
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

static bool all_finite_bf16(const uint16_t *values, size_t count) {
    const uint16_t exponent = 0x7f80;
    uint16_t found = 0;
    for (size_t i = 0; i < count; i++) found |= (values[i] & exponent) == exponent;
    return !found;
}

/* Pieces are shared between threads: the word embedding is half of a small encoder. */
enum { PIECE = 1 << 18 /* floats */ };

typedef struct checking {
    const float *values;
    const uint16_t *values16; /* in their place, or NULL */
    size_t count;
    atomic_bool endless; /* a value that is not finite was met */
} checking;

static void check_piece(void *context, size_t piece, int32_t worker) {
    (void)worker;
    checking *c = context;
    const size_t begin = piece * PIECE, count = hw_smaller(c->count - begin, PIECE);
    if (!(c->values16 ? all_finite_bf16(c->values16 + begin, count)
                      : all_finite(c->values + begin, count)))
        atomic_store(&c->endless, true);
}

/* Rows of int8. */
typedef struct fitting {
    const int8_t *values;
    const hw_slot *slot;
    atomic_bool wrong; /* a row was met that does not fit */
} fitting;

enum { FITTING_ROWS = 64 };

static void fit_piece(void *context, size_t piece, int32_t worker) {
    (void)worker;
    fitting *f = context;
    const size_t begin = piece * FITTING_ROWS, columns = f->slot->columns;
    for (size_t row = begin; row < f->slot->rows && row < begin + FITTING_ROWS; row++)
        if (!hw_int8_fits(f->values + row * columns, columns)) atomic_store(&f->wrong, true);
}

static bool all_fit(const int8_t *values, const hw_slot *slot, hw_pool *pool) {
    fitting f = { .values = values, .slot = slot };
    hw_pool_run(pool, (slot->rows + FITTING_ROWS - 1) / FITTING_ROWS, fit_piece, &f);
    return !atomic_load(&f.wrong);
}

static hw_status check_values(const hw_weight *weight, const hw_encoder_config *config,
                              const hw_encoder_source *from, hw_pool *pool, hw_error *err) {
    const hw_slot *slot = &weight->slot;
    checking c = { .values = weight->values,
                   .values16 = weight->values16,
                   .count = slot->rows * slot->columns };
    if (weight->values8) {
        c.values = weight->scale;
        c.count = slot->rows;
    }
    hw_pool_run(pool, (c.count + PIECE - 1) / PIECE, check_piece, &c);
    const bool fits = !weight->values8 || all_fit(weight->values8, slot, pool);
    if (!atomic_load(&c.endless) && fits) return HW_OK;
    char name[HW_SLOT_NAME];
    hw_slot_name(name, slot, config);
    if (!fits)
        return hw_fail(err, HW_ERROR_FORMAT,
                       "%s: tensor %s has int8 values whose products would not be exact; quantize "
                       "the model anew",
                       from->name, name);
    return hw_fail(err, HW_ERROR_FORMAT, "%s: tensor %s has a value that is not finite", from->name,
                   name);
}

/* HW_INT8_EXACT are 0, the others above it. */
static bool can_smooth(const float *smooth, size_t count) {
    size_t zeros = 0;
    for (size_t i = 0; i < count; i++) {
        if (!(smooth[i] >= 0)) return false;
        zeros += smooth[i] == 0;
    }
    return zeros == HW_INT8_EXACT && all_finite(smooth, count);
}

/* Queries, keys and values read the same input, in one form. */
static bool is_like_query(const hw_encoder *encoder, const hw_weight *weight) {
    const hw_module *query = &hw_layer_modules(encoder, weight->slot.layer)[HW_MODULE_QUERY];
    const float *smooth = query->input.smooth;
    if (!weight->values16 != !query->weight16) return false;
    if (!weight->values8 != !query->weight8 || !weight->smooth != !smooth) return false;
    return !smooth || memcmp(weight->smooth, smooth, query->columns * sizeof *smooth) == 0;
}

static hw_status check_smoothing(const hw_encoder *encoder, const hw_encoder_source *from,
                                 hw_error *err) {
    for (size_t i = 0; i < encoder->slots; i++) {
        const hw_weight *weight = &encoder->weight[i];
        const hw_slot *slot = &weight->slot;
        const bool is_key = slot->module == HW_MODULE_KEY || slot->module == HW_MODULE_VALUE;
        const char *wrong = NULL;
        if (weight->smooth && !can_smooth(weight->smooth, slot->columns))
            wrong = ".smooth does not have two zeros and else finite values above 0";
        else if (weight->exact && !all_finite(weight->exact, HW_INT8_EXACT * slot->rows))
            wrong = ".exact has a value that is not finite";
        else if (is_key && !slot->is_bias && !is_like_query(encoder, weight))
            wrong = " is not of bfloat16, of int8, or smoothed, as the query's is";
        if (!wrong) continue;
        char name[HW_SLOT_NAME];
        hw_slot_name(name, slot, &encoder->config);
        return hw_fail(err, HW_ERROR_FORMAT, "%s: tensor %s%s", from->name, name, wrong);
    }
    return HW_OK;
}

static hw_status check_slots(const hw_encoder *encoder, bool packed, const hw_encoder_source *from,
                             hw_pool *pool, hw_error *err) {
    for (size_t i = 0; i < encoder->slots; i++) {
        const hw_weight *weight = &encoder->weight[i];
        if (hw_slot_is_packed(&weight->slot) == packed)
            HW_TRY(check_values(weight, &encoder->config, from, pool, err));
    }
    return HW_OK;
}

/* The first pass reads few rows of the embeddings, but all that is to be packed. */
static hw_status check_all(const hw_encoder *encoder, const hw_encoder_source *from, hw_pool *pool,
                           hw_error *err) {
    HW_TRY(check_slots(encoder, false, from, pool, err));
    if (from->release) from->release(from->context);
    return check_slots(encoder, true, from, pool, err);
}

hw_encoder *hw_encoder_new(const hw_encoder_config *config, const hw_encoder_source *source,
                           hw_pool *pool, hw_error *err) {
    if (hw_encoder_config_check(config, source->name, err) != HW_OK) return NULL;
    hw_encoder *encoder = hw_encoder_alloc(config, err);
    if (!encoder) return NULL;
    if (take_all(encoder, source, err) != HW_OK) goto failed;
    if (check_all(encoder, source, pool, err) != HW_OK) goto failed;
    hw_encoder_bind(encoder);
    if (check_smoothing(encoder, source, err) != HW_OK) goto failed;
    if (hw_encoder_make_room(encoder, err) != HW_OK) goto failed;
    if (hw_encoder_is_quantized(encoder)) hw_encoder_pack(encoder, hw_kernels_select(), pool);
    return encoder;
failed:
    hw_encoder_free(encoder);
    return NULL;
}
