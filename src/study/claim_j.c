/* j: several heads combine well with capsules. Data of one label a text: what was learned from
 * single labels is asked for both labels of two texts in one (Zhao et al. 2018, section 4.4, with
 * composed texts in place of Reuters); data of several labels a text: as it is. */
#include "study/evidence.h"
#include "study/fairness.h"

static const hw_arm arms[] = { HW_ARM_CAP_MH, HW_ARM_CAP_SH, HW_ARM_MH, HW_ARM_SH_A };
enum { ARMS = sizeof arms / sizeof *arms };

static hw_side several_labels(const hw_experiment *study, hw_arm arm) {
    const bool composed = !study->parts.train->multi_label;
    return (hw_side){ .arm = arm, .variant = composed ? HW_VARIANT_PAIRS : HW_VARIANT_PLAIN };
}

hw_status hw_want_j(hw_experiment *study, hw_error *err) {
    for (size_t i = 0; i < ARMS; i++) {
        HW_TRY(hw_side_want(study, several_labels(study, arms[i]), study->seeds, 0, err));
        HW_TRY(hw_side_want(study, (hw_side){ .arm = arms[i] }, study->seeds, 0, err));
    }
    return HW_OK;
}

/* Exact match of CAP-MH minus that of the arm. */
static hw_status capsules_minus(hw_crossed *effect, const hw_experiment *study, hw_arm arm,
                                hw_error *err) {
    return hw_sides_compare(effect, study, several_labels(study, HW_ARM_CAP_MH),
                            several_labels(study, arm), study->seeds,
                            (hw_row_keys){ .keys = { "scores" }, .exact = true }, err);
}

static hw_status add_arm(json_t *table, const hw_experiment *study, hw_arm arm, hw_error *err) {
    const hw_side several = several_labels(study, arm), plain = { .arm = arm };
    const hw_moments exact = hw_side_exact(study, several, study->seeds);
    const hw_moments f1 = hw_side_moments(study, several, study->seeds, "scores");
    const hw_moments score = hw_side_moments(study, plain, study->seeds, "scores");
    const double dense = hw_side_moments(study, several, study->seeds, "dense_parameters").mean;
    const double seconds = hw_side_moments(study, several, study->seeds, "seconds").mean;
    char difference[64] = "";
    if (arm != HW_ARM_CAP_MH) {
        hw_crossed effect;
        HW_TRY(capsules_minus(&effect, study, arm, err));
        const hw_interval interval = hw_crossed_interval(&effect, 0.95);
        snprintf(difference, sizeof difference, "%+.2f (%+.2f to %+.2f)", effect.effect,
                 interval.low, interval.high);
    }
    return hw_table_row(table, err,
                        "%s|%.2f (%.2f to %.2f)|%s|%.2f (%.2f to %.2f)|%.2f (%.2f to %.2f)|"
                        "%.0f|%.1f",
                        hw_arm_name(arm), 100 * exact.mean, 100 * exact.interval.low,
                        100 * exact.interval.high, difference, 100 * f1.mean, 100 * f1.interval.low,
                        100 * f1.interval.high, 100 * score.mean, 100 * score.interval.low,
                        100 * score.interval.high, dense, seconds);
}

static hw_status add_arms(hw_claim_result *result, const hw_experiment *study, hw_error *err) {
    json_t *table = hw_table_add(result, "All arms",
                                 "arm|exact match (95 %)|CAP-MH minus it (95 %)|"
                                 "F1 of a text (95 %)|score on the data as it is (95 %)|"
                                 "dense parameters|seconds to train");
    for (size_t i = 0; i < ARMS; i++) HW_TRY(add_arm(table, study, arms[i], err));
    return HW_OK;
}

static hw_status add_heads(hw_claim_result *result, const hw_experiment *study, hw_error *err) {
    hw_crossed effect;
    HW_TRY(capsules_minus(&effect, study, HW_ARM_CAP_SH, err));
    const hw_interval interval = hw_crossed_interval(&effect, 0.95);
    const hw_imbalance more = hw_sides_imbalance(study, several_labels(study, HW_ARM_CAP_MH),
                                                 several_labels(study, HW_ARM_MH));
    snprintf(result->caution, sizeof result->caution,
             "The sides are not matched: beside MH, CAP-MH has %+.0f %% parameters and takes "
             "%+.0f %% operations. Capsules with several heads against capsules with one: %+.2f "
             "points of exact match (%+.2f to %+.2f).",
             more.parameters, more.operations, effect.effect, interval.low, interval.high);
    return HW_OK;
}

hw_status hw_measure_j(hw_claim_result *result, const hw_experiment *study, hw_error *err) {
    const hw_side capsules = several_labels(study, HW_ARM_CAP_MH);
    const hw_side linear = several_labels(study, HW_ARM_MH);
    result->multi = 100 * hw_side_exact(study, capsules, study->seeds).mean;
    result->single = 100 * hw_side_exact(study, linear, study->seeds).mean;
    result->epsilon = study->epsilon;
    HW_TRY(capsules_minus(&result->effect, study, HW_ARM_MH, err));
    HW_TRY(add_heads(result, study, err));
    return add_arms(result, study, err);
}
