/* Looks every n-gram of a text up once, then sorts what was found by token (a counting
 * sort, so that the order within a token is the order of ngrams.h). */
#include "classify/encoding.h"

#include "base/memory.h"

enum { AHEAD = 12 }; /* look-ups that are in flight while one is waited for */

static hw_status look_up(hw_encoding *e, const hw_dictionary *dictionary, hw_error *err) {
    const size_t count = e->ngrams.count;
    if (!hw_grow((void **)&e->found, &e->found_capacity, count, sizeof *e->found))
        return hw_fail_memory(err, count * sizeof *e->found);
    for (size_t i = 0; i < count && i < AHEAD; i++)
        hw_dictionary_prefetch(dictionary, e->ngrams.hashes[i]);
    for (size_t i = 0; i < count; i++) {
        if (i + AHEAD < count) hw_dictionary_prefetch(dictionary, e->ngrams.hashes[i + AHEAD]);
        e->found[i] = (int32_t)hw_dictionary_find(dictionary, e->ngrams.hashes[i]);
    }
    return HW_OK;
}

static hw_status sort_by_token(hw_encoding *e, hw_error *err) {
    const size_t count = e->ngrams.count;
    e->tokens = e->words.count ? e->words.count : 1;
    if (!hw_grow((void **)&e->token_offsets, &e->offsets_capacity, e->tokens + 2,
                 sizeof *e->token_offsets) ||
        !hw_grow((void **)&e->token_ngrams, &e->ngrams_capacity, count ? count : 1,
                 sizeof *e->token_ngrams))
        return hw_fail_memory(err, (e->tokens + count) * sizeof *e->token_ngrams);

    uint32_t *offsets = e->token_offsets;
    for (size_t token = 0; token < e->tokens + 2; token++) offsets[token] = 0;
    for (size_t i = 0; i < count; i++)
        if (e->found[i] != HW_ABSENT) offsets[e->ngrams.tokens[i] + 2]++;
    for (size_t token = 2; token < e->tokens + 2; token++) offsets[token] += offsets[token - 1];
    for (size_t i = 0; i < count; i++)
        if (e->found[i] != HW_ABSENT)
            e->token_ngrams[offsets[e->ngrams.tokens[i] + 1]++] = (uint32_t)e->found[i];
    return HW_OK;
}

/* The features and the tokens' lists, of what was found. */
static hw_status arrange(hw_encoding *e, size_t members, const float *idf, hw_error *err) {
    if (idf) HW_TRY(hw_features_make(&e->features, &e->ngrams, e->found, members, idf, err));
    return sort_by_token(e, err);
}

hw_status hw_encoding_make(hw_encoding *e, hw_text text, const hw_ngram_options *options,
                           const hw_dictionary *dictionary, size_t members, const float *idf,
                           hw_error *err) {
    HW_TRY(hw_words_split(&e->words, text, err));
    HW_TRY(hw_ngrams_extract(&e->ngrams, &e->words, options, err));
    HW_TRY(look_up(e, dictionary, err));
    return arrange(e, members, idf, err);
}

hw_status hw_encoding_remove(hw_encoding *e, const bool *removed, const hw_ngram_options *options,
                             size_t members, const float *idf, hw_error *err) {
    const size_t count = e->ngrams.count;
    if (!hw_grow((void **)&e->firsts, &e->firsts_capacity, count, sizeof *e->firsts))
        return hw_fail_memory(err, count * sizeof *e->firsts);
    hw_ngrams_firsts(e->firsts, &e->ngrams, &e->words, options);
    for (size_t i = 0; i < count; i++)
        for (size_t word = e->firsts[i]; word <= e->ngrams.tokens[i]; word++)
            if (removed[word]) e->found[i] = HW_ABSENT;
    return arrange(e, members, idf, err);
}

void hw_encoding_free(hw_encoding *e) {
    hw_words_free(&e->words);
    hw_ngrams_free(&e->ngrams);
    hw_features_free(&e->features);
    hw_free(e->token_offsets);
    hw_free(e->token_ngrams);
    hw_free(e->found);
    hw_free(e->firsts);
    *e = (hw_encoding){ 0 };
}
