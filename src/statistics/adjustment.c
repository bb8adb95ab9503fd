/* p-values of several hypotheses, adjusted. Invariant: adjusted ones are in [0, 1] and in the order
 * of the p-values they were made of. */
#include "statistics/tests.h"

#include <math.h>

void hw_adjust_holm(double *adjusted, const double *p, size_t count, hw_ranked *scratch) {
    hw_rank(scratch, p, count);
    double highest = 0;
    for (size_t rank = 0; rank < count; rank++) {
        highest = fmax(highest, scratch[rank].value * (double)(count - rank));
        adjusted[scratch[rank].index] = fmin(1, highest);
    }
}

void hw_adjust_benjamini_hochberg(double *adjusted, const double *p, size_t count,
                                  hw_ranked *scratch) {
    hw_rank(scratch, p, count);
    double lowest = 1;
    for (size_t rank = count; rank-- > 0;) {
        lowest = fmin(lowest, scratch[rank].value * (double)count / (double)(rank + 1));
        adjusted[scratch[rank].index] = lowest;
    }
}
