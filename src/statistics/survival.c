/* The log-rank test and the restricted mean. Invariant: the order of the runs does not matter but
 * for rounding. Quadratic in the runs, of which there are tens. */
#include "statistics/survival.h"

#include "statistics/distributions.h"

#include <math.h>

static double at_risk(hw_times times, double time) {
    size_t count = 0;
    for (size_t i = 0; i < times.count; i++) count += times.time[i] >= time;
    return (double)count;
}

static double events_at(hw_times times, double time) {
    size_t count = 0;
    for (size_t i = 0; i < times.count; i++) count += times.happened[i] && times.time[i] == time;
    return (double)count;
}

/* The first event later than `time`, or infinity. */
static double next_event(hw_times times, double time) {
    double next = (double)INFINITY;
    for (size_t i = 0; i < times.count; i++)
        if (times.happened[i] && times.time[i] > time) next = fmin(next, times.time[i]);
    return next;
}

hw_log_rank_test hw_log_rank(hw_times first, hw_times second) {
    double surplus = 0, expected = 0, variance = 0;
    double time = -(double)INFINITY;
    while ((time = fmin(next_event(first, time), next_event(second, time))) < (double)INFINITY) {
        const double ours = at_risk(first, time), all = ours + at_risk(second, time);
        const double happened = events_at(first, time), events = happened + events_at(second, time);
        const double share = ours / all;
        expected += events * share;
        surplus += happened - events * share;
        if (all > 1) variance += events * share * (1 - share) * (all - events) / (all - 1);
    }
    const double statistic = variance > 0 ? surplus * surplus / variance : 0;
    return (hw_log_rank_test){ expected, statistic, hw_chi_square_tail(statistic, 1) };
}

hw_restricted_mean hw_restricted_mean_of(hw_times times, double horizon) {
    double area = 0, curve = 1, before = 0;
    for (double time = -(double)INFINITY; (time = next_event(times, time)) < horizon;) {
        area += curve * (time - before);
        curve *= 1 - events_at(times, time) / at_risk(times, time);
        before = time;
    }
    area += curve * (horizon - before);
    double variance = 0, area_before = 0;
    curve = 1;
    before = 0;
    for (double time = -(double)INFINITY; (time = next_event(times, time)) < horizon;) {
        const double risk = at_risk(times, time), events = events_at(times, time);
        area_before += curve * (time - before);
        const double rest = area - area_before;
        if (risk > events) variance += rest * rest * events / (risk * (risk - events));
        curve *= 1 - events / risk;
        before = time;
    }
    return (hw_restricted_mean){ area, variance };
}
