/* Trains one attention tower by AdamW (Loshchilov and Hutter 2019) on encoded texts, and
 * keeps an exponential average of its weights (Polyak and Juditsky 1992), which is what is
 * used in the end. Embedding rows are updated only in steps that touch them, in both.
 *
 * Against overfitting, in training only: n-grams are left out of a token with probability
 * ngram_dropout, tokens out of a text with token_dropout, heads with drop_head (Zhou et
 * al. 2020), elements of the embedded tokens and of the pooled vector with the rest.
 * Invariant: the state after a step is a function of the state before it, the data and the
 * options alone; one trainer is run by one thread at a time, which one does not matter. */
#ifndef HW_TRAIN_TOWER_TRAINER_H
#define HW_TRAIN_TOWER_TRAINER_H

#include "classify/metrics.h"
#include "model/tower.h"

/* Texts as lists of tokens, which are lists of n-grams (classify/encoding.h). */
typedef struct hw_token_lists {
    size_t *text_offsets;  /* [texts + 1] into tokens */
    size_t *token_offsets; /* [tokens + 1] into ngrams */
    uint32_t *ngrams;      /* rows of the embedding */
} hw_token_lists;

typedef struct hw_tower_trainer_options {
    int32_t epochs, batch; /* texts a step */
    int32_t crop;          /* most tokens of a text in a step: a random stretch */
    float learning_rate;   /* of the dense weights, after warm-up; decays to 0 */
    float embedding_rate;  /* of the embedding, as a multiple of learning_rate */
    float weight_decay;    /* of the dense weights */
    float dropout, embedding_dropout, drop_head, ngram_dropout, token_dropout;
    bool drop_head_v;             /* its rate falls to 0 and rises again (Zhou et al. 2020, 3.2) */
    hw_tower_penalties penalties; /* scale is not read */
    float label_smoothing; /* of the softmax (Szegedy et al. 2016): single-label, no capsules */
    float average;         /* decay of the weights' average a step */
    bool multi_label;
    uint64_t seed;
} hw_tower_trainer_options;

typedef struct hw_tower_trainer hw_tower_trainer;

/* rows: [count] the texts to learn from. weights: [texts] of the examples, or NULL: all 1.
 * All arrays outlive the trainer. All memory is allocated here. */
hw_tower_trainer *hw_tower_trainer_new(const hw_tower_config *config, const hw_token_lists *texts,
                                       hw_targets targets, const uint32_t *rows, size_t count,
                                       const float *weights,
                                       const hw_tower_trainer_options *options,
                                       const hw_kernels *kernels, hw_error *err);
void hw_tower_trainer_free(hw_tower_trainer *trainer);

/* Runs up to `steps` steps, not beyond the end of the last epoch. */
void hw_tower_trainer_run(hw_tower_trainer *trainer, size_t steps);
size_t hw_tower_trainer_steps(const hw_tower_trainer *trainer); /* of all epochs */
size_t hw_tower_trainer_steps_per_epoch(const hw_tower_trainer *trainer);
size_t hw_tower_trainer_done(const hw_tower_trainer *trainer);
double hw_tower_trainer_loss(const hw_tower_trainer *trainer); /* smoothed over ~100 steps */
double hw_tower_trainer_rate(const hw_tower_trainer *trainer);
/* True after ten steps in a row whose gradient was not finite (such steps are skipped). */
bool hw_tower_trainer_diverged(const hw_tower_trainer *trainer);

/* block: [hw_tower_floats(config)] receives the averaged weights of now. */
void hw_tower_trainer_average(float *block, const hw_tower_trainer *trainer);

/* The whole state is this block of bytes: for checkpoints. Loading gives back the trainer
 * that was saved, if config, options and data are the same; false, and nothing is loaded, if
 * the state cannot be one of theirs. */
size_t hw_tower_trainer_state_bytes(const hw_tower_trainer *trainer);
void hw_tower_trainer_save(void *state, const hw_tower_trainer *trainer);
bool hw_tower_trainer_load(hw_tower_trainer *trainer, const void *state);

#endif
