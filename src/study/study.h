/* A study while it runs: its data, what was chosen on the dev part, and its trainings. What a claim
 * is and how it is measured is in claim.h. */
#ifndef HW_STUDY_STUDY_H
#define HW_STUDY_STUDY_H

#include "study/runs.h"

/* What the dev part says is best for an arm. */
typedef struct hw_choice {
    double rate, dropout;
    double loss;   /* on the dev part, of the trial that was best */
    size_t trials; /* as many for every arm that is compared */
} hw_choice;

typedef struct hw_experiment {
    const hw_study_options *options;
    hw_study_level level;
    int32_t seeds;
    double epsilon; /* points */
    hw_parts parts;
    hw_runs *runs;
    int32_t heads;              /* h of MH */
    int32_t order_heads;        /* of the order task (claim_h.c) */
    uint32_t arms, order_arms;  /* HW_ARM_BIT of those that claims compare, on the order task */
    hw_choice choices[HW_ARMS]; /* on the data as they are */
    hw_choice order_choices[HW_ARMS];
} hw_experiment;

/* Seeds of the comparisons are 1, 2, ...; those of the choices and of an A/A study's other side lie
 * elsewhere. */
enum { HW_STUDY_MOST_SEEDS = 64, HW_CHOICE_SEED = 1 << 20, HW_TWIN_SEED = 1 << 10 };

/* An arm's job with its choices, on the data as it is. In an A/A study every arm is MH, those that
 * are not with seeds of their own. */
hw_job hw_study_job(const hw_experiment *study, hw_arm arm, int32_t seed);
/* Tells the progress callback; false if it asks to stop. share: of the whole study. */
bool hw_study_report(const hw_experiment *study, const char *stage, double share);
/* The run of a job that was done, or NULL if it diverged. */
const json_t *hw_study_run(const hw_experiment *study, const hw_job *job);

/* Chooses h, and for each arm the learning rate and dropout, on the dev part; on that of the order
 * task once more. */
hw_status hw_study_choose(hw_experiment *study, hw_error *err);

#endif
