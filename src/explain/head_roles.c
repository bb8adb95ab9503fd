/* Everything a copy changes is where a word stands or what it is, so what is known of the weights
 * is computed once: the weight each key receives, and where each query looks most. */
#include "explain/head_roles.h"

#include "base/memory.h"
#include "base/random.h"
#include "explain/head_meaning.h"
#include "statistics/distributions.h"

#include <math.h>
#include <string.h>

enum { LOCAL_REACH = 2 };
static const double least_p = 1e-9; /* further out nobody knows that copies are normal */
static const uint64_t shuffle_seed = 0x73646165686c6c61, meaning_seed = 0x676e696e61656d;

typedef struct same_pair {
    uint32_t query, key; /* places of two tokens that are the same word */
} same_pair;

struct hw_role_texts {
    const hw_head_text *text;
    size_t n;
    uint32_t *place;           /* [HW_COPIES][n] where the token at i stands; special ones stay */
    uint32_t *at;              /* [HW_COPIES][n] its inverse */
    uint32_t *any;             /* [HW_COPIES][n] the same where special tokens are shuffled too */
    bool *is_rarest;           /* [n] */
    double *rarity, *evidence; /* [n] ranks of queries, centred, of length 1; all 0: constant */
    bool has_rarity, has_evidence;
    same_pair *same; /* [same_count] */
    size_t same_count, same_capacity;
    hw_head_meaning *meaning;
    hw_ranked *order;    /* [n] scratch */
    double *values;      /* [n] scratch */
    double *received;    /* [n] weight a key receives, all queries together */
    double *rank;        /* [n] its rank, as rarity */
    uint32_t *best;      /* [n] of a query: the key it regards most */
    uint32_t *best_word; /* [n] the word it regards most */
    double *chosen;      /* [n] queries that regard a word most */
    size_t capacity;
    void *block;
};

hw_role_texts *hw_role_texts_new(hw_error *err) {
    hw_role_texts *made = hw_calloc(1, sizeof *made);
    hw_head_meaning *meaning = hw_calloc(1, sizeof *meaning);
    if (!made || !meaning) {
        hw_free(made);
        hw_free(meaning);
        hw_fail_memory(err, sizeof *made + sizeof *meaning);
        return NULL;
    }
    made->meaning = meaning;
    return made;
}

void hw_role_texts_free(hw_role_texts *t) {
    if (!t) return;
    hw_free(t->block);
    hw_free(t->same);
    hw_free(t->meaning);
    hw_free(t);
}

/* ---- The text ------------------------------------------------------------------------- */

static hw_status reserve(hw_role_texts *t, size_t n, hw_error *err) {
    if (n > t->capacity) {
        const size_t doubles = 6 * n, words = (3 * HW_COPIES + 2) * n;
        const size_t bytes = doubles * sizeof(double) + n * sizeof(hw_ranked) +
                             words * sizeof(uint32_t) + n * sizeof(bool);
        hw_free(t->block);
        t->capacity = 0;
        if (!(t->block = hw_calloc(1, bytes))) return hw_fail_memory(err, bytes);
        t->capacity = n;
    }
    const size_t most = t->capacity;
    double *numbers = t->block;
    t->order = (hw_ranked *)(numbers + 6 * most);
    uint32_t *indices = (uint32_t *)(t->order + most);
    t->rarity = numbers;
    t->evidence = numbers + most;
    t->values = numbers + 2 * most;
    t->received = numbers + 3 * most;
    t->rank = numbers + 4 * most;
    t->chosen = numbers + 5 * most;
    t->place = indices;
    t->at = indices + HW_COPIES * most;
    t->any = indices + 2 * HW_COPIES * most;
    t->best = indices + 3 * HW_COPIES * most;
    t->best_word = t->best + most;
    t->is_rarest = (bool *)(t->best_word + most);
    return HW_OK;
}

