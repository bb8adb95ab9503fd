/* report.html: the page in its order. */
#include "study/report_html.h"

#include <math.h>

static void append_summary(hw_text_buffer *page, const hw_experiment *study,
                           const hw_results *results) {
    hw_page_element(page, "p",
                    "Each claimed advantage of multi-head attention was measured on these data as "
                    "an experiment of its own. A verdict is what the data carry, no more.");
    if (study->options->twins)
        hw_page_element(page, "p",
                        "Both sides of every comparison are the same arm (an A/A study): a verdict "
                        "with a direction is false.");
    hw_text_printf(page, "<ul class=\"headlines\">\n");
    for (size_t i = 0; i < results->count; i++)
        hw_html_headline(page, &hw_claims[results->ids[i]], &results->items[i]);
    hw_text_printf(page, "</ul>\n");
}

static void append_facts(hw_text_buffer *page, const hw_claim *claim, const hw_claim_result *r) {
    const hw_finding *f = &r->finding;
    hw_text_printf(page, "<p>");
    hw_page_phrase(page, "%s", claim->measured);
    hw_text_printf(page, ": <span class=\"number\">%+.3f</span> ", f->effect);
    hw_page_phrase(page, "%s", claim->unit);
    hw_text_printf(page, " (95&nbsp;%%: %+.3f … %+.3f). ", f->interval.low, f->interval.high);
    if (f->rows)
        hw_page_phrase(page, "%zu seeds, %zu test texts.", f->seeds, f->rows);
    else
        hw_page_phrase(page, "%zu seeds.", f->seeds);
    hw_text_printf(page, " ");
    if (f->detectable == 0)
        hw_page_phrase(page, "It did not vary between seeds.");
    else if (isfinite(f->detectable))
        hw_page_phrase(page, "A true effect of %.2f would be found in four of five such studies.",
                       f->detectable);
    else
        hw_page_phrase(page, "No effect could be found.");
    hw_text_printf(page, "</p>\n");
    if (*r->refusal) hw_page_element(page, "p", r->refusal);
    if (*r->caution) hw_page_element(page, "p", r->caution);
}

static void append_claim(hw_text_buffer *page, const hw_experiment *study, const hw_claim *claim,
                         const hw_claim_result *r) {
    hw_text_printf(page, "<section>\n<h2 id=\"claim-%c\">%c: ", claim->letter, claim->letter);
    hw_page_phrase(page, "Multi-head attention %s", claim->title);
    hw_text_printf(page, " ");
    hw_html_badge(page, r->finding.verdict);
    hw_text_printf(page, "</h2>\n");
    append_facts(page, claim, r);
    for (size_t i = 0; i < json_array_size(r->tables); i++) {
        const json_t *table = json_array_get(r->tables, i);
        hw_text_printf(page, "<div class=\"side\">\n");
        hw_page_table(page, table);
        hw_html_plot(page, study, table);
        hw_text_printf(page, "</div>\n");
    }
    hw_text_printf(page, "</section>\n");
}

hw_status hw_report_html(const hw_experiment *study, const hw_results *results, hw_error *err) {
    hw_text_buffer page = { 0 };
    hw_page_begin(&page, "Several heads against one");
    append_summary(&page, study, results);
    hw_html_verdicts(&page, results);
    hw_html_forest(&page, results);
    hw_html_guide(&page);
    for (size_t i = 0; i < results->count; i++)
        append_claim(&page, study, &hw_claims[results->ids[i]], &results->items[i]);
    hw_html_ledger(&page, study);
    hw_page_end(&page);
    const hw_status status = hw_report_write(study, "report.html", &page, err);
    hw_text_buffer_free(&page);
    return status;
}
