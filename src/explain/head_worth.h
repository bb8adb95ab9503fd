/* What predictions are without a head, and without several. Invariant: every trial classifies the
 * same texts, so that any two of them are paired. */
#ifndef HW_EXPLAIN_HEAD_WORTH_H
#define HW_EXPLAIN_HEAD_WORTH_H

#include "classify/corpus.h"

/* A run of all texts with some heads off. */
typedef struct hw_head_trials {
    hw_corpus *corpus;
    const hw_classifier *classifier;
    hw_session_options session;
    int32_t threads;
    hw_head_id *off;      /* [all heads] */
    bool *right;          /* [texts] with all heads on */
    float *probabilities; /* [texts][labels] likewise */
    double accuracy, loss;
} hw_head_trials;

/* The first one, with all heads. corpus holds the texts and outlives the trials. *trials is zero
 * before, and freed by hw_head_trials_free also on failure. */
hw_status hw_head_trials_start(hw_head_trials *trials, hw_corpus *corpus,
                               const hw_classifier *classifier, const hw_session_options *session,
                               int32_t threads, hw_error *err);
void hw_head_trials_free(hw_head_trials *trials);

/* worth->head is set before; p_holm is left as it is. */
hw_status hw_head_worth_measure(hw_head_worth *worth, hw_head_trials *trials, hw_error *err);
/* Switches off trials->off[0 .. count). */
hw_status hw_head_step_measure(hw_head_step *step, hw_head_trials *trials, size_t count,
                               hw_error *err);

/* order[count]: of worth, the least first: by what is lost without the head, then by its log-loss.
 */
void hw_head_worth_order(uint32_t *order, const hw_head_worth *worth, size_t count);

#endif
