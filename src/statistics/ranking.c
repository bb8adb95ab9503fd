/* Invariant: the order is total, so that it does not depend on the sorting algorithm. */
#include "statistics/ranking.h"

#include <stdlib.h>

static int compare_doubles(const void *a, const void *b) {
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static int compare_ranked(const void *a, const void *b) {
    const hw_ranked *x = a, *y = b;
    if (x->value != y->value) return x->value < y->value ? -1 : 1;
    return (x->index > y->index) - (x->index < y->index);
}

void hw_rank(hw_ranked *order, const double *values, size_t count) {
    for (size_t i = 0; i < count; i++) order[i] = (hw_ranked){ values[i], i };
    qsort(order, count, sizeof *order, compare_ranked);
}

void hw_sort(double *values, size_t count) {
    qsort(values, count, sizeof *values, compare_doubles);
}

double hw_quantile(const double *sorted, size_t count, double share) {
    const double place = share * (double)(count - 1);
    const size_t below = (size_t)place;
    const size_t above = below + 1 < count ? below + 1 : below;
    return sorted[below] + (place - (double)below) * (sorted[above] - sorted[below]);
}
