/* From measured differences to verdicts on claims. */
#ifndef HW_STATISTICS_VERDICT_H
#define HW_STATISTICS_VERDICT_H

#include "statistics/crossed.h"

#define HW_VERDICT_LIST(X)                                                           \
    X(SUPPORTED, "SUPPORTED")           /* there is an effect, of epsilon or more */ \
    X(SMALL, "SUPPORTED-BUT-SMALL")     /* there is one, and it is smaller */        \
    X(REFUTED, "REFUTED")               /* there is one in the other direction */    \
    X(NO_DIFFERENCE, "NO DIFFERENCE")   /* if there is one, it is below epsilon */   \
    X(INCONCLUSIVE, "INCONCLUSIVE")     /* the data do not say */                    \
    X(NOT_COMPARABLE, "NOT COMPARABLE") /* not hw_verdict_of's: the sides differ in more */

typedef enum hw_verdict {
#define X(name, text) HW_VERDICT_##name,
    HW_VERDICT_LIST(X)
#undef X
} hw_verdict;

const char *hw_verdict_text(hw_verdict verdict);

typedef struct hw_finding {
    double effect;           /* positive is what the claim says */
    hw_interval interval;    /* 95 % */
    hw_interval interval_90; /* within (-epsilon, epsilon): equivalence (Schuirmann 1987) */
    double p, p_holm;        /* p_holm: over the claims of the study */
    double epsilon;          /* the smallest effect of interest, chosen before the study */
    size_t seeds, rows;
    hw_verdict verdict;
    double detectable;                /* what one in five such studies misses; at p / claims */
    size_t needed_seeds, needed_rows; /* if INCONCLUSIVE: either is enough; 0: no number is */
} hw_finding;

/* By the intervals, p_holm and epsilon of a finding alone. */
hw_verdict hw_verdict_of(const hw_finding *finding);

/* findings[claims]: one for each effect, judged together. claims <= HW_CLAIM_LIMIT. */
enum { HW_CLAIM_LIMIT = 64 };
void hw_findings_judge(hw_finding *findings, const hw_crossed *effects, const double *epsilons,
                       size_t claims);

#endif
