/* Features are sorted by their n-gram, so that each occurrence in the text finds its own. */
#include "explain/ngram_shares.h"

#include "base/memory.h"
#include "classify/encoding.h"

#include <stdlib.h>

/* What a feature adds to the score, and how often it occurs. */
typedef struct part {
    uint32_t index;
    uint32_t occurrences;
    double amount;
} part;

static int by_index(const void *a, const void *b) {
    const part *left = a, *right = b;
    return (left->index > right->index) - (left->index < right->index);
}

/* NULL of an n-gram that is not known. */
static part *find_part(part *parts, size_t count, int64_t index) {
    const part key = { .index = (uint32_t)index };
    return index == HW_ABSENT ? NULL : bsearch(&key, parts, count, sizeof *parts, by_index);
}

static double weight_of(const hw_classifier *c, uint32_t index, size_t label) {
    const size_t at = index * (size_t)c->summary.labels + label;
    return c->table ? (double)c->table[at]
                    : (double)c->table_int8[at] * (double)c->table_scale[label];
}

/* parts[features.count] */
static void fill_parts(part *parts, const hw_encoding *e, const hw_subject *s) {
    const double scale = s->classifier->config.join.bag / s->classifier->config.temperature;
    for (size_t i = 0; i < e->features.count; i++) {
        const hw_feature item = e->features.items[i];
        parts[i].index = item.index;
        parts[i].amount =
            scale * (double)item.value * weight_of(s->classifier, item.index, s->label);
    }
    qsort(parts, e->features.count, sizeof *parts, by_index);
}

static void count_occurrences(part *parts, const hw_encoding *e) {
    const size_t count = e->features.count, characters = e->character_offsets[e->words.count];
    for (size_t i = 0; i < e->ngrams.count; i++) {
        part *found = find_part(parts, count, e->found[i]);
        if (found) found->occurrences++;
    }
    for (size_t i = 0; i < characters; i++)
        find_part(parts, count, e->characters[i])->occurrences++;
}

/* One occurrence, shared by the words [first, last]. */
static void share_part(hw_attribution *words, const part *found, size_t first, size_t last) {
    const double covered = (double)(last - first + 1);
    const double amount = found->amount / ((double)found->occurrences * covered);
    for (size_t word = first; word <= last; word++) {
        words[word].score += amount;
        words[word].ngrams += amount;
    }
}

/* firsts: [ngrams.count] */
static void share(hw_attribution *words, const hw_encoding *e, part *parts,
                  const uint32_t *firsts) {
    const size_t count = e->features.count;
    for (size_t i = 0; i < e->ngrams.count; i++) {
        const part *found = find_part(parts, count, e->found[i]);
        if (found) share_part(words, found, firsts[i], e->ngrams.tokens[i]);
    }
    for (size_t word = 0; word < e->words.count; word++)
        for (size_t i = e->character_offsets[word]; i < e->character_offsets[word + 1]; i++)
            share_part(words, find_part(parts, count, e->characters[i]), word, word);
}

static hw_status share_encoding(hw_subject *s, const hw_encoding *e, hw_error *err) {
    part *parts = hw_calloc(e->features.count + 1, sizeof *parts);
    uint32_t *firsts = hw_calloc(e->ngrams.count, sizeof *firsts);
    const bool reserved = parts && firsts;
    if (reserved) {
        hw_ngrams_firsts(firsts, &e->ngrams, &e->words, &s->classifier->config.ngram_options);
        fill_parts(parts, e, s);
        count_occurrences(parts, e);
        share(s->words, e, parts, firsts);
    }
    hw_free(parts);
    hw_free(firsts);
    return reserved ? HW_OK : hw_fail_memory(err, e->features.count * sizeof *parts);
}

hw_status hw_ngram_shares(hw_subject *s, hw_error *err) {
    const hw_classifier *c = s->classifier;
    hw_encoding e = { 0 };
    if (!c->bag_bias) return HW_OK;
    hw_status status = hw_encoding_make(&e, s->text, &c->config.ngram_options, &c->ngrams, err);
    if (status == HW_OK) status = hw_encoding_weigh(&e, c->config.ngrams, c->idf, err);
    if (status == HW_OK) status = share_encoding(s, &e, err);
    hw_encoding_free(&e);
    return status;
}
