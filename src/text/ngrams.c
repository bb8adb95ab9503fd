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

/* Upper bounds, so that nothing has to be checked while hashes are written. */

size_t hw_ngrams_most_characters(size_t length, const hw_ngram_options *options) {
    if (options->char_max == 0) return 0;
    return (length + 2) * (size_t)(options->char_max - options->char_min + 1);
}

static size_t most_characters(const hw_words *words, const hw_ngram_options *options) {
    size_t most = 0;
    for (size_t i = 0; i < words->count; ++i)
        if (words->items[i].kind == HW_WORD_LETTERS)
            most += hw_ngrams_most_characters(words->items[i].length, options);
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

/* Writes the n-grams that end with the last character; returns where the next ones go. */
static inline uint64_t *take_window(uint64_t *out, const char_window *window, size_t min,
                                    size_t max) {
    const size_t longest = window->seen < max ? window->seen : max;
    for (size_t n = min; n <= longest; ++n) *out++ = hw_mix64(window->hash[n - 1]);
    return out;
}

size_t hw_ngrams_characters(uint64_t *hashes, hw_text word, const hw_ngram_options *options) {
    const size_t min = (size_t)options->char_min, max = (size_t)options->char_max;
    if (max == 0) return 0;
    uint64_t *out = hashes;
    char_window window = { 0 };
    slide(&window, BOUNDARY, max);
    for (size_t at = 0, size; at < word.length; at += size) {
        slide(&window, hw_utf8_decode(&size, word.bytes + at, word.length - at), max);
        out = take_window(out, &window, min, max);
    }
    slide(&window, BOUNDARY, max);
    out = take_window(out, &window, min > 1 ? min : 2, max);
    return (size_t)(out - hashes);
}

static void add_characters(cursor *out, const hw_words *words, size_t token,
                           const hw_ngram_options *options) {
    const hw_word *word = &words->items[token];
    const hw_text text = { words->normalized + word->offset, word->length };
    const size_t count = hw_ngrams_characters(out->hash, text, options);
    for (size_t i = 0; i < count; ++i) out->token[i] = (uint32_t)token;
    out->hash += count;
    out->token += count;
}

/* characters: room for so many hashes of characters. */
static hw_status extract_words(hw_ngrams *ngrams, const hw_words *words, size_t characters,
                               const hw_ngram_options *options, hw_error *err) {
    assert(options->word_max >= 1 && options->word_max <= HW_NGRAM_LIMIT);
    assert(options->cjk_max >= 1 && options->cjk_max <= HW_NGRAM_LIMIT);
    ngrams->count = ngrams->words_end = ngrams->sequences_end = 0;
    const size_t most = words->count * larger(options->word_max, options->cjk_max) + characters;
    if (!hw_grow((void **)&ngrams->hashes, &ngrams->capacity, most, sizeof *ngrams->hashes) ||
        !hw_grow((void **)&ngrams->tokens, &ngrams->tokens_capacity, most, sizeof *ngrams->tokens))
        return hw_fail_memory(err, most * sizeof *ngrams->hashes);

    cursor out = { ngrams->hashes, ngrams->tokens };
    for (size_t i = 0; i < words->count; ++i) add(&out, words->items[i].hash, i);
    ngrams->words_end = words->count;
    for (size_t i = 0; i < words->count; ++i) add_sequences(&out, words, i, options);
    ngrams->count = ngrams->sequences_end = (size_t)(out.hash - ngrams->hashes);
    return HW_OK;
}

hw_status hw_ngrams_extract_words(hw_ngrams *ngrams, const hw_words *words,
                                  const hw_ngram_options *options, hw_error *err) {
    return extract_words(ngrams, words, 0, options, err);
}

hw_status hw_ngrams_extract(hw_ngrams *ngrams, const hw_words *words,
                            const hw_ngram_options *options, hw_error *err) {
    assert(options->char_max == 0 ||
           (options->char_min >= 1 && options->char_min <= options->char_max &&
            options->char_max <= HW_NGRAM_LIMIT));
    HW_TRY(extract_words(ngrams, words, most_characters(words, options), options, err));
    if (ngrams->count == 0) return HW_OK;
    cursor out = { ngrams->hashes + ngrams->count, ngrams->tokens + ngrams->count };
    for (size_t i = 0; i < words->count; ++i)
        if (words->items[i].kind == HW_WORD_LETTERS) add_characters(&out, words, i, options);
    ngrams->count = (size_t)(out.hash - ngrams->hashes);
    return HW_OK;
}

void hw_ngrams_firsts(uint32_t *firsts, const hw_ngrams *ngrams, const hw_words *words,
                      const hw_ngram_options *options) {
    if (ngrams->count == 0) return;
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
