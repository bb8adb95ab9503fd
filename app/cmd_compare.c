/* compare: two models on the same labelled data. */
#include "commands.h"
#include "comparison.h"
#include "console.h"
#include "model_path.h"
#include "records.h"

static int print(const arguments *args, const hw_comparison *comparison,
                 const hw_classifier *first) {
    const comparison_view view = { .comparison = comparison,
                                   .first = first,
                                   .models = { args->positional[0], args->positional[1] },
                                   .flips = (size_t)whole_option(args, OPTION_FLIPS, 0) };
    if (!is_given(args, OPTION_JSON)) {
        comparison_print(&view);
        return DONE;
    }
    hw_error err;
    return comparison_print_json(&view, &err) == HW_OK ? DONE : console_error(&err);
}

static int compare(const arguments *args, const hw_classifier *const models[2], const char *file) {
    const hw_reader_options reader = reader_options(args);
    hw_head_id heads[HEADS_LIMIT];
    const hw_session_options session = session_options(heads, args);
    hw_error err;
    hw_comparison *comparison = hw_compare(models[0], models[1], file, &reader, &session,
                                           whole_option(args, OPTION_THREAD, hw_cpu_count()), &err);
    if (!comparison) return console_error(&err);
    const int code = print(args, comparison, models[0]);
    hw_comparison_free(comparison);
    return code;
}

int cmd_compare(const arguments *args) {
    const bool has_option = is_given(args, OPTION_INPUT), has_file = args->positionals > 2;
    if (has_option == has_file)
        return console_usage("compare: give two models and one file; usage: headwise compare %s",
                             verb_table[VERB_COMPARE].positional);
    const char *file = has_file ? args->positional[2] : args->values[OPTION_INPUT].text;
    hw_error err;
    hw_classifier *first = model_open_with_labels(args->positional[0], NULL, &err);
    hw_classifier *second = first ? model_open_with_labels(args->positional[1], NULL, &err) : NULL;
    const int code = second ? compare(args, (const hw_classifier *[]){ first, second }, file)
                            : console_error(&err);
    hw_classifier_close(first);
    hw_classifier_close(second);
    return code;
}
