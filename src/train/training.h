/* One training from beginning to end: what hw_train works on. The parts are files of their
 * own: plan.c (sizes by the data), learning_data.c (labels, rows, held-back rows), bag_branch.c
 * and tower_branch.c, checkpoint.c, progress.c, assembly.c (the model), trainer.c (the order),
 * cross_validation.c (many trainings). */
#ifndef HW_TRAIN_TRAINING_H
#define HW_TRAIN_TRAINING_H

#include "classify/classifier.h"
#include "train/join_fit.h"
#include "train/tower_scores.h"
#include "train/training_set.h"

/* Every choice that was left to the data is made here, once. */
typedef struct hw_plan {
    hw_arch arch;
    bool multi_label;
    size_t folds;      /* the data is dealt into so many, */
    size_t trials;     /* and so many of them are held back, each in a trial of its own */
    bool keeps_towers; /* those of the trial are the model's; else others learn from all rows */
    hw_training_set_options set;
    double regularization;
    int32_t towers;
    hw_tower_config tower; /* vocabulary and labels are known after the texts are encoded */
    hw_tower_trainer_options learning;
    int32_t patience; /* evaluations without progress after which the towers stop */
} hw_plan;

/* Texts, their labels as indices of the model, and the rows to learn from. */
typedef struct hw_learning_data {
    const hw_dataset *dataset; /* borrowed */
    hw_targets targets;        /* of all rows of the dataset; owned arrays */
    uint32_t *offsets, *labels;
    float *weights;       /* [rows] */
    float *label_weights; /* [labels], multi-label with class weights only; else NULL */
    uint32_t *rows;       /* [count] those with a label of the model */
    size_t count;
} hw_learning_data;

/* What one round of learning yields. */
typedef struct hw_branches {
    float *table, *bias;            /* [ngrams][labels], [labels]; NULL without n-grams */
    float *towers[HW_TOWERS_LIMIT]; /* [hw_tower_floats] averaged weights; NULL without */
} hw_branches;

enum { HW_TRIALS_LIMIT = 8 };

/* A trial learns without some rows and is judged by them. */
typedef struct hw_trial {
    uint32_t *learned; /* [learned_count] rows of the data; owned */
    size_t learned_count;
    size_t first_held, held_count; /* its part of hw_training.held */
} hw_trial;

typedef struct hw_training {
    const hw_train_options *options;
    const hw_kernels *kernels;
    hw_pool *pool;
    hw_plan plan;
    hw_learning_data data, valid; /* valid.dataset is NULL if rows of data are held back */
    hw_training_set set, valid_set;
    size_t labels;      /* of the model */
    char **label_names; /* [labels] */
    int32_t *label_of;  /* [data.dataset->label_count] index in the model, or -1 */

    hw_trial trials[HW_TRIALS_LIMIT]; /* [plan.trials] */
    uint32_t *held; /* [held_count] rows of data (or of valid) held back, trial by trial */
    size_t held_count;
    hw_targets held_targets; /* [held_count] */
    uint32_t *held_offsets, *held_labels;

    hw_branches first, final;     /* learned without and with the held-back rows */
    float *held_bag, *held_tower; /* [held_count][labels] logits of `first` */
    size_t best_steps;            /* of the towers in `first` */
    hw_join_result join;
    float *thresholds; /* [labels] */
    bool stopped;      /* the progress callback asked to finish with what there is */
    double overall, stage_from, stage_to;
    size_t steps;     /* of the towers so far */
    double held_loss; /* of the towers, of now */
} hw_training;

/* ---- plan.c ---- */
hw_status hw_plan_make(hw_plan *plan, const hw_train_options *options, const hw_dataset *dataset,
                       hw_error *err);
/* After the texts were encoded. rows: to learn from. has_valid: nothing is held back. */
void hw_plan_finish(hw_plan *plan, const hw_train_options *options, const hw_training_set *set,
                    size_t labels, size_t rows, bool has_valid);

/* Towers of a trial: one, for speed; all in a single trial, whose towers may be the final ones. */
int32_t hw_plan_trial_towers(const hw_plan *plan);

/* ---- learning_data.c ---- */
/* Chooses labels and rows. valid may be NULL. Both data sets outlive the training. */
hw_status hw_training_choose(hw_training *training, const hw_dataset *dataset,
                             const hw_dataset *valid, hw_error *err);
hw_status hw_training_hold_back(hw_training *training, hw_error *err);
void hw_learning_data_free(hw_learning_data *data);

/* The data set of the held-back rows. */
const hw_training_set *hw_training_held_set(const hw_training *training);

/* ---- bag_branch.c ---- */
/* The n-grams of every trial: first.table and bias, held_bag. */
hw_status hw_training_try_bag(hw_training *training, hw_error *err);
/* final.table and bias. */
hw_status hw_training_learn_bag(hw_training *training, hw_error *err);

/* ---- tower_branch.c ---- */
/* The towers of every trial, until the held-back rows get no better: first.towers,
 * held_tower, best_steps. */
hw_status hw_training_try_towers(hw_training *training, hw_error *err);
/* final.towers, for as many epochs as were best in the trials. */
hw_status hw_training_learn_towers(hw_training *training, hw_error *err);
/* final.towers, which were first.towers. */
void hw_training_keep_towers(hw_training *training);

/* ---- checkpoint.c ---- */
typedef struct hw_checkpoint {
    int32_t phase; /* 1: first, 2: final */
    size_t best_steps, stale;
    double best_loss;
} hw_checkpoint;
/* The towers' state, and what `first` had best so far. */
hw_status hw_checkpoint_save(const hw_training *training, const hw_checkpoint *checkpoint,
                             hw_tower_trainer *const *trainers, int32_t count, hw_error *err);
/* The head of the checkpoint file of options->checkpoint, if it is wanted and there; its
 * phase is 0 otherwise. One of other data or options is refused. */
hw_status hw_checkpoint_open(hw_checkpoint *checkpoint, hw_safetensors **file,
                             const hw_training *training, hw_error *err);
/* Fills the trainers (unless NULL), first.towers and held_tower from an open checkpoint. */
hw_status hw_checkpoint_restore(hw_training *training, const hw_safetensors *file,
                                hw_tower_trainer *const *trainers, int32_t count, hw_error *err);

/* ---- progress.c ---- */
/* Tells the progress callback; false (and training->stopped) if it wants to finish. share:
 * of the current stage. */
bool hw_training_report(hw_training *training, const char *stage, double share, double loss,
                        double rate, double texts_per_second, double valid_score);
void hw_training_note(hw_training *training, const char *note);

/* ---- assembly.c ---- */
hw_classifier *hw_training_assemble(hw_training *training, hw_error *err);

/* ---- trainer.c ---- */
/* *training is zero before, and freed by hw_training_free also on failure. */
hw_status hw_training_start(hw_training *training, const hw_train_options *options, hw_error *err);
void hw_training_free(hw_training *training);
/* hw_train of what options->input and options->valid (or NULL) hold. */
hw_classifier *hw_train_on(const hw_train_options *options, const hw_dataset *dataset,
                           const hw_dataset *valid, hw_error *err);

#endif
