/* The list of claims. */
#include "study/claim.h"

const hw_claim hw_claims[HW_CLAIMS] = {
#define X(letter, title, measured, unit, predicted, arms) \
    { #letter[0], title, measured, unit, predicted, arms, hw_want_##letter, hw_measure_##letter },
    HW_CLAIM_LIST(X)
#undef X
};

uint32_t hw_claim_arms(hw_claim_id id, hw_study_level level) {
    static const uint32_t of_longer_studies =
        HW_ARM_BIT(SH_B) | HW_ARM_BIT(SH_B_PLUS) | HW_ARM_BIT(SH_C) | HW_ARM_BIT(MH_RAND);
    const bool is_short = level == HW_STUDY_QUICK && id != HW_CLAIM_e;
    return hw_claims[id].arms & ~(is_short ? of_longer_studies : 0);
}
