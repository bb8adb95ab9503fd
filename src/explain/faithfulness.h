/* Whether an explanation says what the classifier does (DeYoung et al. 2020, eqs. 1 and 2): the
 * probability without its top words, with nothing but them, and the same for words by chance.
 * Invariant: a function of text, scores, orders and seed. */
#ifndef HW_EXPLAIN_FAITHFULNESS_H
#define HW_EXPLAIN_FAITHFULNESS_H

#include "explain/subject.h"

/* How many of a text's words the i-th removal takes: 1, 5, 10, 20, 50 %, rounded up. */
size_t hw_removed_words(size_t removal, size_t words);

/* Fills in what removals do from *explained's probability and the words' scores. decision: of the
 * whole text. */
hw_status hw_faithfulness_measure(hw_explained *explained, hw_subject *subject,
                                  const hw_attribution *words, size_t decision, size_t orders,
                                  uint64_t seed, hw_error *err);
/* Fills in tau from *explained's score and the words' scores. */
hw_status hw_faithfulness_rank(hw_explained *explained, hw_subject *subject,
                               const hw_attribution *words, hw_error *err);

#endif
