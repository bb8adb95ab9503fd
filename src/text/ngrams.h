/* N-grams of a text as 64-bit hashes: word 1..word_max-grams, for runs of CJK characters
 * 1..cjk_max-grams, and character char_min..char_max-grams inside words of letters,
 * which are padded with one boundary mark on each side (the mark alone is no n-gram). A
 * word n-gram takes neighbouring words whatever is between them; one of CJK characters
 * only is bounded by cjk_max, any other by word_max. Invariant: the sequence of hashes is
 * a function of the words and the options alone. */
#ifndef HW_TEXT_NGRAMS_H
#define HW_TEXT_NGRAMS_H

#include "text/words.h"

enum { HW_NGRAM_LIMIT = 16 };

typedef struct hw_ngram_options {
    int32_t word_max;           /* in [1, HW_NGRAM_LIMIT] */
    int32_t cjk_max;            /* in [1, HW_NGRAM_LIMIT] */
    int32_t char_min, char_max; /* 1 <= char_min <= char_max <= HW_NGRAM_LIMIT, or
                                 * char_max 0: none */
} hw_ngram_options;

typedef enum hw_ngram_kind { HW_NGRAM_WORD, HW_NGRAM_WORDS, HW_NGRAM_CHARACTERS } hw_ngram_kind;

/* Reused; zero-initialise. */
typedef struct hw_ngrams {
    uint64_t *hashes; /* [count], one for each occurrence, in text order by kind: all of
                       * HW_NGRAM_WORD first, then WORDS, then CHARACTERS */
    uint32_t *tokens; /* [count] the word at which the n-gram ends */
    size_t count, capacity, tokens_capacity;
    size_t words_end;     /* hashes[0 .. words_end) are single words and characters */
    size_t sequences_end; /* hashes[words_end .. sequences_end) are longer word n-grams */
} hw_ngrams;

hw_status hw_ngrams_extract(hw_ngrams *ngrams, const hw_words *words,
                            const hw_ngram_options *options, hw_error *err);
/* The same without HW_NGRAM_CHARACTERS. */
hw_status hw_ngrams_extract_words(hw_ngrams *ngrams, const hw_words *words,
                                  const hw_ngram_options *options, hw_error *err);
/* firsts[count]: the word at which each n-gram begins. words and options are those of the
 * extraction. */
void hw_ngrams_firsts(uint32_t *firsts, const hw_ngrams *ngrams, const hw_words *words,
                      const hw_ngram_options *options);
void hw_ngrams_free(hw_ngrams *ngrams);

/* The hashes of HW_NGRAM_CHARACTERS of one word of letters, given by its normalized bytes;
 * returns how many. hashes: room for hw_ngrams_most_characters of that length. */
size_t hw_ngrams_characters(uint64_t *hashes, hw_text word, const hw_ngram_options *options);
size_t hw_ngrams_most_characters(size_t length, const hw_ngram_options *options);

#endif
