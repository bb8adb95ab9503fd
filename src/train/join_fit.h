/* How much of each branch goes into the joined logits: fitted on held-back data, so that
 * the tower can only help there. Each branch's logits are first calibrated by themselves
 * (single-label: a temperature, Guo et al. 2017; multi-label: Platt's scale and bias, Lin,
 * Lin and Weng 2007), then mixed as (1 - share) bag + share tower. */
#ifndef HW_TRAIN_JOIN_FIT_H
#define HW_TRAIN_JOIN_FIT_H

#include "classify/classifier.h"
#include "classify/metrics.h"

typedef struct hw_join_result {
    hw_join join;            /* the temperature is folded into it */
    double tower_share;      /* of the mix, 0 to 1 */
    double score, bag_score; /* on the held-back data; bag_score is NaN without a bag */
} hw_join_result;

/* bag, tower: [rows][labels] logits; one of them may be NULL. thresholds: [labels] is
 * fitted if multi_label, else filled with 0.5. */
hw_status hw_join_fit(hw_join_result *result, float *thresholds, const float *bag,
                      const float *tower, hw_targets targets, size_t labels, bool multi_label,
                      hw_error *err);

/* The log-loss of one branch's logits after calibrating them, and their score with
 * thresholds of 0.5: what tells one state of a tower from another. */
hw_status hw_held_back_loss(double *loss, double *score, const float *logits, hw_targets targets,
                            size_t labels, bool multi_label, hw_error *err);

#endif
