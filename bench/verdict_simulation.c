/* Simulated studies, whose truth is known, against the verdicts that src/statistics/ gives. Prints
 * the tables of docs/study/verdict-engine.md. The same for every run and machine.
 *
 *     verdict_simulation [studies]
 *
 * A cell is the right or wrong of one arm on one row with one seed, less the other's: -1, 0 or 1.
 * One row in four is in dispute, where the arms differ in 40 % of the cells; the other rows they
 * agree on. On top of that a training is better or worse by its seed, and by the effect that was
 * planted: with that probability a cell, of any row, is decided by it. Everything is in points of
 * accuracy. */
#include "base/memory.h"
#include "base/random.h"
#include "statistics/distributions.h"
#include "statistics/power.h"
#include "statistics/tests.h"
#include "statistics/verdict.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { CLAIMS = 10, MOST_SEEDS = 20, MOST_ROWS = 10000 };
static const double DISPUTED = 0.25, DIFFERENT = 0.4, PREFERENCE = 0.6;
static const double EPSILON = 0.005; /* half a point */
static const double FAILING = 0.05, FAILURE = 0.08;

typedef struct design {
    size_t seeds, rows;
    bool arms_differ; /* each disputed row prefers one of the arms; no arm is preferred overall */
    bool trainings_fail; /* one in twenty is 8 points worse, in either arm */
} design;

/* A stream of its own for every claim of every study. */
typedef struct source {
    uint64_t seed, next;
} source;

static double uniform(source *s) {
    return (double)(hw_random_bits(s->seed, 0, s->next++) >> 11) * 0x1p-53;
}

static double normal(source *s) {
    return (double)hw_random_normal(s->seed, 0, s->next++);
}

/* 0.3 to 1.5 points. */
static double draw_seed_sd(source *s) {
    return 0.003 + 0.012 * uniform(s);
}

static double draw_seed_effect(const design *d, double sd, source *s) {
    double effect = sd * normal(s);
    for (int arm = -1; d->trainings_fail && arm <= 1; arm += 2)
        if (uniform(s) < FAILING) effect += arm * FAILURE;
    return effect;
}

/* Cells [from, to) of a row of the matrix, that are 1 or -1 with these probabilities. */
static void fill(double *cell, size_t from, size_t to, double up, double down, source *s) {
    const uint64_t above = (uint64_t)(up * 0x1p32), below = (uint64_t)((up + down) * 0x1p32);
    for (size_t i = from; i < to; i++) {
        const uint64_t bits = hw_random_bits(s->seed, 1, s->next + i) >> 32;
        cell[i] = (double)(bits < above) - (double)(bits >= above && bits < below);
    }
}

/* kinds: where the rows that prefer the one arm, and those that prefer the other, end. */
static void fill_seed(double *cell, const size_t kinds[2], const design *d, double effect,
                      source *s) {
    const double up = fmax(effect, 0), down = fmax(-effect, 0),
                 rest = (1 - up - down) * DIFFERENT / 2;
    const double lean = d->arms_differ ? PREFERENCE : 0;
    fill(cell, 0, kinds[0], up + rest * (1 + lean), down + rest * (1 - lean), s);
    fill(cell, kinds[0], kinds[1], up + rest * (1 - lean), down + rest * (1 + lean), s);
    fill(cell, kinds[1], d->rows, up, down, s);
    s->next += d->rows;
}

/* One claim's measurement, of arms whose true difference is `effect`. */
static hw_crossed measure(double *cells, const design *d, double seed_sd, double effect,
                          source *s) {
    size_t kinds[2] = { 0 };
    for (size_t row = 0; row < d->rows; row++) {
        const double place = uniform(s);
        kinds[0] += place < DISPUTED / 2;
        kinds[1] += place < DISPUTED;
    }
    for (size_t seed = 0; seed < d->seeds; seed++)
        fill_seed(cells + seed * d->rows, kinds, d, effect + draw_seed_effect(d, seed_sd, s), s);
    return hw_crossed_of_cells(cells, d->seeds, d->rows);
}

/* ---- Coverage, and studies of ten claims without an effect ----------------------------- */

typedef struct share {
    double hits, trials;
} share;

static void count(share *s, bool hit) {
    s->hits += hit;
    s->trials++;
}

static double percent(share s) {
    return 100 * s.hits / s.trials;
}

static bool covers(hw_interval interval, double effect) {
    return interval.low <= effect && effect <= interval.high;
}

/* To compare with: both variances in full, and seeds - 1 degrees of freedom. */
static hw_interval cautious_interval(const hw_crossed *c) {
    const double half = hw_t_quantile(0.975, (double)c->seeds - 1) * sqrt(c->by_seed + c->by_row);
    return (hw_interval){ c->effect - half, c->effect + half };
}

static bool has_direction(hw_verdict verdict) {
    return verdict == HW_VERDICT_SUPPORTED || verdict == HW_VERDICT_SMALL ||
           verdict == HW_VERDICT_REFUTED;
}

typedef struct null_result {
    share false_verdict, coverage, cautious_coverage, unadjusted;
} null_result;

