/* The parts of an encoder that have weights, as one list: what drives parameters, names, views
 * and gradients. A module has a weight [rows][columns] (a norm: [columns]), a bias, or both, and
 * is there if its count of rows is not 0. */
#ifndef HW_ENCODER_MODULES_H
#define HW_ENCODER_MODULES_H

#include "encoder/encoder.h"

/* X(id, kind, rows, columns, bias), where c is the config. Kinds: TABLE of rows, LINEAR layer
 * [out][in], NORM, and OFFSET: nothing but a bias [rows]. In the order in which a text meets them;
 * those between HW_MODULE_QKV and HW_MODULE_INNER_NORM come once for each layer. */
// clang-format off
#define HW_MODULE_LIST(X)                                                                          \
    X(WORD, TABLE, c->vocabulary, c->embedding_width, false)                                       \
    X(POSITION, TABLE, hw_has_position_table(c) ? c->position_rows : 0, c->embedding_width, false) \
    X(TYPE, TABLE, c->types, c->embedding_width, false)                                            \
    X(EMBEDDING_NORM, NORM, 1, c->norm_after_projection ? c->width : c->embedding_width,           \
      c->norm_bias)                                                                                \
    X(PROJECTION, LINEAR, c->project_embedding ? c->width : 0, c->embedding_width,                 \
      c->projection_bias)                                                                          \
    X(BUCKETS, TABLE, c->positions == HW_POSITIONS_BUCKETS ? c->buckets : 0, c->heads, false)      \
    X(RELATIVE, TABLE, c->positions == HW_POSITIONS_DISENTANGLED ? c->position_rows : 0,           \
      c->width, false)                                                                             \
    X(RELATIVE_NORM, NORM, c->relative_norm, c->width, true)                                       \
    X(QKV, LINEAR, c->fused_qkv ? 3 * heads : 0, c->width, c->linear_bias)                         \
    X(QUERY, LINEAR, c->fused_qkv ? 0 : heads, c->width, c->linear_bias)                           \
    X(KEY, LINEAR, c->fused_qkv ? 0 : heads, c->width, c->linear_bias)                             \
    X(VALUE, LINEAR, c->fused_qkv ? 0 : heads, c->width, c->linear_bias)                           \
    X(POSITION_KEY, LINEAR, hw_has_position_linears(c) && c->content_to_position ? heads : 0,      \
      c->width, c->linear_bias)                                                                    \
    X(POSITION_QUERY, LINEAR, hw_has_position_linears(c) && c->position_to_content ? heads : 0,    \
      c->width, c->linear_bias)                                                                    \
    X(OUTPUT, LINEAR, c->width, heads, c->linear_bias)                                             \
    X(ATTENTION_NORM, NORM, 1, c->width, c->norm_bias)                                             \
    X(INNER, LINEAR, c->gated ? 2 * c->inner_width : c->inner_width, c->width, c->linear_bias)     \
    X(INNER_OUTPUT, LINEAR, c->width, c->inner_width, c->linear_bias)                              \
    X(INNER_NORM, NORM, 1, c->width, c->norm_bias)                                                 \
    X(FINAL_NORM, NORM, c->norm_first, c->width, c->norm_bias)                                     \
    X(DENSE, LINEAR, c->readout ? hw_dense_width(c) : 0, c->width, c->dense_bias)                  \
    X(DENSE_NORM, NORM, hw_has_dense_norm(c), hw_dense_width(c), c->norm_bias)                     \
    X(CLASSIFIER, LINEAR, c->readout == HW_ENCODER_LABELS ? c->labels : 0, c->width, true)         \
    X(DECODER, OFFSET, c->readout == HW_ENCODER_MASKED && c->decoder_bias ? c->vocabulary : 0, 1,  \
      true)
// clang-format on

typedef enum hw_module_id {
#define X(id, kind, rows, columns, bias) HW_MODULE_##id,
    HW_MODULE_LIST(X)
#undef X
        HW_MODULES
} hw_module_id;

typedef enum hw_module_kind {
    HW_MODULE_IS_TABLE,
    HW_MODULE_IS_LINEAR,
    HW_MODULE_IS_NORM,
    HW_MODULE_IS_OFFSET
} hw_module_kind;

static inline bool hw_has_position_table(const hw_encoder_config *c) {
    return c->positions == HW_POSITIONS_LEARNED || c->positions == HW_POSITIONS_BUCKETS;
}

static inline bool hw_has_position_linears(const hw_encoder_config *c) {
    return c->positions == HW_POSITIONS_DISENTANGLED && !c->share_attention_keys;
}

static inline int32_t hw_dense_width(const hw_encoder_config *c) {
    return c->readout == HW_ENCODER_MASKED ? c->embedding_width : c->width;
}

static inline bool hw_has_dense_norm(const hw_encoder_config *c) {
    return c->readout == HW_ENCODER_MASKED || (c->readout == HW_ENCODER_LABELS && c->labels_norm);
}

static inline int32_t hw_stored_layers(const hw_encoder_config *c) {
    return c->shared_layers ? 1 : c->layers;
}

static inline bool hw_is_of_layer(hw_module_id id) {
    return id >= HW_MODULE_QKV && id <= HW_MODULE_INNER_NORM;
}

/* One tensor of a file: a module's weight, or its bias. */
typedef struct hw_slot {
    hw_module_id module;
    hw_module_kind kind;
    int32_t layer; /* stored layer, 0 if not of a layer */
    bool is_bias;
    int32_t dims;
    size_t rows, columns, offset; /* as in hw_encoder_parameter */
} hw_slot;

/* The matrices that are int8, or bfloat16, in a quantised encoder. */
static inline bool hw_is_linear(const hw_slot *slot) {
    return slot->kind == HW_MODULE_IS_LINEAR && hw_is_of_layer(slot->module) && !slot->is_bias;
}

/* Starts a walk over all slots: {0} with config, then one call for each. False past the end. */
typedef struct hw_slot_walk {
    const hw_encoder_config *config;
    int module;
    int32_t layer;
    bool bias_next;
    size_t offset;
} hw_slot_walk;
bool hw_slot_next(hw_slot *slot, hw_slot_walk *walk);
size_t hw_slot_count(const hw_encoder_config *config);

/* The slot's name in a file of the family, with its prefix ("bert.", ...): NULL-terminated. */
enum { HW_SLOT_NAME = 96 };
void hw_slot_name(char name[HW_SLOT_NAME], const hw_slot *slot, const hw_encoder_config *config);
/* The same name as other files have it: the i-th of a few spellings; false past the last. */
bool hw_slot_spelling(char name[HW_SLOT_NAME], const hw_slot *slot, const hw_encoder_config *config,
                      int i);

#endif
