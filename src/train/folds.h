/* Deals the rows of a data set into folds, each with nearly the same share of every label. */
#ifndef HW_TRAIN_FOLDS_H
#define HW_TRAIN_FOLDS_H

#include "text/dataset.h"

/* fold: [dataset->count], in [0, folds). Rows are dealt in turn, label by label (a row's
 * first label) and in random order within a label. */
hw_status hw_folds_deal(uint32_t *fold, const hw_dataset *dataset, size_t folds, uint64_t seed,
                        hw_error *err);

/* Splits the rows into those of one fold and the others. A row that is the only one of its
 * label stays with the others. held and others: [dataset->count] each. */
void hw_folds_hold(uint32_t *held, size_t *held_count, uint32_t *others, size_t *others_count,
                   const uint32_t *fold, uint32_t which, const hw_dataset *dataset);

#endif
