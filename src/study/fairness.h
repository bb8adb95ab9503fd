/* Whether the two sides of a verdict are as large, and cost as much, as the claim says they do: a
 * difference of scores between a larger and a smaller classifier would say nothing of heads. */
#ifndef HW_STUDY_FAIRNESS_H
#define HW_STUDY_FAIRNESS_H

#include "study/evidence.h"

/* What a claim says its sides have alike, to HW_MATCHED_PARAMETERS and HW_MATCHED_OPERATIONS %. */
enum { HW_MATCH_PARAMETERS = 1 << 0, HW_MATCH_OPERATIONS = 1 << 1, HW_MATCH_BOTH = 3 };
#define HW_MATCHED_PARAMETERS 1.0
#define HW_MATCHED_OPERATIONS 8.0

/* How much more the first of two has than the second, in % of the second: parameters of the tower
 * but for its embedding, which all arms share, and operations of a test text. NaN if one of them
 * has no run. */
typedef struct hw_imbalance {
    double parameters, operations;
} hw_imbalance;

hw_imbalance hw_runs_imbalance(const json_t *first, const json_t *second);
hw_imbalance hw_sides_imbalance(const hw_experiment *study, hw_side first, hw_side second);
/* Beside MH, on the data as they are: a line of the ledger. */
hw_imbalance hw_arm_imbalance(const hw_experiment *study, hw_arm arm);
/* What is not known is no mismatch. match: HW_MATCH_... */
bool hw_is_matched(hw_imbalance imbalance, int match);

/* If the sides do not match, says why in result->refusal, unless that says something already: the
 * claim then gets no verdict but NOT COMPARABLE. */
void hw_claim_match(hw_claim_result *result, const hw_experiment *study, hw_side first,
                    hw_side second, int match);

#endif
