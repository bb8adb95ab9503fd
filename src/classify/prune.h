/* Taking heads out of a classifier. */
#ifndef HW_CLASSIFY_PRUNE_H
#define HW_CLASSIFY_PRUNE_H

#include "classify/classifier.h"

/* HW_OK if hw_classifier_prune can take out off[layers][heads], which are heads that there are. */
hw_status hw_classifier_check_prune(const hw_classifier *classifier, const bool *off,
                                    hw_error *err);

#endif
