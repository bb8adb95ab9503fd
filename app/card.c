/* Markdown tables of measures. Invariant: no name can end a row or a cell. */
#include "card.h"

#include <math.h>
#include <string.h>

static void append_number(hw_text_buffer *card, double number) {
    if (isfinite(number))
        hw_text_printf(card, " %.4f |", number);
    else
        hw_text_printf(card, " - |");
}

static void append_row(hw_text_buffer *card, const char *name, double value) {
    hw_text_printf(card, "| %s |", name);
    append_number(card, value);
    hw_text_printf(card, "\n");
}

static void append_labels(hw_text_buffer *card, const hw_metrics *metrics,
                          const hw_classifier *classifier) {
    hw_text_printf(card, "\n| label | precision | recall | F1 | texts |\n|---|---|---|---|---|\n");
    for (int32_t i = 0; i < metrics->labels; i++) {
        const hw_label_metrics *label = &metrics->per_label[i];
        hw_text_printf(card, "| ");
        hw_text_append_markdown(card, hw_classifier_label(classifier, i));
        hw_text_printf(card, " |");
        append_number(card, label->precision);
        append_number(card, label->recall);
        append_number(card, label->f1);
        hw_text_printf(card, " %llu |\n", (unsigned long long)label->support);
    }
}

void card_append(hw_text_buffer *card, const hw_metrics *metrics, const hw_classifier *classifier,
                 const char *data) {
    hw_text_printf(card, "## Measured\n\nOn %llu texts of ", (unsigned long long)metrics->examples);
    hw_text_append_markdown(card, data);
    hw_text_printf(card, ":\n\n| measure | value |\n|---|---|\n");
    append_row(card, hw_classifier_thresholds(classifier) ? "exact match" : "accuracy",
               metrics->accuracy);
    append_row(card, "macro-F1", metrics->macro_f1);
    append_row(card, "micro-F1", metrics->micro_f1);
    append_row(card, "log-loss", metrics->log_loss);
    append_row(card, "expected calibration error", metrics->ece);
    append_labels(card, metrics, classifier);
}
