/* Only the sizes that a removal has count; a set of size k that is on the way to them has a weight
 * of 0. The orders through a set are as good as the best way into it, so sets, not orders, are
 * tried. */
#include "explain/naopc.h"

#include "base/bits.h"
#include "base/memory.h"
#include "explain/faithfulness.h"

#include <math.h>
#include <string.h>

enum { EVERY_SET = 8 /* words */, BEAM = 5 };

static size_t most_removed(size_t words) {
    return hw_removed_words(HW_REMOVALS - 1, words);
}

/* The share of the removals that take `size` of the words; or size and more. */
static double weight_of(size_t size, size_t words) {
    double weight = 0;
    for (size_t i = 0; i < HW_REMOVALS; i++)
        weight += hw_removed_words(i, words) == size ? 1.0 / HW_REMOVALS : 0;
    return weight;
}

static double weight_beyond(size_t size, size_t words) {
    double weight = 0;
    for (size_t i = 0; i < HW_REMOVALS; i++)
        weight += hw_removed_words(i, words) > size ? 1.0 / HW_REMOVALS : 0;
    return weight;
}

hw_status hw_aopc(double *aopc, const hw_drops *drops, const uint32_t *order, hw_error *err) {
    const size_t words = drops->words;
    double drop[HW_REMOVALS];
    bool *removed = hw_calloc(HW_REMOVALS * words, sizeof *removed);
    if (!removed) return hw_fail_memory(err, HW_REMOVALS * words);
    for (size_t i = 0; i < HW_REMOVALS; i++)
        for (size_t rank = 0; rank < hw_removed_words(i, words); rank++)
            removed[i * words + order[rank]] = true;
    const hw_status status = drops->run(drop, drops->context, removed, HW_REMOVALS, err);
    hw_free(removed);
    HW_TRY(status);
    *aopc = 0;
    for (size_t i = 0; i < HW_REMOVALS; i++) *aopc += drop[i] / HW_REMOVALS;
    return HW_OK;
}

double hw_naopc(double aopc, hw_aopc_ends ends) {
    if (!(ends.greatest > ends.least)) return 0.5;
    return fmin(fmax((aopc - ends.least) / (ends.greatest - ends.least), 0), 1);
}

/* ---- Every set ---------------------------------------------------------------------------- */

/* Sets are numbers: bit i is word i. */
enum { SETS = 1 << EVERY_SET };

static size_t size_of(size_t set) {
    return (size_t)hw_count_bits(set);
}

/* By sets that are small enough to be removed. */
typedef struct all_sets {
    size_t count, set[SETS];
    double drop[SETS];            /* [count] */
    hw_aopc_ends ways_into[SETS]; /* by set: of the weighted drops up to it */
} all_sets;

static hw_status try_sets(all_sets *all, const hw_drops *drops, hw_error *err) {
    const size_t words = drops->words;
    bool removed[SETS * EVERY_SET];
    for (size_t set = 1; set < (size_t)1 << words; set++) {
        if (size_of(set) > most_removed(words)) continue;
        for (size_t i = 0; i < words; i++) removed[all->count * words + i] = set >> i & 1;
        all->set[all->count++] = set;
    }
    return drops->run(all->drop, drops->context, removed, all->count, err);
}

/* The empty set is in ways_into, with 0. */
static void follow_ways(all_sets *all, size_t words) {
    for (size_t k = 0; k < all->count; k++) {
        const size_t set = all->set[k];
        const double own = weight_of(size_of(set), words) * all->drop[k];
        hw_aopc_ends *into = &all->ways_into[set];
        *into = (hw_aopc_ends){ INFINITY, -INFINITY };
        for (size_t i = 0; i < words; i++) {
            if (!(set >> i & 1)) continue;
            const hw_aopc_ends *before = &all->ways_into[set & ~((size_t)1 << i)];
            into->least = fmin(into->least, before->least + own);
            into->greatest = fmax(into->greatest, before->greatest + own);
        }
    }
}

static hw_status search_all(hw_aopc_ends *ends, const hw_drops *drops, hw_error *err) {
    all_sets *all = hw_calloc(1, sizeof *all);
    if (!all) return hw_fail_memory(err, sizeof *all);
    const hw_status status = try_sets(all, drops, err);
    if (status == HW_OK) follow_ways(all, drops->words);
    *ends = (hw_aopc_ends){ INFINITY, -INFINITY };
    for (size_t k = 0; k < all->count; k++) {
        if (size_of(all->set[k]) < most_removed(drops->words)) continue;
        ends->least = fmin(ends->least, all->ways_into[all->set[k]].least);
        ends->greatest = fmax(ends->greatest, all->ways_into[all->set[k]].greatest);
    }
    hw_free(all);
    return status;
}

