/* TF-IDF features, in order of first occurrence. Invariant: while a text is read, an
 * item's value is its count so far, and `seen` finds the item of a dictionary index by
 * linear probing in a table that is at most half full. */
#include "classify/features.h"

#include "base/memory.h"

#include <math.h>
#include <string.h>

enum { SEEN_MINIMUM = 64 };

/* Room for as many features as a text of so many n-grams can have. *mask + 1 slots of `seen`
 * are emptied: a short text does not pay for the long one before it. */
static hw_status reserve(hw_features *features, size_t *mask, size_t ngrams, size_t members,
                         hw_error *err) {
    const size_t limit = (ngrams < members ? ngrams : members) + 1; /* never no memory */
    size_t slots = SEEN_MINIMUM;
    while (slots < 2 * limit) slots *= 2;
    if (!hw_grow((void **)&features->items, &features->capacity, limit, sizeof *features->items))
        return hw_fail_memory(err, limit * sizeof *features->items);
    if (!hw_grow((void **)&features->seen, &features->seen_capacity, slots, sizeof *features->seen))
        return hw_fail_memory(err, slots * sizeof *features->seen);
    memset(features->seen, 0, slots * sizeof *features->seen);
    features->count = 0;
    *mask = slots - 1;
    return HW_OK;
}

static void count_feature(hw_features *features, size_t mask, uint32_t index) {
    size_t slot = (index * 0x9e3779b1u >> 7) & mask; /* Knuth's multiplicative hash */
    for (; features->seen[slot]; slot = (slot + 1) & mask) {
        hw_feature *item = &features->items[features->seen[slot] - 1];
        if (item->index == index) {
            item->value += 1;
            return;
        }
    }
    features->items[features->count++] = (hw_feature){ index, 1 };
    features->seen[slot] = (uint32_t)features->count;
}

static void count_ngrams(hw_features *features, size_t mask, const int32_t *found, size_t first,
                         size_t end) {
    for (size_t i = first; i < end; i++)
        if (found[i] != HW_ABSENT) count_feature(features, mask, (uint32_t)found[i]);
}

/* Counts become values; the block then has length 1, or is all 0. */
static void weigh(hw_feature *items, size_t count, double length, const float *idf) {
    double squares = 0;
    for (size_t i = 0; i < count; i++) {
        const float frequency = items[i].value > 1 ? (float)(1 + log(items[i].value)) : 1;
        items[i].value = frequency * idf[items[i].index];
        squares += (double)items[i].value * items[i].value;
    }
    const double scale = squares > 0 ? length / sqrt(squares) : 0;
    for (size_t i = 0; i < count; i++) items[i].value = (float)(items[i].value * scale);
}

/* Of the text's words, how many have character n-grams. */
static double share_of_letters(const hw_ngrams *ngrams) {
    size_t words = 0;
    for (size_t i = ngrams->sequences_end; i < ngrams->count; i++)
        if (i == ngrams->sequences_end || ngrams->tokens[i] != ngrams->tokens[i - 1]) words++;
    return words ? (double)words / (double)ngrams->words_end : 0;
}

hw_status hw_features_make(hw_features *features, const hw_ngrams *ngrams, const int32_t *found,
                           size_t members, const float *idf, hw_error *err) {
    size_t mask = 0;
    HW_TRY(reserve(features, &mask, ngrams->count, members, err));
    count_ngrams(features, mask, found, 0, ngrams->sequences_end);
    const size_t words = features->count;
    count_ngrams(features, mask, found, ngrams->sequences_end, ngrams->count);
    weigh(features->items, words, 1, idf);
    weigh(features->items + words, features->count - words, share_of_letters(ngrams), idf);
    return HW_OK;
}

void hw_features_add_rows(float *logits, const float *table, const hw_feature *features,
                          size_t count, size_t labels, const hw_kernels *kernels) {
    enum { STEP = sizeof(hw_feature) / sizeof(uint32_t) };
    if (count)
        kernels->add_rows(logits, table, &features->index, STEP, &features->value, STEP, count,
                          labels);
}

void hw_features_free(hw_features *features) {
    hw_free(features->items);
    hw_free(features->seen);
    *features = (hw_features){ 0 };
}
