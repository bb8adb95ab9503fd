/* cv: k-fold cross-validation. Prints the score of every fold, their mean and deviation, and
 * on request writes what each text was given by the model that had not seen it. */
#include "commands.h"
#include "console.h"
#include "json_text.h"
#include "out_of_fold.h"
#include "progress.h"
#include "training.h"

#include "base/error.h"
#include "base/memory.h"

#include <math.h>

enum { DEFAULT_FOLDS = 5 };

static double mean_of(const double *scores, int32_t folds) {
    double sum = 0;
    for (int32_t i = 0; i < folds; i++) sum += scores[i];
    return sum / folds;
}

/* Sample standard deviation: divided by folds - 1. */
static double deviation_of(const double *scores, int32_t folds, double mean) {
    double sum = 0;
    for (int32_t i = 0; i < folds; i++) sum += (scores[i] - mean) * (scores[i] - mean);
    return sqrt(sum / (folds - 1));
}

static hw_status print_scores(const double *scores, int32_t folds, bool as_json, hw_error *err) {
    const double mean = mean_of(scores, folds), deviation = deviation_of(scores, folds, mean);
    if (!as_json) {
        for (int32_t i = 0; i < folds; i++) printf("fold %d\t%.4f\n", i + 1, scores[i]);
        printf("mean\t%.4f +- %.4f\n", mean, deviation);
        return HW_OK;
    }
    json_t *list = json_array();
    for (int32_t i = 0; i < folds; i++) json_array_append_new(list, json_number(scores[i]));
    return json_print_line(json_pack("{s:i, s:o, s:o, s:o}", "folds", folds, "scores", list, "mean",
                                     json_number(mean), "sd", json_number(deviation)),
                           err);
}

static hw_status cross_validate(const arguments *args, const hw_train_options *options,
                                progress_view *view, double *scores, int32_t folds, hw_error *err) {
    const char *path = text_option(args, OPTION_ROWS_OUTPUT, NULL);
    out_of_fold rows = { 0 };
    hw_status status = hw_cross_validate(options, folds, scores, path ? &rows.probabilities : NULL,
                                         &rows.examples, &rows.labels, err);
    progress_end(view);
    if (status == HW_OK) status = print_scores(scores, folds, is_given(args, OPTION_JSON), err);
    if (status == HW_OK && path)
        status = out_of_fold_write(&rows, path, options->input, &options->reader, err);
    hw_buffer_free(rows.probabilities);
    return status;
}

int cmd_cv(const arguments *args) {
    hw_train_options options;
    char message[USAGE_MESSAGE], base[MODEL_PATH];
    if (!training_options(&options, base, args, message)) return console_usage("cv: %s", message);
    progress_view view;
    progress_start(&view, args);
    options.progress = progress_report;
    options.user = &view;

    const int32_t folds = whole_option(args, OPTION_FOLDS, DEFAULT_FOLDS);
    double *scores = hw_calloc((size_t)folds, sizeof *scores);
    hw_error err;
    const hw_status status = scores ? cross_validate(args, &options, &view, scores, folds, &err)
                                    : hw_fail_memory(&err, (size_t)folds * sizeof *scores);
    hw_free(scores);
    if (status == HW_OK) return DONE;
    console_error(&err);
    return status == HW_ERROR_STOPPED ? INTERRUPTED : FAILED;
}
