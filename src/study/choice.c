/* Choosing on the dev part. h first, with the default rate and dropout; then rate and dropout of
 * each arm. Invariant: every arm has had as many trials when it is compared, so none wins by trying
 * longer. */
#include "study/fairness.h"

#include <math.h>
#include <string.h>

static const int32_t head_counts[] = { 2, 4, 8, 16 };
static const double rates[] = { 0.5, 1, 2 };
static const double dropouts[] = { 0.5, 0.3 };
enum {
    HEAD_COUNTS = sizeof head_counts / sizeof *head_counts,
    RATES = sizeof rates / sizeof *rates,
    DROPOUTS = sizeof dropouts / sizeof *dropouts
};

static hw_job trial(hw_arm arm, int32_t heads, double rate, double dropout) {
    return (hw_job){
        .arm = arm, .heads = heads, .rate = rate, .dropout = dropout, .seed = HW_CHOICE_SEED
    };
}

static hw_job head_trial(size_t i) {
    return trial(HW_ARM_MH, head_counts[i], 1, dropouts[0]);
}

static hw_job single_trial(void) {
    return trial(HW_ARM_SH_A, 1, 1, dropouts[0]);
}

/* An h with which MH and SH-A do not match would leave the claims without a verdict. */
static bool is_fair(const hw_experiment *study, size_t i) {
    const hw_job multi = head_trial(i), single = single_trial();
    const hw_imbalance imbalance =
        hw_runs_imbalance(hw_study_run(study, &multi), hw_study_run(study, &single));
    return hw_is_matched(imbalance, HW_MATCH_BOTH);
}

static hw_status choose_heads(hw_experiment *study, hw_error *err) {
    const hw_job single = single_trial();
    HW_TRY(hw_runs_want(study->runs, &single, err));
    for (size_t i = 0; i < HEAD_COUNTS; i++) {
        const hw_job job = head_trial(i);
        HW_TRY(hw_runs_want(study->runs, &job, err));
    }
    HW_TRY(hw_runs_do(study->runs, "choosing heads", 0, 0.02, err));
    double least = INFINITY;
    study->heads = head_counts[0];
    for (size_t i = 0; i < HEAD_COUNTS; i++) {
        const hw_job job = head_trial(i);
        const double loss = hw_run_dev_loss(hw_study_run(study, &job));
        if (!is_fair(study, i)) continue;
        if (loss < least) study->heads = head_counts[i];
        least = fmin(least, loss);
    }
    return HW_OK;
}

/* The trials of an arm: the grid, and for other arms than MH, whose h was chosen before, as many
 * again with other rates. */
static size_t trials_of(hw_job jobs[RATES * DROPOUTS + HEAD_COUNTS], const hw_experiment *study,
                        hw_arm arm) {
    static const double further[HEAD_COUNTS] = { 0.25, 0.35, 1.4, 2.8 };
    size_t count = 0;
    for (size_t r = 0; r < RATES; r++)
        for (size_t d = 0; d < DROPOUTS; d++)
            jobs[count++] = trial(arm, study->heads, rates[r], dropouts[d]);
    for (size_t i = 0; i < HEAD_COUNTS && arm != HW_ARM_MH; i++)
        jobs[count++] = trial(arm, study->heads, further[i], dropouts[0]);
    return count;
}

static hw_choice best_of(const hw_experiment *study, hw_arm arm) {
    hw_job jobs[RATES * DROPOUTS + HEAD_COUNTS];
    const size_t count = trials_of(jobs, study, arm);
    hw_choice best = { 1, dropouts[0], INFINITY, RATES * DROPOUTS + HEAD_COUNTS };
    for (size_t i = 0; i < count; i++) {
        const double loss = hw_run_dev_loss(hw_study_run(study, &jobs[i]));
        if (!(loss < best.loss)) continue;
        best.rate = jobs[i].rate;
        best.dropout = jobs[i].dropout;
        best.loss = loss;
    }
    return best;
}

hw_status hw_study_choose(hw_experiment *study, hw_error *err) {
    HW_TRY(choose_heads(study, err));
    for (hw_arm arm = 0; arm < HW_ARMS; arm++)
        study->choices[arm] = (hw_choice){ 1, dropouts[0], NAN, 0 };
    if (study->level == HW_STUDY_QUICK) return HW_OK;
    for (hw_arm arm = 0; arm < HW_ARMS; arm++) {
        if (!(study->arms >> arm & 1)) continue;
        hw_job jobs[RATES * DROPOUTS + HEAD_COUNTS];
        const size_t count = trials_of(jobs, study, arm);
        for (size_t i = 0; i < count; i++) HW_TRY(hw_runs_want(study->runs, &jobs[i], err));
    }
    HW_TRY(hw_runs_do(study->runs, "choosing rates", 0.02, 0.15, err));
    for (hw_arm arm = 0; arm < HW_ARMS; arm++)
        if (study->arms >> arm & 1) study->choices[arm] = best_of(study, arm);
    return HW_OK;
}
