/* study: measures the claimed advantages of several attention heads over one on the user's data,
 * and prints the verdicts. */
#include "commands.h"
#include "console.h"
#include "progress.h"
#include "records.h"

#include "base/file.h"
#include "base/folder.h"
#include "base/memory.h"

#include <stdio.h>

enum { VERDICTS_LIMIT = 1 << 26 };

static hw_study_level level_of(const arguments *args) {
    if (is_given(args, OPTION_QUICK)) return HW_STUDY_QUICK;
    return is_given(args, OPTION_FULL) ? HW_STUDY_FULL : HW_STUDY_STANDARD;
}

static int levels_given(const arguments *args) {
    return is_given(args, OPTION_QUICK) + is_given(args, OPTION_STANDARD) +
           is_given(args, OPTION_FULL);
}

/* What is before the first section: the table. */
static void print_table(hw_text verdicts) {
    const char *end = memmem(verdicts.bytes, verdicts.length, "\n\n## ", 5);
    fwrite(verdicts.bytes, 1, end ? (size_t)(end - verdicts.bytes) : verdicts.length, stdout);
    putchar('\n');
}

static hw_status print_verdicts(const char *folder, const char *name, bool whole, hw_error *err) {
    hw_mapping mapping;
    char *path = hw_path_join(folder, name, err);
    if (!path) return HW_ERROR_MEMORY;
    const hw_status status = hw_file_map(&mapping, path, VERDICTS_LIMIT, err);
    hw_free(path);
    if (status != HW_OK) return status;
    const hw_text verdicts = { (const char *)mapping.data, mapping.size };
    if (whole)
        fwrite(verdicts.bytes, 1, verdicts.length, stdout);
    else
        print_table(verdicts);
    hw_file_unmap(&mapping);
    return HW_OK;
}

int cmd_study(const arguments *args) {
    if (!is_given(args, OPTION_INPUT)) return console_usage("study: -input is missing");
    if (!is_given(args, OPTION_STUDY_OUTPUT)) return console_usage("study: -output is missing");
    if (levels_given(args) > 1)
        return console_usage("study: one of --quick, --standard and --full, please");
    progress_view view;
    progress_start(&view, args);
    const hw_study_options options = {
        .input = args->values[OPTION_INPUT].text,
        .valid = text_option(args, OPTION_VALID, NULL),
        .test = text_option(args, OPTION_STUDY_TEST, NULL),
        .output = args->values[OPTION_STUDY_OUTPUT].text,
        .reader = reader_options(args),
        .claims = text_option(args, OPTION_CLAIMS, NULL),
        .level = level_of(args),
        .seeds = whole_option(args, OPTION_SEEDS, 0),
        .epsilon = number_option(args, OPTION_EPSILON, 0),
        .threads = whole_option(args, OPTION_THREAD, 0),
        .twins = is_given(args, OPTION_TWINS),
        .progress = progress_report,
        .user = &view,
    };
    hw_error err;
    hw_status status = hw_study(&options, &err);
    progress_end(&view);
    const bool as_json = is_given(args, OPTION_JSON);
    if (status == HW_OK)
        status =
            print_verdicts(options.output, as_json ? "study.json" : "verdicts.md", as_json, &err);
    if (status == HW_OK) return DONE;
    console_error(&err);
    return status == HW_ERROR_STOPPED ? INTERRUPTED : FAILED;
}