/* The first copy is the text as it is. best is scratch. */
static void shuffle(hw_role_texts *t, uint64_t number) {
    const hw_head_text *text = t->text;
    const size_t n = t->n;
    uint32_t *order = t->best;
    for (size_t copy = 0; copy < HW_COPIES; copy++) {
        uint32_t *place = t->place + copy * n, *at = t->at + copy * n, *any = t->any + copy * n;
        for (size_t i = 0; i < n; i++) place[i] = at[i] = any[i] = (uint32_t)i;
        if (copy == 0) continue;
        for (size_t i = 0; i < text->queries; i++) order[i] = text->query[i];
        hw_random_shuffle(order, (uint32_t)text->queries, hw_mix64(shuffle_seed + number), copy);
        hw_random_shuffle(any, (uint32_t)n, hw_mix64(shuffle_seed + number), HW_COPIES + copy);
        for (size_t i = 0; i < text->queries; i++) {
            place[text->query[i]] = order[i];
            at[order[i]] = text->query[i];
        }
    }
}

/* ranks[n]: of values[queries], centred and of length 1, 0 elsewhere; false if all are equal. */
static bool rank(double *ranks, hw_role_texts *t) {
    const hw_head_text *text = t->text;
    memset(ranks, 0, t->n * sizeof *ranks);
    if (text->queries < HW_ROLE_WORDS) return false;
    const bool differ = hw_unit_ranks(t->values, t->values, text->queries, t->order);
    for (size_t i = 0; i < text->queries; i++) ranks[text->query[i]] = t->values[i];
    return differ;
}

static void rank_words(hw_role_texts *t) {
    const hw_head_text *text = t->text;
    double rarest = 0;
    for (size_t i = 0; i < text->queries; i++)
        rarest = fmax(rarest, t->values[i] = text->tokens[text->query[i]].rarity);
    for (size_t i = 0; i < t->n; i++)
        t->is_rarest[i] = !text->tokens[i].is_special && text->tokens[i].rarity >= rarest;
    t->has_rarity = rank(t->rarity, t);
    for (size_t i = 0; i < text->queries; i++) t->values[i] = text->tokens[text->query[i]].evidence;
    t->has_evidence = text->has_label && rank(t->evidence, t);
}

static hw_status find_same(hw_role_texts *t, hw_error *err) {
    const hw_head_text *text = t->text;
    t->same_count = 0;
    for (size_t i = 0; i < text->queries; i++)
        for (size_t j = 0; j < text->queries; j++) {
            const uint32_t query = text->query[i], key = text->query[j];
            if (i == j || text->tokens[query].key != text->tokens[key].key) continue;
            if (!hw_grow((void **)&t->same, &t->same_capacity, t->same_count + 1, sizeof *t->same))
                return hw_fail_memory(err, t->same_count * sizeof *t->same);
            t->same[t->same_count++] = (same_pair){ query, key };
        }
    return HW_OK;
}

hw_status hw_role_texts_take(hw_role_texts *t, const hw_head_text *text, uint64_t number,
                             hw_error *err) {
    t->text = text;
    t->n = text->count;
    HW_TRY(reserve(t, text->count, err));
    shuffle(t, number);
    hw_head_meaning_take(t->meaning, text, hw_mix64(meaning_seed + number));
    hw_role_texts_embed(t, NULL, 0);
    rank_words(t);
    return find_same(t, err);
}

void hw_role_texts_embed(hw_role_texts *t, const float *vectors, size_t width) {
    hw_head_meaning_embed(t->meaning, t->text, vectors, width);
}

/* ---- A head --------------------------------------------------------------------------- */

static void look(hw_role_texts *t, const float *weights) {
    const hw_head_text *text = t->text;
    memset(t->received, 0, t->n * sizeof *t->received);
    memset(t->chosen, 0, t->n * sizeof *t->chosen);
    for (size_t i = 0; i < text->queries; i++) {
        const float *row = weights + text->query[i] * t->n;
        size_t best = 0, best_word = text->query[0];
        for (size_t j = 0; j < t->n; j++) {
            t->received[j] += (double)row[j];
            if (row[j] > row[best]) best = j;
            if (!text->tokens[j].is_special && row[j] > row[best_word]) best_word = j;
        }
        t->best[i] = (uint32_t)best;
        t->chosen[best_word] += 1;
    }
}

