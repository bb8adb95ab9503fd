/* prune: a copy of a model without the heads that matter least on labelled texts, and what that
 * costs and saves; or no copy, but the score as they go, beside that of other orders. */
#include "commands.h"
#include "console.h"
#include "curve_report.h"
#include "json_text.h"
#include "model_path.h"
#include "progress.h"
#include "records.h"
#include "speed.h"

#include <string.h>
#include <sys/stat.h>

enum { TIMED_TEXTS = 1000 };

static const double default_tolerance = 0.5; /* points */

/* One of the two models, as it is reported. */
typedef struct measured {
    const hw_classifier *classifier;
    double score, log_loss;
    unsigned long long bytes;
} measured;

typedef struct report {
    measured before, after;
    const hw_prune_plan *plan;
    speeds speed;
} report;

static unsigned long long file_bytes(const char *path, const hw_classifier *classifier) {
    struct stat status;
    if (path_is_folder(path)) return hw_classifier_summary(classifier)->file_bytes;
    return stat(path, &status) == 0 ? (unsigned long long)status.st_size : 0;
}

static const char *score_name(const report *r) {
    return hw_classifier_summary(r->before.classifier)->multi_label ? "micro-F1" : "accuracy";
}

/* ---- Measuring ---------------------------------------------------------------------------- */

static hw_status measure(measured *m, const hw_classifier *classifier, const char *path,
                         const arguments *args, hw_error *err) {
    const hw_reader_options options = reader_options(args);
    hw_metrics *metrics = hw_evaluate(classifier, args->values[OPTION_CHOSEN_ON].text, &options,
                                      NULL, whole_option(args, OPTION_THREAD, hw_cpu_count()), err);
    if (!metrics) return err->status;
    const bool multi_label = hw_classifier_summary(classifier)->multi_label;
    *m = (measured){ classifier, multi_label ? metrics->micro_f1 : metrics->accuracy,
                     metrics->log_loss, file_bytes(path, classifier) };
    hw_metrics_free(metrics);
    return HW_OK;
}

/* On the first texts of the file. */
static hw_status measure_speed(report *r, const arguments *args, hw_error *err) {
    const hw_reader_options options = reader_options(args);
    text_batch batch = { 0 };
    size_t bad = 0;
    hw_reader *reader = hw_reader_open(args->values[OPTION_CHOSEN_ON].text, &options, err);
    hw_status status = reader ? HW_OK : err->status;
    if (status == HW_OK)
        status = batch_read(&batch, reader, r->before.classifier, TIMED_TEXTS, &bad, err);
    if (status == HW_OK) status = batch_seal(&batch, err);
    if (status == HW_OK)
        status = speed_compare(&r->speed, r->before.classifier, r->after.classifier, batch.texts,
                               batch.count, err);
    batch_free(&batch);
    hw_reader_close(reader);
    return status;
}

/* ---- Showing ------------------------------------------------------------------------------ */

static int32_t all_heads(const hw_classifier *classifier) {
    int32_t all = 0;
    for (int32_t l = 0; l < hw_classifier_summary(classifier)->layers; l++)
        all += hw_classifier_heads(classifier, l);
    return all;
}

static bool is_gone(const hw_prune_plan *plan, int32_t layer, int32_t head) {
    for (size_t i = 0; i < plan->chosen; i++)
        if (plan->heads[i].layer == layer && plan->heads[i].head == head) return true;
    return false;
}

static void print_layer(const report *r, int32_t layer) {
    const int32_t before = hw_classifier_heads(r->before.classifier, layer);
    printf("layer %d\t%d\t%d\t", (int)layer, (int)before,
           (int)hw_classifier_heads(r->after.classifier, layer));
    for (int32_t head = 0; head < before; head++)
        if (is_gone(r->plan, layer, head)) printf(" %d.%d", (int)layer, (int)head);
    putchar('\n');
}

