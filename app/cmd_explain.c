/* explain: which words made the label. The argument is a file if there is one of that name, and
 * else the text itself. */
#include "commands.h"
#include "console.h"
#include "explanation.h"
#include "json_text.h"
#include "model_path.h"
#include "selection.h"
#include "text_source.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { BATCH = 64 };

typedef struct explaining {
    const hw_classifier *classifier;
    hw_session *session;
    hw_explain_options options;
    bool as_json, in_color;
    const char *page_path; /* NULL: results are printed */
    hw_text_buffer page;
    size_t shown;
    hw_faithfulness means; /* of what is shown */
    hw_explained last;
} explaining;

static hw_explain_method method_of(const arguments *args) {
    const char *name = text_option(args, OPTION_METHOD, "ig");
    hw_explain_method method = HW_EXPLAIN_IG;
    while (strcmp(method_name(method), name) != 0) method++;
    return method;
}

static hw_explain_options explain_options(const arguments *args) {
    const int32_t orders = whole_option(args, OPTION_ORDERS, 0);
    return (hw_explain_options){
        .method = method_of(args),
        .label = text_option(args, OPTION_EXPLAINED, NULL),
        .steps = whole_option(args, OPTION_STEPS, 0),
        .random_orders = is_given(args, OPTION_ORDERS) && orders == 0 ? -1 : orders,
        .seed = is_given(args, OPTION_ORDERS_SEED)
                    ? (uint64_t)args->values[OPTION_ORDERS_SEED].whole
                    : 0,
    };
}

static hw_status explain_text(explaining *e, hw_text text, hw_error *err) {
    hw_explanation *explanation = hw_explain(e->session, text, &e->options, err);
    if (!explanation) return err->status;
    const shown_explanation shown = { e->classifier, explanation, text };
    hw_status status = HW_OK;
    if (e->page_path) {
        explanation_append(&e->page, &shown);
    } else if (e->as_json) {
        status = json_print_line(explanation_json(&shown), err);
    } else {
        if (e->shown++ > 0) putchar('\n');
        explanation_print(&shown, e->in_color);
        e->last = *hw_explanation_summary(explanation);
        hw_faithfulness_add(&e->means, &e->last);
    }
    hw_explanation_free(explanation);
    return status;
}

static hw_status explain_all(explaining *e, text_source *source, text_batch *batch, hw_error *err) {
    for (;;) {
        HW_TRY(text_source_read(batch, source, BATCH, err));
        if (batch->count == 0) return HW_OK;
        for (size_t i = 0; i < batch->count; i++) HW_TRY(explain_text(e, batch->texts[i], err));
        if (!console_flush()) return HW_OK; /* console_finish says why */
    }
}

static hw_status explain_file(explaining *e, const arguments *args, const char *path,
                              hw_error *err) {
    text_source source;
    text_batch batch = { 0 };
    if (!text_source_open(&source, e->classifier, args, path, err)) return err->status;
    const hw_status status = explain_all(e, &source, &batch, err);
    text_source_close(&source);
    batch_free(&batch);
    if (e->means.texts > 1) faithfulness_print(&e->means, &e->last);
    if (status == HW_OK && source.bad_records)
        return hw_fail(err, HW_ERROR_FORMAT, "%.400s: %zu records could not be read", path,
                       source.bad_records);
    return status;
}

static bool is_file(const char *argument) {
    return strcmp(argument, "-") == 0 || access(argument, F_OK) == 0;
}

static bool is_colored(const arguments *args) {
    const char *term = getenv("TERM"), *no_color = getenv("NO_COLOR");
    if (is_given(args, OPTION_COLOR)) return true;
    return isatty(STDOUT_FILENO) && term && strcmp(term, "dumb") != 0 && !(no_color && *no_color);
}

static int explain(const arguments *args, const hw_classifier *classifier, const char *argument) {
    hw_error err;
    hw_head_id heads[HEADS_LIMIT];
    const hw_session_options options = session_options(heads, args);
    explaining e = { .classifier = classifier,
                     .session = hw_session_new(classifier, &options, &err),
                     .options = explain_options(args),
                     .as_json = is_given(args, OPTION_JSON),
                     .page_path = text_option(args, OPTION_HTML, NULL),
                     .in_color = is_colored(args) };
    if (!e.session) return console_error(&err);
    if (e.page_path) page_begin(&e.page, "Explanations");
    hw_status status = is_given(args, OPTION_INPUT) || is_file(argument)
                           ? explain_file(&e, args, argument, &err)
                           : explain_text(&e, hw_text_of(argument), &err);
    if (e.page_path && status == HW_OK) status = page_write(&e.page, e.page_path, &err);
    hw_text_buffer_free(&e.page);
    hw_session_free(e.session);
    return status == HW_OK ? DONE : console_error(&err);
}

int cmd_explain(const arguments *args) {
    const char *argument = data_argument(args);
    if (is_given(args, OPTION_JSON) && is_given(args, OPTION_HTML))
        return console_usage("explain: --json and --html exclude each other");
    if (!argument)
        return console_usage("explain: an argument is missing; usage: headwise explain %s",
                             verb_table[args->verb].positional);
    hw_error err;
    hw_classifier *classifier = model_open_with_labels(args->positional[0], NULL, &err);
    if (!classifier) return console_error(&err);
    const int code = explain(args, classifier, argument);
    hw_classifier_close(classifier);
    return code;
}
