/* TF-IDF features of a text: a sparse vector over the n-gram dictionary.
 *   value = (1 + ln count) * idf[index], then each of the two blocks (words and their
 *   sequences; characters) is divided by its Euclidean norm, so that neither dominates; the
 *   second is multiplied by the share of the text's words that have character n-grams, so
 *   that a few Latin letters do not count as much as all the rest of a Chinese text.
 * Invariant: the order of the features is the order of first occurrence in the text, so
 * a sum over them is the same bits in training and in prediction. */
#ifndef HW_CLASSIFY_FEATURES_H
#define HW_CLASSIFY_FEATURES_H

#include "tensor/kernels.h"
#include "text/dictionary.h"

typedef struct hw_feature {
    uint32_t index;
    float value;
} hw_feature;

enum { HW_FEATURE_FREQUENCIES = 32 };

/* Reused from text to text; zero-initialise. */
typedef struct hw_features {
    hw_feature *items;
    size_t count, capacity;
    uint32_t *place; /* [places] by index: base + its item; below base: it has none */
    size_t places;
    uint32_t base;
    float frequency[HW_FEATURE_FREQUENCIES]; /* 1 + ln of the small counts */
} hw_features;

/* A text's n-grams, in text order, by their dictionary indices. */
typedef struct hw_known_ngrams {
    const int32_t *words; /* [word_count] of words and their sequences; HW_ABSENT is passed over */
    size_t word_count;
    const uint32_t *characters; /* [character_count] of characters */
    size_t character_count;
    double share; /* of the text's words, those that have n-grams of characters */
} hw_known_ngrams;

/* members: of the dictionary. idf: [members]. */
hw_status hw_features_make(hw_features *features, const hw_known_ngrams *ngrams, size_t members,
                           const float *idf, hw_error *err);
/* logits[labels] += sum of value * table[index], in the order of the features. */
void hw_features_add_rows(float *logits, const float *table, const hw_feature *features,
                          size_t count, size_t labels, const hw_kernels *kernels);
void hw_features_free(hw_features *features);

#endif
