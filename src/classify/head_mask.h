/* Heads that a session switches off: what they attend to counts as 0 (Michel et al. 2019, eq. 1).
 * Invariant: a mask names only heads that the classifier has. */
#ifndef HW_CLASSIFY_HEAD_MASK_H
#define HW_CLASSIFY_HEAD_MASK_H

#include "classify/classifier.h"

/* *off: [layers][heads] of a tower or of the encoder, to be freed by hw_free; NULL if no head is
 * switched off. options may be NULL. */
hw_status hw_head_mask_make(bool **off, const hw_classifier *classifier,
                            const hw_session_options *options, hw_error *err);

/* The classifier's towers, with a gate of 0 where a head is off: the same weights otherwise. */
typedef struct hw_masked_towers {
    hw_tower_views *towers; /* [towers of the classifier] */
    float *gates;           /* [towers][layers][heads] */
} hw_masked_towers;

/* off: [layers][heads]. To be freed also on failure. */
hw_status hw_masked_towers_make(hw_masked_towers *masked, const hw_classifier *classifier,
                                const bool *off, hw_error *err);
void hw_masked_towers_free(hw_masked_towers *masked);

#endif
