/* Numbers out of runs: an arm's mean over the seeds, the paired difference of two arms, tables. A
 * seed of which either side diverged counts for neither. */
#ifndef HW_STUDY_EVIDENCE_H
#define HW_STUDY_EVIDENCE_H

#include "study/claim.h"

/* The runs of one arm on one variant of the data, a run a seed. */
typedef struct hw_side {
    hw_arm arm;
    hw_variant variant;
    int32_t level;
    int32_t heads; /* 0: the study's h */
} hw_side;

/* In an A/A study a side of another h is MH with seeds of its own. */
hw_job hw_side_job(const hw_experiment *study, hw_side side, int32_t seed);
hw_status hw_side_want(hw_experiment *study, hw_side side, int32_t seeds, uint32_t probes,
                       hw_error *err);

typedef struct hw_moments {
    double mean, deviation; /* over seeds; NaN without any */
    hw_interval interval;   /* 95 %, Student's over seeds; NaN with fewer than two */
    size_t seeds;
} hw_moments;

/* Of a number of the runs of `seeds` seeds, or of the mean of a list. */
hw_moments hw_side_moments(const hw_experiment *study, hw_side side, int32_t seeds,
                           const char *key);

/* Lists of the rows of the test part: keys[0], minus keys[1] unless that is NULL. */
typedef struct hw_row_keys {
    const char *keys[2];
    const char *other; /* of the second side, in place of keys[0]; NULL: the same */
    bool exact;        /* 1 for a value of 1, else 0 */
} hw_row_keys;

/* The share of runs' rows whose score is 1. */
hw_moments hw_side_exact(const hw_experiment *study, hw_side side, int32_t seeds);

/* The effect of cells [seeds][rows]. HW_ERROR_DIVERGED if too few trainings came to an end. */
hw_status hw_effect_measure(hw_crossed *effect, const double *cells, size_t seeds, size_t rows,
                            hw_error *err);
/* The effect of first - second, times 100. */
hw_status hw_sides_compare(hw_crossed *effect, const hw_experiment *study, hw_side first,
                           hw_side second, int32_t seeds, hw_row_keys keys, hw_error *err);

/* ---- Tables ---- */

/* A table at the end of the result's; columns: separated by "|". NULL if memory is short. */
json_t *hw_table_add(hw_claim_result *result, const char *title, const char *columns);
/* cells: printed by format, separated by "|"; a number that is not finite is "-". */
hw_status hw_table_row(json_t *table, hw_error *err, const char *format, ...) HW_PRINTF(3, 4);

#endif
