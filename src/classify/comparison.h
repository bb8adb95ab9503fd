/* Two classifiers' predictions of the same texts, as lists of events, and what they differ in. */
#ifndef HW_CLASSIFY_COMPARISON_H
#define HW_CLASSIFY_COMPARISON_H

#include "classify/corpus.h"
#include "classify/events.h"

/* What hw_compare returns points to the first member. */
typedef struct hw_compared {
    hw_comparison result;
    hw_corpus corpus;    /* holds the texts and the names of gold labels */
    hw_events events[2]; /* of the same targets */
    const char **names;  /* of all flips, one after the other */
} hw_compared;

/* Fill result's scores, per_label and flip from the events. */
hw_status hw_changes_of_texts(hw_compared *compared, hw_error *err);
hw_status hw_changes_of_labels(hw_compared *compared, hw_error *err);
hw_status hw_flips_collect(hw_compared *compared, const hw_classifier *first, hw_error *err);

#endif