/* The offsets at which a query's neighbour is in the text. */
static void add_bases(hw_role_bases *bases, const hw_role_texts *t, bool has_rank) {
    const hw_head_text *text = t->text;
    double separators = 0;
    for (size_t j = 0; j < t->n; j++) separators += text->tokens[j].separates;
    for (size_t i = 0; i < text->queries; i++)
        for (int o = 0; o < HW_OFFSETS; o++) {
            const int64_t neighbour = (int64_t)text->query[i] + o - HW_ROLE_REACH;
            bases->at[o] += neighbour >= 0 && neighbour < (int64_t)t->n;
        }
    bases->queries += (double)text->queries;
    bases->separator += (double)text->queries * separators / (double)t->n;
    bases->same += (double)t->same_count / (double)t->n;
    bases->rarest += (double)text->queries;
    bases->rarity += has_rank && t->has_rarity;
    bases->evidence += has_rank && t->has_evidence;
}

static double near_weight(const hw_role_texts *t, const float *weights, const uint32_t *at) {
    const hw_head_text *text = t->text;
    double sum = 0;
    for (size_t i = 0; i < text->queries; i++) {
        const size_t place = text->query[i];
        const size_t from = place < LOCAL_REACH ? 0 : place - LOCAL_REACH;
        const float *row = weights + at[place] * t->n;
        for (size_t p = from; p <= place + LOCAL_REACH && p < t->n; p++) sum += (double)row[at[p]];
    }
    return sum;
}

static double separator_weight(const hw_role_texts *t, const uint32_t *any) {
    double sum = 0;
    for (size_t j = 0; j < t->n; j++)
        if (t->text->tokens[j].separates) sum += t->received[any[j]];
    return sum;
}

static void add_copy(hw_role_sums *sums, const hw_role_texts *t, const float *weights, size_t copy,
                     bool has_rank) {
    const hw_head_text *text = t->text;
    const uint32_t *place = t->place + copy * t->n, *at = t->at + copy * t->n;
    const uint32_t *any = t->any + copy * t->n;
    sums->sink += t->received[any[0]];
    sums->separator += separator_weight(t, any);
    sums->local += near_weight(t, weights, at);
    for (size_t i = 0; i < t->same_count; i++)
        sums->same += (double)weights[at[t->same[i].query] * t->n + at[t->same[i].key]];
    for (size_t i = 0; i < text->queries; i++) {
        const size_t query = text->query[i];
        const int64_t offset = (int64_t)place[t->best[i]] - (int64_t)place[query];
        if (offset >= -HW_ROLE_REACH && offset <= HW_ROLE_REACH)
            sums->at[offset + HW_ROLE_REACH] += 1;
        if (t->is_rarest[place[query]]) sums->rarest += t->chosen[query];
        if (has_rank && t->has_rarity) sums->rarity += t->rank[query] * t->rarity[place[query]];
        if (has_rank && t->has_evidence)
            sums->evidence += t->rank[query] * t->evidence[place[query]];
    }
}

void hw_role_tally_add(hw_role_tally *tally, hw_role_texts *t, const float *weights) {
    look(t, weights);
    for (size_t i = 0; i < t->text->queries; i++) t->values[i] = t->received[t->text->query[i]];
    const bool has_rank = rank(t->rank, t);
    const bool has_meaning = hw_head_meaning_look(t->meaning, t->text, weights);
    add_bases(&tally->bases, t, has_rank);
    tally->bases.semantic += has_meaning;
    for (size_t copy = 0; copy < HW_COPIES; copy++) {
        add_copy(&tally->copies[copy], t, weights, copy, has_rank);
        if (has_meaning)
            tally->copies[copy].semantic += hw_head_meaning_correlation(t->meaning, copy);
    }
}

/* Both structs are nothing but doubles. */
static void add_doubles(void *sums, const void *more, size_t bytes) {
    double *to = sums;
    const double *from = more;
    for (size_t i = 0; i < bytes / sizeof(double); i++) to[i] += from[i];
}

