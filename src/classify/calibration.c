/* Temperature by golden section, thresholds by sweeps over sorted probabilities. Invariant:
 * a sweep looks only at the places between two different probabilities, so ties and the
 * order of equal ones do not matter. */
#include "classify/calibration.h"

#include "base/memory.h"
#include "classify/events.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- Temperature ------------------------------------------------------------------- */

typedef struct log_loss {
    const float *logits; /* [targets.rows][labels] */
    hw_targets targets;
    size_t labels;
    bool multi_label;
} log_loss;

/* ln(1 + e^x) without overflow. */
static double softplus(double x) {
    return fmax(x, 0) + log1p(exp(-fabs(x)));
}

/* -ln of the probability of the row's labels; unknown ones do not depend on T. */
static double softmax_loss(const log_loss *loss, size_t row, double inverse) {
    const float *z = loss->logits + row * loss->labels;
    const double largest = (double)z[hw_largest_label(z, loss->labels)];
    double sum = 0, total = 0;
    for (size_t label = 0; label < loss->labels; label++)
        sum += exp(((double)z[label] - largest) * inverse);
    for (uint32_t i = loss->targets.offsets[row]; i < loss->targets.offsets[row + 1]; i++) {
        const uint32_t label = loss->targets.labels[i];
        if (label < loss->labels) total += log(sum) - ((double)z[label] - largest) * inverse;
    }
    return total;
}

static double sigmoid_loss(const log_loss *loss, size_t row, double inverse) {
    const float *z = loss->logits + row * loss->labels;
    double total = 0;
    for (size_t label = 0; label < loss->labels; label++) {
        const double logit = (double)z[label] * inverse;
        total += softplus(hw_targets_have(loss->targets, row, label) ? -logit : logit);
    }
    return total;
}

static double loss_at(const log_loss *loss, double log_temperature) {
    const double inverse = exp(-log_temperature);
    double total = 0;
    for (size_t row = 0; row < loss->targets.rows; row++)
        total +=
            loss->multi_label ? sigmoid_loss(loss, row, inverse) : softmax_loss(loss, row, inverse);
    return total;
}

/* The loss is convex in 1 / T, so it has one valley in ln T too (Kiefer 1953). */
double hw_temperature_fit(const float *logits, hw_targets targets, size_t labels,
                          bool multi_label) {
    const log_loss loss = { logits, targets, labels, multi_label };
    const double golden = 0.6180339887498949, tolerance = 1e-8;
    double low = -4, high = 4;
    if (!targets.rows) return 1;
    double left = high - golden * (high - low), right = low + golden * (high - low);
    double left_loss = loss_at(&loss, left), right_loss = loss_at(&loss, right);
    while (high - low > tolerance) {
        if (left_loss < right_loss) {
            high = right;
            right = left;
            right_loss = left_loss;
            left = high - golden * (high - low);
            left_loss = loss_at(&loss, left);
        } else {
            low = left;
            left = right;
            left_loss = right_loss;
            right = low + golden * (high - low);
            right_loss = loss_at(&loss, right);
        }
    }
    return exp((low + high) / 2);
}

/* ---- Thresholds -------------------------------------------------------------------- */

enum { OWN_EXAMPLES = 20, CYCLES = 5 };
static const float least_threshold = 0.01f;

typedef struct candidate {
    float probability;
    bool gold;
} candidate;

/* What micro-F1 is made of. */
typedef struct counts {
    uint64_t predicted, correct;
} counts;

typedef struct sweep {
    float threshold;
    counts counts; /* of the candidates at or above it */
    double f1;
} sweep;

typedef struct search {
    const float *probabilities; /* [targets.rows][labels] */
    hw_targets targets;
    size_t labels;
    uint64_t support;      /* labels of all rows */
    candidate *candidates; /* [capacity] */
} search;

static int by_falling_probability(const void *a, const void *b) {
    const float x = ((const candidate *)a)->probability, y = ((const candidate *)b)->probability;
    return (x < y) - (x > y);
}

/* Half-way, and never the lower one itself. */
static float between(float upper, float lower) {
    const float middle = lower + (upper - lower) / 2;
    return middle > lower ? middle : upper;
}

static double micro_f1(counts a, counts b, uint64_t support) {
    const double whole = (double)(a.predicted + b.predicted + support);
    return whole > 0 ? 2 * (double)(a.correct + b.correct) / whole : 0;
}

