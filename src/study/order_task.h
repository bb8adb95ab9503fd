/* A task that only relating two words over a distance solves: which of the two comes first? A text
 * begins and ends with one of eight words of the user's own data, and words of the data are between
 * them. Eight words have an order of their own; the label says whether the first comes before the
 * last in it.
 *
 *     word2 <distance filler words> word5        label: "rising"
 *
 * Invariant: turning a text's two words round turns its label round and keeps its bag of words, so
 * a classifier without attention is right half of the time. */
#ifndef HW_STUDY_ORDER_TASK_H
#define HW_STUDY_ORDER_TASK_H

#include "study/parts.h"

enum { HW_ORDER_TEST_TEXTS = 1000 };

/* words: whose most frequent words are taken. A data set with too few of them is
 * HW_ERROR_UNSUPPORTED. */
hw_status hw_order_task_make(hw_parts *made, const hw_dataset *words, size_t distance,
                             uint64_t seed, hw_error *err);

#endif
