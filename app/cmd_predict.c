/* predict and predict-prob: a line in, a line out, in order. Invariant: the n-th line of the
 * output belongs to the n-th line (or record) of the input, whatever happens to it. */
#include "commands.h"
#include "console.h"
#include "json_text.h"
#include "model_path.h"
#include "scorer.h"
#include "selection.h"
#include "text_source.h"

#include "base/memory.h"

#include <string.h>

typedef struct prediction {
    const hw_classifier *classifier;
    const hw_summary *summary;
    text_scorer *scorer;
    const float *thresholds; /* of a multi-label model, unless k or a threshold is given */
    int64_t k;
    double threshold;
    bool with_probabilities, as_json;
    const char *prefix;
    text_batch batch;
    float *probabilities; /* [batch_limit][labels] */
    size_t *windows;      /* [batch_limit], that an encoder cut a text into; else NULL */
    bool truncate;        /* only the first of them was read */
    ranked_label *best;   /* [labels] */
} prediction;

static void print_words(const prediction *p, size_t count) {
    for (size_t i = 0; i < count; i++) {
        if (i) putchar(' ');
        print_label(stdout, p->prefix, hw_classifier_label(p->classifier, p->best[i].label));
        if (p->with_probabilities) printf(" %g", (double)p->best[i].probability);
    }
    putchar('\n');
}

static json_t *label_score(const prediction *p, size_t rank) {
    return json_pack("{s:s, s:o}", "label", hw_classifier_label(p->classifier, p->best[rank].label),
                     "score", json_number((double)p->best[rank].probability));
}

/* Adds how much of the text an encoder has read. */
static void add_windows(json_t *object, const prediction *p, size_t row) {
    const size_t windows = p->windows[row], read = p->truncate ? 1 : windows;
    json_object_set_new(object, "windows", json_integer((json_int_t)read));
    json_object_set_new(object, "truncated", json_boolean(read < windows));
}

static hw_status print_json(const prediction *p, size_t row, size_t count, hw_error *err) {
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++) json_array_append_new(list, label_score(p, i));
    json_t *line = count ? label_score(p, 0) : json_pack("{s:n, s:n}", "label", "score");
    json_t *object = json_pack("{s:o}", "text", json_text(p->batch.texts[row]));
    json_object_update(object, line);
    json_decref(line);
    json_object_set_new(object, "predictions", list);
    if (p->windows) add_windows(object, p, row);
    return json_print_line(object, err);
}

static hw_status print_batch(const prediction *p, hw_error *err) {
    const int32_t labels = p->summary->labels;
    for (size_t row = 0; row < p->batch.count; row++) {
        const float *probability = p->probabilities + row * (size_t)labels;
        size_t count = best_labels(p->best, probability, labels, p->k, p->threshold, p->thresholds);
        if (p->batch.rows[row].bad) count = 0;
        if (p->as_json)
            HW_TRY(print_json(p, row, count, err));
        else
            print_words(p, count);
    }
    return HW_OK;
}

static hw_status predict_all(prediction *p, text_source *source, hw_error *err) {
    for (;;) {
        HW_TRY(text_source_read(&p->batch, source, batch_limit(p->summary->labels), err));
        if (p->batch.count == 0) return HW_OK;
        HW_TRY(scorer_score(p->scorer, p->probabilities, p->windows, p->batch.texts, p->batch.count,
                            err));
        HW_TRY(print_batch(p, err));
        if (!console_flush()) return HW_OK; /* console_finish says why */
    }
}

static void prediction_free(prediction *p) {
    scorer_free(p->scorer);
    batch_free(&p->batch);
    hw_free(p->probabilities);
    hw_free(p->windows);
    hw_free(p->best);
}

static hw_status prediction_prepare(prediction *p, const arguments *args, hw_error *err) {
    hw_head_id heads[HEADS_LIMIT];
    const hw_session_options options = session_options(heads, args);
    const size_t labels = (size_t)p->summary->labels, rows = batch_limit(p->summary->labels);
    p->probabilities = hw_calloc(rows * labels, sizeof *p->probabilities);
    p->best = hw_calloc(labels, sizeof *p->best);
    if (!p->probabilities || !p->best)
        return hw_fail_memory(err, rows * labels * sizeof *p->probabilities);
    if (p->summary->family && !(p->windows = hw_calloc(rows, sizeof *p->windows)))
        return hw_fail_memory(err, rows * sizeof *p->windows);
    p->scorer =
        scorer_new(p->classifier, &options, whole_option(args, OPTION_THREAD, hw_cpu_count()), err);
    return p->scorer ? HW_OK : err->status;
}

static int predict(const arguments *args, const hw_classifier *classifier, selection selected,
                   bool with_probabilities) {
    hw_error err;
    const hw_summary *summary = hw_classifier_summary(classifier);
    const bool by_thresholds = summary->multi_label && !selected.is_given;
    const bool all_above =
        summary->multi_label && !is_given(args, OPTION_TOP) && is_given(args, OPTION_THRESHOLD);
    prediction p = { .classifier = classifier,
                     .summary = summary,
                     .thresholds = by_thresholds ? hw_classifier_thresholds(classifier) : NULL,
                     .k = by_thresholds || all_above ? -1 : selected.k,
                     .threshold = selected.threshold,
                     .truncate = is_given(args, OPTION_TRUNCATE),
                     .with_probabilities = with_probabilities,
                     .as_json = is_given(args, OPTION_JSON),
                     .prefix = text_option(args, OPTION_LABEL, "__label__") };
    text_source source = { 0 };
    const bool done = text_source_open(&source, classifier, args, selected.file, &err) &&
                      prediction_prepare(&p, args, &err) == HW_OK &&
                      predict_all(&p, &source, &err) == HW_OK;
    text_source_close(&source);
    prediction_free(&p);
    if (!done) return console_error(&err);
    if (source.bad_records)
        return console_failure("%s: %zu records could not be read; their lines are empty",
                               selected.file, source.bad_records);
    return DONE;
}

static int open_and_predict(const arguments *args, bool with_probabilities) {
    selection selected;
    char message[USAGE_MESSAGE];
    if (!selection_parse(&selected, args, message))
        return console_usage("%s: %s", verb_table[args->verb].name, message);
    hw_error err;
    hw_classifier *classifier = model_open_with_labels(selected.model, NULL, &err);
    if (!classifier) return console_error(&err);
    const int code = predict(args, classifier, selected, with_probabilities);
    hw_classifier_close(classifier);
    return code;
}

int cmd_predict(const arguments *args) {
    return open_and_predict(args, false);
}

int cmd_predict_prob(const arguments *args) {
    return open_and_predict(args, true);
}
