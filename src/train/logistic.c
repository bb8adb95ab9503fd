/* Loss and gradient are summed over SHARES of the rows, one after the other, whatever thread worked
 * on which. */
#include "train/logistic.h"

#include "base/memory.h"

#include <math.h>
#include <string.h>

enum { SHARES = 16, BLOCK = 64 /* rows */, MEMORY = 8, STEPS = 200, HALVINGS = 20 };
static const double tolerance = 1e-4; /* of the gradient's largest element */

/* One part of the rows. */
typedef struct share {
    double loss;
    float *gradient; /* [width + 1][labels] */
    float *x;        /* [BLOCK][width] */
    float *d_logits; /* [BLOCK][labels] */
    float *logits;   /* [BLOCK][labels] */
    float *target;   /* [labels] */
} share;

/* A step that was made, and how it changed the gradient. */
typedef struct pair {
    float *step, *change; /* [size] */
    double product;       /* of the two; positive */
} pair;

typedef struct solver {
    const hw_logistic *problem;
    const hw_kernels *kernels;
    hw_pool *pool;
    size_t size; /* of w */
    double total_weight;
    const float *at; /* w that is looked at */
    share shares[SHARES];
    pair pairs[MEMORY]; /* ring, the newest at (pair_count - 1) % MEMORY */
    size_t pair_count;
    float *gradient, *next, *next_gradient, *direction; /* [size] */
    float *block;                                       /* all arrays */
} solver;

/* ---- Loss and gradient ----------------------------------------------------------------- */

static void gather(float *to, const float *x, size_t width, const uint32_t *rows, size_t count) {
    for (size_t i = 0; i < count; i++)
        memcpy(to + i * width, x + rows[i] * width, width * sizeof *to);
}

/* The row's share of the mean. */
static float share_of_row(const solver *v) {
    const double parts = v->problem->loss.multi_label ? (double)v->problem->loss.labels : 1;
    return (float)(1 / (v->total_weight * parts));
}

/* Adds the loss and gradient of rows[count], at most BLOCK of them. */
static void add_block(const solver *v, share *s, const uint32_t *rows, size_t count) {
    const hw_logistic *p = v->problem;
    const size_t width = p->width, labels = p->loss.labels;
    gather(s->x, p->x, width, rows, count);
    for (size_t i = 0; i < count; i++)
        memcpy(s->logits + i * labels, v->at + width * labels, labels * sizeof *s->logits);
    v->kernels->gemm(s->logits, labels, s->x, width, 1, v->at, labels, count, labels, width, true);
    for (size_t i = 0; i < count; i++) {
        float *d = s->d_logits + i * labels;
        s->loss += hw_label_loss_of(d, s->target, &p->loss, s->logits + i * labels, rows[i],
                                    share_of_row(v), v->kernels);
        v->kernels->add(s->gradient + width * labels, d, labels);
    }
    v->kernels->gemm(s->gradient, labels, s->x, 1, width, s->d_logits, labels, width, labels, count,
                     true);
}

static void add_share(void *context, size_t task, int32_t worker) {
    (void)worker;
    solver *v = context;
    share *s = &v->shares[task];
    const size_t count = v->problem->count;
    const size_t end = count * (task + 1) / SHARES;
    s->loss = 0;
    memset(s->gradient, 0, v->size * sizeof *s->gradient);
    for (size_t i = count * task / SHARES; i < end; i += BLOCK)
        add_block(v, s, v->problem->rows + i, end - i < BLOCK ? end - i : BLOCK);
}

/* gradient: [size]. Returns the loss. */
static double evaluate(solver *v, float *gradient, const float *w) {
    const size_t regular = v->size - v->problem->loss.labels; /* all but the bias */
    v->at = w;
    hw_pool_run(v->pool, SHARES, add_share, v);
    double loss = 0, square = 0;
    memset(gradient, 0, v->size * sizeof *gradient);
    for (size_t i = 0; i < SHARES; i++) {
        loss += v->shares[i].loss;
        v->kernels->add(gradient, v->shares[i].gradient, v->size);
    }
    for (size_t i = 0; i < regular; i++) square += (double)w[i] * (double)w[i];
    v->kernels->axpy(gradient, w, (float)v->problem->strength, regular);
    return loss + v->problem->strength / 2 * square;
}

/* ---- L-BFGS -------------------------------------------------------------------------------- */

static double product(const float *a, const float *b, size_t n) {
    double sum = 0;
    for (size_t i = 0; i < n; i++) sum += (double)a[i] * (double)b[i];
    return sum;
}

static double largest(const float *x, size_t n) {
    double most = 0;
    for (size_t i = 0; i < n; i++) most = fmax(most, fabs((double)x[i]));
    return most;
}

