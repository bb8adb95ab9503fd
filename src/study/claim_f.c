/* f: the number of heads can be fitted to the task. For each seed the h that was best on the dev
 * part is held against the usual 8. Invariant: a seed's h is chosen by the other seeds, so that an
 * h does not win by having had the luckiest of five trainings. */
#include "study/evidence.h"
#include "study/fairness.h"

#include "base/memory.h"

#include <math.h>

static const int32_t head_counts[] = { 1, 2, 4, 8, 16 };
enum { HEAD_COUNTS = sizeof head_counts / sizeof *head_counts, USUAL = 3 };

static hw_side side_of(size_t i) {
    return (hw_side){ .arm = HW_ARM_MH, .heads = head_counts[i] };
}

hw_status hw_want_f(hw_experiment *study, hw_error *err) {
    for (size_t i = 0; i < HEAD_COUNTS; i++)
        HW_TRY(hw_side_want(study, side_of(i), study->seeds, 0, err));
    return HW_OK;
}

static const json_t *run_with(const hw_experiment *study, size_t i, int32_t seed) {
    const hw_job job = hw_side_job(study, side_of(i), seed);
    return hw_study_run(study, &job);
}

/* Infinite if one of them diverged. */
static double loss_of_others(const hw_experiment *study, size_t i, int32_t seed) {
    double sum = 0;
    for (int32_t other = 1; other <= study->seeds; other++)
        if (other != seed) sum += hw_run_dev_loss(run_with(study, i, other));
    return sum;
}

static size_t best_for_seed(const hw_experiment *study, int32_t seed) {
    size_t best = USUAL;
    for (size_t i = 0; i < HEAD_COUNTS; i++)
        if (loss_of_others(study, i, seed) < loss_of_others(study, best, seed)) best = i;
    return best;
}

static hw_status add_counts(hw_claim_result *result, const hw_experiment *study, hw_error *err) {
    json_t *table = hw_table_add(result, "Score by the number of heads",
                                 "h|width of a head|score|log-loss|seeds it was chosen for");
    for (size_t i = 0; i < HEAD_COUNTS; i++) {
        int chosen = 0;
        for (int32_t seed = 1; seed <= study->seeds; seed++)
            chosen += best_for_seed(study, seed) == i;
        const hw_moments score = hw_side_moments(study, side_of(i), study->seeds, "scores");
        const hw_moments loss = hw_side_moments(study, side_of(i), study->seeds, "log_loss");
        HW_TRY(hw_table_row(table, err, "%d|%d|%.2f +- %.2f|%.3f|%d", (int)head_counts[i],
                            (int)(HW_STUDY_WIDTH / head_counts[i]), 100 * score.mean,
                            100 * score.deviation, loss.mean, chosen));
    }
    return HW_OK;
}

static double score_at(const json_t *run, size_t row) {
    return 100 * json_number_value(json_array_get(json_object_get(run, "scores"), row));
}

hw_status hw_measure_f(hw_claim_result *result, const hw_experiment *study, hw_error *err) {
    const size_t rows = study->parts.test->count;
    double *cells = hw_calloc((size_t)study->seeds, rows * sizeof *cells), *cell = cells;
    size_t paired = 0;
    if (!cells) return hw_fail_memory(err, rows * sizeof *cells);
    for (int32_t seed = 1; seed <= study->seeds; seed++) {
        const json_t *usual = run_with(study, USUAL, seed);
        const json_t *chosen = run_with(study, best_for_seed(study, seed), seed);
        if (!usual || !chosen) continue;
        hw_claim_match(result, study, side_of(best_for_seed(study, seed)), side_of(USUAL),
                       HW_MATCH_BOTH);
        paired++;
        for (size_t row = 0; row < rows; row++, cell++) {
            *cell = score_at(chosen, row) - score_at(usual, row);
            result->multi += score_at(chosen, row) / (double)rows;
            result->single += score_at(usual, row) / (double)rows;
        }
    }
    result->multi /= (double)paired;
    result->single /= (double)paired;
    result->epsilon = study->epsilon;
    const hw_status status = hw_effect_measure(&result->effect, cells, paired, rows, err);
    hw_free(cells);
    return status == HW_OK ? add_counts(result, study, err) : status;
}
