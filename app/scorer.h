/* A classifier at work on several threads. */
#ifndef APP_SCORER_H
#define APP_SCORER_H

#include "headwise.h"

typedef struct text_scorer text_scorer;

/* The classifier must outlive it. options may be NULL. */
text_scorer *scorer_new(const hw_classifier *classifier, const hw_session_options *options,
                        int32_t threads, hw_error *err);
void scorer_free(text_scorer *scorer);

/* probabilities: [count][labels]; the same bits for any number of threads. windows: [count], how
 * many each text was cut into; may be NULL. */
hw_status scorer_score(text_scorer *scorer, float *probabilities, size_t *windows,
                       const hw_text *texts, size_t count, hw_error *err);

typedef struct ranked_label {
    float probability;
    int32_t label;
} ranked_label;

/* The k most likely labels with a probability of at least threshold, best first (ties: the
 * earlier label); k < 0: all of them. With thresholds (of a multi-label model) a label must
 * reach its own instead. best: [labels]. Returns how many there are. */
size_t best_labels(ranked_label *best, const float *probability, int32_t labels, int64_t k,
                   double threshold, const float *thresholds);

#endif
