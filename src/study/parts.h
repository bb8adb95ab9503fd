/* The data of a study: what is learned from, what choices are made on, and what is looked at once.
 * Invariant: no text of one part comes from another part, whatever is made of them. */
#ifndef HW_STUDY_PARTS_H
#define HW_STUDY_PARTS_H

#include "text/dataset.h"

typedef struct hw_parts {
    hw_dataset *train, *dev, *test;
} hw_parts;

/* The files; without valid or test, 10 and 20 of 100 rows of the input, dealt label by label.
 * *parts is zero before, and freed by hw_parts_free also on failure. */
hw_status hw_parts_load(hw_parts *parts, const hw_study_options *options, hw_error *err);
void hw_parts_free(hw_parts *parts);

/* What is done to the parts before an arm learns from them. X(id, name) */
#define HW_VARIANT_LIST(X)                                                         \
    X(PLAIN, "plain")       /* nothing */                                          \
    X(FRACTION, "fraction") /* level % of the training rows are left */            \
    X(NOISE, "noise")       /* level % of the training rows get another label */   \
    X(ORDER, "order")       /* synthetic (study/order_task.h), over level words */ \
    X(PAIRS, "pairs")       /* the test part: two texts in one, with both labels */

typedef enum hw_variant {
#define X(id, name) HW_VARIANT_##id,
    HW_VARIANT_LIST(X)
#undef X
        HW_VARIANTS
} hw_variant;

const char *hw_variant_name(hw_variant variant);

/* Which rows, labels and words are taken follows from seed. *made as *parts of hw_parts_load; it
 * shares nothing with parts. */
hw_status hw_parts_vary(hw_parts *made, const hw_parts *parts, hw_variant variant, int32_t level,
                        uint64_t seed, hw_error *err);

#endif
