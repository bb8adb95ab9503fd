/* The n-grams' part of a score, exactly: join.bag * value * weight of each feature, shared equally
 * by its occurrences and there by the words it covers. Invariant: the shares sum to the n-grams'
 * score less that of their bias. */
#ifndef HW_EXPLAIN_NGRAM_SHARES_H
#define HW_EXPLAIN_NGRAM_SHARES_H

#include "explain/subject.h"

/* Adds to score and ngrams of the subject's words. */
hw_status hw_ngram_shares(hw_subject *subject, hw_error *err);

#endif
