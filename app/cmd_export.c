/* export: a fine-tuned encoder as a folder that other programs load, with a model card that says
 * what it is and, with -valid, how good it is. */
#include "card.h"
#include "commands.h"
#include "console.h"
#include "model_path.h"
#include "records.h"

#include "base/error.h"

/* Measures the model on the file of -valid and adds what came out to the card. */
static hw_status measure(hw_text_buffer *card, const hw_classifier *classifier,
                         const arguments *args, hw_error *err) {
    const char *data = text_option(args, OPTION_MEASURED, NULL);
    if (!data) return HW_OK;
    const hw_reader_options reader = reader_options(args);
    hw_metrics *metrics = hw_evaluate(classifier, data, &reader, NULL,
                                      whole_option(args, OPTION_THREAD, hw_cpu_count()), err);
    if (!metrics) return err->status;
    card_append(card, metrics, classifier, data);
    hw_metrics_free(metrics);
    return card->failed ? hw_fail_memory(err, card->length) : HW_OK;
}

static int export_model(const arguments *args, const hw_classifier *classifier) {
    const char *folder = args->values[OPTION_FOLDER_OUTPUT].text;
    hw_text_buffer card = { 0 };
    hw_error err;
    hw_status status = measure(&card, classifier, args, &err);
    if (status == HW_OK)
        status = hw_classifier_export(classifier, folder, is_given(args, OPTION_FOLD_TEMPERATURE),
                                      card.bytes, &err);
    hw_text_buffer_free(&card);
    if (status != HW_OK) return console_error(&err);
    console_note("made %s", folder);
    return DONE;
}

int cmd_export(const arguments *args) {
    if (!is_given(args, OPTION_FOLDER_OUTPUT))
        return console_usage("export: -output is missing: the folder to make");
    hw_error err;
    hw_classifier *classifier = model_open_with_labels(args->positional[0], NULL, &err);
    if (!classifier) return console_error(&err);
    const int code = export_model(args, classifier);
    hw_classifier_close(classifier);
    return code;
}