/* The best cut of sorted candidates, given what is predicted elsewhere; the highest of
 * equally good ones. */
static sweep best_cut(const candidate *sorted, size_t count, counts elsewhere, uint64_t support) {
    counts taken = { 0 };
    sweep best = { .threshold = count ? between(1, sorted[0].probability) : 1,
                   .f1 = micro_f1(elsewhere, taken, support) };
    for (size_t i = 0; i < count; i++) {
        const float next = i + 1 < count ? sorted[i + 1].probability : least_threshold;
        taken.predicted++;
        taken.correct += sorted[i].gold;
        if (i + 1 < count && next == sorted[i].probability) continue;
        const double f1 = micro_f1(elsewhere, taken, support);
        if (f1 > best.f1) best = (sweep){ between(sorted[i].probability, next), taken, f1 };
    }
    return best;
}

/* Of labels first .. end - 1, those that a threshold could let through; sorted. */
static size_t collect_candidates(const search *s, size_t first, size_t end) {
    size_t count = 0;
    for (size_t row = 0; row < s->targets.rows; row++)
        for (size_t label = first; label < end; label++) {
            const float probability = s->probabilities[row * s->labels + label];
            if (probability < least_threshold) continue;
            s->candidates[count++] =
                (candidate){ probability, hw_targets_have(s->targets, row, label) };
        }
    qsort(s->candidates, count, sizeof *s->candidates, by_falling_probability);
    return count;
}

/* What sorted candidates contribute at a threshold. */
static counts count_taken(const candidate *sorted, size_t count, float threshold) {
    counts taken = { 0 };
    for (size_t i = 0; i < count && sorted[i].probability >= threshold; i++) {
        taken.predicted++;
        taken.correct += sorted[i].gold;
    }
    return taken;
}

/* One label, the others being fixed; true if its threshold changed. */
static bool improve_label(float *threshold, counts *total, const search *s, size_t label) {
    const size_t count = collect_candidates(s, label, label + 1);
    const counts now = count_taken(s->candidates, count, *threshold);
    const counts elsewhere = { total->predicted - now.predicted, total->correct - now.correct };
    const sweep best = best_cut(s->candidates, count, elsewhere, s->support);
    if (best.f1 <= micro_f1(elsewhere, now, s->support)) return false;
    *threshold = best.threshold;
    total->predicted = elsewhere.predicted + best.counts.predicted;
    total->correct = elsewhere.correct + best.counts.correct;
    return true;
}

/* support: [labels] */
static void fit_thresholds(float *thresholds, const search *s, const uint32_t *support) {
    const size_t count = collect_candidates(s, 0, s->labels);
    const sweep common = best_cut(s->candidates, count, (counts){ 0 }, s->support);
    const float start = common.counts.predicted ? common.threshold : 0.5f;
    counts total = count_taken(s->candidates, count, start);
    for (size_t label = 0; label < s->labels; label++) thresholds[label] = start;
    bool changed = true;
    for (size_t cycle = 0; cycle < CYCLES && changed; cycle++) {
        changed = false;
        for (size_t label = 0; label < s->labels; label++)
            if (support[label] >= OWN_EXAMPLES)
                changed |= improve_label(&thresholds[label], &total, s, label);
    }
    for (size_t label = 0; label < s->labels; label++)
        thresholds[label] = start + (thresholds[label] - start) / 2;
}

hw_status hw_thresholds_fit(float *thresholds, const float *probabilities, hw_targets targets,
                            size_t labels, hw_error *err) {
    size_t capacity = 0;
    for (size_t i = 0; i < targets.rows * labels; i++)
        capacity += probabilities[i] >= least_threshold;
    candidate *candidates = hw_calloc(capacity + 1, sizeof *candidates);
    uint32_t *support = hw_calloc(labels, sizeof *support);
    hw_status status = HW_OK;
    if (candidates && support) {
        search s = { probabilities, targets, labels, 0, candidates };
        for (size_t i = targets.offsets[0]; i < targets.offsets[targets.rows]; i++) {
            s.support++;
            if (targets.labels[i] < labels) support[targets.labels[i]]++;
        }
        fit_thresholds(thresholds, &s, support);
    } else {
        status = hw_fail_memory(err, (capacity + 1) * sizeof *candidates);
    }
    hw_free(candidates);
    hw_free(support);
    return status;
}
