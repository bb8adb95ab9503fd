/* Logits of encoded texts by a tower whose training is over or paused. */
#ifndef HW_TRAIN_TOWER_SCORES_H
#define HW_TRAIN_TOWER_SCORES_H

#include "train/tower_trainer.h"

/* The memory for scoring the texts rows[count], allocated once and used again. */
typedef struct hw_tower_scorer hw_tower_scorer;
hw_tower_scorer *hw_tower_scorer_new(const hw_tower_config *config, const hw_token_lists *texts,
                                     const uint32_t *rows, size_t count, hw_error *err);
void hw_tower_scorer_free(hw_tower_scorer *scorer);

/* logits: [count][labels]. block: [hw_tower_floats(config)]. Allocates nothing. */
void hw_tower_scorer_run(float *logits, hw_tower_scorer *scorer, float *block,
                         const hw_kernels *kernels);

#endif
