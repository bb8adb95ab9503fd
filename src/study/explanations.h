/* The explanations that claim d holds against each other. */
#ifndef HW_STUDY_EXPLANATIONS_H
#define HW_STUDY_EXPLANATIONS_H

#include "headwise.h"

typedef struct hw_explanation_kind {
    const char *name, *key; /* for people; of a run's list of NAOPC, a number a text */
    hw_explain_method method;
    bool is_attention; /* one of those that the claim is about */
} hw_explanation_kind;

/* The last one is words by chance: the mean over 20 orders. */
enum { HW_EXPLANATIONS = 7, HW_EXPLANATION_CHANCE = HW_EXPLANATIONS - 1 };
extern const hw_explanation_kind hw_explanation_kinds[HW_EXPLANATIONS];

#endif
