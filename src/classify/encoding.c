/* Looks the n-grams of words up for each text, those of characters for each word; then sorts what
 * was found by token (a counting sort, so that the order within a token is the order of
 * ngrams.h). */
#include "classify/encoding.h"

#include "base/memory.h"

#include <string.h>

/* Look-ups that are in flight while one is waited for. */
enum { AHEAD = 12, WORDS_AHEAD = 4 };

static hw_status look_words_up(hw_encoding *e, const hw_dictionary *dictionary, hw_error *err) {
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

/* Appends the word's n-grams of characters. */
static hw_status add_characters(hw_encoding *e, const hw_word *word, uint32_t *count,
                                hw_error *err) {
    hw_lexeme lexeme;
    HW_TRY(hw_lexicon_find(&lexeme, e->lexicon,
                           (hw_text){ e->words.normalized + word->offset, word->length },
                           word->hash, err));
    if (!hw_grow((void **)&e->characters, &e->characters_capacity, *count + lexeme.count,
                 sizeof *e->characters))
        return hw_fail_memory(err, (*count + lexeme.count) * sizeof *e->characters);
    if (lexeme.count)
        memcpy(e->characters + *count, lexeme.known, lexeme.count * sizeof *lexeme.known);
    *count += lexeme.count;
    e->lettered += lexeme.ngrams > 0;
    return HW_OK;
}

static hw_status look_characters_up(hw_encoding *e, hw_error *err) {
    const size_t words = e->words.count;
    if (!hw_grow((void **)&e->character_offsets, &e->character_offsets_capacity, words + 1,
                 sizeof *e->character_offsets))
        return hw_fail_memory(err, (words + 1) * sizeof *e->character_offsets);
    uint32_t count = 0;
    e->lettered = 0;
    for (size_t i = 0; i < words; i++) {
        if (i + 2 * WORDS_AHEAD < words)
            hw_lexicon_prefetch_slot(e->lexicon, e->words.items[i + 2 * WORDS_AHEAD].hash);
        if (i + WORDS_AHEAD < words)
            hw_lexicon_prefetch_entry(e->lexicon, e->words.items[i + WORDS_AHEAD].hash);
        e->character_offsets[i] = count;
        if (e->words.items[i].kind == HW_WORD_LETTERS)
            HW_TRY(add_characters(e, &e->words.items[i], &count, err));
    }
    e->character_offsets[words] = count;
    return HW_OK;
}

hw_status hw_encoding_make(hw_encoding *e, hw_text text, const hw_ngram_options *options,
                           const hw_dictionary *dictionary, hw_error *err) {
    if (!e->lexicon && !(e->lexicon = hw_lexicon_new(dictionary, options, err)))
        return HW_ERROR_MEMORY;
    HW_TRY(hw_words_split(&e->words, text, err));
    HW_TRY(hw_ngrams_extract_words(&e->ngrams, &e->words, options, err));
    HW_TRY(look_words_up(e, dictionary, err));
    return look_characters_up(e, err);
}

static hw_status remove_words(hw_encoding *e, const bool *removed, const hw_ngram_options *options,
                              hw_error *err) {
    const size_t count = e->ngrams.count;
    if (!hw_grow((void **)&e->firsts, &e->firsts_capacity, count, sizeof *e->firsts))
        return hw_fail_memory(err, count * sizeof *e->firsts);
    hw_ngrams_firsts(e->firsts, &e->ngrams, &e->words, options);
    for (size_t i = 0; i < count; i++)
        for (size_t word = e->firsts[i]; word <= e->ngrams.tokens[i]; word++)
            if (removed[word]) e->found[i] = HW_ABSENT;
    return HW_OK;
}

/* The words stay lettered. */
static void remove_characters(hw_encoding *e, const bool *removed) {
    uint32_t count = 0, begin = 0;
    for (size_t word = 0; word < e->words.count; word++) {
        const uint32_t end = e->character_offsets[word + 1];
        e->character_offsets[word] = count;
        for (uint32_t i = begin; i < end && !removed[word]; i++)
            e->characters[count++] = e->characters[i];
        begin = end;
    }
    e->character_offsets[e->words.count] = count;
}

hw_status hw_encoding_remove(hw_encoding *e, const bool *removed, const hw_ngram_options *options,
                             hw_error *err) {
    HW_TRY(remove_words(e, removed, options, err));
    remove_characters(e, removed);
    return HW_OK;
}

hw_status hw_encoding_weigh(hw_encoding *e, size_t members, const float *idf, hw_error *err) {
    const size_t words = e->words.count;
    const hw_known_ngrams known = { .words = e->found,
                                    .word_count = e->ngrams.count,
                                    .characters = e->characters,
                                    .character_count = e->character_offsets[words],
                                    .share = words ? (double)e->lettered / (double)words : 0 };
    return hw_features_make(&e->features, &known, members, idf, err);
}

/* Where each token begins: its word, sequences and characters that are known. */
static void count_by_token(uint32_t *offsets, const hw_encoding *e) {
    for (size_t token = 0; token < e->tokens + 2; token++) offsets[token] = 0;
    for (size_t i = 0; i < e->ngrams.count; i++)
        if (e->found[i] != HW_ABSENT) offsets[e->ngrams.tokens[i] + 2]++;
    for (size_t token = 0; token < e->words.count; token++)
        offsets[token + 2] += e->character_offsets[token + 1] - e->character_offsets[token];
    for (size_t token = 2; token < e->tokens + 2; token++) offsets[token] += offsets[token - 1];
}

hw_status hw_encoding_sort(hw_encoding *e, hw_error *err) {
    const size_t count = e->ngrams.count + e->character_offsets[e->words.count];
    e->tokens = hw_token_count(&e->words);
    if (!hw_grow((void **)&e->token_offsets, &e->offsets_capacity, e->tokens + 2,
                 sizeof *e->token_offsets) ||
        !hw_grow((void **)&e->token_ngrams, &e->ngrams_capacity, count ? count : 1,
                 sizeof *e->token_ngrams))
        return hw_fail_memory(err, (e->tokens + count) * sizeof *e->token_ngrams);

    uint32_t *offsets = e->token_offsets;
    count_by_token(offsets, e);
    for (size_t i = 0; i < e->ngrams.count; i++)
        if (e->found[i] != HW_ABSENT)
            e->token_ngrams[offsets[e->ngrams.tokens[i] + 1]++] = (uint32_t)e->found[i];
    for (size_t token = 0; token < e->words.count; token++) {
        const uint32_t begin = e->character_offsets[token], end = e->character_offsets[token + 1];
        uint32_t *out = e->token_ngrams + offsets[token + 1];
        for (uint32_t i = begin; i < end; i++) *out++ = e->characters[i];
        offsets[token + 1] += end - begin;
    }
    return HW_OK;
}

void hw_encoding_free(hw_encoding *e) {
    hw_words_free(&e->words);
    hw_ngrams_free(&e->ngrams);
    hw_features_free(&e->features);
    hw_lexicon_free(e->lexicon);
    hw_free(e->found);
    hw_free(e->characters);
    hw_free(e->character_offsets);
    hw_free(e->token_offsets);
    hw_free(e->token_ngrams);
    hw_free(e->firsts);
    *e = (hw_encoding){ 0 };
}
