/* calibrate: a copy of a model whose temperature fits labelled data, and what that changed.
 * Without -output the model itself is replaced. */
#include "commands.h"
#include "console.h"
#include "model_path.h"
#include "records.h"

#include <string.h>

static hw_status print_measures(const char *when, const hw_classifier *classifier,
                                const char *input, const hw_reader_options *options,
                                int32_t threads, hw_error *err) {
    hw_metrics *metrics = hw_evaluate(classifier, input, options, NULL, threads, err);
    if (!metrics) return err->status;
    printf("%s\ttemperature %.4f\tECE %.4f\tlog-loss %.4f\n", when,
           hw_classifier_summary(classifier)->temperature, metrics->ece, metrics->log_loss);
    hw_metrics_free(metrics);
    return HW_OK;
}

static int calibrate(const arguments *args, const hw_classifier *classifier, const char *path) {
    const hw_reader_options options = reader_options(args);
    const int32_t threads = whole_option(args, OPTION_THREAD, hw_cpu_count());
    const char *input = args->values[OPTION_INPUT].text;
    hw_error err;
    if (print_measures("before", classifier, input, &options, threads, &err) != HW_OK)
        return console_error(&err);
    hw_classifier *calibrated = hw_classifier_calibrate(classifier, input, &options, &err);
    const bool done =
        calibrated &&
        print_measures("after", calibrated, input, &options, threads, &err) == HW_OK &&
        hw_classifier_save(calibrated, path, &err) == HW_OK;
    hw_classifier_close(calibrated);
    if (!done) return console_error(&err);
    console_note("saved %s; both rows are measured on the data of the fit", path);
    return DONE;
}

int cmd_calibrate(const arguments *args) {
    char opened[MODEL_PATH], path[MODEL_PATH];
    if (!is_given(args, OPTION_INPUT))
        return console_usage("calibrate: -input is missing: labelled data the model has not seen");
    if (strcmp(args->values[OPTION_INPUT].text, "-") == 0)
        return console_usage("calibrate: -input -: it is read three times and must be a file");
    if (is_given(args, OPTION_OUTPUT) &&
        !model_path_to_write(path, args->values[OPTION_OUTPUT].text))
        return console_usage("calibrate: -output: the name is too long");
    hw_error err;
    hw_classifier *classifier = model_open_with_labels(args->positional[0], opened, &err);
    if (!classifier) return console_error(&err);
    if (!is_given(args, OPTION_OUTPUT) && path_is_folder(opened)) {
        hw_classifier_close(classifier);
        return console_usage("calibrate: -output is missing: the folder %.300s is not written to",
                             opened);
    }
    const int code = calibrate(args, classifier, is_given(args, OPTION_OUTPUT) ? path : opened);
    hw_classifier_close(classifier);
    return code;
}
