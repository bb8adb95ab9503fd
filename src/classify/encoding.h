/* A text as the classifier sees it, for both branches, from one look at its n-grams:
 * TF-IDF features for the linear branch, and for the towers the list of known n-grams that
 * end at each word. Invariant: a function of the text, the options and the dictionary
 * alone; n-grams that are not in the dictionary leave no trace. */
#ifndef HW_CLASSIFY_ENCODING_H
#define HW_CLASSIFY_ENCODING_H

#include "classify/features.h"
#include "text/dictionary.h"
#include "text/ngrams.h"

/* Reused from text to text; zero-initialise. */
typedef struct hw_encoding {
    hw_words words;
    hw_ngrams ngrams;
    hw_features features;
    size_t tokens;           /* words of the text, at least 1: an empty text has one
                              * token without n-grams */
    uint32_t *token_offsets; /* [tokens + 1] into token_ngrams */
    uint32_t *token_ngrams;  /* dictionary indices, by token, in order of their kind */
    int32_t *found;          /* scratch: [ngrams.count] index or HW_ABSENT */
    uint32_t *firsts;        /* scratch: [ngrams.count] the word where each n-gram begins */
    size_t offsets_capacity, ngrams_capacity, found_capacity, firsts_capacity;
} hw_encoding;

/* members: of the dictionary. idf: [members], or NULL for no features. */
hw_status hw_encoding_make(hw_encoding *encoding, hw_text text, const hw_ngram_options *options,
                           const hw_dictionary *dictionary, size_t members, const float *idf,
                           hw_error *err);
/* The text whose encoding it is, with some words replaced by words that nobody knows: the n-grams
 * that touch one leave no trace. removed: [words.count]. The rest as of hw_encoding_make. */
hw_status hw_encoding_remove(hw_encoding *encoding, const bool *removed,
                             const hw_ngram_options *options, size_t members, const float *idf,
                             hw_error *err);
void hw_encoding_free(hw_encoding *encoding);

#endif
