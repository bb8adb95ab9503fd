/* Views of weights, their packed copies, and moving them into one block to be trained. */
#include "encoder/weights.h"

#include "base/memory.h"
#include "base/random.h"
#include "tensor/bf16.h"

#include <string.h>

/* ---- Views -------------------------------------------------------------------------------- */

hw_encoder *hw_encoder_alloc(const hw_encoder_config *config, hw_error *err) {
    const size_t rows = (size_t)hw_stored_layers(config) + 1;
    hw_encoder *encoder = hw_calloc(1, sizeof *encoder);
    if (!encoder) return hw_fail_memory(err, sizeof *encoder), NULL;
    encoder->config = *config;
    encoder->slots = hw_slot_count(config);
    encoder->weight = hw_calloc(encoder->slots, sizeof *encoder->weight);
    encoder->module = hw_calloc(rows, sizeof *encoder->module);
    if (!encoder->weight || !encoder->module) {
        hw_fail_memory(err, rows * sizeof *encoder->module);
        hw_encoder_free(encoder);
        return NULL;
    }
    hw_slot_walk walk = { .config = config };
    for (size_t i = 0; i < encoder->slots; i++) hw_slot_next(&encoder->weight[i].slot, &walk);
    return encoder;
}

void hw_encoder_free(hw_encoder *encoder) {
    if (!encoder) return;
    hw_free(encoder->weight);
    hw_free(encoder->module);
    hw_free(encoder->floats);
    hw_free(encoder->bytes);
    hw_free(encoder->packed);
    hw_free(encoder->packed8);
    hw_free(encoder->sums);
    hw_free(encoder->packed_exact);
    hw_free(encoder);
}

const hw_encoder_config *hw_encoder_config_of(const hw_encoder *encoder) {
    return &encoder->config;
}

const float *hw_encoder_values(const hw_encoder *encoder, size_t i) {
    return encoder->weight[i].values;
}

const uint16_t *hw_encoder_values_bf16(const hw_encoder *encoder, size_t i) {
    return encoder->weight[i].values16;
}

hw_encoder_int8 hw_encoder_values_int8(const hw_encoder *encoder, size_t i) {
    const hw_weight *weight = &encoder->weight[i];
    return (hw_encoder_int8){ weight->values8, weight->scale, weight->smooth, weight->exact };
}

static hw_module *module_of(hw_encoder *encoder, const hw_slot *slot) {
    const int32_t row = hw_is_of_layer(slot->module) ? slot->layer + 1 : 0;
    return &encoder->module[row][slot->module];
}

/* Exact columns are those that smoothing makes 0. */
static hw_int8_input input_of(const float *smooth, size_t columns) {
    hw_int8_input input = { .smooth = smooth };
    size_t found = 0;
    for (size_t i = 0; smooth && i < columns && found < HW_INT8_EXACT; i++)
        if (smooth[i] == 0) input.exact[found++] = (uint32_t)i;
    return input;
}

static void bind_slot(hw_encoder *encoder, const hw_weight *weight) {
    hw_module *module = module_of(encoder, &weight->slot);
    if (weight->slot.is_bias) {
        module->bias = weight->values;
        module->bias_at = weight->slot.offset;
        return;
    }
    module->rows = weight->slot.rows;
    module->columns = weight->slot.columns;
    module->weight = weight->values;
    module->weight16 = weight->values16;
    module->weight8 = weight->values8;
    module->scale = weight->scale;
    module->exact = weight->exact;
    module->exact_step = weight->slot.rows;
    module->input = input_of(weight->smooth, module->columns);
    module->weight_at = weight->slot.offset;
}

/* The part-th third of a fused matrix of queries, keys and values. */
static void bind_part(hw_module *part, const hw_module *whole, size_t number) {
    const size_t rows = whole->rows / 3, row = number * rows, at = row * whole->columns;
    part->rows = rows;
    part->columns = whole->columns;
    part->weight = whole->weight ? whole->weight + at : NULL;
    part->bias = whole->bias ? whole->bias + row : NULL;
    part->weight16 = whole->weight16 ? whole->weight16 + at : NULL;
    part->weight8 = whole->weight8 ? whole->weight8 + at : NULL;
    part->scale = whole->scale ? whole->scale + row : NULL;
    part->exact = whole->exact ? whole->exact + row : NULL;
    part->exact_step = whole->exact_step;
    part->input = whole->input;
    part->weight_at = whole->weight_at + at;
    part->bias_at = whole->bias_at + row;
}

/* The decoder of masked tokens is the word embedding, with a bias of its own. */
static void bind_decoder(hw_module base[HW_MODULES]) {
    hw_module *decoder = &base[HW_MODULE_DECODER];
    const hw_module *word = &base[HW_MODULE_WORD];
    decoder->rows = word->rows;
    decoder->columns = word->columns;
    decoder->weight = word->weight;
    decoder->weight_at = word->weight_at;
}

