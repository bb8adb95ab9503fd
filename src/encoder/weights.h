/* An encoder's weights as its operations see them. Invariant: a module's pointers are NULL where
 * it has no such part; all modules point into the caller's tensors, or into blocks that the
 * encoder owns. */
#ifndef HW_ENCODER_WEIGHTS_H
#define HW_ENCODER_WEIGHTS_H

#include "base/sizes.h"
#include "encoder/modules.h"

#include <stdatomic.h>

typedef struct hw_module {
    size_t rows, columns;       /* of the weight; a norm and an offset have one row */
    const float *weight, *bias; /* [rows][columns]; [rows], of a norm [columns] */
    size_t weight_at, bias_at;  /* their places in a block of gradients */
    const uint16_t *weight16;   /* instead of weight, if it is bfloat16, */
    const int8_t *weight8;      /* or int8 */
    const float *scale;         /* [rows] */
    const float *exact;         /* [HW_INT8_EXACT] rows, `exact_step` apart; or NULL */
    size_t exact_step;
    hw_int8_input input;
    float *packed;   /* linear layers only: by kernels->pack, hw_bf16_pack ... */
    int8_t *packed8; /* ... or kernels->pack_int8 */
    int32_t *sums;
    float *packed_exact; /* as in hw_int8_matrix, or NULL */
} hw_module;

/* One slot's values. */
typedef struct hw_weight {
    hw_slot slot;
    const float *values;
    const uint16_t *values16;
    const int8_t *values8;
    const float *scale, *smooth, *exact;
} hw_weight;

/* Until they are packed, a pass packs a few panels at a time on its way. */
typedef enum hw_packing_state {
    HW_NOT_USED, /* by a pass: hw_encoder_warm has not been called */
    HW_NOT_PACKED,
    HW_BEING_PACKED,
    HW_PACKED,
} hw_packing_state;

struct hw_encoder {
    hw_encoder_config config;
    size_t slots;
    hw_weight *weight;               /* [slots] */
    hw_module (*module)[HW_MODULES]; /* row 0: outside layers; row l + 1: stored layer l */
    float *floats;                   /* what is not in the caller's tensors, or all (thawed) */
    int8_t *bytes;      /* bfloat16 and int8 values, if they are not in the caller's tensors */
    bool thawed;        /* floats is a whole block */
    atomic_int packing; /* hw_packing_state */
    float *packed;
    int8_t *packed8;
    int32_t *sums;
    float *packed_exact;
};

/* [HW_MODULES] outside layers, and of layer l of [0, config->layers). */
static inline const hw_module *hw_base_modules(const hw_encoder *encoder) {
    return encoder->module[0];
}
static inline const hw_module *hw_layer_modules(const hw_encoder *encoder, int32_t l) {
    return encoder->module[encoder->config.shared_layers ? 1 : l + 1];
}

/* Where the floats of a matrix of int8 are in a block, one part after the other, each a multiple of
 * 16. */
typedef struct hw_int8_parts {
    float *scale, *smooth, *exact;
} hw_int8_parts;
static inline hw_int8_parts hw_int8_parts_at(float *floats, const hw_slot *slot) {
    float *smooth = floats + hw_padded(slot->rows);
    return (hw_int8_parts){ floats, smooth, smooth + hw_padded(slot->columns) };
}
static inline size_t hw_int8_floats(const hw_slot *slot) {
    return hw_padded(slot->rows) + hw_padded(slot->columns) + hw_padded(HW_INT8_EXACT * slot->rows);
}

/* An encoder without values: its weight[] has slots alone. */
hw_encoder *hw_encoder_alloc(const hw_encoder_config *config, hw_error *err);
/* From weight[] to module[]. */
void hw_encoder_bind(hw_encoder *encoder);
/* Makes room for packed weights; hw_encoder_pack fills it. */
hw_status hw_encoder_make_room(hw_encoder *encoder, hw_error *err);
/* Whether hw_encoder_pack packs the slot's values. */
bool hw_slot_is_packed(const hw_slot *slot);
bool hw_encoder_is_quantized(const hw_encoder *encoder);
/* First values of one slot: normal deviates, a norm's 1, a bias's 0. */
void hw_encoder_init_slot(float *values, const hw_slot *slot, float deviation, uint64_t seed);

#endif
