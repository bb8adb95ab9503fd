/* Dual coordinate descent for L2-loss support vector machines. Invariant of a problem:
 * w = sum_i alpha_i y_i x_i (and bias the same over the constant feature), alpha_i >= 0. */
#include "train/linear.h"

#include "base/memory.h"
#include "base/random.h"
#include "classify/events.h"

#include <float.h>
#include <math.h>

enum { PASSES = 60, GROUP = 64 };
static const double tolerance = 0.02;

/* With very many labels, a label learns from all its positive rows and a random part of the
 * others, so that one pass over all labels meets about so many features. */
static double features_limit(size_t labels) {
    return labels > 1000 ? 3e8 : 1.5e9;
}

typedef struct problem {
    float *w; /* [columns] */
    float bias;
    uint32_t *order;  /* [count] positions that are still active, in visiting order */
    uint32_t *row;    /* [count] row of x */
    float *alpha;     /* [count] */
    float *sign;      /* [count] y */
    float *curvature; /* [count] x.x + 1 + diagonal */
    float *diagonal;  /* [count] 1 / (2 C weight) */
} problem;

typedef struct solver {
    float *table, *bias;
    const hw_sparse *x;
    hw_targets targets;
    const uint32_t *rows;
    size_t count, labels, first_label;
    const hw_linear_options *options;
    const float *squared_norms; /* [x->rows] */
    double keep;                /* share of negatives to learn from */
    problem *problems;          /* [threads] scratch */
    bool mirrored;              /* two labels that exclude each other */
} solver;

/* Chooses the label's rows and sets everything to the start. Returns how many there are. */
static size_t problem_start(problem *p, const solver *s, size_t label) {
    const uint64_t stream = s->options->seed ^ hw_mix64(label + 1);
    size_t count = 0;
    for (size_t i = 0; i < s->count; i++) {
        const uint32_t row = s->rows[i];
        const bool positive = hw_targets_have(s->targets, row, label);
        if (!positive && s->keep < 1 && hw_random_uniform(stream, 1, row) >= s->keep) continue;
        double weight = s->options->weights ? s->options->weights[row] : 1;
        if (positive && s->options->label_weights) weight *= s->options->label_weights[label];
        if (!(weight > 0)) continue;
        p->row[count] = row;
        p->sign[count] = positive ? 1.0f : -1.0f;
        p->alpha[count] = 0;
        p->diagonal[count] = (float)(0.5 / (s->options->regularization * weight));
        p->curvature[count] = s->squared_norms[row] + 1 + p->diagonal[count];
        p->order[count] = (uint32_t)count;
        count++;
    }
    for (size_t i = 0; i < s->x->columns; i++) p->w[i] = 0;
    p->bias = 0;
    return count;
}

static float score(const problem *p, const hw_sparse *x, uint32_t row) {
    float sum = p->bias;
    for (size_t i = x->offsets[row]; i < x->offsets[row + 1]; i++)
        sum += p->w[x->items[i].index] * x->items[i].value;
    return sum;
}

static void move(problem *p, const hw_sparse *x, uint32_t row, float step) {
    for (size_t i = x->offsets[row]; i < x->offsets[row + 1]; i++)
        p->w[x->items[i].index] += step * x->items[i].value;
    p->bias += step;
}

/* Hsieh et al. 2008, algorithm 3: visits the active rows in random order; a row whose alpha
 * is 0 and whose gradient is well above the last pass's largest violation is put aside. */
static void problem_solve(problem *p, const solver *s, size_t label, size_t count) {
    const uint64_t stream = s->options->seed ^ hw_mix64(label + 1);
    size_t active = count;
    float shrink_above = INFINITY;
    for (uint64_t pass = 0; pass < PASSES && active; pass++) {
        float largest = -INFINITY, smallest = INFINITY;
        hw_random_shuffle(p->order, (uint32_t)active, stream, 2 + pass);
        for (size_t at = 0; at < active;) {
            const uint32_t i = p->order[at];
            const float gradient =
                p->sign[i] * score(p, s->x, p->row[i]) - 1 + p->alpha[i] * p->diagonal[i];
            if (p->alpha[i] == 0 && gradient > shrink_above) {
                p->order[at] = p->order[--active];
                p->order[active] = i;
                continue;
            }
            const float projected = p->alpha[i] == 0 && gradient > 0 ? 0 : gradient;
            if (projected > largest) largest = projected;
            if (projected < smallest) smallest = projected;
            if (fabsf(projected) > 1e-7f) {
                const float before = p->alpha[i];
                p->alpha[i] = fmaxf(0, before - gradient / p->curvature[i]);
                move(p, s->x, p->row[i], (p->alpha[i] - before) * p->sign[i]);
            }
            at++;
        }
        if ((double)largest - (double)smallest < tolerance) {
            if (active == count) break;
            active = count; /* look once more at the rows that were put aside */
            shrink_above = INFINITY;
            continue;
        }
        shrink_above = largest > 0 ? largest : INFINITY;
    }
}

