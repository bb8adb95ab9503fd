/* An order of the words is tried at every share, twice: its first words removed, and all others. */
#include "explain/faithfulness.h"

#include "base/memory.h"
#include "base/random.h"
#include "statistics/correlation.h"

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
    size_t decision;     /* likewise */
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

/* What an order of the words does: the drops of the probability, and whether the decision flips. */
typedef struct effect {
    double drops[ROWS], flips[HW_REMOVALS];
} effect;

static hw_status try_order(effect *e, trial *t, hw_error *err) {
    const size_t words = t->subject->word_count;
    for (size_t i = 0; i < HW_REMOVALS; i++) {
        bool *without = t->removed + 2 * i * words, *only = without + words;
        const size_t top = hw_removed_words(i, words);
        for (size_t rank = 0; rank < words; rank++) {
            without[t->order[rank]] = rank < top;
            only[t->order[rank]] = rank >= top;
        }
    }
    hw_outcome outcomes[ROWS];
    HW_TRY(hw_subject_run(outcomes, t->subject, t->removed, ROWS, err));
    for (size_t row = 0; row < ROWS; row++)
        e->drops[row] = t->probability - outcomes[row].probability;
    for (size_t i = 0; i < HW_REMOVALS; i++) e->flips[i] = outcomes[2 * i].decision != t->decision;
    return HW_OK;
}

static hw_status try_all(hw_explained *explained, trial *t, const hw_attribution *words,
                         size_t orders, uint64_t seed, hw_error *err) {
    hw_removal *removals = explained->removals;
    effect e;
    order_by_score(t, words);
    HW_TRY(try_order(&e, t, err));
    for (size_t i = 0; i < HW_REMOVALS; i++)
        removals[i] = (hw_removal){ .share = shares[i],
                                    .without_top = e.drops[2 * i],
                                    .only_top = e.drops[2 * i + 1],
                                    .flips_top = e.flips[i] };
    for (size_t number = 0; number < orders; number++) {
        order_by_chance(t, number, seed);
        HW_TRY(try_order(&e, t, err));
        for (size_t i = 0; i < HW_REMOVALS; i++) {
            removals[i].without_random += e.drops[2 * i] / (double)orders;
            removals[i].only_random += e.drops[2 * i + 1] / (double)orders;
            removals[i].flips_random += e.flips[i] / (double)orders;
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
                                  const hw_attribution *words, size_t decision, size_t orders,
                                  uint64_t seed, hw_error *err) {
    const size_t count = subject->word_count;
    trial t = { .subject = subject, .probability = explained->probability, .decision = decision };
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

hw_status hw_faithfulness_rank(hw_explained *explained, hw_subject *subject,
                               const hw_attribution *words, hw_error *err) {
    const size_t count = subject->word_count;
    if (count > HW_TAU_WORDS) return HW_OK;
    double scores[HW_TAU_WORDS], drops[HW_TAU_WORDS];
    HW_TRY(hw_subject_leave_out(drops, subject, explained->score, err));
    for (size_t i = 0; i < count; i++) scores[i] = words[i].score;
    explained->tau = hw_kendall(scores, drops, count).coefficient;
    return HW_OK;
}

/* ---- Of several texts ---------------------------------------------------------------- */

static void include(double *mean, double value, size_t count) {
    *mean += (value - *mean) / (double)count;
}

void hw_faithfulness_add(hw_faithfulness *means, const hw_explained *e) {
    if (!isnan(e->comprehensiveness)) {
        const size_t texts = ++means->texts;
        include(&means->comprehensiveness, e->comprehensiveness - e->random_comprehensiveness,
                texts);
        include(&means->sufficiency, e->random_sufficiency - e->sufficiency, texts);
        for (size_t i = 0; i < HW_REMOVALS; i++) {
            include(&means->flips_top[i], e->removals[i].flips_top, texts);
            include(&means->flips_random[i], e->removals[i].flips_random, texts);
        }
    }
    if (!isnan(e->tau)) include(&means->tau, e->tau, ++means->ranked);
}
