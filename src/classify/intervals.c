/* Confidence intervals of the measures. Invariant: the bootstrap is a function of the
 * events alone; its random numbers are counter-based. */
#include "classify/events.h"

#include "base/memory.h"
#include "base/random.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { RESAMPLES = 1000 };
static const uint64_t bootstrap_seed = 0x626f6f74;       /* "boot" */
static const double normal_quantile = 1.959963984540054; /* of 0.975 */

hw_interval hw_interval_wilson(double successes, double trials) {
    const double z2 = normal_quantile * normal_quantile, share = successes / trials;
    const double middle = (share + z2 / (2 * trials)) / (1 + z2 / trials);
    const double spread = normal_quantile / (1 + z2 / trials) *
                          sqrt(share * (1 - share) / trials + z2 / (4 * trials * trials));
    return (hw_interval){ fmax(0, middle - spread), fmin(1, middle + spread) };
}

static int compare_doubles(const void *a, const void *b) {
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Of sorted values, linear between neighbours. */
static double quantile(const double *sorted, size_t count, double share) {
    const double place = share * (double)(count - 1);
    const size_t below = (size_t)place;
    const size_t above = below + 1 < count ? below + 1 : below;
    return sorted[below] + (place - (double)below) * (sorted[above] - sorted[below]);
}

hw_status hw_interval_bootstrap(hw_interval *interval, const hw_events *events, hw_error *err) {
    hw_tally *classes = hw_calloc(events->classes, sizeof *classes);
    if (!classes) return hw_fail_memory(err, events->classes * sizeof *classes);
    double score[RESAMPLES];
    for (uint64_t resample = 0; resample < RESAMPLES; resample++) {
        memset(classes, 0, events->classes * sizeof *classes);
        for (size_t draw = 0; draw < events->rows; draw++)
            hw_tally_row(classes, events,
                         hw_random_below(bootstrap_seed, resample, draw, events->rows));
        score[resample] = hw_tally_macro_f1(classes, events->classes);
    }
    hw_free(classes);
    qsort(score, RESAMPLES, sizeof *score, compare_doubles);
    *interval =
        (hw_interval){ quantile(score, RESAMPLES, 0.025), quantile(score, RESAMPLES, 0.975) };
    return HW_OK;
}
