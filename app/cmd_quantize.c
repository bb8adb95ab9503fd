/* quantize: a smaller copy of a model, its size beside the original's, and on request what
 * the change costs on labelled data. */
#include "commands.h"
#include "console.h"
#include "model_path.h"
#include "records.h"

#include <string.h>
#include <sys/stat.h>

/* Of a folder, of its weights. */
static unsigned long long file_bytes(const char *path, const hw_classifier *classifier) {
    struct stat status;
    if (path_is_folder(path)) return hw_classifier_summary(classifier)->file_bytes;
    return stat(path, &status) == 0 ? (unsigned long long)status.st_size : 0;
}

static hw_status print_row(const char *name, const hw_classifier *classifier, const char *path,
                           const arguments *args, hw_error *err) {
    if (!is_given(args, OPTION_SCORED)) {
        printf("%s\t%llu bytes\n", name, file_bytes(path, classifier));
        return HW_OK;
    }
    const hw_reader_options options = reader_options(args);
    hw_metrics *metrics = hw_evaluate(classifier, args->values[OPTION_SCORED].text, &options, NULL,
                                      whole_option(args, OPTION_THREAD, hw_cpu_count()), err);
    if (!metrics) return err->status;
    const bool multi_label = hw_classifier_summary(classifier)->multi_label;
    printf("%s\t%llu bytes\t%s %.4f\tlog-loss %.4f\n", name, file_bytes(path, classifier),
           multi_label ? "micro-F1" : "accuracy",
           multi_label ? metrics->micro_f1 : metrics->accuracy, metrics->log_loss);
    hw_metrics_free(metrics);
    return HW_OK;
}

static int quantize(const arguments *args, const hw_classifier *classifier, const char *opened,
                    const char *path) {
    hw_error err;
    if (print_row("before", classifier, opened, args, &err) != HW_OK) return console_error(&err);
    const char *dtype = text_option(args, OPTION_DTYPE, "int8");
    const hw_quantization to = strcmp(dtype, "bf16") == 0 ? HW_QUANTIZED_BF16 : HW_QUANTIZED_INT8;
    hw_classifier *quantized = hw_classifier_quantize(classifier, to, &err);
    const bool done = quantized && hw_classifier_save(quantized, path, &err) == HW_OK &&
                      print_row("after", quantized, path, args, &err) == HW_OK;
    hw_classifier_close(quantized);
    return done ? DONE : console_error(&err);
}

int cmd_quantize(const arguments *args) {
    char opened[MODEL_PATH], path[MODEL_PATH];
    if (!is_given(args, OPTION_MODEL_INPUT) || !is_given(args, OPTION_OUTPUT))
        return console_usage("quantize: %s is missing; usage: headwise quantize -input MODEL "
                             "-output SMALLER",
                             is_given(args, OPTION_OUTPUT) ? "-input" : "-output");
    if (!model_path_to_write(path, args->values[OPTION_OUTPUT].text))
        return console_usage("quantize: -output: the name is too long");
    hw_error err;
    hw_classifier *classifier = model_open(args->values[OPTION_MODEL_INPUT].text, opened, &err);
    if (!classifier) return console_error(&err);
    const int code = quantize(args, classifier, opened, path);
    hw_classifier_close(classifier);
    return code;
}
