/* The list of claims. */
#include "study/claim.h"

const hw_claim hw_claims[HW_CLAIMS] = {
#define X(letter, title, measured, unit, predicted, arms) \
    { #letter[0], title, measured, unit, predicted, arms, hw_want_##letter, hw_measure_##letter },
    HW_CLAIM_LIST(X)
#undef X
};
