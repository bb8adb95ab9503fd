/* A tower whose weights are being changed: its weights, their average, and what AdamW remembers of
 * them. A step is: hw_tower_update_start; for each piece of the batch a backward pass into
 * gradient_views and hw_tower_update_scatter; then hw_tower_update_apply.
 * Invariant: what a step that does not touch a row of the embedding would do to the row's average
 * is made up for when the row is next touched or the average asked for. */
#ifndef HW_TRAIN_TOWER_UPDATE_H
#define HW_TRAIN_TOWER_UPDATE_H

#include "model/tower.h"
#include "train/frozen_heads.h"
#include "train/row_gradients.h"

typedef struct hw_tower_update_options {
    size_t steps;         /* in all */
    size_t most_rows;     /* of the embedding that a step can touch */
    float embedding_rate; /* of the embedding, as a multiple of the step's rate */
    float weight_decay;   /* of the dense weights */
    float average;        /* decay of the weights' average a step */
    uint64_t seed;        /* of the first weights */
} hw_tower_update_options;

typedef struct hw_tower_update {
    hw_tower_config config;
    hw_tower_update_options options;
    const hw_kernels *kernels;
    size_t floats, embedding_floats;
    float *weights, *mean, *square, *average; /* [floats] each, embedding first */
    float *gradient;     /* [floats], of which the embedding's part is not used */
    uint32_t *last_step; /* [vocabulary] step that last updated the row, 0: none */
    double *log_decay;   /* [steps + 1] sum of ln(average's decay) up to a step */
    hw_tower_views views, average_views, gradient_views; /* of the arrays above */
    hw_row_gradients rows;                               /* of the embedding */
    hw_frozen_heads frozen;
} hw_tower_update;

/* *update is zero before, and freed by hw_tower_update_free also on failure. */
hw_status hw_tower_update_reserve(hw_tower_update *update, const hw_tower_config *config,
                                  const hw_tower_update_options *options, const hw_kernels *kernels,
                                  hw_error *err);
void hw_tower_update_free(hw_tower_update *update);

/* Forgets the gradient of the step before. */
void hw_tower_update_start(hw_tower_update *update);
/* d_tokens: [tokens][width] of a batch that was passed backward. Adds them to the rows. */
void hw_tower_update_scatter(hw_tower_update *update, hw_batch batch, const float *d_tokens);
/* AdamW with that rate, after `step` other steps. False, and nothing has changed, if the gradient
 * is not finite. */
bool hw_tower_update_apply(hw_tower_update *update, uint64_t step, double rate);

/* block: [floats] receives the averaged weights after `step` steps. */
void hw_tower_update_average(float *block, const hw_tower_update *update, uint64_t step);

/* What changes from step to step, as bytes. Loading is false, and nothing is loaded, if `step`
 * steps cannot have led there. */
size_t hw_tower_update_state_bytes(const hw_tower_update *update);
void hw_tower_update_save(void *state, const hw_tower_update *update);
bool hw_tower_update_load(hw_tower_update *update, const void *state, uint64_t step);

#endif
