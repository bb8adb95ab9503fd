/* test and test-label: precision and recall at k in fastText's own words and digits.
 * Invariant: like fastText's, a record counts if the model knows at least one of its labels,
 * and only labels that it knows can be missed. */
#include "commands.h"
#include "console.h"
#include "model_path.h"
#include "records.h"
#include "scorer.h"
#include "selection.h"

#include "base/memory.h"

#include <math.h>

typedef struct counts {
    uint64_t gold, predicted, correct;
} counts;

typedef struct tally {
    const hw_classifier *classifier;
    int32_t labels;
    text_scorer *scorer;
    selection selected;
    text_batch batch;
    float *probabilities; /* [batch_limit][labels] */
    ranked_label *best;   /* [labels] */
    counts *label;        /* [labels] */
    uint64_t records, unknown_records;
    size_t bad_records;
} tally;

static void tally_free(tally *t) {
    scorer_free(t->scorer);
    batch_free(&t->batch);
    hw_free(t->probabilities);
    hw_free(t->best);
    hw_free(t->label);
}

static hw_status tally_prepare(tally *t, const arguments *args, hw_error *err) {
    hw_head_id heads[HEADS_LIMIT];
    const hw_session_options options = session_options(heads, args);
    const size_t labels = (size_t)t->labels, rows = batch_limit(t->labels);
    t->probabilities = hw_calloc(rows * labels, sizeof *t->probabilities);
    t->best = hw_calloc(labels, sizeof *t->best);
    t->label = hw_calloc(labels, sizeof *t->label);
    if (!t->probabilities || !t->best || !t->label)
        return hw_fail_memory(err, rows * labels * sizeof *t->probabilities);
    t->scorer =
        scorer_new(t->classifier, &options, whole_option(args, OPTION_THREAD, hw_cpu_count()), err);
    return t->scorer ? HW_OK : err->status;
}

static bool has_label(const int32_t *gold, size_t count, int32_t label) {
    for (size_t i = 0; i < count; i++)
        if (gold[i] == label) return true;
    return false;
}

static void count_row(tally *t, size_t row) {
    const batch_row *record = &t->batch.rows[row];
    if (record->bad) return;
    if (record->labels == 0) {
        t->unknown_records++;
        return;
    }
    const int32_t *gold = t->batch.labels + record->first_label;
    const float *probability = t->probabilities + row * (size_t)t->labels;
    const size_t count =
        best_labels(t->best, probability, t->labels, t->selected.k, t->selected.threshold, NULL);
    t->records++;
    for (size_t i = 0; i < record->labels; i++) t->label[gold[i]].gold++;
    for (size_t i = 0; i < count; i++) {
        counts *label = &t->label[t->best[i].label];
        label->predicted++;
        label->correct += has_label(gold, record->labels, t->best[i].label);
    }
}

static hw_status count_all(tally *t, hw_reader *reader, hw_error *err) {
    for (;;) {
        HW_TRY(batch_read(&t->batch, reader, t->classifier, batch_limit(t->labels), &t->bad_records,
                          err));
        if (t->batch.count == 0) return HW_OK;
        HW_TRY(
            scorer_score(t->scorer, t->probabilities, NULL, t->batch.texts, t->batch.count, err));
        for (size_t row = 0; row < t->batch.count; row++) count_row(t, row);
    }
}

static double ratio(uint64_t part, uint64_t whole) {
    return whole ? (double)part / (double)whole : (double)NAN;
}

static void print_measure(const char *name, double value) {
    if (isfinite(value))
        printf("%s : %.6f  ", name, value);
    else
        printf("%s : --------  ", name);
}

static void print_label_rows(const tally *t, const char *prefix) {
    for (int32_t i = 0; i < t->labels; i++) {
        const counts *c = &t->label[i];
        print_measure("F1-Score", ratio(2 * c->correct, c->gold + c->predicted));
        print_measure("Precision", ratio(c->correct, c->predicted));
        print_measure("Recall", ratio(c->correct, c->gold));
        putchar(' ');
        print_label(stdout, prefix, hw_classifier_label(t->classifier, i));
        putchar('\n');
    }
}

/* fastText prints 3 significant digits, but after the labels' rows 3 decimals. */
static void print_summary(const tally *t, bool after_labels) {
    counts sum = { 0 };
    for (int32_t i = 0; i < t->labels; i++) {
        sum.gold += t->label[i].gold;
        sum.predicted += t->label[i].predicted;
        sum.correct += t->label[i].correct;
    }
    const double precision = ratio(sum.correct, sum.predicted),
                 recall = ratio(sum.correct, sum.gold);
    const long long k = (long long)t->selected.k;
    printf("N\t%llu\n", (unsigned long long)t->records);
    printf(after_labels ? "P@%lld\t%.3f\n" : "P@%lld\t%.3g\n", k, precision);
    printf(after_labels ? "R@%lld\t%.3f\n" : "R@%lld\t%.3g\n", k, recall);
}

static void print_notes(const tally *t, const char *file) {
    if (t->unknown_records)
        console_note("%s: %llu records are not counted in N: the model knows none of their labels",
                     file, (unsigned long long)t->unknown_records);
    if (t->bad_records) console_note("%s: %zu records could not be read", file, t->bad_records);
}

static int test(const arguments *args, const hw_classifier *classifier, selection selected) {
    hw_error err;
    const hw_reader_options options = reader_options(args);
    tally t = { .classifier = classifier,
                .labels = hw_classifier_summary(classifier)->labels,
                .selected = selected };
    hw_reader *reader = hw_reader_open(selected.file, &options, &err);
    const bool done =
        reader && tally_prepare(&t, args, &err) == HW_OK && count_all(&t, reader, &err) == HW_OK;
    if (done) {
        const bool by_label = args->verb == VERB_TEST_LABEL;
        if (by_label) print_label_rows(&t, text_option(args, OPTION_LABEL, "__label__"));
        print_summary(&t, by_label);
        print_notes(&t, selected.file);
    }
    hw_reader_close(reader);
    tally_free(&t);
    return done ? DONE : console_error(&err);
}

int cmd_test(const arguments *args) {
    selection selected;
    char message[USAGE_MESSAGE];
    if (!selection_parse(&selected, args, message))
        return console_usage("%s: %s", verb_table[args->verb].name, message);
    hw_error err;
    hw_classifier *classifier = model_open_with_labels(selected.model, NULL, &err);
    if (!classifier) return console_error(&err);
    const int code = test(args, classifier, selected);
    hw_classifier_close(classifier);
    return code;
}

int cmd_test_label(const arguments *args) {
    return cmd_test(args);
}