static void print_report(const report *r) {
    const measured *b = &r->before, *a = &r->after;
    printf("heads\tbefore\tafter\twithout\n");
    for (int32_t l = 0; l < hw_classifier_summary(b->classifier)->layers; l++) print_layer(r, l);
    printf("all\t%d\t%d\n", (int)all_heads(b->classifier), (int)all_heads(a->classifier));
    printf("%s\t%.4f\t%.4f\t%+.2f points\n", score_name(r), b->score, a->score,
           100 * (a->score - b->score));
    printf("log-loss\t%.4f\t%.4f\n", b->log_loss, a->log_loss);
    printf("texts/s\t%.0f\t%.0f\tx%.3f\n", r->speed.before, r->speed.after,
           r->speed.after / r->speed.before);
    printf("bytes\t%llu\t%llu\t%+.1f %%\n", b->bytes, a->bytes,
           100 * ((double)a->bytes / (double)b->bytes - 1));
}

static json_t *measured_json(const measured *m, const char *score, double speed) {
    const int32_t layers = hw_classifier_summary(m->classifier)->layers;
    json_t *heads = json_array();
    for (int32_t l = 0; l < layers; l++)
        json_array_append_new(heads, json_integer(hw_classifier_heads(m->classifier, l)));
    return json_pack("{s:o, s:o, s:o, s:o, s:I}", "heads", heads, score, json_number(m->score),
                     "log_loss", json_number(m->log_loss), "texts_per_second", json_number(speed),
                     "bytes", (json_int_t)m->bytes);
}

static json_t *report_json(const report *r) {
    const char *score =
        hw_classifier_summary(r->before.classifier)->multi_label ? "micro_f1" : "accuracy";
    return json_pack("{s:I, s:o, s:o, s:o, s:I, s:I}", "examples", (json_int_t)r->plan->examples,
                     "before", measured_json(&r->before, score, r->speed.before), "after",
                     measured_json(&r->after, score, r->speed.after), "steps",
                     curve_steps_json(r->plan), "timed_texts", (json_int_t)r->speed.texts,
                     "timed_rounds", (json_int_t)r->speed.rounds);
}

/* ---- The command -------------------------------------------------------------------------- */

static hw_prune_options prune_options(const arguments *args, progress_view *progress) {
    const char *by = text_option(args, OPTION_PRUNE_BY, "importance");
    const int32_t orders = whole_option(args, OPTION_CURVE_ORDERS, 0);
    return (hw_prune_options){
        .reader = reader_options(args),
        .order = strcmp(by, "greedy") == 0 ? HW_PRUNE_GREEDY : HW_PRUNE_IMPORTANCE,
        .keep = whole_option(args, OPTION_KEEP, 0),
        .tolerance = number_option(args, OPTION_TOLERANCE, default_tolerance),
        .random_orders = is_given(args, OPTION_CURVE_ORDERS) && orders == 0 ? -1 : orders,
        .oracle = is_given(args, OPTION_ORACLE),
        .seed = is_given(args, OPTION_ORDERS_SEED)
                    ? (uint64_t)args->values[OPTION_ORDERS_SEED].whole
                    : 0,
        .threads = whole_option(args, OPTION_THREAD, hw_cpu_count()),
        .progress = progress_report,
        .user = progress,
    };
}

static int exit_code(hw_status status, const hw_error *err) {
    if (status == HW_OK) return progress_was_interrupted() ? INTERRUPTED : DONE;
    console_error(err);
    return status == HW_ERROR_STOPPED ? INTERRUPTED : FAILED;
}

static hw_status show(const report *r, const arguments *args, hw_error *err) {
    if (is_given(args, OPTION_JSON)) return json_print_line(report_json(r), err);
    print_report(r);
    if (r->plan->chosen == 0)
        console_note("no head went: without any of them more is lost than %g points",
                     number_option(args, OPTION_TOLERANCE, default_tolerance));
    return HW_OK;
}

/* The copy is written before it is reported: its size is that of the file. */
static hw_status prune(report *r, const arguments *args, hw_classifier **pruned, const char *opened,
                       const char *path, hw_error *err) {
    const hw_classifier *classifier = r->before.classifier;
    *pruned = hw_classifier_prune(classifier, r->plan->heads, r->plan->chosen, err);
    if (!*pruned) return err->status;
    HW_TRY(measure(&r->before, classifier, opened, args, err));
    HW_TRY(hw_classifier_save(*pruned, path, err));
    HW_TRY(measure(&r->after, *pruned, path, args, err));
    HW_TRY(measure_speed(r, args, err));
    return show(r, args, err);
}

