/* Choosing on the dev part. h first, with the default rate and dropout; then rate and dropout of
 * each arm; on the order task these once more, since a rate that suits the data may be too large to
 * learn anything there. Invariant: every arm has had as many trials when it is compared, so none
 * wins by trying longer. */
#include "study/fairness.h"

#include <math.h>
#include <string.h>

static const int32_t head_counts[] = { 2, 4, 8, 16 };
static const double rates[] = { 0.5, 1, 2 };
static const double dropouts[] = { 0.5, 0.3 };
enum {
    ORDER_HEADS = 8, /* at most: of 16 the positions would be 1.5 % of a tower of two labels */
    ORDER_WORDS = 16,
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
    study->order_heads = study->heads < ORDER_HEADS ? study->heads : ORDER_HEADS;
    return HW_OK;
}

/* ---- Rate and dropout ----------------------------------------------------------------------- */

typedef struct trials {
    hw_job jobs[RATES * DROPOUTS + HEAD_COUNTS];
    size_t count;
    size_t all; /* with those of MH's h */
} trials;

static void add_grid(trials *t, hw_arm arm, int32_t heads) {
    for (size_t r = 0; r < RATES; r++)
        for (size_t d = 0; d < DROPOUTS; d++)
            t->jobs[t->count++] = trial(arm, heads, rates[r], dropouts[d]);
}

/* The grid, and for other arms than MH, whose h was chosen before, as many again with other rates.
 */
static trials trials_of(const hw_experiment *study, hw_arm arm) {
    static const double further[HEAD_COUNTS] = { 0.25, 0.35, 1.4, 2.8 };
    trials t = { .all = RATES * DROPOUTS + HEAD_COUNTS };
    if (!(study->arms >> arm & 1)) return t;
    add_grid(&t, arm, study->heads);
    for (size_t i = 0; i < HEAD_COUNTS && arm != HW_ARM_MH; i++)
        t.jobs[t.count++] = trial(arm, study->heads, further[i], dropouts[0]);
    return t;
}

/* On the order task the grid alone: no h is chosen there. */
static trials order_trials_of(const hw_experiment *study, hw_arm arm) {
    trials t = { .all = RATES * DROPOUTS };
    if (!(study->order_arms >> arm & 1)) return t;
    add_grid(&t, arm, study->order_heads);
    for (size_t i = 0; i < t.count; i++) {
        t.jobs[i].variant = HW_VARIANT_ORDER;
        t.jobs[i].level = ORDER_WORDS;
    }
    return t;
}

static hw_status want(hw_experiment *study, trials t, hw_error *err) {
    for (size_t i = 0; i < t.count; i++) HW_TRY(hw_runs_want(study->runs, &t.jobs[i], err));
    return HW_OK;
}

static const hw_choice default_choice = { .rate = 1, .dropout = 0.5, .loss = NAN };

static hw_choice best_of(const hw_experiment *study, trials t) {
    if (t.count == 0) return default_choice;
    hw_choice best = { 1, dropouts[0], INFINITY, t.all };
    for (size_t i = 0; i < t.count; i++) {
        const double loss = hw_run_dev_loss(hw_study_run(study, &t.jobs[i]));
        if (!(loss < best.loss)) continue;
        best.rate = t.jobs[i].rate;
        best.dropout = t.jobs[i].dropout;
        best.loss = loss;
    }
    return best;
}

hw_status hw_study_choose(hw_experiment *study, hw_error *err) {
    HW_TRY(choose_heads(study, err));
    for (hw_arm arm = 0; arm < HW_ARMS; arm++)
        study->choices[arm] = study->order_choices[arm] = default_choice;
    if (study->level == HW_STUDY_QUICK) return HW_OK;
    for (hw_arm arm = 0; arm < HW_ARMS; arm++) {
        HW_TRY(want(study, trials_of(study, arm), err));
        HW_TRY(want(study, order_trials_of(study, arm), err));
    }
    HW_TRY(hw_runs_do(study->runs, "choosing rates", 0.02, 0.15, err));
    for (hw_arm arm = 0; arm < HW_ARMS; arm++) {
        study->choices[arm] = best_of(study, trials_of(study, arm));
        study->order_choices[arm] = best_of(study, order_trials_of(study, arm));
    }
    return HW_OK;
}