/* ---- A beam -------------------------------------------------------------------------------- */

typedef struct beam {
    const hw_drops *drops;
    double sign;      /* 1: the greatest is sought, -1: the least */
    size_t width;     /* sets in the beam, at most BEAM */
    bool *sets;       /* [BEAM][words] */
    double sum[BEAM]; /* of weighted drops on the way to each */
    size_t rows;      /* sets with a word more, at most BEAM * words: */
    bool *tried;      /* [rows][words] */
    double *drop;     /* [rows] */
    double *way;      /* [rows] */
} beam;

static void grow(beam *b) {
    const size_t words = b->drops->words;
    b->rows = 0;
    for (size_t i = 0; i < b->width; i++)
        for (size_t word = 0; word < words; word++) {
            const bool *set = b->sets + i * words;
            if (set[word]) continue;
            memcpy(b->tried + b->rows * words, set, words);
            b->tried[b->rows * words + word] = true;
            b->way[b->rows++] = b->sum[i];
        }
}

static bool is_in_beam(const beam *b, const bool *set) {
    for (size_t i = 0; i < b->width; i++)
        if (memcmp(b->sets + i * b->drops->words, set, b->drops->words) == 0) return true;
    return false;
}

/* As good as the way so far and a drop that stays as it is; SIZE_MAX if all are in the beam. */
static size_t best_row(const beam *b, double beyond) {
    size_t best = SIZE_MAX;
    double most = -INFINITY;
    for (size_t row = 0; row < b->rows; row++) {
        const double promise = b->sign * (b->way[row] + beyond * b->drop[row]);
        if (promise <= most || is_in_beam(b, b->tried + row * b->drops->words)) continue;
        best = row;
        most = promise;
    }
    return best;
}

static hw_status take_step(beam *b, size_t size, hw_error *err) {
    const size_t words = b->drops->words;
    grow(b);
    HW_TRY(b->drops->run(b->drop, b->drops->context, b->tried, b->rows, err));
    for (size_t row = 0; row < b->rows; row++) b->way[row] += weight_of(size, words) * b->drop[row];
    b->width = 0;
    for (size_t row; b->width < BEAM; b->width++) {
        row = best_row(b, weight_beyond(size, words));
        if (row == SIZE_MAX) break;
        memcpy(b->sets + b->width * words, b->tried + row * words, words);
        b->sum[b->width] = b->way[row];
    }
    return HW_OK;
}

/* The first set of the beam is the best. */
static hw_status search(double *end, beam *b, double sign, hw_error *err) {
    const size_t words = b->drops->words;
    b->sign = sign;
    b->width = 1;
    b->sum[0] = 0;
    memset(b->sets, 0, words);
    for (size_t size = 1; size <= most_removed(words); size++) HW_TRY(take_step(b, size, err));
    *end = b->sum[0];
    return HW_OK;
}

static hw_status search_beam(hw_aopc_ends *ends, const hw_drops *drops, hw_error *err) {
    const size_t words = drops->words, rows = BEAM * words;
    beam b = { .drops = drops };
    b.sets = hw_calloc(BEAM * words, sizeof *b.sets);
    b.tried = hw_calloc(rows, words * sizeof *b.tried);
    b.drop = hw_calloc(rows, sizeof *b.drop);
    b.way = hw_calloc(rows, sizeof *b.way);
    hw_status status =
        b.sets && b.tried && b.drop && b.way ? HW_OK : hw_fail_memory(err, rows * words);
    if (status == HW_OK) status = search(&ends->greatest, &b, 1, err);
    if (status == HW_OK) status = search(&ends->least, &b, -1, err);
    hw_free(b.sets);
    hw_free(b.tried);
    hw_free(b.drop);
    hw_free(b.way);
    return status;
}

hw_status hw_aopc_find_ends(hw_aopc_ends *ends, const hw_drops *drops, hw_error *err) {
    return drops->words <= EVERY_SET ? search_all(ends, drops, err) : search_beam(ends, drops, err);
}
