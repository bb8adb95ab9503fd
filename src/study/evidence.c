/* A row of a difference is the same text in both arms, a seed the same random numbers. */
#include "study/evidence.h"

#include "base/memory.h"
#include "statistics/distributions.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

hw_job hw_side_job(const hw_experiment *study, hw_side side, int32_t seed) {
    hw_job job = hw_study_job(study, side.arm, seed);
    job.variant = side.variant;
    job.level = side.level;
    if (side.variant == HW_VARIANT_ORDER) {
        job.rate = study->order_choices[job.arm].rate;
        job.dropout = study->order_choices[job.arm].dropout;
    }
    if (!side.heads) return job;
    if (study->options->twins)
        job.seed += HW_TWIN_SEED * (HW_ARMS + (uint64_t)side.heads);
    else
        job.heads = side.heads;
    return job;
}

hw_status hw_side_want(hw_experiment *study, hw_side side, int32_t seeds, uint32_t probes,
                       hw_error *err) {
    for (int32_t seed = 1; seed <= seeds; seed++) {
        hw_job job = hw_side_job(study, side, seed);
        job.probes = probes;
        HW_TRY(hw_runs_want(study->runs, &job, err));
    }
    return HW_OK;
}

static const json_t *run_of(const hw_experiment *study, hw_side side, int32_t seed) {
    const hw_job job = hw_side_job(study, side, seed);
    return hw_study_run(study, &job);
}

static double mean_of(const json_t *value) {
    if (!json_is_array(value)) return json_number_value(value);
    double sum = 0;
    for (size_t i = 0; i < json_array_size(value); i++)
        sum += json_number_value(json_array_get(value, i));
    return sum / (double)json_array_size(value);
}

static double exact_share(const json_t *scores) {
    double sum = 0;
    for (size_t i = 0; i < json_array_size(scores); i++)
        sum += json_number_value(json_array_get(scores, i)) == 1;
    return sum / (double)json_array_size(scores);
}

static hw_moments moments_of(const hw_experiment *study, hw_side side, int32_t seeds,
                             const char *key, double (*value_of)(const json_t *value)) {
    hw_moments m = { 0 };
    double sum = 0, squares = 0;
    for (int32_t seed = 1; seed <= seeds; seed++) {
        const json_t *run = run_of(study, side, seed);
        if (!run) continue;
        const double value = value_of(json_object_get(run, key));
        sum += value;
        squares += value * value;
        m.seeds++;
    }
    const double n = (double)m.seeds;
    m.mean = n > 0 ? sum / n : NAN;
    m.deviation = n > 1 ? sqrt(fmax(squares - n * m.mean * m.mean, 0) / (n - 1)) : NAN;
    const double half = n > 1 ? hw_t_quantile(0.975, n - 1) * m.deviation / sqrt(n) : NAN;
    m.interval = (hw_interval){ m.mean - half, m.mean + half };
    return m;
}

hw_moments hw_side_moments(const hw_experiment *study, hw_side side, int32_t seeds,
                           const char *key) {
    return moments_of(study, side, seeds, key, mean_of);
}

hw_moments hw_side_exact(const hw_experiment *study, hw_side side, int32_t seeds) {
    return moments_of(study, side, seeds, "scores", exact_share);
}

/* ---- Differences -------------------------------------------------------------------------- */

static double row_value(const json_t *run, hw_row_keys keys, size_t row) {
    const double value = json_number_value(json_array_get(json_object_get(run, keys.keys[0]), row));
    if (keys.exact) return value == 1;
    if (!keys.keys[1]) return value;
    return value - json_number_value(json_array_get(json_object_get(run, keys.keys[1]), row));
}

static size_t row_count(const hw_experiment *study, hw_side side, int32_t seeds, const char *key) {
    for (int32_t seed = 1; seed <= seeds; seed++) {
        const json_t *run = run_of(study, side, seed);
        if (run) return json_array_size(json_object_get(run, key));
    }
    return 0;
}

hw_status hw_effect_measure(hw_crossed *effect, const double *cells, size_t seeds, size_t rows,
                            hw_error *err) {
    if (seeds < 2 || rows < 2)
        return hw_fail(err, HW_ERROR_DIVERGED,
                       "only %zu of the trainings that are compared came to an end; two are needed",
                       seeds);
    *effect = hw_crossed_of_cells(cells, seeds, rows);
    return HW_OK;
}

hw_status hw_sides_compare(hw_crossed *effect, const hw_experiment *study, hw_side first,
                           hw_side second, int32_t seeds, hw_row_keys keys, hw_error *err) {
    const size_t rows = row_count(study, first, seeds, keys.keys[0]);
    size_t paired = 0;
    hw_row_keys keys_of_second = keys;
    if (keys.other) keys_of_second.keys[0] = keys.other;
    double *cells = hw_calloc((size_t)seeds, rows * sizeof *cells);
    if (!cells) return hw_fail_memory(err, rows * sizeof *cells);
    for (int32_t seed = 1; seed <= seeds; seed++) {
        const json_t *a = run_of(study, first, seed), *b = run_of(study, second, seed);
        if (!a || !b) continue;
        double *cell = cells + paired++ * rows;
        for (size_t row = 0; row < rows; row++)
            cell[row] = 100 * (row_value(a, keys, row) - row_value(b, keys_of_second, row));
    }
    const hw_status status = hw_effect_measure(effect, cells, paired, rows, err);
    hw_free(cells);
    return status;
}

/* ---- Tables ------------------------------------------------------------------------------- */

/* "a|b|c" as a list. */
static json_t *split(const char *text) {
    json_t *list = json_array();
    for (bool ok = list != NULL; ok;) {
        const size_t length = strcspn(text, "|");
        ok = json_array_append_new(list, json_stringn(text, length)) == 0;
        if (!ok) break;
        if (!text[length]) return list;
        text += length + 1;
    }
    json_decref(list);
    return NULL;
}

json_t *hw_table_add(hw_claim_result *result, const char *title, const char *columns) {
    if (!result->tables) result->tables = json_array();
    json_t *table =
        json_pack("{s:s, s:o, s:[]}", "title", title, "columns", split(columns), "rows");
    return json_array_append_new(result->tables, table) == 0 ? table : NULL;
}

/* Writes "-" over "nan" and "inf", which no name in a table has in it. */
static void blank_numbers(char *cells) {
    static const char *const numbers[] = { "-nan", "+nan", "nan", "-inf", "+inf", "inf" };
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        const size_t length = strlen(numbers[i]);
        for (char *at; (at = strstr(cells, numbers[i]));) {
            *at = '-';
            memmove(at + 1, at + length, strlen(at + length) + 1);
        }
    }
}

hw_status hw_table_row(json_t *table, hw_error *err, const char *format, ...) {
    char cells[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(cells, sizeof cells, format, arguments);
    va_end(arguments);
    blank_numbers(cells);
    json_t *rows = json_object_get(table, "rows");
    return json_array_append_new(rows, split(cells)) == 0 ? HW_OK : hw_fail_memory(err, 0);
}
