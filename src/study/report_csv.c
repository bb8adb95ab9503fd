/* runs.csv: what every training was and what came of it. */
#include "study/report.h"

#include <inttypes.h>

static const char *const numbers[] = { "steps",      "parameters", "dense_parameters",
                                       "operations", "accuracy",   "macro_f1",
                                       "micro_f1",   "log_loss",   "train_log_loss",
                                       "ece",        "brier",      "seconds" };
enum { NUMBERS = sizeof numbers / sizeof *numbers };

static void append_run(hw_text_buffer *csv, const json_t *run) {
    const json_t *job = json_object_get(run, "job");
    hw_text_printf(
        csv, "%s,%" JSON_INTEGER_FORMAT ",%g,%g,%s,%" JSON_INTEGER_FORMAT ",%" JSON_INTEGER_FORMAT,
        json_string_value(json_object_get(job, "arm")),
        json_integer_value(json_object_get(job, "heads")),
        json_number_value(json_object_get(job, "rate")),
        json_number_value(json_object_get(job, "dropout")),
        json_string_value(json_object_get(job, "variant")),
        json_integer_value(json_object_get(job, "level")),
        json_integer_value(json_object_get(job, "seed")));
    for (size_t i = 0; i < NUMBERS; i++) {
        const json_t *value = json_object_get(run, numbers[i]);
        if (json_is_number(value))
            hw_text_printf(csv, ",%.9g", json_number_value(value));
        else
            hw_text_append(csv, ",", 1);
    }
    hw_text_append(csv, "\n", 1);
}

hw_status hw_report_csv(const hw_experiment *study, hw_error *err) {
    hw_text_buffer csv = { 0 };
    hw_text_printf(&csv, "arm,heads,rate,dropout,variant,level,seed");
    for (size_t i = 0; i < NUMBERS; i++) hw_text_printf(&csv, ",%s", numbers[i]);
    hw_text_append(&csv, "\n", 1);
    for (size_t i = 0; i < hw_runs_count(study->runs); i++)
        if (hw_runs_at(study->runs, i)) append_run(&csv, hw_runs_at(study->runs, i));
    const hw_status status = hw_report_write(study, "runs.csv", &csv, err);
    hw_text_buffer_free(&csv);
    return status;
}
