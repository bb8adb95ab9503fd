/* hw_cross_validate: every row is scored by a classifier that has not seen it. */
#include "base/memory.h"
#include "classify/metrics.h"

hw_status hw_cross_validate(const hw_train_options *options, int32_t folds, double *scores,
                            float **probabilities, size_t *examples, int32_t *labels,
                            hw_error *err) {
    (void)options;
    (void)folds;
    (void)scores;
    (void)probabilities;
    (void)examples;
    (void)labels;
    return hw_fail(err, HW_ERROR_UNSUPPORTED, "not yet");
}
