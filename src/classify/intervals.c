/* The confidence interval of the macro-F1. Invariant: the bootstrap is a function of the events
 * alone; its random numbers are counter-based. */
#include "classify/events.h"

#include "base/memory.h"
#include "statistics/intervals.h"

#include <string.h>

enum { RESAMPLES = 1000 };
static const uint64_t bootstrap_seed = 0x626f6f74; /* "boot" */

typedef struct resampled_events {
    const hw_events *events;
    hw_tally *classes; /* [events->classes] scratch */
} resampled_events;

static double macro_f1_of(void *context, const uint32_t *rows, size_t count) {
    const resampled_events *r = context;
    memset(r->classes, 0, r->events->classes * sizeof *r->classes);
    for (size_t i = 0; i < count; i++) hw_tally_row(r->classes, r->events, rows[i]);
    return hw_tally_macro_f1(r->classes, r->events->classes);
}

hw_status hw_interval_bootstrap(hw_interval *interval, const hw_events *events, hw_error *err) {
    resampled_events r = { events, hw_calloc(events->classes, sizeof *r.classes) };
    uint32_t *rows = hw_calloc(events->rows, sizeof *rows);
    double scores[RESAMPLES];
    const hw_resampling resampling = { bootstrap_seed, RESAMPLES, 0.95, scores, rows };
    const bool reserved = r.classes && rows;
    if (reserved) *interval = hw_interval_rows(macro_f1_of, &r, events->rows, &resampling);
    hw_free(r.classes);
    hw_free(rows);
    return reserved ? HW_OK
                    : hw_fail_memory(err, events->classes * sizeof *r.classes +
                                              events->rows * sizeof *rows);
}
