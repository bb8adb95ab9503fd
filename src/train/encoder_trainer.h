/* Fine-tunes an encoder and its readout on labelled texts, step by step.
 * Invariant: the state after a step is a function of the state before it, the data and the options
 * alone, not of the number of threads. */
#ifndef HW_TRAIN_ENCODER_TRAINER_H
#define HW_TRAIN_ENCODER_TRAINER_H

#include "train/encoder_update.h"
#include "train/label_loss.h"

/* What is learned. All arrays outlive the trainer. */
typedef struct hw_encoder_lesson {
    const hw_token_texts *texts;
    const uint32_t *rows; /* [count] the texts to learn from */
    size_t count;
    hw_label_loss loss; /* of all texts; its labels are the encoder's */
} hw_encoder_lesson;

typedef struct hw_encoder_trainer_options {
    int32_t epochs, batch; /* texts a step */
    size_t piece_tokens;
    double learning_rate;
    double warm_up;                                 /* share of the steps */
    double weight_decay, layer_decay, readout_rate; /* see train/adamw.h */
    int32_t lowest;
    float hidden_dropout, attention_dropout, readout_dropout;
    uint64_t seed;
} hw_encoder_trainer_options;

typedef struct hw_encoder_trainer hw_encoder_trainer;

hw_encoder_trainer *hw_encoder_trainer_new(hw_encoder *encoder, const hw_encoder_lesson *lesson,
                                           const hw_encoder_trainer_options *options,
                                           const hw_kernels *kernels, hw_pool *pool, hw_error *err);
void hw_encoder_trainer_free(hw_encoder_trainer *trainer); /* accepts NULL */
/* What it would take. */
size_t hw_encoder_trainer_bytes(const hw_encoder_config *config, const hw_encoder_lesson *lesson,
                                const hw_encoder_trainer_options *options, int32_t threads);

/* One step; there must be one left. */
void hw_encoder_trainer_step(hw_encoder_trainer *trainer);
/* To be called before the encoder is used for anything but the next step. */
void hw_encoder_trainer_settle(hw_encoder_trainer *trainer);
float *hw_encoder_trainer_weights(hw_encoder_trainer *trainer);     /* the encoder's block */
size_t hw_encoder_trainer_steps(const hw_encoder_trainer *trainer); /* of all epochs */
size_t hw_encoder_trainer_steps_per_epoch(const hw_encoder_trainer *trainer);
size_t hw_encoder_trainer_done(const hw_encoder_trainer *trainer);
double hw_encoder_trainer_loss(const hw_encoder_trainer *trainer); /* smoothed over ~50 steps */
double hw_encoder_trainer_rate(const hw_encoder_trainer *trainer);
/* True after ten steps in a row whose gradient was not finite (such steps are left out). */
bool hw_encoder_trainer_diverged(const hw_encoder_trainer *trainer);

/* The state, the encoder's weights included. */
enum { HW_ENCODER_TRAINER_ARRAYS = 2 + HW_ADAMW_ARRAYS };
hw_state_array hw_encoder_trainer_state(hw_encoder_trainer *trainer, size_t i);
/* After the arrays were filled. False if they cannot be a state of this training. */
bool hw_encoder_trainer_resume(hw_encoder_trainer *trainer);

#endif
