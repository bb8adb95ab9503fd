/* One training of a study and all that is measured of it. Invariant: a run is a function of its job
 * and of the data, but for its seconds. */
#ifndef HW_STUDY_JOB_H
#define HW_STUDY_JOB_H

#include "base/json.h"
#include "study/arm.h"
#include "study/parts.h"

/* Measurements that not every run needs. */
enum {
    HW_PROBE_CORRUPTION = 1 << 0,   /* scores under every corruption (study/corruption.h) */
    HW_PROBE_GATES = 1 << 1,        /* scores with other gates (study/gates.h); of MH-gate only */
    HW_PROBE_EXPLANATIONS = 1 << 2, /* faithfulness (study/explanations.h) */
};

typedef struct hw_job {
    hw_arm arm;
    int32_t heads; /* h of MH */
    double rate;   /* times the default learning rate */
    double dropout;
    hw_variant variant;
    int32_t level; /* of the variant */
    uint64_t seed;
    uint32_t probes;
} hw_job;

/* The job as JSON; probes apart. NULL if memory is short. */
json_t *hw_job_json(const hw_job *job);
bool hw_job_equal(const hw_job *a, const hw_job *b); /* probes apart */

/* Asked while a job runs; false: it is to stop. */
typedef bool hw_job_goes_on(void *context, double share_done);

/* The run: {"job", "parameters", "dense_parameters" (but for the embedding), "operations" (of a
 * text), "seconds", "steps", "accuracy", "macro_f1", "log_loss", "train_log_loss", "ece", "brier",
 * "scores" [test rows], "dev" [[step, log-loss], ...], and what the probes add}. A row's score is 1
 * or 0; multi-label: its F1. A job that diverged is {"job", "diverged": true}. NULL if it was
 * stopped (HW_ERROR_STOPPED) or failed.
 */
json_t *hw_job_run(const hw_job *job, const hw_parts *parts, hw_job_goes_on *goes_on, void *context,
                   hw_error *err);

/* The lowest log-loss on the dev part; infinite of a run that diverged, or is NULL. */
double hw_run_dev_loss(const json_t *run);

#endif
