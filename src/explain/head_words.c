/* One sorted list answers both questions: how many texts have a word, and how many of them have a
 * label. */
#include "explain/head_words.h"

#include "base/memory.h"

#include <math.h>
#include <stdlib.h>

static int compare(const void *a, const void *b) {
    const hw_head_occurrence *x = a, *y = b;
    if (x->key != y->key) return x->key < y->key ? -1 : 1;
    return (x->label > y->label) - (x->label < y->label);
}

hw_status hw_head_words_start(hw_head_words *words, size_t labels, hw_error *err) {
    words->labels = labels;
    words->label_texts = hw_calloc(labels + 1, sizeof *words->label_texts);
    return words->label_texts ? HW_OK : hw_fail_memory(err, labels * sizeof *words->label_texts);
}

/* Sorts items[from .. count) and drops repeats. */
static void keep_distinct(hw_head_words *words, size_t from) {
    hw_head_occurrence *items = words->items + from;
    const size_t count = words->count - from;
    size_t kept = 0;
    qsort(items, count, sizeof *items, compare);
    for (size_t i = 0; i < count; i++)
        if (!kept || items[kept - 1].key != items[i].key) items[kept++] = items[i];
    words->count = from + kept;
}

hw_status hw_head_words_add(hw_head_words *words, const hw_head_text *text, size_t label,
                            hw_error *err) {
    const size_t from = words->count;
    if (!hw_grow((void **)&words->items, &words->capacity, from + text->queries + 1,
                 sizeof *words->items))
        return hw_fail_memory(err, (from + text->queries) * sizeof *words->items);
    for (size_t i = 0; i < text->queries; i++)
        words->items[words->count++] =
            (hw_head_occurrence){ text->tokens[text->query[i]].key, (uint32_t)label };
    if (text->queries) keep_distinct(words, from);
    words->label_texts[label]++;
    words->texts++;
    return HW_OK;
}

void hw_head_words_seal(hw_head_words *words) {
    if (words->count) qsort(words->items, words->count, sizeof *words->items, compare);
}

/* How many items are less than (key, label). */
static size_t rank_of(const hw_head_words *words, uint64_t key, uint32_t label) {
    const hw_head_occurrence wanted = { key, label };
    size_t low = 0, high = words->count;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (compare(&words->items[middle], &wanted) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static double evidence_of(const hw_head_words *words, double with_word, double with_both,
                          double with_label) {
    const double prior = (with_label - 0.5) / (double)words->texts;
    const double for_it = with_both - 1 + prior, against = with_word - with_both + 1 - prior;
    return fabs(log(for_it / against) - log(prior / (1 - prior)));
}

void hw_head_words_judge(hw_head_text *text, const hw_head_words *words, size_t label) {
    text->has_label = label < words->labels;
    for (size_t i = 0; i < text->queries; i++) {
        hw_head_token *token = &text->tokens[text->query[i]];
        const size_t first = rank_of(words, token->key, 0);
        const double with_word =
            (double)(rank_of(words, token->key, (uint32_t)words->labels + 1) - first);
        const double with_both = (double)(rank_of(words, token->key, (uint32_t)label + 1) -
                                          rank_of(words, token->key, (uint32_t)label));
        token->rarity = -log(with_word / (double)words->texts);
        token->evidence = text->has_label
                              ? evidence_of(words, with_word, with_both, words->label_texts[label])
                              : 0;
    }
}

void hw_head_words_free(hw_head_words *words) {
    hw_free(words->items);
    hw_free(words->label_texts);
    *words = (hw_head_words){ 0 };
}
