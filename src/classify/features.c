/* TF-IDF features, in order of first occurrence. Invariant: while a text is read, an item's value
 * is its count so far, and the value behind the last item is 0. base grows from text to text by as
 * many items as there were, so that places of earlier texts are below it and nothing is emptied. */
#include "classify/features.h"

#include "base/memory.h"

#include <math.h>
#include <string.h>

static hw_status reserve_places(hw_features *features, size_t members, hw_error *err) {
    uint32_t *place = hw_calloc(members, sizeof *place);
    if (!place) return hw_fail_memory(err, members * sizeof *place);
    hw_free(features->place);
    features->place = place;
    features->places = members;
    features->base = 1;
    for (size_t count = 1; count < HW_FEATURE_FREQUENCIES; count++)
        features->frequency[count] = (float)(1 + log((double)count));
    return HW_OK;
}

/* Room for as many features as a text of so many n-grams can have, and for the 0 behind them. */
static hw_status reserve(hw_features *features, size_t ngrams, size_t members, hw_error *err) {
    const size_t limit = (ngrams < members ? ngrams : members) + 1;
    if (members > features->places || !features->place)
        HW_TRY(reserve_places(features, members, err));
    if (!hw_grow((void **)&features->items, &features->capacity, limit, sizeof *features->items))
        return hw_fail_memory(err, limit * sizeof *features->items);
    if (features->count + limit > UINT32_MAX - features->base) {
        memset(features->place, 0, features->places * sizeof *features->place);
        features->base = 1;
    } else {
        features->base += (uint32_t)features->count;
    }
    features->count = 0;
    features->items[0].value = 0;
    return HW_OK;
}

/* Without a branch: whether an n-gram is new cannot be foreseen. */
static inline size_t count_feature(hw_feature *items, size_t count, uint32_t *place, uint32_t base,
                                   uint32_t index) {
    const uint32_t known = place[index], is_new = known < base;
    const uint32_t item = known - base + (is_new * (base + (uint32_t)count - known));
    place[index] = base + item;
    items[item].index = index;
    items[item].value += 1;
    count += is_new;
    items[count].value = 0;
    return count;
}

static float frequency(const hw_features *features, float count) {
    if (count < HW_FEATURE_FREQUENCIES) return features->frequency[(int32_t)count];
    return (float)(1 + log(count));
}

/* Counts of items [first, end) become values; the block then has length 1, or is all 0. */
static void weigh(hw_features *features, size_t first, size_t end, double length,
                  const float *idf) {
    hw_feature *items = features->items;
    double squares = 0;
    for (size_t i = first; i < end; i++) {
        items[i].value = frequency(features, items[i].value) * idf[items[i].index];
        squares += (double)items[i].value * items[i].value;
    }
    const double scale = squares > 0 ? length / sqrt(squares) : 0;
    for (size_t i = first; i < end; i++) items[i].value = (float)(items[i].value * scale);
}

hw_status hw_features_make(hw_features *features, const hw_known_ngrams *ngrams, size_t members,
                           const float *idf, hw_error *err) {
    HW_TRY(reserve(features, ngrams->word_count + ngrams->character_count, members, err));
    hw_feature *items = features->items;
    size_t count = 0;
    for (size_t i = 0; i < ngrams->word_count; i++)
        if (ngrams->words[i] != HW_ABSENT)
            count = count_feature(items, count, features->place, features->base,
                                  (uint32_t)ngrams->words[i]);
    const size_t words = count;
    for (size_t i = 0; i < ngrams->character_count; i++)
        count = count_feature(items, count, features->place, features->base, ngrams->characters[i]);
    features->count = count;
    weigh(features, 0, words, 1, idf);
    weigh(features, words, features->count, ngrams->share, idf);
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
    hw_free(features->place);
    *features = (hw_features){ 0 };
}
