/* A data set as training sees it: the dictionary of its n-grams, and every text encoded
 * over it once (classify/encoding.h), so that no epoch looks at a string again. */
#ifndef HW_TRAIN_TRAINING_SET_H
#define HW_TRAIN_TRAINING_SET_H

#include "base/text_buffer.h"
#include "classify/metrics.h"
#include "text/dataset.h"
#include "text/ngrams.h"
#include "train/linear.h"
#include "train/tower_trainer.h"

typedef struct hw_training_set_options {
    hw_ngram_options ngrams;
    uint32_t min_documents; /* an n-gram in fewer texts is left out */
    size_t ngrams_limit;    /* most dictionary members */
    bool features, tokens;  /* what is wanted: for n-grams, for towers */
} hw_training_set_options;

typedef struct hw_training_set {
    size_t rows;
    hw_built_dictionary dictionary; /* owned */
    float *idf;                     /* [dictionary.count] 1 + ln((1 + rows) / (1 + documents)) */
    hw_feature *features;           /* [feature_offsets[rows]], or NULL */
    size_t *feature_offsets;        /* [rows + 1], or NULL */
    hw_text_buffer words;           /* the dictionary's single words, each followed by a newline */
    hw_token_lists tokens;          /* owned arrays, or text_offsets alone */
    size_t features_capacity, token_capacity, ngram_capacity;
} hw_training_set;

/* The dictionary and idf of `train`, and its texts. */
hw_status hw_training_set_build(hw_training_set *set, const hw_dataset *train,
                                const hw_training_set_options *options, hw_error *err);
/* Other texts over the dictionary of `train`, which they do not own. */
hw_status hw_training_set_encode(hw_training_set *set, const hw_dataset *dataset,
                                 const hw_training_set *train,
                                 const hw_training_set_options *options, hw_error *err);
void hw_training_set_free(hw_training_set *set);

hw_sparse hw_training_set_sparse(const hw_training_set *set);

#endif
