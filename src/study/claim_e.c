/* e: working in subspaces is cheaper. Operations are counted, not timed: they have no variance, and
 * so neither has the verdict. */
#include "study/evidence.h"
#include "study/fairness.h"

#include <math.h>

static const hw_arm arms[] = { HW_ARM_MH, HW_ARM_SH_A, HW_ARM_SH_B, HW_ARM_SH_C, HW_ARM_MH_FULL };
enum { ARMS = sizeof arms / sizeof *arms };

/* A training counts as well as many; more are for the scores. */
hw_status hw_want_e(hw_experiment *study, hw_error *err) {
    for (size_t i = 0; i < ARMS; i++) {
        const bool is_compared = arms[i] == HW_ARM_MH || arms[i] == HW_ARM_SH_A;
        const bool once = study->level == HW_STUDY_QUICK && !is_compared;
        HW_TRY(hw_side_want(study, (hw_side){ .arm = arms[i] }, once ? 1 : study->seeds, 0, err));
    }
    return HW_OK;
}

static double operations(const hw_experiment *study, hw_arm arm) {
    return hw_side_moments(study, (hw_side){ .arm = arm }, study->seeds, "operations").mean;
}

hw_status hw_measure_e(hw_claim_result *result, const hw_experiment *study, hw_error *err) {
    const double multi = operations(study, HW_ARM_MH), single = operations(study, HW_ARM_SH_A);
    const double full = operations(study, HW_ARM_MH_FULL);
    if (!isfinite(multi + single + full))
        return hw_fail(err, HW_ERROR_DIVERGED, "no training of an arm came to an end");
    result->multi = 100 * multi / single;
    result->single = 100;
    result->epsilon = 5;
    hw_claim_match(result, study, (hw_side){ .arm = HW_ARM_MH }, (hw_side){ .arm = HW_ARM_SH_A },
                   HW_MATCH_PARAMETERS);
    result->effect =
        (hw_crossed){ .seeds = (size_t)study->seeds, .effect = 100 * (1 - multi / single) };
    snprintf(
        result->caution, sizeof result->caution,
        "Against h heads of the full width (MH-full) the claim holds: MH takes %.0f %% of their "
        "operations.",
        100 * multi / full);
    json_t *table = hw_table_add(result, "Operations of a mean text, and what they buy",
                                 "arm|thousand operations|of SH-A, %|score");
    for (size_t i = 0; i < ARMS; i++)
        HW_TRY(hw_table_row(
            table, err, "%s|%.1f|%.1f|%.2f", hw_arm_name(arms[i]),
            operations(study, arms[i]) / 1000, 100 * operations(study, arms[i]) / single,
            100 *
                hw_side_moments(study, (hw_side){ .arm = arms[i] }, study->seeds, "scores").mean));
    return HW_OK;
}
