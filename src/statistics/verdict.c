/* Invariant: a verdict with a direction has passed Holm's adjustment, so that of all claims of a
 * study without effects any gets one in at most 5 % of studies. NO DIFFERENCE is a claim of its own
 * on each line: it errs in at most 5 % of them. */
#include "statistics/verdict.h"

#include "statistics/power.h"
#include "statistics/tests.h"

#include <assert.h>

static const double LEVEL = 0.05;

const char *hw_verdict_text(hw_verdict verdict) {
    static const char *const text[] = {
#define X(name, text) text,
        HW_VERDICT_LIST(X)
#undef X
    };
    return text[verdict];
}

hw_verdict hw_verdict_of(const hw_finding *finding) {
    const hw_finding *f = finding;
    const bool is_significant = f->p_holm < LEVEL;
    if (is_significant && f->interval.low > 0)
        return f->effect >= f->epsilon ? HW_VERDICT_SUPPORTED : HW_VERDICT_SMALL;
    if (is_significant && f->interval.high < 0) return HW_VERDICT_REFUTED;
    if (f->interval_90.low > -f->epsilon && f->interval_90.high < f->epsilon)
        return HW_VERDICT_NO_DIFFERENCE;
    return HW_VERDICT_INCONCLUSIVE;
}

static hw_finding measure(const hw_crossed *effect, double epsilon) {
    const double distance = effect->effect < 0 ? -effect->effect : effect->effect;
    return (hw_finding){ .effect = effect->effect,
                         .interval = hw_crossed_interval(effect, 0.95),
                         .interval_90 = hw_crossed_interval(effect, 0.90),
                         .p = hw_crossed_p(effect, distance),
                         .epsilon = epsilon,
                         .seeds = effect->seeds,
                         .rows = effect->rows };
}

/* Holm's adjustment asks most of one claim for p / claims: at that level an effect is found
 * whatever the others show. */
static void judge(hw_finding *finding, const hw_crossed *effect, size_t claims) {
    const double level = LEVEL / (double)claims;
    finding->verdict = hw_verdict_of(finding);
    finding->detectable = hw_detectable_effect(effect, level);
    if (finding->verdict != HW_VERDICT_INCONCLUSIVE) return;
    finding->needed_seeds = hw_needed_seeds(effect, level, finding->epsilon);
    finding->needed_rows = hw_needed_rows(effect, level, finding->epsilon);
}

void hw_findings_judge(hw_finding *findings, const hw_crossed *effects, const double *epsilons,
                       size_t claims) {
    assert(claims <= HW_CLAIM_LIMIT);
    double p[HW_CLAIM_LIMIT];
    hw_ranked order[HW_CLAIM_LIMIT];
    for (size_t claim = 0; claim < claims; claim++) {
        findings[claim] = measure(&effects[claim], epsilons[claim]);
        p[claim] = findings[claim].p;
    }
    hw_adjust_holm(p, p, claims, order);
    for (size_t claim = 0; claim < claims; claim++) {
        findings[claim].p_holm = p[claim];
        judge(&findings[claim], &effects[claim], claims);
    }
}
