/* i: several heads are easier to optimise. The target is the log-loss on the dev part at which SH-A
 * has gone 90 % of the way from knowing nothing to its best; the endpoint how much sooner MH is
 * there, both at the learning rate that is best for them. A run that never gets there counts as if
 * it did at its end, one that diverged as if at the end of the longest. */
#include "study/evidence.h"
#include "study/fairness.h"

#include "statistics/survival.h"

#include <math.h>

enum { BASIN_SEEDS = 3 };
static const double rates[] = { 0.1, 0.3, 1, 3, 10 };
enum { RATES = sizeof rates / sizeof *rates };
static const hw_arm arms[] = { HW_ARM_MH, HW_ARM_SH_A, HW_ARM_SH_C };
enum { ARMS = sizeof arms / sizeof *arms };

/* Without SH-C in a quick study. */
static size_t arm_count(const hw_experiment *study) {
    return study->level == HW_STUDY_QUICK ? ARMS - 1 : ARMS;
}

static hw_job basin_job(const hw_experiment *study, hw_arm arm, double rate, int32_t seed) {
    hw_job job = hw_study_job(study, arm, seed);
    job.rate = rate;
    return job;
}

hw_status hw_want_i(hw_experiment *study, hw_error *err) {
    for (size_t i = 0; i < arm_count(study); i++)
        HW_TRY(hw_side_want(study, (hw_side){ .arm = arms[i] }, study->seeds, 0, err));
    if (study->level == HW_STUDY_QUICK) return HW_OK;
    for (size_t i = 0; i < ARMS; i++)
        for (size_t r = 0; r < RATES; r++)
            for (int32_t seed = 1; seed <= BASIN_SEEDS; seed++) {
                const hw_job job = basin_job(study, arms[i], rates[r], seed);
                HW_TRY(hw_runs_want(study->runs, &job, err));
            }
    return HW_OK;
}

/* ---- Steps to the target ------------------------------------------------------------------ */

static double loss_at(const json_t *dev, size_t i) {
    return json_real_value(json_array_get(json_array_get(dev, i), 1));
}

static double step_at(const json_t *dev, size_t i) {
    return json_number_value(json_array_get(json_array_get(dev, i), 0));
}

static const json_t *run_of(const hw_experiment *study, hw_arm arm, int32_t seed) {
    const hw_job job = hw_study_job(study, arm, seed);
    return hw_study_run(study, &job);
}

/* Steps of the longest run of the arms. */
static double longest(const hw_experiment *study) {
    double steps = 1;
    for (size_t i = 0; i < arm_count(study); i++)
        for (int32_t seed = 1; seed <= study->seeds; seed++) {
            const json_t *dev = json_object_get(run_of(study, arms[i], seed), "dev");
            if (json_array_size(dev)) steps = fmax(steps, step_at(dev, json_array_size(dev) - 1));
        }
    return steps;
}

/* Linear between evaluations, from `start` at step 0. If the loss never gets to the target,
 * *reached is false, and the steps are all; `most` without any evaluation. */
static double steps_to(bool *reached, const json_t *run, double start, double target, double most) {
    const json_t *dev = json_object_get(run, "dev");
    double last_step = 0, last_loss = start;
    for (size_t i = 0; i < json_array_size(dev); i++) {
        const double step = step_at(dev, i), loss = loss_at(dev, i);
        *reached = loss <= target;
        if (*reached && last_loss > target)
            return last_step + (step - last_step) * (last_loss - target) / (last_loss - loss);
        if (*reached) return step;
        last_step = step;
        last_loss = loss;
    }
    return last_step > 0 ? last_step : most;
}

/* The loss of knowing nothing: all labels alike; multi-label: one half for each. */
static double ignorance(const hw_experiment *study) {
    const hw_dataset *train = study->parts.train;
    return train->multi_label ? log(2) : log((double)train->label_count);
}

static double target_of(const hw_experiment *study) {
    double sum = 0, runs = 0;
    for (int32_t seed = 1; seed <= study->seeds; seed++) {
        const json_t *run = run_of(study, HW_ARM_SH_A, seed);
        if (!run) continue;
        sum += hw_run_dev_loss(run);
        runs++;
    }
    return 0.9 * sum / runs + 0.1 * ignorance(study);
}

