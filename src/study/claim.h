/* A claimed advantage of several heads over one, as an experiment: the trainings it needs, one
 * primary endpoint, and what else is worth showing. Invariant: the verdict rests on the primary
 * endpoint alone; everything else is exploratory and says so. */
#ifndef HW_STUDY_CLAIM_H
#define HW_STUDY_CLAIM_H

#include "statistics/verdict.h"
#include "study/study.h"

/* X(letter, title, what was measured, unit, predicted verdict, arms that are compared) */
#define HW_CLAIM_LIST(X)                                                                          \
    X(a, "models better", "score of MH minus that of SH-A", "points", "NO DIFFERENCE",            \
      HW_ARM_BIT(MH) | HW_ARM_BIT(SH_A) | HW_ARM_BIT(SH_B) | HW_ARM_BIT(SH_B_PLUS) |              \
          HW_ARM_BIT(SH_C) | HW_ARM_BIT(MH_TIED) | HW_ARM_BIT(MH_RAND) | HW_ARM_BIT(HU) |         \
          HW_ARM_BIT(H0))                                                                         \
    X(b, "is more robust", "points lost to corrupted texts, SH-A minus MH", "points",             \
      "NO DIFFERENCE", HW_ARM_BIT(MH) | HW_ARM_BIT(SH_A))                                         \
    X(c, "computes faster in parallel", "time of an epoch saved by MH against SH-A", "%",         \
      "REFUTED", HW_ARM_BIT(MH) | HW_ARM_BIT(SH_A) | HW_ARM_BIT(MH_FULL))                         \
    X(d, "is more interpretable", "NAOPC of the best attention explanation, MH minus SH-A",       \
      "points", "INCONCLUSIVE", HW_ARM_BIT(MH) | HW_ARM_BIT(SH_A) | HW_ARM_BIT(HU))               \
    X(e, "is cheaper in subspaces", "operations saved by MH against SH-A", "%", "REFUTED",        \
      HW_ARM_BIT(MH) | HW_ARM_BIT(SH_A) | HW_ARM_BIT(SH_B) | HW_ARM_BIT(SH_C) |                   \
          HW_ARM_BIT(MH_FULL))                                                                    \
    X(f, "adapts by its number of heads", "score with h chosen on the dev part minus with h = 8", \
      "points", "NO DIFFERENCE", HW_ARM_BIT(MH))                                                  \
    X(g, "allocates attention adaptively",                                                        \
      "score of MH-gate minus that with every gate at its mean", "points", "SUPPORTED-BUT-SMALL", \
      HW_ARM_BIT(MH) | HW_ARM_BIT(MH_GATE))                                                       \
    X(h, "reaches over long distances", "score on order over distances, MH minus SH-A", "points", \
      "SUPPORTED", HW_ARM_BIT(MH) | HW_ARM_BIT(SH_A) | HW_ARM_BIT(SH_C) | HW_ARM_BIT(H0))         \
    X(i, "is easier to optimise", "doublings of speed to a target loss, MH against SH-A",         \
      "doublings", "NO DIFFERENCE", HW_ARM_BIT(MH) | HW_ARM_BIT(SH_A) | HW_ARM_BIT(SH_C))         \
    X(j, "combines well with capsules", "exact match of several labels, CAP-MH minus MH",         \
      "points", "SUPPORTED",                                                                      \
      HW_ARM_BIT(MH) | HW_ARM_BIT(SH_A) | HW_ARM_BIT(CAP_MH) | HW_ARM_BIT(CAP_SH))

typedef enum hw_claim_id {
#define X(letter, title, measured, unit, predicted, arms) HW_CLAIM_##letter,
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
    char refusal[200];  /* why there is no verdict (study/fairness.h); mostly empty */
    json_t *tables;     /* [{"title", "columns": [...], "rows": [[text, ...], ...]}, ...] */
} hw_claim_result;

typedef struct hw_claim {
    char letter;
    const char *title, *measured, *unit, *predicted;
    uint32_t arms; /* HW_ARM_BIT */
    hw_status (*want)(hw_experiment *study, hw_error *err);
    hw_status (*measure)(hw_claim_result *result, const hw_experiment *study, hw_error *err);
} hw_claim;

extern const hw_claim hw_claims[HW_CLAIMS];

/* Its arms in a study of that level: a quick one does without controls that no verdict rests on,
 * but where they are counted (e). HW_ARM_BIT. */
uint32_t hw_claim_arms(hw_claim_id id, hw_study_level level);

#define X(letter, title, measured, unit, predicted, arms)                              \
    hw_status hw_want_##letter(hw_experiment *study, hw_error *err);                   \
    hw_status hw_measure_##letter(hw_claim_result *result, const hw_experiment *study, \
                                  hw_error *err);
HW_CLAIM_LIST(X)
#undef X

#endif
