/* Hashes of n-grams, each made from the one that is a word or character shorter; no
 * string is ever built. Invariant: the three kinds start from different values, so that
 * equal hashes of two kinds are as improbable as of two strings. */
#include "text/ngrams.h"

#include "base/memory.h"
#include "base/random.h"
#include "text/utf8.h"

#include <assert.h>

/* Digits of pi (after the point, by 64 bits), made odd: any constants would do. */
static const uint64_t SEQUENCE_START = 0x243f6a8885a308d3u;
static const uint64_t CHARACTERS_START = 0x13198a2e03707345u;
static const uint64_t SEQUENCE_FACTOR = 0xa4093822299f31d1u;
static const uint64_t CHARACTER_FACTOR = 0x082efa98ec4e6c89u;

enum { BOUNDARY = 0x110000 }; /* no code point */

static inline size_t larger(int32_t a, int32_t b) {
    return (size_t)(a > b ? a : b);
}

/* An upper bound, so that nothing has to be checked while hashes are written. */
static size_t most_hashes(const hw_words *words, const hw_ngram_options *options) {
    size_t most = words->count * larger(options->word_max, options->cjk_max);
    if (options->char_max == 0) return most;
    const size_t lengths = (size_t)(options->char_max - options->char_min + 1);
    for (size_t i = 0; i < words->count; ++i)
        if (words->items[i].kind == HW_WORD_LETTERS) most += (words->items[i].length + 2) * lengths;
    return most;
}

/* Where the next hash and its token go. */
typedef struct cursor {
    uint64_t *hash;
    uint32_t *token;
} cursor;

static inline void add(cursor *out, uint64_t hash, size_t token) {
    *out->hash++ = hash;
    *out->token++ = (uint32_t)token;
}

/* The n-grams of 2 and more words that begin with `first`; sequences_of counts them. */
static void add_sequences(cursor *out, const hw_words *words, size_t first,
                          const hw_ngram_options *options) {
    const size_t word_max = (size_t)options->word_max;
    const size_t cjk_max = (size_t)options->cjk_max;
    const size_t reach = larger(options->word_max, options->cjk_max);
    const size_t left = words->count - first;
    bool all_cjk = words->items[first].kind == HW_WORD_CJK;
    uint64_t hash = SEQUENCE_START ^ words->items[first].hash;
    for (size_t n = 2; n <= reach && n <= left; ++n) {
        const hw_word *next = &words->items[first + n - 1];
        all_cjk = all_cjk && next->kind == HW_WORD_CJK;
        hash = hw_mix64(hash * SEQUENCE_FACTOR ^ next->hash);
        if (n <= (all_cjk ? cjk_max : word_max)) add(out, hash, first + n - 1);
        if (!all_cjk && n >= word_max) break;
    }
}

/* How many add_sequences adds. */
static size_t sequences_of(const hw_words *words, size_t first, const hw_ngram_options *options) {
    const size_t word_max = (size_t)options->word_max, cjk_max = (size_t)options->cjk_max;
    size_t count = 0;
    bool all_cjk = words->items[first].kind == HW_WORD_CJK;
    for (size_t n = 2; first + n <= words->count; ++n) {
        all_cjk = all_cjk && words->items[first + n - 1].kind == HW_WORD_CJK;
        if (n > (all_cjk && cjk_max > word_max ? cjk_max : word_max)) break;
        if (n <= (all_cjk ? cjk_max : word_max)) ++count;
    }
    return count;
}

/* hash[k] is of the last k + 1 characters: a polynomial in CHARACTER_FACTOR. */
typedef struct char_window {
    uint64_t hash[HW_NGRAM_LIMIT];
    size_t seen;
} char_window;

static inline void slide(char_window *window, uint32_t code, size_t width) {
    for (size_t k = width - 1; k > 0; --k)
        window->hash[k] = window->hash[k - 1] * CHARACTER_FACTOR + code;
    window->hash[0] = CHARACTERS_START * CHARACTER_FACTOR + code;
    ++window->seen;
}

/* The n-grams that end with the last character. */
static inline void add_window(cursor *out, const char_window *window, size_t token, size_t min,
                              size_t max) {
    const size_t longest = window->seen < max ? window->seen : max;
    for (size_t n = min; n <= longest; ++n) add(out, hw_mix64(window->hash[n - 1]), token);
}

static void add_characters(cursor *out, const hw_words *words, size_t token,
                           const hw_ngram_options *options) {
    const char *word = words->normalized + words->items[token].offset;
    const size_t length = words->items[token].length;
    const size_t min = (size_t)options->char_min, max = (size_t)options->char_max;
    char_window window = { 0 };
    slide(&window, BOUNDARY, max);
    for (size_t at = 0, size; at < length; at += size) {
        slide(&window, hw_utf8_decode(&size, word + at, length - at), max);
        add_window(out, &window, token, min, max);
    }
    slide(&window, BOUNDARY, max);
    add_window(out, &window, token, min > 1 ? min : 2, max);
}

hw_status hw_ngrams_extract(hw_ngrams *ngrams, const hw_words *words,
                            const hw_ngram_options *options, hw_error *err) {
    assert(options->word_max >= 1 && options->word_max <= HW_NGRAM_LIMIT);
    assert(options->cjk_max >= 1 && options->cjk_max <= HW_NGRAM_LIMIT);
    assert(options->char_max == 0 ||
           (options->char_min >= 1 && options->char_min <= options->char_max &&
            options->char_max <= HW_NGRAM_LIMIT));
    ngrams->count = ngrams->words_end = ngrams->sequences_end = 0;
    const size_t most = most_hashes(words, options);
    if (!hw_grow((void **)&ngrams->hashes, &ngrams->capacity, most, sizeof *ngrams->hashes) ||
        !hw_grow((void **)&ngrams->tokens, &ngrams->tokens_capacity, most, sizeof *ngrams->tokens))
        return hw_fail_memory(err, most * sizeof *ngrams->hashes);

    cursor out = { ngrams->hashes, ngrams->tokens };
    for (size_t i = 0; i < words->count; ++i) add(&out, words->items[i].hash, i);
    ngrams->words_end = words->count;
    for (size_t i = 0; i < words->count; ++i) add_sequences(&out, words, i, options);
    ngrams->sequences_end = (size_t)(out.hash - ngrams->hashes);
    for (size_t i = 0; options->char_max > 0 && i < words->count; ++i) {
        if (words->items[i].kind == HW_WORD_LETTERS) add_characters(&out, words, i, options);
    }
    ngrams->count = (size_t)(out.hash - ngrams->hashes);
    return HW_OK;
}

void hw_ngrams_firsts(uint32_t *firsts, const hw_ngrams *ngrams, const hw_words *words,
                      const hw_ngram_options *options) {
    for (size_t i = 0; i < ngrams->count; ++i) firsts[i] = ngrams->tokens[i];
    uint32_t *sequence = firsts + ngrams->words_end;
    for (size_t first = 0; first < words->count; ++first)
        for (size_t left = sequences_of(words, first, options); left > 0; --left)
            *sequence++ = (uint32_t)first;
}

void hw_ngrams_free(hw_ngrams *ngrams) {
    hw_free(ngrams->hashes);
    hw_free(ngrams->tokens);
    *ngrams = (hw_ngrams){ 0 };
}
