/* The trainings of a study: each is done once, several side by side, and kept as a file, so that a
 * study that was interrupted goes on where it was. Invariant: a file is whole or not there, and one
 * of other data, another version or another job is not taken. */
#ifndef HW_STUDY_RUNS_H
#define HW_STUDY_RUNS_H

#include "study/job.h"

typedef struct hw_runs hw_runs;

typedef struct hw_runs_options {
    const hw_parts *parts;
    const char *folder; /* of the files; is there */
    int32_t threads;    /* trainings side by side */
    hw_progress_fn *progress;
    void *user;
} hw_runs_options;

/* What options point to outlives the runs. */
hw_runs *hw_runs_new(const hw_runs_options *options, hw_error *err);
void hw_runs_free(hw_runs *runs); /* accepts NULL */

/* Notes that a job is wanted; one that is wanted twice gets the probes of both. */
hw_status hw_runs_want(hw_runs *runs, const hw_job *job, hw_error *err);
/* Does all that is wanted and not done. stage: for the progress callback; from, to: the shares of
 * the whole study that it begins and ends at. HW_ERROR_STOPPED if the callback asks for it. */
hw_status hw_runs_do(hw_runs *runs, const char *stage, double from, double to, hw_error *err);
/* The run of a job that was done (probes apart); it belongs to the runs. */
const json_t *hw_runs_get(const hw_runs *runs, const hw_job *job);

size_t hw_runs_count(const hw_runs *runs);
const json_t *hw_runs_at(const hw_runs *runs, size_t i);

#endif
