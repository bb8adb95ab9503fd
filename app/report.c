/* The layout is that of scikit-learn's classification_report, so that eyes know where to
 * look. Invariant: what is not defined is printed "n/a" (JSON: null), never as 0. */
#include "report.h"

#include "console.h"
#include "json_text.h"

#include <math.h>

enum { NAME_COLUMNS = 12, CONFUSED_PAIRS = 20, MATRIX_LABELS = 20 };

static void print_share(double value, int columns) {
    if (isfinite(value))
        printf(" %*.4f", columns, value);
    else
        printf(" %*s", columns, "n/a");
}

static void print_interval(const hw_interval *interval) {
    if (isfinite(interval->low) && isfinite(interval->high))
        printf("   95%% CI %.4f to %.4f", interval->low, interval->high);
    putchar('\n');
}

static int name_columns(const hw_classifier *classifier, int32_t labels) {
    int widest = NAME_COLUMNS;
    for (int32_t i = 0; i < labels; i++) {
        const int columns = text_columns(hw_classifier_label(classifier, i));
        if (columns > widest) widest = columns;
    }
    return widest;
}

static void print_row(const char *name, int columns, double precision, double recall, double f1,
                      uint64_t support) {
    print_padded(stdout, name, columns);
    print_share(precision, 10);
    print_share(recall, 9);
    print_share(f1, 9);
    printf(" %9llu", (unsigned long long)support);
}

static uint64_t total_support(const hw_metrics *m) {
    uint64_t total = 0;
    for (int32_t i = 0; i < m->labels; i++) total += m->per_label[i].support;
    return total;
}

static void print_averages(const hw_metrics *m, int columns, bool multi_label) {
    const hw_interval none = { (double)NAN, (double)NAN };
    const uint64_t support = total_support(m);
    if (multi_label) {
        print_row("micro avg", columns, m->micro_precision, m->micro_recall, m->micro_f1, support);
        print_interval(&none);
    } else {
        print_padded(stdout, "accuracy", columns);
        printf(" %10s %9s %9.4f %9llu", "", "", m->accuracy, (unsigned long long)m->examples);
        print_interval(&m->accuracy_interval);
    }
    print_row("macro avg", columns, m->macro_precision, m->macro_recall, m->macro_f1, support);
    print_interval(&m->macro_f1_interval);
    print_row("weighted avg", columns, m->weighted_precision, m->weighted_recall, m->weighted_f1,
              support);
    print_interval(&none);
}

static void print_table(const hw_metrics *m, const hw_classifier *classifier, bool multi_label) {
    const int columns = name_columns(classifier, m->labels);
    printf("%*s %10s %9s %9s %9s\n\n", columns, "", "precision", "recall", "f1-score", "support");
    for (int32_t i = 0; i < m->labels; i++) {
        const hw_label_metrics *label = &m->per_label[i];
        print_row(hw_classifier_label(classifier, i), columns, label->precision, label->recall,
                  label->f1, label->support);
        putchar('\n');
    }
    putchar('\n');
    print_averages(m, columns, multi_label);
}

static void print_measure(const char *name, double value) {
    if (isfinite(value))
        printf("%s %.4f", name, value);
    else
        printf("%s n/a", name);
}

static void print_details(const hw_metrics *m, const hw_summary *summary) {
    putchar('\n');
    if (summary->multi_label) {
        print_measure("exact match", m->exact_match);
        print_interval(&m->accuracy_interval);
    }
    print_measure("calibration: log-loss", m->log_loss);
    print_measure(", ECE", m->ece);
    print_measure(" (15 bins), Brier", m->brier);
    printf(", temperature %.3g\n", summary->temperature);
    const double whole = summary->multi_label ? m->micro_f1 : m->accuracy;
    const char *measure = summary->multi_label ? "micro-F1" : "accuracy";
    if (isfinite(m->bag_score) && isfinite(m->tower_score))
        printf("branches: n-grams alone %.4f, tower alone %.4f, together %.4f (%s; the tower adds "
               "%+.4f)\n",
               m->bag_score, m->tower_score, whole, measure, whole - m->bag_score);
    if (m->unknown_labels)
        printf("%llu labels of the data are unknown to the model\n",
               (unsigned long long)m->unknown_labels);
}

static void print_matrix(const hw_metrics *m, const hw_classifier *classifier) {
    const int columns = name_columns(classifier, m->labels);
    printf("\nconfusion (rows true, columns predicted)\n%*s", columns, "");
    for (int32_t i = 0; i < m->labels; i++) {
        const char *name = hw_classifier_label(classifier, i);
        putchar(' ');
        print_padded(stdout, name, text_columns(name) < 6 ? 6 : text_columns(name));
    }
    putchar('\n');
    for (int32_t row = 0; row < m->labels; row++) {
        print_padded(stdout, hw_classifier_label(classifier, row), columns);
        for (int32_t i = 0; i < m->labels; i++) {
            const int width = text_columns(hw_classifier_label(classifier, i));
            printf(" %*llu", width < 6 ? 6 : width,
                   (unsigned long long)m->confusion[(size_t)row * (size_t)m->labels + (size_t)i]);
        }
        putchar('\n');
    }
}

typedef struct confused_pair {
    uint64_t count;
    int32_t truth, predicted;
} confused_pair;

static bool is_before(const confused_pair *a, const confused_pair *b) {
    return a->count > b->count;
}

