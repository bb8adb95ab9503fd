/* eval: how good a model is on labelled data, with the doubt that belongs to it. */
#include "commands.h"
#include "console.h"
#include "model_path.h"
#include "records.h"
#include "report.h"
#include "selection.h"

static int eval(const arguments *args, const hw_classifier *classifier, const char *file) {
    const hw_reader_options reader = reader_options(args);
    hw_head_id heads[HEADS_LIMIT];
    const hw_session_options session = session_options(heads, args);
    hw_error err;
    hw_metrics *metrics = hw_evaluate(classifier, file, &reader, &session,
                                      whole_option(args, OPTION_THREAD, hw_cpu_count()), &err);
    if (!metrics) return console_error(&err);
    hw_status status = HW_OK;
    if (is_given(args, OPTION_JSON))
        status = report_print_json(metrics, classifier, &err);
    else
        report_print(metrics, classifier,
                     strcmp(text_option(args, OPTION_CONFUSION, "top"), "all") == 0);
    hw_metrics_free(metrics);
    return status == HW_OK ? DONE : console_error(&err);
}

int cmd_eval(const arguments *args) {
    const char *file = data_argument(args);
    if (!file || (is_given(args, OPTION_INPUT) && args->positionals > 1))
        return console_usage("eval: give the model and one file; usage: headwise eval %s",
                             verb_table[VERB_EVAL].positional);
    hw_error err;
    hw_classifier *classifier = model_open_with_labels(args->positional[0], NULL, &err);
    if (!classifier) return console_error(&err);
    const int code = eval(args, classifier, file);
    hw_classifier_close(classifier);
    return code;
}
