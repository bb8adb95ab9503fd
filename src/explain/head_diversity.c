/* The singular values of the matrix of all weights, a row a head, are the square roots of the
 * eigenvalues of its rows' products: so the matrix itself need not be kept. */
#include "explain/head_diversity.h"

#include "base/memory.h"
#include "statistics/spectrum.h"

#include <math.h>

hw_status hw_head_diversity_start(hw_head_diversity *d, size_t heads, hw_error *err) {
    d->heads = heads;
    d->divergence = hw_calloc(heads * heads, sizeof *d->divergence);
    d->gram = hw_calloc(heads * heads, sizeof *d->gram);
    if (d->divergence && d->gram) return HW_OK;
    return hw_fail_memory(err, 2 * heads * heads * sizeof *d->gram);
}

void hw_head_diversity_free(hw_head_diversity *d) {
    hw_free(d->divergence);
    hw_free(d->gram);
    *d = (hw_head_diversity){ 0 };
}

/* x ln(x / mean) */
static double term(double x, double mean) {
    return x > 0 ? x * log(x / mean) : 0;
}

static double divergence_of(const float *a, const float *b, size_t count) {
    double sum = 0;
    for (size_t j = 0; j < count; j++) {
        const double x = (double)a[j], y = (double)b[j], mean = (x + y) / 2;
        sum += (term(x, mean) + term(y, mean)) / 2;
    }
    return sum / log(2);
}

static double product_of(const float *a, const float *b, size_t count) {
    const double uniform = 1 / (double)count;
    double sum = 0;
    for (size_t j = 0; j < count; j++) sum += ((double)a[j] - uniform) * ((double)b[j] - uniform);
    return sum;
}

static void add_pair(hw_head_diversity *d, const float *weights, const hw_head_text *text, size_t a,
                     size_t b) {
    const size_t n = text->count;
    double divergence = 0, product = 0;
    for (size_t i = 0; i < text->queries; i++) {
        const size_t query = text->query[i];
        const float *x = weights + (a * n + query) * n, *y = weights + (b * n + query) * n;
        if (a != b) divergence += divergence_of(x, y, n);
        product += product_of(x, y, n);
    }
    d->divergence[a * d->heads + b] += divergence;
    d->gram[a * d->heads + b] += product;
}

void hw_head_diversity_add(hw_head_diversity *d, const float *weights, const hw_head_text *text) {
    d->queries += (double)text->queries;
    for (size_t a = 0; a < d->heads; a++)
        for (size_t b = a; b < d->heads; b++) add_pair(d, weights, text, a, b);
}

void hw_head_diversity_merge(hw_head_diversity *d, const hw_head_diversity *more) {
    d->queries += more->queries;
    for (size_t i = 0; i < d->heads * d->heads; i++) {
        d->divergence[i] += more->divergence[i];
        d->gram[i] += more->gram[i];
    }
}

double hw_head_diversity_finish(double *distance, hw_head_diversity *d) {
    const size_t n = d->heads;
    for (size_t a = 0; a < n; a++)
        for (size_t b = a; b < n; b++) {
            distance[a * n + b] = distance[b * n + a] = d->divergence[a * n + b] / d->queries;
            d->gram[b * n + a] = d->gram[a * n + b];
        }
    hw_symmetric_eigenvalues(d->divergence, d->gram, n);
    return hw_effective_number(d->divergence, n);
}
