/* b: several heads are more robust. The endpoint is what a text's score loses to corruptions, over
 * all kinds and strengths alike. */
#include "study/corruption.h"
#include "study/evidence.h"
#include "study/fairness.h"

static const int32_t noises[] = { 20, 40 };
enum { NOISES = sizeof noises / sizeof *noises };
static const hw_arm sides[] = { HW_ARM_MH, HW_ARM_SH_A };

hw_status hw_want_b(hw_experiment *study, hw_error *err) {
    for (size_t side = 0; side < 2; side++) {
        HW_TRY(hw_side_want(study, (hw_side){ .arm = sides[side] }, study->seeds,
                            HW_PROBE_CORRUPTION, err));
        for (size_t i = 0; i < NOISES && study->level != HW_STUDY_QUICK; i++)
            HW_TRY(hw_side_want(study, (hw_side){ sides[side], HW_VARIANT_NOISE, noises[i], 0 },
                                study->seeds, 0, err));
    }
    return HW_OK;
}

/* Mean over seeds of a kind's score at a strength. */
static double corrupted_score(const hw_experiment *study, hw_arm arm, hw_corruption kind,
                              size_t strength) {
    double sum = 0, runs = 0;
    for (int32_t seed = 1; seed <= study->seeds; seed++) {
        const hw_job job = hw_side_job(study, (hw_side){ .arm = arm }, seed);
        const json_t *kinds = json_object_get(hw_study_run(study, &job), "corruptions");
        const json_t *scores = json_object_get(kinds, hw_corruption_name(kind));
        if (!scores) continue;
        sum += json_number_value(json_array_get(scores, strength));
        runs++;
    }
    return 100 * sum / runs;
}

static hw_status add_kinds(hw_claim_result *result, const hw_experiment *study, hw_error *err) {
    enum { LIGHT = 1, HEAVY = HW_CORRUPTION_STRENGTHS - 1 };
    json_t *table = hw_table_add(result, "Score under corruption of 5 and 20 % of a text",
                                 "corruption|MH, 5 %|SH-A, 5 %|MH, 20 %|SH-A, 20 %");
    for (hw_corruption kind = 0; kind < HW_CORRUPTIONS; kind++)
        HW_TRY(hw_table_row(table, err, "%s|%.2f|%.2f|%.2f|%.2f", hw_corruption_name(kind),
                            corrupted_score(study, HW_ARM_MH, kind, LIGHT),
                            corrupted_score(study, HW_ARM_SH_A, kind, LIGHT),
                            corrupted_score(study, HW_ARM_MH, kind, HEAVY),
                            corrupted_score(study, HW_ARM_SH_A, kind, HEAVY)));
    return HW_OK;
}

static hw_status add_fit(hw_claim_result *result, const hw_experiment *study, hw_error *err) {
    json_t *table = hw_table_add(result,
                                 "Overfitting: log-loss on the test part and on what was "
                                 "learned from",
                                 "arm|test|training|gap|deviation of the score over seeds");
    for (size_t side = 0; side < 2; side++) {
        const hw_side of = { .arm = sides[side] };
        const double test = hw_side_moments(study, of, study->seeds, "log_loss").mean;
        const double train = hw_side_moments(study, of, study->seeds, "train_log_loss").mean;
        HW_TRY(hw_table_row(table, err, "%s|%.3f|%.3f|%.3f|%.2f", hw_arm_name(sides[side]), test,
                            train, test - train,
                            100 * hw_side_moments(study, of, study->seeds, "scores").deviation));
    }
    return HW_OK;
}

static hw_status add_noise(hw_claim_result *result, const hw_experiment *study, hw_error *err) {
    json_t *table = hw_table_add(result, "With wrong labels among those learned from",
                                 "wrong labels, %|MH|SH-A");
    for (size_t i = 0; i < NOISES; i++) {
        double score[2];
        for (size_t side = 0; side < 2; side++)
            score[side] = 100 * hw_side_moments(
                                    study, (hw_side){ sides[side], HW_VARIANT_NOISE, noises[i], 0 },
                                    study->seeds, "scores")
                                    .mean;
        HW_TRY(hw_table_row(table, err, "%d|%.2f|%.2f", (int)noises[i], score[0], score[1]));
    }
    return HW_OK;
}

hw_status hw_measure_b(hw_claim_result *result, const hw_experiment *study, hw_error *err) {
    const hw_side multi = { .arm = HW_ARM_MH }, single = { .arm = HW_ARM_SH_A };
    double lost[2];
    for (size_t side = 0; side < 2; side++) {
        const hw_side of = { .arm = sides[side] };
        lost[side] = 100 * (hw_side_moments(study, of, study->seeds, "scores").mean -
                            hw_side_moments(study, of, study->seeds, "corrupted").mean);
    }
    result->multi = lost[0];
    result->single = lost[1];
    result->epsilon = 2 * study->epsilon;
    hw_claim_match(result, study, multi, single, HW_MATCH_BOTH);
    HW_TRY(hw_sides_compare(&result->effect, study, multi, single, study->seeds,
                            (hw_row_keys){ .keys = { "corrupted", "scores" } }, err));
    HW_TRY(add_kinds(result, study, err));
    HW_TRY(add_fit(result, study, err));
    return study->level == HW_STUDY_QUICK ? HW_OK : add_noise(result, study, err);
}
