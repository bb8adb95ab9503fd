/* d: what several heads look at explains better what they say. An arm's explanation is the one of
 * its attention that is best on dev texts; the endpoint is its NAOPC on test texts, MH less SH-A.
 * Whether it is better than words by chance stands beside it. */
#include "study/evidence.h"
#include "study/explanations.h"
#include "study/fairness.h"

static const hw_arm arms[] = { HW_ARM_MH, HW_ARM_SH_A, HW_ARM_HU };
enum { ARMS = sizeof arms / sizeof *arms };

hw_status hw_want_d(hw_experiment *study, hw_error *err) {
    for (size_t i = 0; i < ARMS; i++)
        HW_TRY(hw_side_want(study, (hw_side){ .arm = arms[i] }, study->seeds, HW_PROBE_EXPLANATIONS,
                            err));
    return HW_OK;
}

static const char *key_of(size_t kind) {
    return hw_explanation_kinds[kind].key;
}

/* Mean over the seeds. */
static double on_dev(const hw_experiment *study, hw_arm arm, size_t kind) {
    double sum = 0, runs = 0;
    for (int32_t seed = 1; seed <= study->seeds; seed++) {
        const hw_job job = hw_side_job(study, (hw_side){ .arm = arm }, seed);
        const json_t *means = json_object_get(hw_study_run(study, &job), "naopc_dev");
        if (!means) continue;
        sum += json_number_value(json_array_get(means, kind));
        runs++;
    }
    return sum / runs;
}

static size_t best_of(const hw_experiment *study, hw_arm arm) {
    size_t best = 0;
    for (size_t kind = 1; kind < HW_EXPLANATIONS; kind++)
        if (hw_explanation_kinds[kind].is_attention &&
            on_dev(study, arm, kind) > on_dev(study, arm, best))
            best = kind;
    return best;
}

static hw_status compare(hw_crossed *effect, const hw_experiment *study, hw_arm first,
                         size_t of_first, hw_arm second, size_t of_second, hw_error *err) {
    const hw_row_keys keys = { .keys = { key_of(of_first) }, .other = key_of(of_second) };
    return hw_sides_compare(effect, study, (hw_side){ .arm = first }, (hw_side){ .arm = second },
                            study->seeds, keys, err);
}

static double naopc_of(const hw_experiment *study, hw_arm arm, size_t kind) {
    return 100 * hw_side_moments(study, (hw_side){ .arm = arm }, study->seeds, key_of(kind)).mean;
}

/* ---- What stands beside it ---------------------------------------------------------------- */

static hw_status add_kinds(hw_claim_result *result, const hw_experiment *study, hw_error *err) {
    json_t *table = hw_table_add(result, "NAOPC of all explanations, in hundredths",
                                 "explanation|MH|SH-A|HU|MH minus by chance (95 %)");
    for (size_t kind = 0; kind < HW_EXPLANATIONS; kind++) {
        hw_crossed effect;
        HW_TRY(compare(&effect, study, HW_ARM_MH, kind, HW_ARM_MH, HW_EXPLANATION_CHANCE, err));
        const hw_interval interval = hw_crossed_interval(&effect, 0.95);
        const char *name = hw_explanation_kinds[kind].name;
        const double of[ARMS] = { naopc_of(study, arms[0], kind), naopc_of(study, arms[1], kind),
                                  naopc_of(study, arms[2], kind) };
        HW_TRY(kind == HW_EXPLANATION_CHANCE
                   ? hw_table_row(table, err, "%s|%.1f|%.1f|%.1f|", name, of[0], of[1], of[2])
                   : hw_table_row(table, err, "%s|%.1f|%.1f|%.1f|%+.1f (%+.1f to %+.1f)", name,
                                  of[0], of[1], of[2], effect.effect, interval.low, interval.high));
    }
    return HW_OK;
}

static hw_status add_best(hw_claim_result *result, const hw_experiment *study, hw_error *err) {
    json_t *table = hw_table_add(result, "Each arm with its best explanation",
                                 "arm|best on the dev part|NAOPC|score|MH minus it (95 %)");
    const size_t of_mh = best_of(study, HW_ARM_MH);
    for (size_t i = 0; i < ARMS; i++) {
        const size_t best = best_of(study, arms[i]);
        const hw_side side = { .arm = arms[i] };
        const double score = 100 * hw_side_moments(study, side, study->seeds, "scores").mean;
        hw_crossed effect;
        HW_TRY(compare(&effect, study, HW_ARM_MH, of_mh, arms[i], best, err));
        const hw_interval interval = hw_crossed_interval(&effect, 0.95);
        HW_TRY(i == 0 ? hw_table_row(table, err, "%s|%s|%.1f|%.2f|", hw_arm_name(arms[i]),
                                     hw_explanation_kinds[best].name,
                                     naopc_of(study, arms[i], best), score)
                      : hw_table_row(table, err, "%s|%s|%.1f|%.2f|%+.1f (%+.1f to %+.1f)",
                                     hw_arm_name(arms[i]), hw_explanation_kinds[best].name,
                                     naopc_of(study, arms[i], best), score, effect.effect,
                                     interval.low, interval.high));
    }
    return HW_OK;
}

static hw_status add_caution(hw_claim_result *result, const hw_experiment *study, size_t best,
                             hw_error *err) {
    hw_crossed effect;
    HW_TRY(compare(&effect, study, HW_ARM_MH, best, HW_ARM_MH, HW_EXPLANATION_CHANCE, err));
    const hw_interval interval = hw_crossed_interval(&effect, 0.95);
    snprintf(result->caution, sizeof result->caution,
             "The best explanation of MH against words by chance: %+.1f points (%+.1f to %+.1f).%s",
             effect.effect, interval.low, interval.high,
             interval.low > 0 ? "" : " Where it looks does not say why on these data.");
    return HW_OK;
}

/* ---- The claim ---------------------------------------------------------------------------- */

hw_status hw_measure_d(hw_claim_result *result, const hw_experiment *study, hw_error *err) {
    const size_t of_mh = best_of(study, HW_ARM_MH), of_single = best_of(study, HW_ARM_SH_A);
    result->multi = naopc_of(study, HW_ARM_MH, of_mh);
    result->single = naopc_of(study, HW_ARM_SH_A, of_single);
    result->epsilon = 4 * study->epsilon;
    hw_claim_match(result, study, (hw_side){ .arm = HW_ARM_MH }, (hw_side){ .arm = HW_ARM_SH_A },
                   HW_MATCH_BOTH);
    HW_TRY(compare(&result->effect, study, HW_ARM_MH, of_mh, HW_ARM_SH_A, of_single, err));
    HW_TRY(add_caution(result, study, of_mh, err));
    HW_TRY(add_best(result, study, err));
    return add_kinds(result, study, err);
}
