/* heads: what every attention head does, and what it is worth. */
#include "attention.h"
#include "commands.h"
#include "console.h"
#include "head_report.h"
#include "model_path.h"
#include "progress.h"
#include "records.h"
#include "selection.h"

enum { DRAWN_TOKENS = 128 }; /* a drawing of more is a grey square, and long */

/* What every head looks at in the example, in each tower, or in its first window. */
static hw_status append_example(hw_text_buffer *page, const head_report_view *view,
                                const hw_session_options *options, hw_error *err) {
    hw_session *session = hw_session_new(view->classifier, options, err);
    hw_status status = session ? HW_OK : err->status;
    for (size_t tower = 0; tower < view->report->towers && status == HW_OK; tower++) {
        hw_attention_map *map = hw_attend(session, view->report->example, tower, err);
        if (map && map->count <= DRAWN_TOKENS)
            attention_append_arcs(
                page, &(shown_attention){ view->classifier, map, view->report->example, tower });
        else if (map || err->status == HW_ERROR_UNSUPPORTED)
            hw_text_printf(page, "<p class=\"quiet\">None is short enough to be drawn.</p>\n");
        else
            status = err->status;
        hw_attention_map_free(map);
    }
    hw_session_free(session);
    return status;
}

static hw_status write_page(const head_report_view *view, const hw_session_options *options,
                            const char *path, hw_error *err) {
    hw_text_buffer page = { 0 };
    page_begin(&page, "Attention heads");
    head_report_append(&page, view);
    hw_status status = append_example(&page, view, options, err);
    if (status == HW_OK) status = page_write(&page, path, err);
    hw_text_buffer_free(&page);
    return status;
}

static hw_status show(const arguments *args, const head_report_view *view,
                      const hw_session_options *options, hw_error *err) {
    const char *path = text_option(args, OPTION_HTML, NULL);
    if (is_given(args, OPTION_JSON)) return head_report_print_json(view, err);
    if (path) return write_page(view, options, path, err);
    head_report_print(view);
    return HW_OK;
}

static int measure(const arguments *args, const hw_classifier *classifier, const char *file) {
    hw_head_id none[HEADS_LIMIT];
    progress_view progress;
    progress_start(&progress, args);
    const double points = number_option(args, OPTION_HEADS_TOLERANCE, 0.5);
    const hw_heads_options options = {
        .reader = reader_options(args),
        .session = session_options(none, args),
        .texts = whole_option(args, OPTION_TEXTS, 0),
        .tolerance = points > 0 ? points / 100 : -1,
        .threads = whole_option(args, OPTION_THREAD, 0),
        .progress = progress_report,
        .user = &progress,
    };
    hw_error err;
    hw_head_report *report = hw_heads(classifier, file, &options, &err);
    progress_end(&progress);
    const head_report_view view = { report, classifier, args->positional[0], file };
    const hw_status status = report ? show(args, &view, &options.session, &err) : err.status;
    hw_head_report_free(report);
    if (status == HW_OK) return DONE;
    console_error(&err);
    return status == HW_ERROR_STOPPED ? INTERRUPTED : FAILED;
}

int cmd_heads(const arguments *args) {
    const char *file = data_argument(args);
    if (!file || (is_given(args, OPTION_INPUT) && args->positionals > 1))
        return console_usage("heads: give the model and one file; usage: headwise heads %s",
                             verb_table[VERB_HEADS].positional);
    if (is_given(args, OPTION_JSON) && is_given(args, OPTION_HTML))
        return console_usage("heads: --json and --html exclude each other");
    hw_error err;
    hw_classifier *classifier = model_open_with_labels(args->positional[0], NULL, &err);
    if (!classifier) return console_error(&err);
    const int code = measure(args, classifier, file);
    hw_classifier_close(classifier);
    return code;
}