static void simulate_null(null_result *result, double *cells, const design *d, uint64_t study) {
    hw_crossed effects[CLAIMS];
    bool is_false = false, is_unadjusted = false;
    double p[CLAIMS];
    hw_ranked order[CLAIMS];
    hw_finding findings[CLAIMS];
    for (size_t claim = 0; claim < CLAIMS; claim++) {
        source s = { hw_random_bits(study, claim, d->seeds * d->rows), 0 };
        effects[claim] = measure(cells, d, draw_seed_sd(&s), 0, &s);
        p[claim] = hw_crossed_p(&effects[claim], fabs(effects[claim].effect));
    }
    hw_adjust_holm(p, p, CLAIMS, order);
    for (size_t claim = 0; claim < CLAIMS; claim++) {
        findings[claim] = (hw_finding){ .effect = effects[claim].effect,
                                        .interval = hw_crossed_interval(&effects[claim], 0.95),
                                        .interval_90 = hw_crossed_interval(&effects[claim], 0.90),
                                        .p_holm = p[claim],
                                        .epsilon = EPSILON };
        is_false |= has_direction(hw_verdict_of(&findings[claim]));
        const hw_interval cautious = cautious_interval(&effects[claim]);
        is_unadjusted |= findings[claim].interval.low > 0;
        count(&result->coverage, covers(findings[claim].interval, 0));
        count(&result->cautious_coverage, covers(cautious, 0));
    }
    count(&result->false_verdict, is_false);
    count(&result->unadjusted, is_unadjusted);
}

/* ---- Planted effects and planted equivalence --------------------------------------------- */

typedef struct planted_result {
    share found, same, coverage;
    double detectable, sameness; /* sums */
} planted_result;

/* One claim as the hardest of ten: its p counts ten times. */
static hw_verdict judge(const hw_crossed *c, double epsilon) {
    const hw_finding finding = { .effect = c->effect,
                                 .interval = hw_crossed_interval(c, 0.95),
                                 .interval_90 = hw_crossed_interval(c, 0.90),
                                 .p_holm = fmin(1, CLAIMS * hw_crossed_p(c, fabs(c->effect))),
                                 .epsilon = epsilon };
    return hw_verdict_of(&finding);
}

/* A study without an effect states what it could have found; studies that repeat it have just that
 * planted, or an epsilon as large as the stated one. */
static void simulate_planted(planted_result *result, double *cells, const design *d,
                             uint64_t study) {
    source s = { hw_random_bits(study, CLAIMS, d->seeds * d->rows), 0 };
    const double sd = draw_seed_sd(&s);
    const hw_crossed first = measure(cells, d, sd, 0, &s);
    const double detectable = hw_detectable_effect(&first, 0.05 / CLAIMS);
    const double sameness = hw_detectable_sameness(&first);
    const hw_crossed second = measure(cells, d, sd, detectable, &s);
    const hw_crossed third = measure(cells, d, sd, 0, &s);
    const hw_verdict found = judge(&second, EPSILON);
    count(&result->found, found == HW_VERDICT_SUPPORTED || found == HW_VERDICT_SMALL);
    count(&result->same, judge(&third, sameness) == HW_VERDICT_NO_DIFFERENCE);
    count(&result->coverage, covers(hw_crossed_interval(&second, 0.95), detectable));
    result->detectable += detectable;
    result->sameness += sameness;
}

/* ---- Tables -------------------------------------------------------------------------------- */

static const size_t seed_counts[] = { 5, 10, 20 }, row_counts[] = { 500, 2000, MOST_ROWS };

static void print_null(double *cells, const char *arms, design d, uint64_t studies) {
    null_result r = { 0 };
    for (uint64_t study = 0; study < studies; study++) simulate_null(&r, cells, &d, study);
    printf("| %s | %zu | %zu | %.1f | %.1f | %.1f | %.1f |\n", arms, d.seeds, d.rows,
           percent(r.false_verdict), percent(r.coverage), percent(r.cautious_coverage),
           percent(r.unadjusted));
    fflush(stdout);
}

static void print_planted(double *cells, design d, uint64_t studies) {
    planted_result r = { 0 };
    for (uint64_t study = 0; study < studies; study++) simulate_planted(&r, cells, &d, study);
    printf("| %zu | %zu | %.2f | %.1f | %.2f | %.1f | %.1f |\n", d.seeds, d.rows,
           100 * r.detectable / (double)studies, percent(r.found),
           100 * r.sameness / (double)studies, percent(r.same), percent(r.coverage));
    fflush(stdout);
}

static void print_null_table(double *cells, uint64_t studies) {
    printf("| ten claims without an effect | seeds | rows | a false verdict, %% | coverage, %% | "
           "coverage if cautious, %% | false without Holm, %% |\n"
           "|---|---:|---:|---:|---:|---:|---:|\n");
    for (int differ = 0; differ < 2; differ++)
        for (size_t i = 0; i < 9; i++)
            print_null(cells, differ ? "arms differ by row" : "A/A",
                       (design){ seed_counts[i / 3], row_counts[i % 3], differ, false }, studies);
    for (size_t i = 0; i < 3; i++)
        print_null(cells, "A/A, trainings fail", (design){ seed_counts[i], 2000, false, true },
                   studies);
}

int main(int count_of_arguments, char **arguments) {
    const uint64_t studies = count_of_arguments > 1 ? strtoull(arguments[1], NULL, 10) : 2000;
    double *cells = hw_malloc(sizeof *cells * MOST_SEEDS * MOST_ROWS);
    if (!cells || !studies) return 1;
    print_null_table(cells, studies);
    printf("\n| seeds | rows | detectable, points | found, %% | sameness, points | no difference, "
           "%% | "
           "coverage, %% |\n|---:|---:|---:|---:|---:|---:|---:|\n");
    for (size_t i = 0; i < 9; i++)
        print_planted(cells, (design){ seed_counts[i / 3], row_counts[i % 3], true, false },
                      studies);
    printf("\n%llu studies a line.\n", (unsigned long long)studies);
    hw_free(cells);
    return 0;
}