static void solve_label(void *context, size_t task, int32_t worker) {
    const solver *s = context;
    problem *p = &s->problems[worker];
    const size_t label = s->first_label + task;
    problem_solve(p, s, label, problem_start(p, s, label));
    for (size_t i = 0; i < s->x->columns; i++) s->table[i * s->labels + label] = p->w[i];
    s->bias[label] = p->bias;
    if (!s->mirrored) return;
    for (size_t i = 0; i < s->x->columns; i++) s->table[i * 2 + 1] = -p->w[i];
    s->bias[1] = -p->bias;
}

static bool labels_exclude_each_other(const solver *s) {
    for (size_t i = 0; i < s->count; i++)
        if (s->targets.offsets[s->rows[i] + 1] - s->targets.offsets[s->rows[i]] != 1) return false;
    return true;
}

static void problem_free(problem *p) {
    hw_free(p->w);
    hw_free(p->order);
    hw_free(p->row);
    hw_free(p->alpha);
    hw_free(p->sign);
    hw_free(p->curvature);
    hw_free(p->diagonal);
}

static bool problem_allocate(problem *p, size_t columns, size_t count) {
    p->w = hw_calloc(columns, sizeof *p->w);
    p->order = hw_calloc(count, sizeof *p->order);
    p->row = hw_calloc(count, sizeof *p->row);
    p->alpha = hw_calloc(count, sizeof *p->alpha);
    p->sign = hw_calloc(count, sizeof *p->sign);
    p->curvature = hw_calloc(count, sizeof *p->curvature);
    p->diagonal = hw_calloc(count, sizeof *p->diagonal);
    return p->w && p->order && p->row && p->alpha && p->sign && p->curvature && p->diagonal;
}

static void measure_norms(float *squared_norms, const hw_sparse *x) {
    for (size_t row = 0; row < x->rows; row++) {
        float sum = 0;
        for (size_t i = x->offsets[row]; i < x->offsets[row + 1]; i++)
            sum += x->items[i].value * x->items[i].value;
        squared_norms[row] = sum;
    }
}

static hw_status run(solver *s, hw_pool *pool, hw_linear_progress_fn *progress, void *user,
                     hw_error *err) {
    const size_t problems = s->mirrored ? 1 : s->labels;
    for (s->first_label = 0; s->first_label < problems; s->first_label += GROUP) {
        const size_t left = problems - s->first_label;
        hw_pool_run(pool, left < GROUP ? left : GROUP, solve_label, s);
        const size_t done = s->first_label + (left < GROUP ? left : GROUP);
        if (progress && !progress(user, s->mirrored ? s->labels : done))
            return hw_fail(err, HW_ERROR_STOPPED, "training was stopped");
    }
    return HW_OK;
}

hw_status hw_linear_train(float *table, float *bias, const hw_sparse *x, hw_targets targets,
                          const uint32_t *rows, size_t count, size_t labels,
                          const hw_linear_options *options, hw_pool *pool,
                          hw_linear_progress_fn *progress, void *user, hw_error *err) {
    const size_t threads = (size_t)hw_pool_threads(pool);
    float *squared_norms = hw_calloc(x->rows, sizeof *squared_norms);
    problem *problems = hw_calloc(threads, sizeof *problems);
    bool allocated = squared_norms && problems;
    for (size_t i = 0; allocated && i < threads; i++)
        allocated = problem_allocate(&problems[i], x->columns, count);

    hw_status status = HW_OK;
    if (allocated) {
        measure_norms(squared_norms, x);
        const double nonzeros = 1 + (double)x->offsets[x->rows] * (double)labels;
        solver s = { .table = table,
                     .bias = bias,
                     .x = x,
                     .targets = targets,
                     .rows = rows,
                     .count = count,
                     .labels = labels,
                     .options = options,
                     .squared_norms = squared_norms,
                     .keep = fmin(1, features_limit(labels) / nonzeros),
                     .problems = problems };
        s.mirrored = labels == 2 && !options->label_weights && labels_exclude_each_other(&s);
        status = run(&s, pool, progress, user, err);
    } else {
        status = hw_fail_memory(err, (x->columns + 6 * count) * sizeof(float));
    }
    for (size_t i = 0; problems && i < threads; i++) problem_free(&problems[i]);
    hw_free(problems);
    hw_free(squared_norms);
    return status;
}

void hw_linear_logits(float *logits, const float *table, const float *bias,
                      const hw_feature *features, size_t count, size_t labels,
                      const hw_kernels *kernels) {
    for (size_t i = 0; i < labels; i++) logits[i] = bias[i];
    hw_features_add_rows(logits, table, features, count, labels, kernels);
}
