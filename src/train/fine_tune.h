/* One fine-tuning of a pretrained encoder from beginning to end: what hw_train with a base works
 * on. The parts are files of their own: fine_tune_plan.c (options), fine_tune_base.c (the encoder
 * and its labels), fine_tune_epochs.c (all layers learn), frozen.c (only a readout learns, on
 * cached features), few_shot.c (contrasts, then that readout), fine_tune_checkpoint.c,
 * fine_tune_result.c (the classifier), fine_tune.c (the order). */
#ifndef HW_TRAIN_FINE_TUNE_H
#define HW_TRAIN_FINE_TUNE_H

#include "classify/encoder_classifier.h"
#include "train/encoder_scorer.h"
#include "train/encoder_trainer.h"
#include "train/training.h"

typedef struct hw_fine_tune_plan {
    bool only_readout; /* nothing but the readout learns */
    bool few_shot;
    hw_pooling pooling;
    size_t max_tokens;
    int32_t patience; /* epochs without progress after which learning stops */
    hw_encoder_trainer_options learning;
} hw_fine_tune_plan;

/* A last layer over cached values: logits = (value - center) * factor * weights + bias. */
typedef struct hw_frozen_readout {
    float *inner, *valid_inner; /* [texts][width] of the data, of the valid data or NULL; centered
                                 * and scaled */
    double *center, factor;     /* [width] */
    float *weights;             /* [width + 1][labels], the last row is the bias */
    double strength;            /* of the regularization */
} hw_frozen_readout;

typedef struct hw_fine_tuning {
    hw_training training; /* data, labels, held-back rows, progress */
    hw_fine_tune_plan plan;
    hw_pretrained base;
    hw_encoder_config config; /* of the encoder that is trained */
    hw_encoder *encoder;
    uint32_t start; /* CRC-32C of its weights at the start */
    hw_token_texts texts, valid_texts;
    hw_frozen_readout readout;

    float *held_logits;        /* [held_count][labels] of the best state */
    float *best;               /* [hw_fine_tune_best_floats] its weights */
    size_t best_epoch;         /* counted from 1; 0: there is none yet */
    double temperature, score; /* score: on the held-back rows, NaN without any */
} hw_fine_tuning;

/* ---- fine_tune_plan.c ---- */
/* After the base was opened. */
hw_status hw_fine_tune_plan_make(hw_fine_tuning *f, hw_error *err);

/* ---- fine_tune_base.c ---- */
hw_status hw_fine_tune_open_base(hw_fine_tuning *f, hw_error *err);
/* Makes the encoder, with the base's readout if that is of the same labels, else with a fresh one,
 * which learns faster. Replaces the one that there is. After the plan was made. */
hw_status hw_fine_tune_make_encoder(hw_fine_tuning *f, hw_error *err);
/* The output layer in the encoder's block: weight [labels][width], bias [labels] or NULL. */
void hw_encoder_output_layer(float **weight, float **bias, const hw_encoder_config *config,
                             float *block);

/* ---- fine_tune_epochs.c, frozen.c, few_shot.c: three ways to learn ---- */
hw_status hw_fine_tune_epochs(hw_fine_tuning *f, hw_error *err);
hw_status hw_fine_tune_frozen(hw_fine_tuning *f, hw_error *err);
hw_status hw_fine_tune_few_shot(hw_fine_tuning *f, hw_error *err);

/* The weights that can change, which is all that a best state has to keep. */
size_t hw_fine_tune_best_floats(const hw_fine_tuning *f);
size_t hw_fine_tune_first_float(const hw_fine_tuning *f);

/* ---- frozen.c ---- */
/* Sets the readout's inner layers so that they pass the features through, and caches what its last
 * layer reads. */
hw_status hw_frozen_cache(hw_fine_tuning *f, hw_error *err);
/* strength and held_logits, and their loss (NaN without held-back rows): what the trials show. */
hw_status hw_frozen_choose(hw_fine_tuning *f, double *loss, hw_error *err);
/* Learns from all rows and writes the encoder's last layer. */
hw_status hw_frozen_learn(hw_fine_tuning *f, hw_error *err);
void hw_frozen_free(hw_frozen_readout *readout);

/* ---- fine_tune_checkpoint.c ---- */
typedef struct hw_fine_tune_progress {
    size_t best_epoch, stale;
    double best_loss;
} hw_fine_tune_progress;
hw_status hw_fine_tune_save(const hw_fine_tuning *f, const hw_fine_tune_progress *progress,
                            hw_encoder_trainer *trainer, hw_error *err);
/* Takes up the checkpoint of options->checkpoint if it is wanted and there; one of other data or
 * options is refused. */
hw_status hw_fine_tune_restore(hw_fine_tuning *f, hw_fine_tune_progress *progress,
                               hw_encoder_trainer *trainer, hw_error *err);

/* ---- fine_tune_result.c ---- */
/* Temperature, thresholds and score by held_logits; then the classifier. */
hw_status hw_fine_tune_calibrate(hw_fine_tuning *f, hw_error *err);
hw_classifier *hw_fine_tune_classifier(hw_fine_tuning *f, hw_error *err);

/* ---- fine_tune.c ---- */
/* The texts of the held-back rows, and the loss of all rows. */
const hw_token_texts *hw_fine_tune_held_texts(const hw_fine_tuning *f);
hw_label_loss hw_fine_tune_loss(const hw_fine_tuning *f);
/* hw_train_on, if there is options->base. */
hw_classifier *hw_fine_tune(const hw_train_options *options, const hw_dataset *dataset,
                            const hw_dataset *valid, hw_error *err);

#endif
