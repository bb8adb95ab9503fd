/* A claimed advantage of several heads over one, as an experiment: the trainings it needs, one
 * primary endpoint, and what else is worth showing. Invariant: the verdict rests on the primary
 * endpoint alone; everything else is exploratory and says so. */
#ifndef HW_STUDY_CLAIM_H
#define HW_STUDY_CLAIM_H

#include "statistics/verdict.h"
#include "study/study.h"

/* X(letter, title, what was measured, unit, predicted verdict) */
#define HW_CLAIM_LIST(X)                                                                          \
    X(a, "models better", "score of MH minus that of SH-A", "points", "NO DIFFERENCE")            \
    X(b, "is more robust", "points lost to corrupted texts, SH-A minus MH", "points",             \
      "NO DIFFERENCE")                                                                            \
    X(c, "computes faster in parallel", "time of an epoch saved by MH against SH-A", "%",         \
      "REFUTED")                                                                                  \
    X(e, "is cheaper in subspaces", "operations saved by MH against SH-A", "%", "REFUTED")        \
    X(f, "adapts by its number of heads", "score with h chosen on the dev part minus with h = 8", \
      "points", "NO DIFFERENCE")                                                                  \
    X(h, "reaches over long distances", "score on order over distances, MH minus SH-A", "points", \
      "SUPPORTED")                                                                                \
    X(i, "is easier to optimise", "doublings of speed to a target loss, MH against SH-A",         \
      "doublings", "NO DIFFERENCE")

typedef enum hw_claim_id {
#define X(letter, title, measured, unit, predicted) HW_CLAIM_##letter,
    HW_CLAIM_LIST(X)
#undef X
        HW_CLAIMS
} hw_claim_id;

/* What came of a claim. */
typedef struct hw_claim_result {
    double single, multi; /* the two sides of the endpoint */
    hw_crossed effect;
    double epsilon;
    hw_finding finding; /* by hw_findings_judge */
    char caution[300];  /* what to keep in mind; may be empty */
    json_t *tables;     /* [{"title", "columns": [...], "rows": [[text, ...], ...]}, ...] */
} hw_claim_result;

typedef struct hw_claim {
    char letter;
    const char *title, *measured, *unit, *predicted;
    hw_status (*want)(hw_experiment *study, hw_error *err);
    hw_status (*measure)(hw_claim_result *result, const hw_experiment *study, hw_error *err);
} hw_claim;

extern const hw_claim hw_claims[HW_CLAIMS];

#define X(letter, title, measured, unit, predicted)                                    \
    hw_status hw_want_##letter(hw_experiment *study, hw_error *err);                   \
    hw_status hw_measure_##letter(hw_claim_result *result, const hw_experiment *study, \
                                  hw_error *err);
HW_CLAIM_LIST(X)
#undef X

#endif
