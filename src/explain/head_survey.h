/* The attention of all heads on all texts, summed up. Invariant: sums are taken in the order of the
 * texts, whatever thread has read which. */
#ifndef HW_EXPLAIN_HEAD_SURVEY_H
#define HW_EXPLAIN_HEAD_SURVEY_H

#include "classify/corpus.h"
#include "explain/head_alignment.h"
#include "explain/head_diversity.h"
#include "explain/head_metrics.h"
#include "explain/head_roles.h"

typedef struct hw_head_tally {
    hw_head_sums sums;
    hw_role_tally roles;
} hw_head_tally;

typedef struct hw_head_survey {
    size_t towers, layers, heads;
    hw_head_tally *tally;         /* [towers][layers][heads]; 0 of heads that a layer lacks */
    hw_head_diversity *diversity; /* [towers][layers] */
    hw_head_alignment *alignment; /* [towers][layers] */
    uint64_t looked, skipped;     /* texts */
    size_t example;               /* the row of a text that can be drawn */
} hw_head_survey;

/* Called between texts with how many are done; false: stop. */
typedef bool hw_survey_progress(void *context, size_t done);

/* *survey is zero before, and freed by hw_head_survey_free also on failure. */
hw_status hw_head_survey_take(hw_head_survey *survey, const hw_corpus *corpus,
                              const hw_classifier *classifier, const hw_session_options *session,
                              int32_t threads, hw_survey_progress *progress, void *context,
                              hw_error *err);
void hw_head_survey_free(hw_head_survey *survey);

#endif
