/* Trains an encoder to predict masked tokens (Devlin et al. 2019) by AdamW. Invariant: the weights
 * after a step are a function of those before it, the texts and the options, not of the number of
 * threads. */
#ifndef HW_TRAIN_MASKED_TRAINER_H
#define HW_TRAIN_MASKED_TRAINER_H

#include "train/masking.h"
#include "train/token_texts.h"

typedef struct hw_masked_trainer_options {
    size_t epochs, batch; /* texts a step */
    double learning_rate, weight_decay;
    double warm_up; /* share of the steps */
    hw_masking masking;
    uint64_t seed;
} hw_masked_trainer_options;

typedef struct hw_masked_trainer hw_masked_trainer;

/* encoder: with a readout for masked tokens; it is changed. It, texts (at least one) and pool
 * outlive the trainer. */
hw_masked_trainer *hw_masked_trainer_new(hw_encoder *encoder, const hw_token_texts *texts,
                                         const hw_masked_trainer_options *options,
                                         const hw_kernels *kernels, hw_pool *pool, hw_error *err);
void hw_masked_trainer_free(hw_masked_trainer *trainer); /* accepts NULL */

/* One step; there are hw_masked_trainer_steps of them. False after ten steps in a row whose
 * gradient was not finite (such steps change nothing). */
bool hw_masked_trainer_step(hw_masked_trainer *trainer);
size_t hw_masked_trainer_steps(const hw_masked_trainer *trainer);
size_t hw_masked_trainer_done(const hw_masked_trainer *trainer);
size_t hw_masked_trainer_texts(const hw_masked_trainer *trainer); /* seen, over all epochs */
/* Mean cross-entropy of a masked token, over about the last hundred steps. */
double hw_masked_trainer_loss(const hw_masked_trainer *trainer);
double hw_masked_trainer_rate(const hw_masked_trainer *trainer);

#endif
