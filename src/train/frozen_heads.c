/* One walk over what is frozen serves all three operations. Invariant: values has the order of the
 * walk. */
#include "train/frozen_heads.h"

#include "base/memory.h"

#include <string.h>

typedef enum operation { KEEP, RESTORE, CLEAR } operation;

/* Returns where the next values are. */
static float *visit(float *values, float *weights, size_t count, operation what) {
    const size_t bytes = count * sizeof *weights;
    if (what == KEEP) memcpy(values, weights, bytes);
    if (what == RESTORE) memcpy(weights, values, bytes);
    if (what == CLEAR) memset(weights, 0, bytes);
    return values + count;
}

/* The columns of queries and keys, which come first in a row of qkv; and the positions. */
static void walk(const hw_frozen_heads *frozen, const hw_tower_views *views, operation what) {
    const hw_tower_config *c = &frozen->config;
    const size_t columns = 2 * (size_t)hw_tower_query_width(c), row = (size_t)hw_tower_qkv_width(c);
    const size_t positions = (size_t)hw_tower_patterns(c) * (2 * (size_t)c->distance + 1);
    float *values = frozen->values;
    if (!values) return;
    for (int32_t l = 0; l < c->layers; l++) {
        for (size_t i = 0; i < (size_t)c->width; i++)
            values = visit(values, views->layer[l].qkv + i * row, columns, what);
        values = visit(values, views->layer[l].qkv_bias, columns, what);
        values = visit(values, views->layer[l].position, positions, what);
    }
}

hw_status hw_frozen_heads_reserve(hw_frozen_heads *frozen, const hw_tower_config *config,
                                  hw_error *err) {
    if (config->attention != HW_ATTENTION_FROZEN) return HW_OK;
    const size_t floats = hw_tower_floats(config) - hw_tower_embedding_floats(config);
    frozen->config = *config;
    frozen->values = hw_calloc(floats, sizeof *frozen->values);
    return frozen->values ? HW_OK : hw_fail_memory(err, floats * sizeof *frozen->values);
}

void hw_frozen_heads_free(hw_frozen_heads *frozen) {
    hw_free(frozen->values);
}

void hw_frozen_heads_keep(hw_frozen_heads *frozen, const hw_tower_views *weights) {
    walk(frozen, weights, KEEP);
}

void hw_frozen_heads_restore(const hw_tower_views *weights, const hw_frozen_heads *frozen) {
    walk(frozen, weights, RESTORE);
}

void hw_frozen_heads_clear(const hw_tower_views *gradient, const hw_frozen_heads *frozen) {
    walk(frozen, gradient, CLEAR);
}