void hw_role_tally_merge(hw_role_tally *tally, const hw_role_tally *more) {
    add_doubles(tally, more, sizeof *tally);
}

/* ---- The verdict ----------------------------------------------------------------------- */

static double share(double sum, double base) {
    return base > 0 ? sum / base : (double)NAN;
}

static double position_score(const hw_role_sums *sums, const hw_role_bases *bases,
                             int32_t *offset) {
    double best = 0;
    *offset = 0;
    for (int o = 0; o < HW_OFFSETS; o++) {
        const double score = bases->at[o] > 0 ? sums->at[o] / bases->at[o] : 0;
        if (score <= best) continue;
        best = score;
        *offset = o - HW_ROLE_REACH;
    }
    return best;
}

static double score_of(hw_head_role role, const hw_role_sums *s, const hw_role_bases *b) {
    int32_t offset;
    switch (role) {
    case HW_ROLE_SINK:
        return share(s->sink, b->queries);
    case HW_ROLE_POSITION:
        return b->queries > 0 ? position_score(s, b, &offset) : (double)NAN;
    case HW_ROLE_SEPARATOR:
        return b->separator > 0 ? share(s->separator, b->queries) : (double)NAN;
    case HW_ROLE_RAREST:
        return share(s->rarest, b->rarest);
    case HW_ROLE_RARITY:
        return share(s->rarity, b->rarity);
    case HW_ROLE_SAME:
        return share(s->same, b->same);
    case HW_ROLE_SEMANTIC:
        return share(s->semantic, b->semantic);
    case HW_ROLE_EVIDENCE:
        return share(s->evidence, b->evidence);
    case HW_ROLE_LOCAL:
        return share(s->local, b->queries);
    default:
        return (double)NAN;
    }
}

/* Of a score that is at least this much above that of the shuffled copies by chance. */
static double p_of(hw_head_role role, double score, const hw_role_tally *tally) {
    double mean = 0, squares = 0;
    for (size_t copy = 1; copy < HW_COPIES; copy++)
        mean += score_of(role, &tally->copies[copy], &tally->bases) / HW_SHUFFLES;
    for (size_t copy = 1; copy < HW_COPIES; copy++) {
        const double rest = score_of(role, &tally->copies[copy], &tally->bases) - mean;
        squares += rest * rest;
    }
    const double variance = squares / (HW_SHUFFLES - 1) * (1 + 1.0 / HW_SHUFFLES);
    if (!isfinite(score) || variance <= 1e-24) return 1; /* nothing to be shuffled */
    return fmax(least_p, hw_t_cdf((mean - score) / sqrt(variance), HW_SHUFFLES - 1));
}

bool hw_role_reaches(hw_head_role role, double score, double base) {
    static const double enough[HW_HEAD_ROLES] = {
        [HW_ROLE_SINK] = 0.5,     [HW_ROLE_POSITION] = 0.5, [HW_ROLE_SEPARATOR] = 0.3,
        [HW_ROLE_RAREST] = 0.5,   [HW_ROLE_RARITY] = 0.5,   [HW_ROLE_SAME] = 3,
        [HW_ROLE_SEMANTIC] = 0.3, [HW_ROLE_EVIDENCE] = 0.3, [HW_ROLE_LOCAL] = 0.8,
        [HW_ROLE_BROAD] = 0.9,
    };
    if (role == HW_ROLE_SEPARATOR && score < 3 * base) return false;
    return role != HW_ROLE_DEAD && role != HW_ROLE_NONE && score >= enough[role];
}

void hw_role_tally_judge(hw_role_test *tests, int32_t *offset, const hw_role_tally *tally) {
    for (int role = 0; role < HW_HEAD_ROLES; role++) {
        if (!hw_role_is_tested((hw_head_role)role)) continue;
        tests[role].score = score_of((hw_head_role)role, &tally->copies[0], &tally->bases);
        tests[role].p = p_of((hw_head_role)role, tests[role].score, tally);
    }
    tests[HW_ROLE_SEPARATOR].base = share(tally->bases.separator, tally->bases.queries);
    position_score(&tally->copies[0], &tally->bases, offset);
}