void hw_encoder_bind(hw_encoder *encoder) {
    for (size_t i = 0; i < encoder->slots; i++) bind_slot(encoder, &encoder->weight[i]);
    if (encoder->config.readout == HW_ENCODER_MASKED) bind_decoder(encoder->module[0]);
    if (!encoder->config.fused_qkv) return;
    for (int32_t l = 0; l < hw_stored_layers(&encoder->config); l++) {
        hw_module *modules = encoder->module[l + 1];
        for (size_t part = 0; part < 3; part++)
            bind_part(&modules[HW_MODULE_QUERY + part], &modules[HW_MODULE_QKV], part);
    }
}

/* ---- Packed copies ------------------------------------------------------------------------ */

/* Linear layers are packed, but for a fused matrix, whose parts are, and the decoder, which is as
 * large as the word embedding and packed panel by panel when it is used. */
static bool is_packed(int id) {
    static const bool packed[HW_MODULES] = {
        [HW_MODULE_PROJECTION] = true,   [HW_MODULE_QUERY] = true,
        [HW_MODULE_KEY] = true,          [HW_MODULE_VALUE] = true,
        [HW_MODULE_POSITION_KEY] = true, [HW_MODULE_POSITION_QUERY] = true,
        [HW_MODULE_OUTPUT] = true,       [HW_MODULE_INNER] = true,
        [HW_MODULE_INNER_OUTPUT] = true, [HW_MODULE_DENSE] = true,
        [HW_MODULE_CLASSIFIER] = true,
    };
    return packed[id];
}

bool hw_slot_is_packed(const hw_slot *slot) {
    return !slot->is_bias && (is_packed((int)slot->module) || slot->module == HW_MODULE_QKV);
}

/* The i-th module that is packed; NULL past the last. */
static hw_module *packed_at(hw_encoder *encoder, size_t i) {
    for (int32_t row = 0; row <= hw_stored_layers(&encoder->config); row++)
        for (int id = 0; id < HW_MODULES; id++) {
            hw_module *module = &encoder->module[row][id];
            if (is_packed(id) && module->rows > 0 && i-- == 0) return module;
        }
    return NULL;
}

static size_t packed_floats(const hw_module *module) {
    if (module->weight8) return 0;
    const size_t depth = module->weight16 ? hw_bf16_pairs(module->columns) : module->columns;
    return hw_panels(module->rows) * HW_PANEL * depth;
}

static size_t packed_bytes(const hw_module *module) {
    return module->weight8 ? hw_panels(module->rows) * hw_int8_panel(module->columns) : 0;
}

static size_t packed_sums(const hw_module *module) {
    return module->weight8 ? hw_panels(module->rows) * HW_PANEL : 0;
}

static void place(hw_encoder *encoder) {
    size_t floats = 0, bytes = 0, sums = 0;
    hw_module *module = NULL;
    for (size_t i = 0; (module = packed_at(encoder, i)); i++) {
        if (module->weight8) {
            module->packed8 = encoder->packed8 + bytes;
            module->sums = encoder->sums + sums;
            module->packed_exact =
                module->exact ? encoder->packed_exact + HW_INT8_EXACT * sums : NULL;
        } else {
            module->packed = encoder->packed + floats;
        }
        floats += packed_floats(module);
        bytes += packed_bytes(module);
        sums += packed_sums(module);
    }
}

hw_status hw_encoder_make_room(hw_encoder *encoder, hw_error *err) {
    size_t floats = 0, bytes = 0, sums = 0;
    hw_module *module = NULL;
    for (size_t i = 0; (module = packed_at(encoder, i)); i++) {
        floats += packed_floats(module);
        bytes += packed_bytes(module);
        sums += packed_sums(module);
    }
    encoder->packed = hw_malloc(floats * sizeof *encoder->packed);
    encoder->packed8 = hw_malloc(bytes);
    encoder->sums = hw_malloc(sums * sizeof *encoder->sums);
    encoder->packed_exact = hw_malloc(HW_INT8_EXACT * sums * sizeof *encoder->packed_exact);
    if (!encoder->packed || !encoder->packed8 || !encoder->sums || !encoder->packed_exact)
        return hw_fail_memory(err, floats * sizeof *encoder->packed + bytes);
    place(encoder);
    return HW_OK;
}

typedef struct packing {
    hw_encoder *encoder;
    const hw_kernels *kernels;
} packing;