/* The most frequent errors, in falling order; returns how many. */
static size_t find_pairs(confused_pair pairs[CONFUSED_PAIRS], const hw_metrics *m) {
    size_t count = 0;
    for (int32_t truth = 0; truth < m->labels; truth++) {
        for (int32_t predicted = 0; predicted < m->labels; predicted++) {
            const confused_pair pair = {
                m->confusion[(size_t)truth * (size_t)m->labels + (size_t)predicted], truth,
                predicted
            };
            if (truth == predicted || pair.count == 0) continue;
            if (count == CONFUSED_PAIRS && !is_before(&pair, &pairs[count - 1])) continue;
            size_t at = count < CONFUSED_PAIRS ? count++ : count - 1;
            for (; at > 0 && is_before(&pair, &pairs[at - 1]); at--) pairs[at] = pairs[at - 1];
            pairs[at] = pair;
        }
    }
    return count;
}

static void print_pairs(const hw_metrics *m, const hw_classifier *classifier) {
    confused_pair pairs[CONFUSED_PAIRS];
    const size_t count = find_pairs(pairs, m);
    const int columns = name_columns(classifier, m->labels);
    printf("\nmost confused of %d labels (--confusion all shows the whole matrix)\n", m->labels);
    for (size_t i = 0; i < count; i++) {
        const uint64_t support = m->per_label[pairs[i].truth].support;
        print_padded(stdout, hw_classifier_label(classifier, pairs[i].truth), columns);
        printf(" taken for ");
        print_padded(stdout, hw_classifier_label(classifier, pairs[i].predicted), -columns);
        printf(" %6llu  %5.1f%%\n", (unsigned long long)pairs[i].count,
               100 * (double)pairs[i].count / (double)support);
    }
}

void report_print(const hw_metrics *metrics, const hw_classifier *classifier,
                  bool whole_confusion) {
    const hw_summary *summary = hw_classifier_summary(classifier);
    print_table(metrics, classifier, summary->multi_label);
    print_details(metrics, summary);
    if (!metrics->confusion) return;
    if (whole_confusion || metrics->labels <= MATRIX_LABELS)
        print_matrix(metrics, classifier);
    else
        print_pairs(metrics, classifier);
}

static json_t *interval_json(const hw_interval *interval) {
    return json_pack("[o, o]", json_number(interval->low), json_number(interval->high));
}

static json_t *label_json(const hw_label_metrics *label, const char *name) {
    return json_pack("{s:s, s:o, s:o, s:o, s:I, s:I, s:I}", "label", name, "precision",
                     json_number(label->precision), "recall", json_number(label->recall), "f1",
                     json_number(label->f1), "support", (json_int_t)label->support, "predicted",
                     (json_int_t)label->predicted, "correct", (json_int_t)label->correct);
}

static json_t *labels_json(const hw_metrics *m, const hw_classifier *classifier) {
    json_t *list = json_array();
    for (int32_t i = 0; i < m->labels; i++)
        json_array_append_new(list,
                              label_json(&m->per_label[i], hw_classifier_label(classifier, i)));
    return list;
}

/* [true label][predicted label] in the order of per_label. */
static json_t *confusion_json(const hw_metrics *m) {
    if (!m->confusion) return json_null();
    json_t *rows = json_array();
    for (int32_t truth = 0; truth < m->labels; truth++) {
        json_t *row = json_array();
        const uint64_t *counts = m->confusion + (size_t)truth * (size_t)m->labels;
        for (int32_t i = 0; i < m->labels; i++)
            json_array_append_new(row, json_integer((json_int_t)counts[i]));
        json_array_append_new(rows, row);
    }
    return rows;
}

hw_status report_print_json(const hw_metrics *metrics, const hw_classifier *classifier,
                            hw_error *err) {
    const hw_metrics *m = metrics;
    const hw_summary *summary = hw_classifier_summary(classifier);
    const struct {
        const char *name;
        double value;
    } numbers[] = {
        { "accuracy", m->accuracy },
        { "exact_match", m->exact_match },
        { "micro_f1", m->micro_f1 },
        { "macro_f1", m->macro_f1 },
        { "weighted_f1", m->weighted_f1 },
        { "micro_precision", m->micro_precision },
        { "micro_recall", m->micro_recall },
        { "macro_precision", m->macro_precision },
        { "macro_recall", m->macro_recall },
        { "weighted_precision", m->weighted_precision },
        { "weighted_recall", m->weighted_recall },
        { "log_loss", m->log_loss },
        { "ece", m->ece },
        { "brier", m->brier },
        { "temperature", summary->temperature },
        { "bag_score", m->bag_score },
        { "tower_score", m->tower_score },
    };
    json_t *object =
        json_pack("{s:I, s:I, s:b}", "examples", (json_int_t)m->examples, "unknown_labels",
                  (json_int_t)m->unknown_labels, "multi_label", (int)summary->multi_label);
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        json_object_set_new(object, numbers[i].name, json_number(numbers[i].value));
    json_object_set_new(object, "intervals",
                        json_pack("{s:o, s:o}", "accuracy", interval_json(&m->accuracy_interval),
                                  "macro_f1", interval_json(&m->macro_f1_interval)));
    json_object_set_new(object, "per_label", labels_json(m, classifier));
    json_object_set_new(object, "confusion", confusion_json(m));
    return json_print_line(object, err);
}
