/* g: attention is allocated between heads by the text. MH-gate is asked as it is, and with every
 * gate at its mean over the training texts: if gates tell texts apart, it loses by that. In an A/A
 * study, where no arm has gates, MH takes the place of the second. */
#include "study/evidence.h"

static const hw_side gated = { .arm = HW_ARM_MH_GATE }, plain = { .arm = HW_ARM_MH };

/* What the classifier of MH-gate is asked with. */
typedef struct asked {
    const char *arm, *gates, *scores;
} asked;

static const asked ways[] = {
    { "MH-gate", "the text's own", "scores" },
    { "MH-gate-mean", "their means", "scores_mean_gates" },
    { "MH-gate-shuf", "another text's", "scores_other_gates" },
};
enum { WAYS = sizeof ways / sizeof *ways, MEAN = 1 };

hw_status hw_want_g(hw_experiment *study, hw_error *err) {
    const uint32_t probes = study->options->twins ? 0 : HW_PROBE_GATES;
    HW_TRY(hw_side_want(study, gated, study->seeds, probes, err));
    return hw_side_want(study, plain, study->seeds, 0, err);
}

static hw_status compare(hw_crossed *effect, const hw_experiment *study, const asked *way,
                         hw_error *err) {
    const hw_row_keys keys = { .keys = { "scores" }, .other = way->scores };
    return hw_sides_compare(effect, study, gated, gated, study->seeds, keys, err);
}

static hw_status compare_with_plain(hw_crossed *effect, const hw_experiment *study, hw_error *err) {
    return hw_sides_compare(effect, study, gated, plain, study->seeds,
                            (hw_row_keys){ .keys = { "scores" } }, err);
}

/* ---- What stands beside it ---------------------------------------------------------------- */

static hw_status add_row(json_t *table, const hw_experiment *study, const asked *way, hw_side side,
                         const hw_crossed *effect, hw_error *err) {
    const hw_moments score = hw_side_moments(study, side, study->seeds, way->scores);
    if (!effect)
        return hw_table_row(table, err, "%s|%s|%.2f +- %.2f|", way->arm, way->gates,
                            100 * score.mean, 100 * score.deviation);
    const hw_interval interval = hw_crossed_interval(effect, 0.95);
    return hw_table_row(table, err, "%s|%s|%.2f +- %.2f|%+.2f (%+.2f to %+.2f)", way->arm,
                        way->gates, 100 * score.mean, 100 * score.deviation, effect->effect,
                        interval.low, interval.high);
}

static hw_status add_ways(hw_claim_result *result, const hw_experiment *study, hw_error *err) {
    static const asked none = { "MH", "none", "scores" };
    json_t *table = hw_table_add(result, "Gates of the text, and others in their place",
                                 "arm|gates|score|MH-gate minus it (95 %)");
    hw_crossed effect;
    HW_TRY(add_row(table, study, &ways[0], gated, NULL, err));
    for (size_t i = MEAN; i < WAYS; i++) {
        HW_TRY(compare(&effect, study, &ways[i], err));
        HW_TRY(add_row(table, study, &ways[i], gated, &effect, err));
    }
    HW_TRY(compare_with_plain(&effect, study, err));
    return add_row(table, study, &none, plain, &effect, err);
}

static hw_status add_measures(hw_claim_result *result, const hw_experiment *study, hw_error *err) {
    json_t *table = hw_table_add(result, "What gates do on the test texts (mean over seeds)",
                                 "deviation over texts|entropy over heads (all alike: 1)|"
                                 "information on the label, bits");
    return hw_table_row(table, err, "%.4f|%.4f|%.4f",
                        hw_side_moments(study, gated, study->seeds, "gate_deviation").mean,
                        hw_side_moments(study, gated, study->seeds, "gate_entropy").mean,
                        hw_side_moments(study, gated, study->seeds, "gate_information").mean);
}

/* Not worse: the lower end of the 90 % interval, which is a one-sided test at 5 %. */
static hw_status add_caution(hw_claim_result *result, const hw_experiment *study, hw_error *err) {
    hw_crossed effect;
    HW_TRY(compare_with_plain(&effect, study, err));
    const hw_interval interval = hw_crossed_interval(&effect, 0.95);
    const bool no_worse = hw_crossed_interval(&effect, 0.90).low > -study->epsilon;
    snprintf(result->caution, sizeof result->caution,
             "MH-gate against MH: %+.2f points (%+.2f to %+.2f); %s.", effect.effect, interval.low,
             interval.high, no_worse ? "it is not worse by epsilon" : "it may be worse by epsilon");
    return HW_OK;
}

/* ---- The claim ---------------------------------------------------------------------------- */

static hw_status measure_twins(hw_claim_result *result, const hw_experiment *study, hw_error *err) {
    result->single = 100 * hw_side_moments(study, plain, study->seeds, "scores").mean;
    return compare_with_plain(&result->effect, study, err);
}

hw_status hw_measure_g(hw_claim_result *result, const hw_experiment *study, hw_error *err) {
    result->multi = 100 * hw_side_moments(study, gated, study->seeds, "scores").mean;
    result->epsilon = study->epsilon;
    if (study->options->twins) return measure_twins(result, study, err);
    result->single = 100 * hw_side_moments(study, gated, study->seeds, ways[MEAN].scores).mean;
    HW_TRY(compare(&result->effect, study, &ways[MEAN], err));
    HW_TRY(add_caution(result, study, err));
    HW_TRY(add_ways(result, study, err));
    return add_measures(result, study, err);
}
