/* a: several heads model better. The primary endpoint is a mean over texts (accuracy; multi-label:
 * F1 of a text), because the interval needs one; macro-F1 stands beside it. */
#include "study/evidence.h"
#include "study/fairness.h"

static const int32_t fractions[] = { 10, 30 };
enum { FRACTIONS = sizeof fractions / sizeof *fractions };

static const hw_arm compared[] = { HW_ARM_MH,        HW_ARM_SH_A, HW_ARM_SH_B,
                                   HW_ARM_SH_B_PLUS, HW_ARM_SH_C, HW_ARM_MH_TIED,
                                   HW_ARM_MH_RAND,   HW_ARM_HU,   HW_ARM_H0 };
enum { COMPARED = sizeof compared / sizeof *compared };

static bool has_curve(const hw_experiment *study) {
    return study->level != HW_STUDY_QUICK;
}

static hw_status want_curve(hw_experiment *study, hw_error *err) {
    for (size_t i = 0; i < FRACTIONS; i++)
        for (size_t side = 0; side < 2; side++)
            HW_TRY(hw_side_want(study,
                                (hw_side){ .arm = compared[side],
                                           .variant = HW_VARIANT_FRACTION,
                                           .level = fractions[i] },
                                study->seeds, 0, err));
    return HW_OK;
}

static bool has_arm(const hw_experiment *study, hw_arm arm) {
    return hw_claim_arms(HW_CLAIM_a, study->level) >> arm & 1;
}

hw_status hw_want_a(hw_experiment *study, hw_error *err) {
    for (size_t i = 0; i < COMPARED; i++)
        if (has_arm(study, compared[i]))
            HW_TRY(hw_side_want(study, (hw_side){ .arm = compared[i] }, study->seeds, 0, err));
    return has_curve(study) ? want_curve(study, err) : HW_OK;
}

static hw_status add_arm(json_t *table, const hw_experiment *study, hw_arm arm, hw_error *err) {
    const hw_side side = { .arm = arm }, mh = { .arm = HW_ARM_MH };
    const hw_moments score = hw_side_moments(study, side, study->seeds, "scores");
    const hw_moments f1 = hw_side_moments(study, side, study->seeds, "macro_f1");
    const hw_moments loss = hw_side_moments(study, side, study->seeds, "log_loss");
    const hw_moments dense = hw_side_moments(study, side, study->seeds, "dense_parameters");
    if (arm == HW_ARM_MH)
        return hw_table_row(table, err, "%s|%.0f|%.2f +- %.2f|%.2f|%.3f|", hw_arm_name(arm),
                            dense.mean, 100 * score.mean, 100 * score.deviation, 100 * f1.mean,
                            loss.mean);
    hw_crossed effect;
    HW_TRY(hw_sides_compare(&effect, study, mh, side, study->seeds,
                            (hw_row_keys){ .keys = { "scores" } }, err));
    const hw_interval interval = hw_crossed_interval(&effect, 0.95);
    return hw_table_row(table, err, "%s|%.0f|%.2f +- %.2f|%.2f|%.3f|%+.2f (%+.2f to %+.2f)",
                        hw_arm_name(arm), dense.mean, 100 * score.mean, 100 * score.deviation,
                        100 * f1.mean, loss.mean, effect.effect, interval.low, interval.high);
}

static hw_status add_curve(hw_claim_result *result, const hw_experiment *study, hw_error *err) {
    json_t *table = hw_table_add(result, "With less to learn from",
                                 "training texts, %|MH|SH-A|MH - SH-A (95 %)");
    for (size_t i = 0; i < FRACTIONS; i++) {
        const hw_side multi = { HW_ARM_MH, HW_VARIANT_FRACTION, fractions[i], 0 };
        const hw_side single = { HW_ARM_SH_A, HW_VARIANT_FRACTION, fractions[i], 0 };
        hw_crossed effect;
        HW_TRY(hw_sides_compare(&effect, study, multi, single, study->seeds,
                                (hw_row_keys){ .keys = { "scores" } }, err));
        const hw_interval interval = hw_crossed_interval(&effect, 0.95);
        HW_TRY(hw_table_row(table, err, "%d|%.2f|%.2f|%+.2f (%+.2f to %+.2f)", (int)fractions[i],
                            100 * hw_side_moments(study, multi, study->seeds, "scores").mean,
                            100 * hw_side_moments(study, single, study->seeds, "scores").mean,
                            effect.effect, interval.low, interval.high));
    }
    return HW_OK;
}

hw_status hw_measure_a(hw_claim_result *result, const hw_experiment *study, hw_error *err) {
    const hw_side multi = { .arm = HW_ARM_MH }, single = { .arm = HW_ARM_SH_A };
    result->multi = 100 * hw_side_moments(study, multi, study->seeds, "scores").mean;
    result->single = 100 * hw_side_moments(study, single, study->seeds, "scores").mean;
    result->epsilon = study->epsilon;
    hw_claim_match(result, study, multi, single, HW_MATCH_BOTH);
    HW_TRY(hw_sides_compare(&result->effect, study, multi, single, study->seeds,
                            (hw_row_keys){ .keys = { "scores" } }, err));
    json_t *table = hw_table_add(result, "All arms",
                                 "arm|dense parameters|score|macro-F1|log-loss|MH minus it (95 %)");
    for (size_t i = 0; i < COMPARED; i++)
        if (has_arm(study, compared[i])) HW_TRY(add_arm(table, study, compared[i], err));
    return has_curve(study) ? add_curve(result, study, err) : HW_OK;
}
