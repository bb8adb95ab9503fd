/* c: several heads compute in parallel and so faster. MH and SH-A take turns (MH, SH-A, SH-A, MH,
 * ...), on one thread and alone on the machine; each pair has a seed of its own, so that what a
 * seed makes of the texts is no difference of the arms. */
#include "statistics/intervals.h"
#include "study/evidence.h"
#include "study/fairness.h"
#include "study/timing.h"

enum { PAIRS = 30, FEW_PAIRS = 10, DRAWS = 10000 };

static const hw_side multi = { .arm = HW_ARM_MH }, single = { .arm = HW_ARM_SH_A };

/* For their sizes alone. */
hw_status hw_want_c(hw_experiment *study, hw_error *err) {
    HW_TRY(hw_side_want(study, multi, 1, 0, err));
    return hw_side_want(study, single, 1, 0, err);
}

typedef struct times {
    double train[3][PAIRS], predict[3][PAIRS]; /* seconds a text of MH, SH-A, MH-full */
    size_t pairs;
} times;

static hw_status take(times *t, const hw_experiment *study, size_t arm, size_t pair,
                      hw_error *err) {
    static const hw_arm arms[] = { HW_ARM_MH, HW_ARM_SH_A, HW_ARM_MH_FULL };
    const hw_job job = hw_study_job(study, arms[arm], (int32_t)pair + 1);
    hw_timing timing = { 0 };
    HW_TRY(hw_timing_take(&timing, study, &job, err));
    if (!(timing.train > 0))
        return hw_fail(err, HW_ERROR_UNSUPPORTED, "too few texts to time a training (claim c)");
    t->train[arm][pair] = 1 / timing.train;
    t->predict[arm][pair] = 1 / timing.predict;
    return HW_OK;
}

static hw_status take_all(times *t, const hw_experiment *study, hw_error *err) {
    for (size_t pair = 0; pair < t->pairs; pair++) {
        HW_TRY(take(t, study, pair % 2, pair, err));
        HW_TRY(take(t, study, !(pair % 2), pair, err));
        HW_TRY(take(t, study, 2, pair, err));
        if (!hw_study_report(study, "timing", 0.97 + 0.02 * (double)pair / (double)t->pairs))
            return hw_fail(err, HW_ERROR_STOPPED, "the study was stopped");
    }
    return HW_OK;
}

static hw_status add_ratio(json_t *table, const char *what, const double *first,
                           const double *second, size_t pairs, hw_error *err) {
    double results[DRAWS], scratch[PAIRS];
    uint32_t rows[PAIRS];
    const hw_resampling resampling = { 1, DRAWS, 0.95, results, rows };
    const double ratio = hw_median_ratio(first, second, pairs, scratch);
    const hw_interval interval =
        hw_interval_median_ratio(first, second, pairs, &resampling, scratch);
    return hw_table_row(table, err, "%s|%.3f|%.3f to %.3f", what, ratio, interval.low,
                        interval.high);
}

hw_status hw_measure_c(hw_claim_result *result, const hw_experiment *study, hw_error *err) {
    times t = { .pairs = study->level == HW_STUDY_QUICK ? FEW_PAIRS : PAIRS };
    double saved[PAIRS];
    HW_TRY(take_all(&t, study, err));
    for (size_t i = 0; i < t.pairs; i++) {
        saved[i] = 100 * (1 - t.train[0][i] / t.train[1][i]);
        result->multi += 1e6 * t.train[0][i] / (double)t.pairs;
        result->single += 1e6 * t.train[1][i] / (double)t.pairs;
    }
    result->epsilon = 5;
    hw_claim_match(result, study, multi, single, HW_MATCH_PARAMETERS);
    result->effect = hw_crossed_of_seeds(saved, t.pairs);
    snprintf(result->caution, sizeof result->caution,
             "The two sides are microseconds a text while training, on one thread; seeds are pairs "
             "of times. Another run of the study measures other times.");
    json_t *table = hw_table_add(result, "Ratio of median times", "what|ratio|95 %");
    HW_TRY(add_ratio(table, "training, MH / SH-A", t.train[0], t.train[1], t.pairs, err));
    HW_TRY(add_ratio(table, "predicting, MH / SH-A", t.predict[0], t.predict[1], t.pairs, err));
    HW_TRY(add_ratio(table, "training, MH / MH-full", t.train[0], t.train[2], t.pairs, err));
    return add_ratio(table, "predicting, MH / MH-full", t.predict[0], t.predict[2], t.pairs, err);
}
