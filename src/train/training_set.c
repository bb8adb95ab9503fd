/* Two passes over the texts: count n-grams and keep the frequent ones, then encode. The first tells
 * how many n-grams the second can meet at most, so that their arrays are not copied as they grow:
 * what is not written takes no memory. */
#include "train/training_set.h"

#include "base/memory.h"
#include "classify/encoding.h"

#include <math.h>

/* *ngrams: of all texts, those that occur again too. */
static hw_status count_ngrams(hw_counter *counter, size_t *ngrams, const hw_dataset *dataset,
                              const hw_ngram_options *options, hw_encoding *scratch,
                              hw_error *err) {
    for (size_t row = 0; row < dataset->count; row++) {
        HW_TRY(hw_words_split(&scratch->words, dataset->examples[row].text, err));
        HW_TRY(hw_ngrams_extract(&scratch->ngrams, &scratch->words, options, err));
        HW_TRY(hw_counter_add(counter, scratch->ngrams.hashes, scratch->ngrams.count, (uint32_t)row,
                              err));
        *ngrams += scratch->ngrams.count;
    }
    return HW_OK;
}

static hw_status build_dictionary(hw_training_set *set, size_t *ngrams, const hw_dataset *dataset,
                                  const hw_training_set_options *options, hw_error *err) {
    hw_counter *counter = hw_counter_new(err);
    if (!counter) return HW_ERROR_MEMORY;
    hw_encoding scratch = { 0 };
    hw_status status = count_ngrams(counter, ngrams, dataset, &options->ngrams, &scratch, err);
    if (status == HW_OK)
        status = hw_counter_build(&set->dictionary, counter, options->min_documents,
                                  options->ngrams_limit, err);
    hw_encoding_free(&scratch);
    hw_counter_free(counter);
    return status;
}

/* Appends each word that is a member of the dictionary when it is first seen. */
static void name_words(hw_training_set *set, const hw_encoding *e, unsigned char *named) {
    for (size_t i = 0; i < e->words.count; i++) {
        const int32_t index = e->found[i];
        if (index == HW_ABSENT || named[index]) continue;
        named[index] = 1;
        const hw_word *word = &e->words.items[i];
        hw_text_append(&set->words, e->words.normalized + word->offset, word->length);
        hw_text_append(&set->words, "\n", 1);
    }
}

static hw_status measure_idf(hw_training_set *set, size_t rows, hw_error *err) {
    const size_t count = set->dictionary.count;
    set->idf = hw_calloc(count, sizeof *set->idf);
    if (!set->idf) return hw_fail_memory(err, count * sizeof *set->idf);
    for (size_t i = 0; i < count; i++)
        set->idf[i] =
            (float)(1 + log((1 + (double)rows) / (1 + (double)set->dictionary.documents[i])));
    return HW_OK;
}

static hw_status append_features(hw_training_set *c, size_t row, const hw_features *features,
                                 hw_error *err) {
    const size_t begin = c->feature_offsets[row];
    if (!hw_grow((void **)&c->features, &c->features_capacity, begin + features->count,
                 sizeof *c->features))
        return hw_fail_memory(err, (begin + features->count) * sizeof *c->features);
    for (size_t i = 0; i < features->count; i++) c->features[begin + i] = features->items[i];
    c->feature_offsets[row + 1] = begin + features->count;
    return HW_OK;
}

/* text_offsets[row + 1] is for the caller to set. */
static hw_status append_tokens(hw_training_set *c, size_t row, const hw_encoding *e,
                               hw_error *err) {
    hw_token_lists *t = &c->tokens;
    const size_t token = t->text_offsets[row], ngram = t->token_offsets[token];
    const size_t ngrams = e->token_offsets[e->tokens];
    if (!hw_grow((void **)&t->token_offsets, &c->token_capacity, token + e->tokens + 1,
                 sizeof *t->token_offsets) ||
        !hw_grow((void **)&t->ngrams, &c->ngram_capacity, ngram + ngrams + 1, sizeof *t->ngrams))
        return hw_fail_memory(err, (token + ngram + ngrams) * sizeof *t->ngrams);
    for (size_t i = 0; i < e->tokens; i++)
        t->token_offsets[token + i + 1] = ngram + e->token_offsets[i + 1];
    for (size_t i = 0; i < ngrams; i++) t->ngrams[ngram + i] = e->token_ngrams[i];
    return HW_OK;
}

static hw_status reserve_features(hw_training_set *c, size_t most, hw_error *err) {
    c->feature_offsets = hw_calloc(c->rows + 1, sizeof *c->feature_offsets);
    if (c->feature_offsets &&
        hw_grow((void **)&c->features, &c->features_capacity, most + 1, sizeof *c->features))
        return HW_OK;
    return hw_fail_memory(err, (c->rows + 1) * sizeof(size_t) + most * sizeof *c->features);
}