/* direction = -H gradient, H from the pairs (Nocedal and Wright 2006, algorithm 7.4). */
static void find_direction(solver *v) {
    double alpha[MEMORY];
    const size_t oldest = v->pair_count > MEMORY ? v->pair_count - MEMORY : 0;
    float *d = v->direction;
    for (size_t i = 0; i < v->size; i++) d[i] = -v->gradient[i];
    for (size_t i = v->pair_count; i-- > oldest;) {
        const pair *p = &v->pairs[i % MEMORY];
        alpha[i % MEMORY] = product(p->step, d, v->size) / p->product;
        v->kernels->axpy(d, p->change, (float)-alpha[i % MEMORY], v->size);
    }
    if (v->pair_count) {
        const pair *newest = &v->pairs[(v->pair_count - 1) % MEMORY];
        const double scale = newest->product / product(newest->change, newest->change, v->size);
        for (size_t i = 0; i < v->size; i++) d[i] *= (float)scale;
    }
    for (size_t i = oldest; i < v->pair_count; i++) {
        const pair *p = &v->pairs[i % MEMORY];
        const double beta = product(p->change, d, v->size) / p->product;
        v->kernels->axpy(d, p->step, (float)(alpha[i % MEMORY] - beta), v->size);
    }
}

/* Remembers the step from w to next, unless the loss is not convex along it (by rounding). */
static void remember(solver *v, const float *w) {
    pair *p = &v->pairs[v->pair_count % MEMORY];
    for (size_t i = 0; i < v->size; i++) {
        p->step[i] = v->next[i] - w[i];
        p->change[i] = v->next_gradient[i] - v->gradient[i];
    }
    p->product = product(p->step, p->change, v->size);
    if (p->product > 1e-12 * product(p->change, p->change, v->size)) v->pair_count++;
}

/* Halves the step until the loss falls enough (Armijo 1966); false if it does not. */
static bool search_line(solver *v, double *loss, const float *w) {
    const double slope = product(v->direction, v->gradient, v->size);
    double length =
        v->pair_count ? 1 : fmin(1, 1 / sqrt(product(v->gradient, v->gradient, v->size)));
    for (int i = 0; i < HALVINGS && slope < 0; i++, length /= 2) {
        memcpy(v->next, w, v->size * sizeof *v->next);
        v->kernels->axpy(v->next, v->direction, (float)length, v->size);
        const double next = evaluate(v, v->next_gradient, v->next);
        if (!(next <= *loss + 1e-4 * length * slope)) continue;
        *loss = next;
        return true;
    }
    return false;
}

static void minimise(solver *v, float *w) {
    double loss = evaluate(v, v->gradient, w);
    for (int step = 0; step < STEPS && largest(v->gradient, v->size) > tolerance; step++) {
        find_direction(v);
        if (!search_line(v, &loss, w)) return;
        remember(v, w);
        memcpy(w, v->next, v->size * sizeof *w);
        memcpy(v->gradient, v->next_gradient, v->size * sizeof *v->gradient);
    }
}

/* ---- Memory ---------------------------------------------------------------------------------- */

static float *take(float **rest, size_t floats) {
    float *taken = *rest;
    *rest += (floats + 15) / 16 * 16;
    return taken;
}

static hw_status reserve(solver *v, hw_error *err) {
    const size_t width = v->problem->width, labels = v->problem->loss.labels;
    const size_t share_floats = v->size + BLOCK * (width + 2 * labels) + labels + 5 * 16;
    const size_t floats = SHARES * share_floats + (4 + 2 * MEMORY) * (v->size + 16);
    float *rest = v->block = hw_calloc(floats, sizeof *rest);
    if (!rest) return hw_fail_memory(err, floats * sizeof *rest);
    for (size_t i = 0; i < SHARES; i++)
        v->shares[i] = (share){ .gradient = take(&rest, v->size),
                                .x = take(&rest, BLOCK * width),
                                .d_logits = take(&rest, BLOCK * labels),
                                .logits = take(&rest, BLOCK * labels),
                                .target = take(&rest, labels) };
    for (size_t i = 0; i < MEMORY; i++)
        v->pairs[i] = (pair){ .step = take(&rest, v->size), .change = take(&rest, v->size) };
    v->gradient = take(&rest, v->size);
    v->next = take(&rest, v->size);
    v->next_gradient = take(&rest, v->size);
    v->direction = take(&rest, v->size);
    return HW_OK;
}

hw_status hw_logistic_fit(float *w, const hw_logistic *problem, const hw_kernels *kernels,
                          hw_pool *pool, hw_error *err) {
    solver v = { .problem = problem,
                 .kernels = kernels,
                 .pool = pool,
                 .size = (problem->width + 1) * problem->loss.labels };
    for (size_t i = 0; i < problem->count; i++)
        v.total_weight += (double)problem->loss.weights[problem->rows[i]];
    HW_TRY(reserve(&v, err));
    minimise(&v, w);
    hw_free(v.block);
    return HW_OK;
}

void hw_logistic_logits(float *logits, const float *w, const float *x, size_t width, size_t labels,
                        const uint32_t *rows, size_t count, const hw_kernels *kernels) {
    for (size_t i = 0; i < count; i++) {
        memcpy(logits + i * labels, w + width * labels, labels * sizeof *logits);
        kernels->gemm(logits + i * labels, labels, x + rows[i] * width, width, 1, w, labels, 1,
                      labels, width, true);
    }
}
