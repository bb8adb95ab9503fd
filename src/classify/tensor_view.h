/* Checked views of a bundle's tensors: what a classifier is made of. Invariant: a view has
 * the type and shape that were asked for, is aligned to its elements, and a float in it is
 * finite and at most HW_WEIGHT_LIMIT in magnitude. */
#ifndef HW_CLASSIFY_TENSOR_VIEW_H
#define HW_CLASSIFY_TENSOR_VIEW_H

#include "classify/classifier.h"

/* Where tensors come from, and its name for messages. */
typedef struct hw_source {
    const hw_bundle *bundle;
    const char *name;
} hw_source;

/* A tensor of that type and any shape, or NULL: HW_ERROR_FORMAT. */
const hw_tensor *hw_view_find(const hw_source *source, const char *tensor, hw_dtype dtype,
                              hw_error *err);
/* Its data, or NULL: HW_ERROR_FORMAT. columns 0: a vector of `rows`; rows is not 0. */
const void *hw_view_tensor(const hw_source *source, const char *tensor, hw_dtype dtype, size_t rows,
                           size_t columns, hw_error *err);
/* The slots of a dictionary of `members` hashes; of 0 there is no tensor. */
hw_status hw_view_dictionary(hw_dictionary *dictionary, const hw_source *source, const char *tensor,
                             size_t members, hw_error *err);
/* The parameters of tower number `tower`; views->block stays NULL. */
hw_status hw_view_tower(hw_tower_views *views, const hw_source *source, int32_t tower,
                        const hw_tower_config *config, hw_error *err);
/* The words of ngram.words (none if it is not there), as one block to be freed by hw_free. */
hw_status hw_view_words(char ***words, size_t *count, const hw_source *source, hw_error *err);

#endif