static hw_status reserve_tokens(hw_training_set *c, size_t most, hw_error *err) {
    hw_token_lists *t = &c->tokens;
    if (!hw_grow((void **)&t->token_offsets, &c->token_capacity, 1, sizeof *t->token_offsets) ||
        !hw_grow((void **)&t->ngrams, &c->ngram_capacity, most + 1, sizeof *t->ngrams))
        return hw_fail_memory(err, most * sizeof *t->ngrams);
    t->token_offsets[0] = 0;
    return HW_OK;
}

/* most: so many n-grams are known, or fewer; 0 if nothing can be told. */
static hw_status reserve(hw_training_set *c, size_t most, const hw_training_set_options *options,
                         hw_error *err) {
    c->tokens.text_offsets = hw_calloc(c->rows + 1, sizeof *c->tokens.text_offsets);
    if (!c->tokens.text_offsets) return hw_fail_memory(err, (c->rows + 1) * sizeof(size_t));
    if (options->features) HW_TRY(reserve_features(c, most, err));
    return options->tokens ? reserve_tokens(c, most, err) : HW_OK;
}

/* train: the set with the dictionary, which may be c itself. */
static hw_status append_text(hw_training_set *c, size_t row, hw_encoding *e,
                             const hw_training_set *train, const hw_training_set_options *options,
                             hw_error *err) {
    if (options->features) {
        HW_TRY(hw_encoding_weigh(e, train->dictionary.count, train->idf, err));
        HW_TRY(append_features(c, row, &e->features, err));
    }
    if (options->tokens) {
        HW_TRY(hw_encoding_sort(e, err));
        HW_TRY(append_tokens(c, row, e, err));
    }
    c->tokens.text_offsets[row + 1] = c->tokens.text_offsets[row] + hw_token_count(&e->words);
    return HW_OK;
}

/* named: [members] scratch, zero; NULL: words are not named. */
static hw_status encode(hw_training_set *c, const hw_dataset *dataset, const hw_training_set *train,
                        const hw_training_set_options *options, unsigned char *named,
                        hw_error *err) {
    const hw_dictionary dictionary = { train->dictionary.slots, train->dictionary.capacity };
    hw_encoding encoding = { 0 };
    hw_status status = HW_OK;
    for (size_t row = 0; row < c->rows && status == HW_OK; row++) {
        status = hw_encoding_make(&encoding, dataset->examples[row].text, &options->ngrams,
                                  &dictionary, err);
        if (status == HW_OK) status = append_text(c, row, &encoding, train, options, err);
        if (status == HW_OK && named) name_words(c, &encoding, named);
    }
    hw_encoding_free(&encoding);
    return status == HW_OK && c->words.failed ? hw_fail_memory(err, c->words.length) : status;
}

hw_status hw_training_set_build(hw_training_set *set, const hw_dataset *train,
                                const hw_training_set_options *options, hw_error *err) {
    size_t ngrams = 0;
    *set = (hw_training_set){ .rows = train->count };
    HW_TRY(build_dictionary(set, &ngrams, train, options, err));
    HW_TRY(measure_idf(set, train->count, err));
    HW_TRY(reserve(set, ngrams, options, err));
    unsigned char *named = hw_calloc(set->dictionary.count, 1);
    if (!named) return hw_fail_memory(err, set->dictionary.count);
    const hw_status status = encode(set, train, set, options, named, err);
    hw_free(named);
    return status;
}

hw_status hw_training_set_encode(hw_training_set *set, const hw_dataset *dataset,
                                 const hw_training_set *train,
                                 const hw_training_set_options *options, hw_error *err) {
    *set = (hw_training_set){ .rows = dataset->count };
    HW_TRY(reserve(set, 0, options, err));
    return encode(set, dataset, train, options, NULL, err);
}

void hw_training_set_free(hw_training_set *c) {
    hw_built_dictionary_free(&c->dictionary);
    hw_text_buffer_free(&c->words);
    hw_free(c->idf);
    hw_free(c->features);
    hw_free(c->feature_offsets);
    hw_free(c->tokens.text_offsets);
    hw_free(c->tokens.token_offsets);
    hw_free(c->tokens.ngrams);
    *c = (hw_training_set){ 0 };
}

hw_sparse hw_training_set_sparse(const hw_training_set *set) {
    return (hw_sparse){ .offsets = set->feature_offsets,
                        .items = set->features,
                        .rows = set->rows,
                        .columns = set->dictionary.count };
}
