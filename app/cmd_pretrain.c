/* pretrain: from unlabelled texts to the folder of an encoder, which train -base takes. */
#include "commands.h"
#include "console.h"
#include "model_path.h"
#include "progress.h"
#include "records.h"

/* What was not given stays 0, the library's default. */
static hw_pretrain_options pretrain_options(const arguments *args) {
    return (hw_pretrain_options){
        .input = args->values[OPTION_INPUT].text,
        .output = args->values[OPTION_FOLDER_OUTPUT].text,
        .reader = reader_options(args),
        .vocabulary = whole_option(args, OPTION_PRETRAIN_VOCABULARY, 0),
        .layers = whole_option(args, OPTION_PRETRAIN_LAYERS, 0),
        .heads = whole_option(args, OPTION_PRETRAIN_HEADS, 0),
        .width = whole_option(args, OPTION_PRETRAIN_DIM, 0),
        .inner_width = whole_option(args, OPTION_PRETRAIN_INNER_DIM, 0),
        .epochs = whole_option(args, OPTION_EPOCH, 0),
        .batch = whole_option(args, OPTION_BATCH, 0),
        .max_tokens = whole_option(args, OPTION_PRETRAIN_LENGTH, 0),
        .learning_rate = number_option(args, OPTION_PRETRAIN_LR, 0),
        .mask_share = number_option(args, OPTION_MASK_SHARE, 0),
        .seed = is_given(args, OPTION_SEED) ? (uint64_t)args->values[OPTION_SEED].whole : 0,
        .threads = whole_option(args, OPTION_THREAD, 0),
    };
}

static int pretrain(const arguments *args, hw_pretrain_options *options) {
    progress_view view;
    progress_start(&view, args);
    options->progress = progress_report;
    options->user = &view;
    hw_error err;
    const hw_status status = hw_pretrain(options, &err);
    progress_end(&view);
    if (status != HW_OK) {
        console_error(&err);
        return status == HW_ERROR_STOPPED ? INTERRUPTED : FAILED;
    }
    console_note("made %s", options->output);
    return progress_was_interrupted() ? INTERRUPTED : DONE;
}

int cmd_pretrain(const arguments *args) {
    static const option_id shapes[] = { OPTION_PRETRAIN_VOCABULARY, OPTION_PRETRAIN_LAYERS,
                                        OPTION_PRETRAIN_HEADS, OPTION_PRETRAIN_DIM,
                                        OPTION_PRETRAIN_INNER_DIM };
    if (!is_given(args, OPTION_INPUT))
        return console_usage("pretrain: -input is missing: the file of texts");
    if (!is_given(args, OPTION_FOLDER_OUTPUT))
        return console_usage("pretrain: -output is missing: the folder to make");
    hw_pretrain_options options = pretrain_options(args);
    char base[MODEL_PATH];
    if (is_given(args, OPTION_PRETRAIN_BASE)) {
        hw_error err;
        if (model_find(base, args->values[OPTION_PRETRAIN_BASE].text, &err) != HW_OK)
            return console_error(&err);
        options.base = base;
        for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++)
            if (is_given(args, shapes[i]))
                console_note("%s is ignored: the encoder is as it is",
                             option_table[shapes[i]].name);
    }
    return pretrain(args, &options);
}
