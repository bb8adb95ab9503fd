/* Comprehensiveness that may be compared between classifiers and texts. How much a probability can
 * fall at all differs from one to the other; so the area over the perturbation curve (here the mean
 * drop over the removals of faithfulness.h, which is DeYoung et al. 2020, eq. 1) is put between the
 * least and the greatest that any order of the words reaches (Edin et al. 2024):
 *
 *   NAOPC(order) = (AOPC(order) - least) / (greatest - least)
 *
 * Invariant: nothing here knows what drops, or of what. */
#ifndef HW_EXPLAIN_NAOPC_H
#define HW_EXPLAIN_NAOPC_H

#include "base/error.h"

/* drops[count]: what the probability loses without the words that removed[count][words] names. */
typedef hw_status hw_drop_fn(double *drops, void *context, const bool *removed, size_t count,
                             hw_error *err);
typedef struct hw_drops {
    hw_drop_fn *run;
    void *context;
    size_t words; /* at least 1 */
} hw_drops;

/* order: [words], the first is removed first. */
hw_status hw_aopc(double *aopc, const hw_drops *drops, const uint32_t *order, hw_error *err);

/* Over all orders of up to 8 words, whose every set is tried; of more words as far as a beam of 5
 * sets gets, that grow by a word at a time: some 2.5 words^2 drops for either end. */
typedef struct hw_aopc_ends {
    double least, greatest;
} hw_aopc_ends;
hw_status hw_aopc_find_ends(hw_aopc_ends *ends, const hw_drops *drops, hw_error *err);

/* In [0, 1]: an order beyond an end that a beam found counts as that end. 0.5 where all orders are
 * alike. */
double hw_naopc(double aopc, hw_aopc_ends ends);

#endif
