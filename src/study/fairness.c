/* All runs of a side are of one size, so the first seed that has both sides' runs tells it. */
#include "study/fairness.h"

#include <math.h>

static double excess(const json_t *first, const json_t *second, const char *key) {
    const double own = json_number_value(json_object_get(first, key));
    const double other = json_number_value(json_object_get(second, key));
    return own > 0 && other > 0 ? 100 * (own / other - 1) : NAN;
}

hw_imbalance hw_runs_imbalance(const json_t *first, const json_t *second) {
    return (hw_imbalance){ excess(first, second, "dense_parameters"),
                           excess(first, second, "operations") };
}

hw_imbalance hw_sides_imbalance(const hw_experiment *study, hw_side first, hw_side second) {
    for (int32_t seed = 1; seed <= study->seeds; seed++) {
        const hw_job one = hw_side_job(study, first, seed), two = hw_side_job(study, second, seed);
        const json_t *own = hw_study_run(study, &one), *other = hw_study_run(study, &two);
        if (own && other) return hw_runs_imbalance(own, other);
    }
    return (hw_imbalance){ NAN, NAN };
}

hw_imbalance hw_arm_imbalance(const hw_experiment *study, hw_arm arm) {
    return hw_sides_imbalance(study, (hw_side){ .arm = arm }, (hw_side){ .arm = HW_ARM_MH });
}

bool hw_is_matched(hw_imbalance imbalance, int match) {
    if (match & HW_MATCH_PARAMETERS && fabs(imbalance.parameters) > HW_MATCHED_PARAMETERS)
        return false;
    return !(match & HW_MATCH_OPERATIONS && fabs(imbalance.operations) > HW_MATCHED_OPERATIONS);
}

void hw_claim_match(hw_claim_result *result, const hw_experiment *study, hw_side first,
                    hw_side second, int match) {
    const hw_imbalance imbalance = hw_sides_imbalance(study, first, second);
    if (*result->refusal || hw_is_matched(imbalance, match)) return;
    snprintf(result->refusal, sizeof result->refusal,
             "The sides do not match: beside the second, the first has %+.1f %% parameters and "
             "takes %+.1f %% operations.",
             imbalance.parameters, imbalance.operations);
}
