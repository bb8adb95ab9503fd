/* h: several heads reach over long distances. Recall of a value over 4 to 128 words of the user's
 * own vocabulary (study/order_task.h); the endpoint is the mean over distances. */
#include "study/evidence.h"

#include "base/memory.h"

static const int32_t all_distances[] = { 4, 16, 64, 128 };
static const int32_t few_distances[] = { 8, 64 };
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

static hw_side side_of(hw_arm arm, int32_t distance) {
    return (hw_side){ arm, HW_VARIANT_ORDER, distance, 0 };
}

hw_status hw_want_h(hw_experiment *study, hw_error *err) {
    const distances d = distances_of(study);
    for (size_t i = 0; i < d.count; i++)
        for (size_t arm = 0; arm < d.arms; arm++)
            HW_TRY(hw_side_want(study, side_of(arms[arm], d.words[i]), study->seeds, 0, err));
    return HW_OK;
}

static hw_status add_distances(hw_claim_result *result, const hw_experiment *study, hw_error *err) {
    const distances d = distances_of(study);
    json_t *table =
        hw_table_add(result, "Score by distance (without attention: 50)",
                     d.arms > 2 ? "words between|MH|SH-A|SH-C|H0" : "words between|MH|SH-A");
    for (size_t i = 0; i < d.count; i++) {
        double score[sizeof arms / sizeof *arms];
        for (size_t arm = 0; arm < d.arms; arm++)
            score[arm] =
                100 *
                hw_side_moments(study, side_of(arms[arm], d.words[i]), study->seeds, "scores").mean;
        HW_TRY(d.arms > 2
                   ? hw_table_row(table, err, "%d|%.1f|%.1f|%.1f|%.1f", (int)d.words[i], score[0],
                                  score[1], score[2], score[3])
                   : hw_table_row(table, err, "%d|%.1f|%.1f", (int)d.words[i], score[0], score[1]));
    }
    return HW_OK;
}

/* Adds a distance's scores to cells [seeds][rows]. */
static void add_cells(double *cells, size_t rows, const hw_experiment *study, hw_arm arm,
                      int32_t distance, double sign) {
    for (int32_t seed = 1; seed <= study->seeds; seed++) {
        const hw_job job = hw_side_job(study, side_of(arm, distance), seed);
        const json_t *scores = json_object_get(hw_study_run(study, &job), "scores");
        for (size_t row = 0; row < rows; row++)
            cells[(size_t)(seed - 1) * rows + row] +=
                sign * json_number_value(json_array_get(scores, row));
    }
}

hw_status hw_measure_h(hw_claim_result *result, const hw_experiment *study, hw_error *err) {
    const distances d = distances_of(study);
    const hw_job job = hw_side_job(study, side_of(HW_ARM_MH, d.words[0]), 1);
    const size_t seeds = (size_t)study->seeds;
    const size_t rows = json_array_size(json_object_get(hw_study_run(study, &job), "scores"));
    double *cells = hw_calloc(seeds, rows * sizeof *cells);
    if (!cells) return hw_fail_memory(err, seeds * rows * sizeof *cells);
    for (size_t i = 0; i < d.count; i++) {
        const double share = 100 / (double)d.count;
        add_cells(cells, rows, study, HW_ARM_MH, d.words[i], share);
        add_cells(cells, rows, study, HW_ARM_SH_A, d.words[i], -share);
        result->multi +=
            share *
            hw_side_moments(study, side_of(HW_ARM_MH, d.words[i]), study->seeds, "scores").mean;
        result->single +=
            share *
            hw_side_moments(study, side_of(HW_ARM_SH_A, d.words[i]), study->seeds, "scores").mean;
    }
    result->effect = hw_crossed_of_cells(cells, seeds, rows);
    result->epsilon = study->epsilon;
    hw_free(cells);
    return add_distances(result, study, err);
}
