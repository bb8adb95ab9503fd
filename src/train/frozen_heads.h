/* What HW_ATTENTION_FROZEN keeps from learning: queries, keys and positions of every head stay what
 * they were at first, under gradients, weight decay and averaging alike. With other attention
 * nothing is frozen, and these functions do nothing. */
#ifndef HW_TRAIN_FROZEN_HEADS_H
#define HW_TRAIN_FROZEN_HEADS_H

#include "model/tower.h"

typedef struct hw_frozen_heads {
    hw_tower_config config;
    float *values; /* NULL: nothing is frozen */
} hw_frozen_heads;

hw_status hw_frozen_heads_reserve(hw_frozen_heads *frozen, const hw_tower_config *config,
                                  hw_error *err);
void hw_frozen_heads_free(hw_frozen_heads *frozen);

/* Remembers the values that the weights have now; gives them back to weights. */
void hw_frozen_heads_keep(hw_frozen_heads *frozen, const hw_tower_views *weights);
void hw_frozen_heads_restore(const hw_tower_views *weights, const hw_frozen_heads *frozen);
/* Sets their gradient to 0. */
void hw_frozen_heads_clear(const hw_tower_views *gradient, const hw_frozen_heads *frozen);

#endif
