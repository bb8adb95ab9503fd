/* What a fair comparison has to tell: how large each arm is, what it costs, and that as many trials
 * were spent on the choices of each. */
#include "study/fairness.h"
#include "study/report_html.h"

#include <math.h>

/* ---- Arms --------------------------------------------------------------------------------- */

/* Of a number of the arm's runs on the data as they are, if the claims wanted any. */
static void append_mean(hw_text_buffer *page, const hw_experiment *study, hw_arm arm,
                        const char *key) {
    const double mean = hw_side_moments(study, (hw_side){ .arm = arm }, study->seeds, key).mean;
    if (isfinite(mean))
        hw_text_printf(page, "<td>%.0f</td>", mean);
    else
        hw_text_printf(page, "<td>–</td>");
}

/* In %, of what MH has. */
static void append_excess(hw_text_buffer *page, double percent) {
    if (isfinite(percent))
        hw_text_printf(page, "<td>%+.1f</td>", percent);
    else
        hw_text_printf(page, "<td>–</td>");
}

static void append_arm(hw_text_buffer *page, const hw_experiment *study, hw_arm arm) {
    const hw_choice *choice = &study->choices[arm];
    const hw_imbalance more = hw_arm_imbalance(study, arm);
    hw_text_printf(page, "<tr>");
    hw_page_element(page, "th", hw_arm_name(arm));
    hw_text_printf(page, "<td class=\"words\">");
    hw_page_phrase(page, "%s", hw_arm_what(arm));
    hw_text_printf(page, "</td>");
    append_mean(page, study, arm, "dense_parameters");
    append_excess(page, more.parameters);
    append_mean(page, study, arm, "operations");
    append_excess(page, more.operations);
    hw_text_printf(page, "<td>%g</td><td>%g</td><td>%.3f</td><td>%zu</td></tr>\n", choice->rate,
                   choice->dropout, choice->loss, choice->trials);
}

static void append_arms(hw_text_buffer *page, const hw_experiment *study) {
    static const char *const headings[] = { "arm",
                                            "what it is",
                                            "dense parameters",
                                            "more than MH, %",
                                            "operations of a text",
                                            "more than MH, %",
                                            "learning rate, times the default",
                                            "dropout",
                                            "log-loss on the dev part",
                                            "trials" };
    hw_text_printf(page, "<div class=\"scroll arms\" tabindex=\"0\"><table>\n<thead><tr>");
    for (size_t i = 0; i < sizeof headings / sizeof *headings; i++)
        hw_page_element(page, "th", headings[i]);
    hw_text_printf(page, "</tr></thead>\n<tbody>\n");
    for (hw_arm arm = 0; arm < HW_ARMS; arm++) append_arm(page, study, arm);
    hw_text_printf(page, "</tbody>\n</table></div>\n");
}

/* ---- Data --------------------------------------------------------------------------------- */

/* file: NULL if the part was dealt from the input. */
static void append_part(hw_text_buffer *page, const char *name, const hw_dataset *part,
                        const char *file) {
    hw_text_printf(page, "<tr>");
    hw_page_element(page, "th", name);
    hw_text_printf(page, "<td>%zu</td><td>%08x</td><td class=\"words\"><bdi>", part->count,
                   (unsigned)part->checksum);
    if (file)
        hw_page_text(page, file);
    else
        hw_page_phrase(page, "from the input");
    hw_text_printf(page, "</bdi></td></tr>\n");
}

static void append_parts(hw_text_buffer *page, const hw_experiment *study) {
    static const char *const headings[] = { "part", "texts", "CRC-32C", "file" };
    const hw_study_options *o = study->options;
    hw_page_element(page, "h3", "Data");
    hw_text_printf(page, "<div class=\"scroll parts\" tabindex=\"0\"><table>\n<thead><tr>");
    for (size_t i = 0; i < sizeof headings / sizeof *headings; i++)
        hw_page_element(page, "th", headings[i]);
    hw_text_printf(page, "</tr></thead>\n<tbody>\n");
    append_part(page, "to learn from", study->parts.train, o->input);
    append_part(page, "to choose on", study->parts.dev, o->valid);
    append_part(page, "to test", study->parts.test, o->test);
    hw_text_printf(page, "</tbody>\n</table></div>\n");
}

static void append_labels(hw_text_buffer *page, const hw_dataset *train) {
    enum { MOST = 100 };
    const size_t shown = train->label_count < MOST ? train->label_count : MOST;
    hw_text_printf(page, "<p>");
    hw_page_phrase(page, "%zu labels, with their texts to learn from:", train->label_count);
    for (size_t i = 0; i < shown; i++) {
        hw_text_printf(page, "%s<bdi>", i ? ", " : " ");
        hw_page_text(page, train->label_names[i]);
        hw_text_printf(page, "</bdi> (%u)", (unsigned)train->label_examples[i]);
    }
    if (shown < train->label_count) hw_text_printf(page, ", …");
    hw_text_printf(page, "</p>\n");
}

void hw_html_ledger(hw_text_buffer *page, const hw_experiment *study) {
    hw_page_element(page, "h2", "What was compared");
    hw_text_printf(page, "<p>");
    hw_page_phrase(page, "%d seeds. Width %d; h = %d was best on the dev part.", (int)study->seeds,
                   (int)HW_STUDY_WIDTH, (int)study->heads);
    hw_text_printf(page, " ");
    hw_page_phrase(page, "All arms of a seed see the same words, the same order of texts and the "
                         "same first values where they have the same parameters.");
    hw_text_printf(page, "</p>\n");
    append_arms(page, study);
    append_parts(page, study);
    append_labels(page, study->parts.train);
    hw_text_printf(page, "<p class=\"quiet\">Headwise %s</p>\n", HW_VERSION);
}
