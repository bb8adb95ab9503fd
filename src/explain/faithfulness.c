/* An order of the words is tried at every share, twice: its first words removed, and all others. */
#include "explain/faithfulness.h"

#include "base/memory.h"
#include "base/random.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { PURPOSE_ORDER = 61, ROWS = 2 * HW_REMOVALS };

static const double shares[HW_REMOVALS] = { 0.01, 0.05, 0.1, 0.2, 0.5 };

size_t hw_removed_words(size_t removal, size_t words) {
    return (size_t)ceil(shares[removal] * (double)words);
}

typedef struct ranked_word {
    double score;
    uint32_t word;
} ranked_word;

typedef struct trial {
    hw_subject *subject;
    double probability;  /* of the whole text */
    uint32_t *order;     /* [words] */
    ranked_word *ranked; /* [words] */
    bool *removed;       /* [ROWS][words]: for each share its top words, then the others */
} trial;

/* Higher scores first, equal ones in the order of the text. */
static int by_rank(const void *a, const void *b) {
    const ranked_word *left = a, *right = b;
    if (left->score != right->score) return left->score < right->score ? 1 : -1;
    return (left->word > right->word) - (left->word < right->word);
}

static void order_by_score(trial *t, const hw_attribution *words) {
    const size_t count = t->subject->word_count;
    for (size_t i = 0; i < count; i++) t->ranked[i] = (ranked_word){ words[i].score, (uint32_t)i };
    qsort(t->ranked, count, sizeof *t->ranked, by_rank);
    for (size_t i = 0; i < count; i++) t->order[i] = t->ranked[i].word;
}

static void order_by_chance(trial *t, size_t number, uint64_t seed) {
    const size_t count = t->subject->word_count;
    for (size_t i = 0; i < count; i++) t->order[i] = (uint32_t)i;
    hw_random_shuffle(t->order, (uint32_t)count, seed ^ hw_mix64(number), PURPOSE_ORDER);
}

/* drops: [ROWS] of the probability */
static hw_status try_order(double *drops, trial *t, hw_error *err) {
    const size_t words = t->subject->word_count;
    for (size_t i = 0; i < HW_REMOVALS; i++) {
        bool *without = t->removed + 2 * i * words, *only = without + words;
        const size_t top = hw_removed_words(i, words);
        for (size_t rank = 0; rank < words; rank++) {
            without[t->order[rank]] = rank < top;
            only[t->order[rank]] = rank >= top;
        }
    }
    HW_TRY(hw_subject_run(NULL, drops, t->subject, t->removed, ROWS, err));
    for (size_t row = 0; row < ROWS; row++) drops[row] = t->probability - drops[row];
    return HW_OK;
}

static hw_status try_all(hw_explained *explained, trial *t, const hw_attribution *words,
                         size_t orders, uint64_t seed, hw_error *err) {
    hw_removal *removals = explained->removals;
    double drops[ROWS];
    order_by_score(t, words);
    HW_TRY(try_order(drops, t, err));
    for (size_t i = 0; i < HW_REMOVALS; i++)
        removals[i] = (hw_removal){ shares[i], drops[2 * i], drops[2 * i + 1], 0, 0 };
    for (size_t number = 0; number < orders; number++) {
        order_by_chance(t, number, seed);
        HW_TRY(try_order(drops, t, err));
        for (size_t i = 0; i < HW_REMOVALS; i++) {
            removals[i].without_random += drops[2 * i] / (double)orders;
            removals[i].only_random += drops[2 * i + 1] / (double)orders;
        }
    }
    return HW_OK;
}

static void take_means(hw_explained *explained) {
    explained->comprehensiveness = explained->sufficiency = 0;
    explained->random_comprehensiveness = explained->random_sufficiency = 0;
    for (size_t i = 0; i < HW_REMOVALS; i++) {
        const hw_removal *removal = &explained->removals[i];
        explained->comprehensiveness += removal->without_top / HW_REMOVALS;
        explained->sufficiency += removal->only_top / HW_REMOVALS;
        explained->random_comprehensiveness += removal->without_random / HW_REMOVALS;
        explained->random_sufficiency += removal->only_random / HW_REMOVALS;
    }
}

hw_status hw_faithfulness_measure(hw_explained *explained, hw_subject *subject,
                                  const hw_attribution *words, size_t orders, uint64_t seed,
                                  hw_error *err) {
    const size_t count = subject->word_count;
    trial t = { .subject = subject, .probability = explained->probability };
    t.order = hw_calloc(count, sizeof *t.order);
    t.ranked = hw_calloc(count, sizeof *t.ranked);
    t.removed = hw_calloc(count, ROWS * sizeof *t.removed);
    const bool reserved = t.order && t.ranked && t.removed;
    const hw_status status = reserved ? try_all(explained, &t, words, orders, seed, err)
                                      : hw_fail_memory(err, count * ROWS);
    if (status == HW_OK) take_means(explained);
    hw_free(t.order);
    hw_free(t.ranked);
    hw_free(t.removed);
    return status;
}