static void pack_exact(hw_module *module) {
    for (size_t column = 0; column < hw_panels(module->rows) * HW_PANEL; column++)
        for (size_t e = 0; e < HW_INT8_EXACT; e++)
            module->packed_exact[(column / HW_PANEL * HW_INT8_EXACT + e) * HW_PANEL +
                                 column % HW_PANEL] =
                column < module->rows ? module->exact[e * module->exact_step + column] : 0;
}

static void pack_module(void *context, size_t task, int32_t worker) {
    (void)worker;
    const packing *p = context;
    hw_module *module = packed_at(p->encoder, task);
    if (module->packed_exact) pack_exact(module);
    if (module->weight8)
        p->kernels->pack_int8(module->packed8, module->sums, module->weight8, module->rows,
                              module->columns);
    else if (module->weight16)
        hw_bf16_pack(p->kernels, module->packed, module->weight16, module->rows, module->columns);
    else
        p->kernels->pack(module->packed, module->weight, module->columns, module->rows,
                         module->columns);
}

void hw_encoder_pack(hw_encoder *encoder, const hw_kernels *kernels, hw_pool *pool) {
    packing p = { encoder, kernels };
    size_t modules = 0;
    while (packed_at(encoder, modules)) modules++;
    hw_pool_run(pool, modules, pack_module, &p);
    atomic_store(&encoder->packing, HW_PACKED);
}

/* Of several threads one packs; the others go on without waiting for it. */
bool hw_encoder_warm(hw_encoder *encoder, const hw_kernels *kernels, hw_pool *pool) {
    int state = HW_NOT_USED;
    if (atomic_compare_exchange_strong(&encoder->packing, &state, HW_NOT_PACKED)) return false;
    if (state != HW_NOT_PACKED ||
        !atomic_compare_exchange_strong(&encoder->packing, &state, HW_BEING_PACKED))
        return false;
    hw_encoder_pack(encoder, kernels, pool);
    return true;
}

bool hw_encoder_is_quantized(const hw_encoder *encoder) {
    for (size_t i = 0; i < encoder->slots; i++)
        if (!encoder->weight[i].values) return true;
    return false;
}

/* ---- One block ----------------------------------------------------------------------------- */

void hw_encoder_init_slot(float *values, const hw_slot *slot, float deviation, uint64_t seed) {
    static const uint64_t first_purpose = 0x656e6330; /* "enc0" */
    const size_t count = slot->rows * slot->columns;
    for (size_t i = 0; i < count; i++) {
        if (slot->dims == 2)
            values[i] = deviation * hw_random_normal(seed, first_purpose + slot->offset, i);
        else
            values[i] = slot->kind == HW_MODULE_IS_NORM && !slot->is_bias ? 1.0f : 0.0f;
    }
}

hw_encoder *hw_encoder_init(const hw_encoder_config *config, uint64_t seed, hw_error *err) {
    if (hw_encoder_config_check(config, "encoder", err) != HW_OK) return NULL;
    hw_encoder *encoder = hw_encoder_alloc(config, err);
    if (!encoder) return NULL;
    encoder->floats = hw_calloc(hw_encoder_floats(config), sizeof *encoder->floats);
    if (!encoder->floats) {
        hw_fail_memory(err, hw_encoder_floats(config) * sizeof *encoder->floats);
        goto failed;
    }
    encoder->thawed = true;
    for (size_t i = 0; i < encoder->slots; i++) {
        hw_weight *weight = &encoder->weight[i];
        hw_encoder_init_slot(encoder->floats + weight->slot.offset, &weight->slot,
                             config->initializer_range, seed);
        weight->values = encoder->floats + weight->slot.offset;
    }
    hw_encoder_bind(encoder);
    if (hw_encoder_make_room(encoder, err) != HW_OK) goto failed;
    hw_encoder_pack(encoder, hw_kernels_select(), NULL);
    return encoder;
failed:
    hw_encoder_free(encoder);
    return NULL;
}

float *hw_encoder_thaw(hw_encoder *encoder, hw_error *err) {
    if (encoder->thawed) return encoder->floats;
    if (hw_encoder_is_quantized(encoder))
        return hw_fail(err, HW_ERROR_ARGUMENT, "a quantised encoder cannot be trained"), NULL;
    const size_t floats = hw_encoder_floats(&encoder->config);
    float *block = hw_calloc(floats, sizeof *block);
    if (!block) return hw_fail_memory(err, floats * sizeof *block), NULL;
    for (size_t i = 0; i < encoder->slots; i++) {
        hw_weight *weight = &encoder->weight[i];
        float *values = block + weight->slot.offset;
        memcpy(values, weight->values, weight->slot.rows * weight->slot.columns * sizeof *values);
        weight->values = values;
    }
    hw_free(encoder->floats);
    encoder->floats = block;
    encoder->thawed = true;
    hw_encoder_bind(encoder);
    return block;
}
