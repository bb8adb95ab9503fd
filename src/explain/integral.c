/* Gauss and Legendre's rule with 4 points on each stretch. The network has kinks (maxima), and
 * norms that turn sharply near a baseline of 0: few points on short stretches where it matters do
 * better than many on a long one. */
#include "explain/integral.h"

#include "base/memory.h"

#include <math.h>
#include <string.h>

enum {
    POINTS = 4,
    MOST_TIMES = 64,       /* times the steps to begin with */
    MOST_DOUBLES = 1 << 23 /* that all stretches may hold */
};

/* Abramowitz and Stegun 1964, table 25.4, on [0, 1]. */
static const double place[POINTS] = { 0.0694318442029737, 0.3300094782075719, 0.6699905217924281,
                                      0.9305681557970263 };
static const double weight[POINTS] = { 0.1739274225687269, 0.3260725774312731, 0.3260725774312731,
                                       0.1739274225687269 };

/* What a value can be off by for its being float: no stretch is cut for less. */
static const double float_noise = 1e-6;

typedef struct stretch {
    double begin, end;             /* of alpha */
    double value_begin, value_end; /* there */
    double error;
    double *totals; /* [tokens] */
} stretch;

typedef struct integral {
    hw_path *path;
    stretch *stretches; /* [capacity] */
    size_t count, capacity;
    double *totals; /* [capacity][tokens] */
    double *slopes; /* [POINTS][tokens] */
} integral;

/* Fills in totals and error. */
static hw_status measure(integral *in, stretch *s, hw_error *err) {
    const size_t tokens = in->path->tokens;
    const double length = s->end - s->begin;
    double alphas[POINTS], values[POINTS], sum = 0;
    for (size_t i = 0; i < POINTS; i++) alphas[i] = s->begin + place[i] * length;
    HW_TRY(in->path->run(values, in->slopes, in->path, alphas, POINTS, err));
    for (size_t token = 0; token < tokens; token++) {
        double total = 0;
        for (size_t i = 0; i < POINTS; i++) total += weight[i] * in->slopes[i * tokens + token];
        s->totals[token] = total * length;
        sum += s->totals[token];
    }
    s->error = fabs(sum - (s->value_end - s->value_begin));
    return HW_OK;
}

static hw_status begin(integral *in, hw_error *err) {
    for (size_t i = 0; i < in->count; i++) {
        stretch *s = &in->stretches[i];
        s->begin = (double)i / (double)in->count;
        s->end = (double)(i + 1) / (double)in->count;
        if (i == 0)
            HW_TRY(in->path->run(&s->value_begin, NULL, in->path, &s->begin, 1, err));
        else
            s->value_begin = in->stretches[i - 1].value_end;
        HW_TRY(in->path->run(&s->value_end, NULL, in->path, &s->end, 1, err));
        HW_TRY(measure(in, s, err));
    }
    return HW_OK;
}

static hw_status halve(integral *in, stretch *left, hw_error *err) {
    stretch *right = &in->stretches[in->count++];
    const double middle = (left->begin + left->end) / 2;
    right->end = left->end;
    right->value_end = left->value_end;
    right->begin = left->end = middle;
    HW_TRY(in->path->run(&right->value_begin, NULL, in->path, &middle, 1, err));
    left->value_end = right->value_begin;
    HW_TRY(measure(in, left, err));
    return measure(in, right, err);
}

/* What the errors may sum to: no less than floats can tell. */
static double enough_of(const integral *in, double allowed) {
    const double begin = in->stretches[0].value_begin;
    const double end = in->stretches[in->count - 1].value_end;
    return fmax(allowed, float_noise * fmax(1, fmax(fabs(begin), fabs(end))));
}

static hw_status refine(integral *in, double allowed, hw_error *err) {
    const double enough = enough_of(in, allowed);
    while (in->count < in->capacity) {
        stretch *worst = &in->stretches[0];
        double error = 0;
        for (size_t i = 0; i < in->count; i++) {
            error += in->stretches[i].error;
            if (in->stretches[i].error > worst->error) worst = &in->stretches[i];
        }
        if (error <= enough) break;
        HW_TRY(halve(in, worst, err));
    }
    return HW_OK;
}

static size_t stretches_for(size_t first_count, size_t tokens) {
    const size_t most = MOST_DOUBLES / (tokens + 1), wanted = first_count * MOST_TIMES;
    const size_t capacity = wanted < most ? wanted : most;
    return capacity > first_count ? capacity : first_count;
}

static hw_status reserve(integral *in, hw_error *err) {
    const size_t tokens = in->path->tokens;
    in->stretches = hw_calloc(in->capacity, sizeof *in->stretches);
    in->totals = hw_calloc(in->capacity * tokens, sizeof *in->totals);
    in->slopes = hw_calloc(POINTS * tokens, sizeof *in->slopes);
    if (!in->stretches || !in->totals || !in->slopes)
        return hw_fail_memory(err, in->capacity * tokens * sizeof *in->totals);
    for (size_t i = 0; i < in->capacity; i++) in->stretches[i].totals = in->totals + i * tokens;
    return HW_OK;
}

static void sum_up(double *totals, const integral *in) {
    const size_t tokens = in->path->tokens;
    memset(totals, 0, tokens * sizeof *totals);
    for (size_t i = 0; i < in->count; i++)
        for (size_t token = 0; token < tokens; token++)
            totals[token] += in->stretches[i].totals[token];
}

hw_status hw_integrate(double *totals, size_t *taken, hw_path *path, size_t steps, double allowed,
                       hw_error *err) {
    integral in = { .path = path, .count = steps / POINTS };
    in.capacity = stretches_for(in.count, path->tokens);
    hw_status status = reserve(&in, err);
    if (status == HW_OK) status = begin(&in, err);
    if (status == HW_OK) status = refine(&in, allowed, err);
    if (status == HW_OK) sum_up(totals, &in);
    *taken = (2 * in.count - steps / POINTS) * POINTS;
    hw_free(in.stretches);
    hw_free(in.totals);
    hw_free(in.slopes);
    return status;
}