/* ---- The basin ---------------------------------------------------------------------------- */

static hw_status add_basin(hw_claim_result *result, const hw_experiment *study, hw_error *err) {
    json_t *table = hw_table_add(result,
                                 "Log-loss on the dev part by learning rate (three seeds; - : "
                                 "diverged)",
                                 "times the default rate|MH|SH-A|SH-C");
    for (size_t r = 0; r < RATES; r++) {
        double loss[ARMS] = { 0 };
        for (size_t i = 0; i < ARMS; i++)
            for (int32_t seed = 1; seed <= BASIN_SEEDS; seed++) {
                const hw_job job = basin_job(study, arms[i], rates[r], seed);
                loss[i] += hw_run_dev_loss(hw_study_run(study, &job)) / BASIN_SEEDS;
            }
        HW_TRY(hw_table_row(table, err, "%g|%.3f|%.3f|%.3f", rates[r], loss[0], loss[1], loss[2]));
    }
    return HW_OK;
}

/* ---- The claim ---------------------------------------------------------------------------- */

typedef struct race {
    double time[HW_STUDY_MOST_SEEDS];
    bool happened[HW_STUDY_MOST_SEEDS];
    double mean; /* of the binary logarithms */
} race;

static race race_of(const hw_experiment *study, hw_arm arm, double target) {
    const double most = longest(study);
    race r = { 0 };
    for (int32_t seed = 1; seed <= study->seeds; seed++) {
        const json_t *run = run_of(study, arm, seed);
        r.time[seed - 1] = steps_to(&r.happened[seed - 1], run, ignorance(study), target, most);
        r.mean += log2(r.time[seed - 1]) / study->seeds;
    }
    return r;
}

static hw_status add_races(hw_claim_result *result, const race *races, const hw_experiment *study,
                           hw_error *err) {
    const size_t seeds = (size_t)study->seeds;
    json_t *table = hw_table_add(result,
                                 "Steps to the target (geometric mean), and a log-rank test "
                                 "against SH-A",
                                 "arm|steps|seeds that got there|p");
    const hw_times base = { races[1].time, races[1].happened, seeds };
    for (size_t i = 0; i < arm_count(study); i++) {
        int there = 0;
        for (size_t seed = 0; seed < seeds; seed++) there += races[i].happened[seed];
        const hw_times times = { races[i].time, races[i].happened, seeds };
        HW_TRY(hw_table_row(table, err, "%s|%.0f|%d of %d|%.3g", hw_arm_name(arms[i]),
                            exp2(races[i].mean), there, (int)seeds, hw_log_rank(times, base).p));
    }
    return HW_OK;
}

hw_status hw_measure_i(hw_claim_result *result, const hw_experiment *study, hw_error *err) {
    const double target = target_of(study);
    if (!isfinite(target))
        return hw_fail(err, HW_ERROR_DIVERGED, "no training of SH-A came to an end");
    race races[ARMS];
    double difference[HW_STUDY_MOST_SEEDS];
    for (size_t i = 0; i < arm_count(study); i++) races[i] = race_of(study, arms[i], target);
    for (int32_t i = 0; i < study->seeds; i++)
        difference[i] = log2(races[1].time[i]) - log2(races[0].time[i]);
    result->multi = exp2(races[0].mean);
    result->single = exp2(races[1].mean);
    result->epsilon = log2(1.05);
    hw_claim_match(result, study, (hw_side){ .arm = arms[0] }, (hw_side){ .arm = arms[1] },
                   HW_MATCH_BOTH);
    result->effect = hw_crossed_of_seeds(difference, (size_t)study->seeds);
    snprintf(result->caution, sizeof result->caution,
             "The two sides are steps (geometric means); the target is a log-loss of %.3f.",
             target);
    HW_TRY(add_races(result, races, study, err));
    return study->level == HW_STUDY_QUICK ? HW_OK : add_basin(result, study, err);
}
