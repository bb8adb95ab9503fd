/* How fast an arm trains and predicts, on one thread, with nothing else of the study running. */
#ifndef HW_STUDY_TIMING_H
#define HW_STUDY_TIMING_H

#include "study/study.h"

typedef struct hw_timing {
    double train, predict; /* texts/s: of the tower's steps alone; of a session, n-grams and all */
} hw_timing;

/* Trains a short while on at most some thousand texts. */
hw_status hw_timing_take(hw_timing *timing, const hw_experiment *study, const hw_job *job,
                         hw_error *err);

#endif