static int plan_and_prune(const arguments *args, const hw_classifier *classifier,
                          const char *opened, const char *path) {
    hw_error err;
    progress_view progress;
    progress_start(&progress, args);
    const hw_prune_options options = prune_options(args, &progress);
    hw_prune_plan *plan =
        hw_prune_plan_make(classifier, args->values[OPTION_CHOSEN_ON].text, &options, &err);
    progress_end(&progress);
    if (!plan) return exit_code(err.status, &err);
    hw_classifier *pruned = NULL;
    report r = { .before = { .classifier = classifier }, .plan = plan };
    const hw_status status = prune(&r, args, &pruned, opened, path, &err);
    hw_classifier_close(pruned);
    hw_prune_plan_free(plan);
    return exit_code(status, &err);
}

static int draw_curve(const arguments *args, const hw_classifier *classifier) {
    hw_error err;
    progress_view progress;
    progress_start(&progress, args);
    const hw_prune_options options = prune_options(args, &progress);
    hw_prune_curve *curve =
        hw_prune_curve_make(classifier, args->values[OPTION_CHOSEN_ON].text, &options, &err);
    progress_end(&progress);
    if (!curve) return exit_code(err.status, &err);
    const curve_view view = { curve, classifier, options.tolerance, options.seed };
    hw_status status = HW_OK;
    if (is_given(args, OPTION_JSON))
        status = json_print_line(curve_json(&view), &err);
    else
        curve_print(&view);
    hw_prune_curve_free(curve);
    return exit_code(status, &err);
}

/* DONE, or USAGE after saying why. */
static int check_usage(const arguments *args) {
    const bool curve = is_given(args, OPTION_CURVE);
    if (!is_given(args, OPTION_MODEL_INPUT) || (!curve && !is_given(args, OPTION_OUTPUT)))
        return console_usage("prune: %s is missing; usage: headwise prune -input MODEL "
                             "-output SMALLER -valid FILE",
                             is_given(args, OPTION_MODEL_INPUT) ? "-output" : "-input");
    if (!is_given(args, OPTION_CHOSEN_ON))
        return console_usage("prune: -valid is missing: labelled texts that neither training nor a "
                             "test uses");
    if (strcmp(args->values[OPTION_CHOSEN_ON].text, "-") == 0)
        return console_usage("prune: -valid -: it is read several times and must be a file");
    if (is_given(args, OPTION_KEEP) && is_given(args, OPTION_TOLERANCE))
        return console_usage("prune: --keep and --tolerance exclude each other");
    if (curve && (is_given(args, OPTION_KEEP) || is_given(args, OPTION_OUTPUT)))
        return console_usage("prune: --curve and %s exclude each other: it writes no model",
                             is_given(args, OPTION_KEEP) ? "--keep" : "-output");
    if (!curve && (is_given(args, OPTION_CURVE_ORDERS) || is_given(args, OPTION_ORDERS_SEED) ||
                   is_given(args, OPTION_ORACLE)))
        return console_usage("prune: only --curve has other orders");
    return DONE;
}

int cmd_prune(const arguments *args) {
    char opened[MODEL_PATH], path[MODEL_PATH];
    const bool curve = is_given(args, OPTION_CURVE);
    if (check_usage(args) != DONE) return USAGE;
    if (!curve && !model_path_to_write(path, args->values[OPTION_OUTPUT].text))
        return console_usage("prune: -output: the name is too long");
    hw_error err;
    hw_classifier *classifier =
        model_open_with_labels(args->values[OPTION_MODEL_INPUT].text, opened, &err);
    if (!classifier) return console_error(&err);
    const int code =
        curve ? draw_curve(args, classifier) : plan_and_prune(args, classifier, opened, path);
    hw_classifier_close(classifier);
    return code;
}
