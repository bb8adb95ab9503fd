/* What a dictionary knows of the character n-grams of words. Words met before are remembered
 * in a hash table and a block of entries, both of fixed size; when one is full, everything is
 * forgotten. Invariant: an entry is found only by exactly its bytes, so remembering changes no
 * result. */
#ifndef HW_CLASSIFY_LEXICON_H
#define HW_CLASSIFY_LEXICON_H

#include "text/dictionary.h"
#include "text/ngrams.h"

/* Of one word of letters, in text order. */
typedef struct hw_lexeme {
    const uint32_t *known; /* [count] indices of the n-grams in the dictionary */
    uint32_t count;
    uint32_t ngrams; /* known or not */
} hw_lexeme;

/* Of one dictionary and one set of options. */
typedef struct hw_lexicon hw_lexicon;
hw_lexicon *hw_lexicon_new(const hw_dictionary *dictionary, const hw_ngram_options *options,
                           hw_error *err);
void hw_lexicon_free(hw_lexicon *lexicon); /* accepts NULL */

/* Asks for what hw_lexicon_find will read of a word: first where its entry is, and, when that has
 * come, the entry. */
void hw_lexicon_prefetch_slot(const hw_lexicon *lexicon, uint64_t hash);
void hw_lexicon_prefetch_entry(const hw_lexicon *lexicon, uint64_t hash);
/* word, hash: an hw_word's normalized bytes and their hw_hash_bytes. *lexeme lives until the next
 * call. */
hw_status hw_lexicon_find(hw_lexeme *lexeme, hw_lexicon *lexicon, hw_text word, uint64_t hash,
                          hw_error *err);

#endif
