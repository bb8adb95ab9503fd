/* A text as the classifier sees it, for both branches, from one look at its n-grams:
 * TF-IDF features for the linear branch, and for the towers the list of known n-grams that
 * end at each word. Invariant: a function of the text, the options and the dictionary
 * alone; n-grams that are not in the dictionary leave no trace. */
#ifndef HW_CLASSIFY_ENCODING_H
#define HW_CLASSIFY_ENCODING_H

#include "classify/features.h"
#include "classify/lexicon.h"

/* Reused from text to text, with one dictionary and one set of options; zero-initialise. */
typedef struct hw_encoding {
    hw_words words;
    hw_ngrams ngrams;            /* those of words */
    int32_t *found;              /* [ngrams.count] dictionary index of each, or HW_ABSENT */
    uint32_t *characters;        /* [character_offsets[words.count]] indices of the known n-grams
                                  * of characters, in text order */
    uint32_t *character_offsets; /* [words.count + 1] into characters */
    size_t lettered;             /* words that have n-grams of characters, known or not */
    hw_features features;        /* after hw_encoding_weigh */
    size_t tokens;               /* after hw_encoding_sort: hw_token_count(words) */
    uint32_t *token_offsets;     /* [tokens + 1] into token_ngrams */
    uint32_t *token_ngrams;      /* dictionary indices, by token, in order of their kind */
    uint32_t *firsts;            /* scratch: [ngrams.count] the word where each begins */
    hw_lexicon *lexicon;
    size_t found_capacity, characters_capacity, character_offsets_capacity;
    size_t offsets_capacity, ngrams_capacity, firsts_capacity;
} hw_encoding;

/* What towers read of a text: its words; of an empty one a token without n-grams. */
static inline size_t hw_token_count(const hw_words *words) {
    return words->count ? words->count : 1;
}

/* Reads a text. */
hw_status hw_encoding_make(hw_encoding *encoding, hw_text text, const hw_ngram_options *options,
                           const hw_dictionary *dictionary, hw_error *err);
/* What was read, with some words replaced by words of their kind that nobody knows: the n-grams
 * that touch one leave no trace. Before hw_encoding_weigh and hw_encoding_sort. removed:
 * [words.count] */
hw_status hw_encoding_remove(hw_encoding *encoding, const bool *removed,
                             const hw_ngram_options *options, hw_error *err);
/* Its features. members: of the dictionary. idf: [members]. */
hw_status hw_encoding_weigh(hw_encoding *encoding, size_t members, const float *idf, hw_error *err);
/* Its tokens. */
hw_status hw_encoding_sort(hw_encoding *encoding, hw_error *err);
void hw_encoding_free(hw_encoding *encoding);

#endif
