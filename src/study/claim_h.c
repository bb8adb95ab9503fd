/* h: several heads reach over long distances. Which of two words comes first, over 4 to 128 words
 * of the user's own vocabulary (study/order_task.h); the endpoint is the mean over distances. Where
 * h is 16, MH has 8 heads here (choice.c). */
#include "study/evidence.h"

#include "base/memory.h"
#include "study/fairness.h"
#include "study/order_task.h"

static const int32_t all_distances[] = { 4, 16, 64, 128 };
static const int32_t few_distances[] = { 8, 32 };
static const hw_arm arms[] = { HW_ARM_MH, HW_ARM_SH_A, HW_ARM_SH_C, HW_ARM_H0 };

typedef struct distances {
    const int32_t *words;
    size_t count, arms;
} distances;

static distances distances_of(const hw_experiment *study) {
    if (study->level == HW_STUDY_QUICK)
        return (distances){ few_distances, sizeof few_distances / sizeof *few_distances, 2 };
    return (distances){ all_distances, sizeof all_distances / sizeof *all_distances,
                        sizeof arms / sizeof *arms };
}

static hw_side side_of(const hw_experiment *study, hw_arm arm, int32_t distance) {
    const int32_t own_heads = study->order_heads == study->heads ? 0 : study->order_heads;
    return (hw_side){ arm, HW_VARIANT_ORDER, distance, own_heads };
}

hw_status hw_want_h(hw_experiment *study, hw_error *err) {
    const distances d = distances_of(study);
    for (size_t i = 0; i < d.count; i++)
        for (size_t arm = 0; arm < d.arms; arm++)
            HW_TRY(
                hw_side_want(study, side_of(study, arms[arm], d.words[i]), study->seeds, 0, err));
    return HW_OK;
}

static hw_status add_distances(hw_claim_result *result, const hw_experiment *study, hw_error *err) {
    const distances d = distances_of(study);
    char title[80];
    snprintf(title, sizeof title, "Score by distance, %d heads (without attention: 50)",
             (int)study->order_heads);
    json_t *table = hw_table_add(
        result, title, d.arms > 2 ? "words between|MH|SH-A|SH-C|H0" : "words between|MH|SH-A");
    for (size_t i = 0; i < d.count; i++) {
        double score[sizeof arms / sizeof *arms];
        for (size_t arm = 0; arm < d.arms; arm++)
            score[arm] = 100 * hw_side_moments(study, side_of(study, arms[arm], d.words[i]),
                                               study->seeds, "scores")
                                   .mean;
        HW_TRY(d.arms > 2
                   ? hw_table_row(table, err, "%d|%.1f|%.1f|%.1f|%.1f", (int)d.words[i], score[0],
                                  score[1], score[2], score[3])
                   : hw_table_row(table, err, "%d|%.1f|%.1f", (int)d.words[i], score[0], score[1]));
    }
    return HW_OK;
}

static hw_status add_choices(hw_claim_result *result, const hw_experiment *study, hw_error *err) {
    json_t *table = hw_table_add(result, "What was chosen on the task's own dev part",
                                 "arm|times the default rate|dropout");
    for (size_t arm = 0; arm < distances_of(study).arms; arm++) {
        const hw_choice *choice = &study->order_choices[arms[arm]];
        HW_TRY(hw_table_row(table, err, "%s|%g|%g", hw_arm_name(arms[arm]), choice->rate,
                            choice->dropout));
    }
    return HW_OK;
}

static const json_t *scores_of(const hw_experiment *study, hw_arm arm, int32_t distance,
                               int32_t seed) {
    const hw_job job = hw_side_job(study, side_of(study, arm, distance), seed);
    return json_object_get(hw_study_run(study, &job), "scores");
}

/* Sets the cells [rows] of a seed, and adds to the sides; false if one of its trainings diverged.
 */
static bool set_cells(double *cells, hw_claim_result *result, size_t rows,
                      const hw_experiment *study, int32_t seed) {
    const distances d = distances_of(study);
    for (size_t i = 0; i < d.count; i++)
        if (!scores_of(study, HW_ARM_MH, d.words[i], seed) ||
            !scores_of(study, HW_ARM_SH_A, d.words[i], seed))
            return false;
    for (size_t i = 0; i < d.count; i++) {
        const json_t *multi = scores_of(study, HW_ARM_MH, d.words[i], seed);
        const json_t *single = scores_of(study, HW_ARM_SH_A, d.words[i], seed);
        for (size_t row = 0; row < rows; row++) {
            const double of_multi = 100 * json_number_value(json_array_get(multi, row));
            const double of_single = 100 * json_number_value(json_array_get(single, row));
            cells[row] += (of_multi - of_single) / (double)d.count;
            result->multi += of_multi / (double)(d.count * rows);
            result->single += of_single / (double)(d.count * rows);
        }
    }
    return true;
}

hw_status hw_measure_h(hw_claim_result *result, const hw_experiment *study, hw_error *err) {
    const size_t rows = HW_ORDER_TEST_TEXTS;
    size_t paired = 0;
    double *cells = hw_calloc((size_t)study->seeds, rows * sizeof *cells);
    if (!cells) return hw_fail_memory(err, rows * sizeof *cells);
    for (int32_t seed = 1; seed <= study->seeds; seed++)
        paired += set_cells(cells + paired * rows, result, rows, study, seed);
    result->multi /= (double)paired;
    result->single /= (double)paired;
    result->epsilon = study->epsilon;
    const distances d = distances_of(study);
    for (size_t i = 0; i < d.count; i++)
        hw_claim_match(result, study, side_of(study, HW_ARM_MH, d.words[i]),
                       side_of(study, HW_ARM_SH_A, d.words[i]), HW_MATCH_BOTH);
    const hw_status status = hw_effect_measure(&result->effect, cells, paired, rows, err);
    hw_free(cells);
    HW_TRY(status);
    HW_TRY(add_distances(result, study, err));
    return study->level == HW_STUDY_QUICK ? HW_OK : add_choices(result, study, err);
}
