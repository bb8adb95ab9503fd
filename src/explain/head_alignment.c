/* Columns are centred at the end: with s the sums of columns over n tokens, Xa' Xb - sa sb' / n. */
#include "explain/head_alignment.h"

#include "base/memory.h"

#include <math.h>

/* What is left of products, by their norm, when columns that never change are centred: rounding. */
static const double least_spread = 1e-10;

hw_status hw_head_alignment_start(hw_head_alignment *a, size_t heads, size_t head_dim,
                                  hw_error *err) {
    const size_t pairs = heads * (heads + 1) / 2, square = head_dim * head_dim;
    a->heads = heads;
    a->head_dim = head_dim;
    a->sum = hw_calloc(heads * head_dim, sizeof *a->sum);
    a->products = hw_calloc(pairs * square, sizeof *a->products);
    if (a->sum && a->products) return HW_OK;
    return hw_fail_memory(err, pairs * square * sizeof *a->products);
}

void hw_head_alignment_free(hw_head_alignment *a) {
    hw_free(a->sum);
    hw_free(a->products);
    *a = (hw_head_alignment){ 0 };
}

/* x, y: a head's columns, [tokens][n] with that stride. A pair's products stay in the cache. */
static void add_products(double *restrict products, const float *restrict x,
                         const float *restrict y, size_t stride, size_t tokens, size_t n) {
    for (size_t token = 0; token < tokens; token++, x += stride, y += stride)
        for (size_t i = 0; i < n; i++) {
            double *restrict row = products + i * n;
            const double left = (double)x[i];
            for (size_t j = 0; j < n; j++) row[j] += left * (double)y[j];
        }
}

void hw_head_alignment_add(hw_head_alignment *a, const float *rows, size_t tokens) {
    const size_t n = a->head_dim, width = a->heads * n;
    double *products = a->products;
    a->tokens += (double)tokens;
    for (size_t token = 0; token < tokens; token++)
        for (size_t c = 0; c < width; c++) a->sum[c] += (double)rows[token * width + c];
    for (size_t left = 0; left < a->heads; left++)
        for (size_t right = left; right < a->heads; right++, products += n * n)
            add_products(products, rows + left * n, rows + right * n, width, tokens, n);
}

/* |Xa' Xb|^2 of centred columns; 0 if that is nothing but rounding. */
static double square_of(const hw_head_alignment *a, const double *products, size_t left,
                        size_t right) {
    const size_t n = a->head_dim;
    const double *x = a->sum + left * n, *y = a->sum + right * n;
    double centred = 0, whole = 0;
    for (size_t i = 0; i < n * n; i++) {
        const double rest = products[i] - x[i / n] * y[i % n] / a->tokens;
        centred += rest * rest;
        whole += products[i] * products[i];
    }
    return centred > least_spread * least_spread * whole ? centred : 0;
}

static double distance_of(double both, double left, double right) {
    if (!(left > 0 && right > 0)) return (double)NAN;
    return fmin(1, fmax(0, 1 - both / (sqrt(left) * sqrt(right))));
}

void hw_head_alignment_finish(double *distance, const hw_head_alignment *a) {
    const size_t heads = a->heads, square = a->head_dim * a->head_dim;
    const double *products = a->products;
    for (size_t left = 0; left < heads; left++)
        for (size_t right = left; right < heads; right++, products += square)
            distance[left * heads + right] = square_of(a, products, left, right);
    for (size_t left = 0; left < heads; left++)
        for (size_t right = left + 1; right < heads; right++)
            distance[left * heads + right] = distance[right * heads + left] =
                distance_of(distance[left * heads + right], distance[left * heads + left],
                            distance[right * heads + right]);
    for (size_t head = 0; head < heads; head++)
        distance[head * heads + head] = distance[head * heads + head] > 0 ? 0 : (double)NAN;
}
