/* AdamW (Loshchilov and Hutter 2019) over the block of an encoder's weights: linear layers and
 * embeddings decay, biases and norms do not; the rate of a depth is that of the next times
 * layer_decay (Howard and Ruder 2018); the gradient is clipped to a norm of 1.
 *
 * A row of the word embedding that a step does not touch is left alone, and is given the steps that
 * it missed when it is touched next. Invariant: after hw_adamw_settle, weights and moments are
 * those of updating every row in every step; nothing depends on the number of threads. */
#ifndef HW_TRAIN_ADAMW_H
#define HW_TRAIN_ADAMW_H

#include "base/threads.h"
#include "encoder/encoder.h"
#include "train/row_gradients.h"
#include "train/schedule.h"
#include "train/state_array.h"

typedef struct hw_adamw_options {
    hw_schedule schedule;
    double weight_decay;
    double layer_decay;  /* in (0, 1] */
    double readout_rate; /* of the readout, as a multiple of the schedule's */
    int32_t lowest;      /* parameters below this depth do not change */
    bool dense_words;    /* the word embedding's gradient is in the block, not by rows */
} hw_adamw_options;

typedef struct hw_adamw hw_adamw;

hw_adamw *hw_adamw_new(const hw_encoder_config *config, const hw_adamw_options *options,
                       const hw_kernels *kernels, hw_pool *pool, hw_error *err);
void hw_adamw_free(hw_adamw *adamw); /* accepts NULL */
/* What hw_adamw_new would take. */
size_t hw_adamw_bytes(const hw_encoder_config *config, const hw_adamw_options *options);

/* [hw_encoder_floats], zero before the first step and after each where parameters learn; the word
 * embedding's part is undefined unless dense_words. */
float *hw_adamw_gradient(hw_adamw *adamw);

/* One step over weights [hw_encoder_floats] by the gradient. rows: the word embedding's; NULL if it
 * is dense or does not learn. False, and the weights are as they were, if the gradient is not
 * finite. */
bool hw_adamw_step(hw_adamw *adamw, float *weights, const hw_row_gradients *rows);
void hw_adamw_settle(hw_adamw *adamw, float *weights);
size_t hw_adamw_steps(const hw_adamw *adamw); /* made */
double hw_adamw_rate(const hw_adamw *adamw);  /* of the next one */

enum { HW_ADAMW_ARRAYS = 3 };
hw_state_array hw_adamw_state(hw_adamw *adamw, size_t i);
/* After the arrays were filled. False if steps, or what the arrays say of them, is impossible. */
bool hw_adamw_resume(hw_adamw *adamw, size_t steps);

#endif
