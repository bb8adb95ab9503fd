/* What is said of verdicts: in plain words, as a table, and how to read them. */
#include "study/report_html.h"

void hw_html_badge(hw_text_buffer *page, hw_verdict verdict) {
    hw_text_printf(page, "<b class=\"badge v%d\">", (int)verdict);
    hw_page_phrase(page, "%s", hw_verdict_text(verdict));
    hw_text_printf(page, "</b>");
}

void hw_html_needed(hw_text_buffer *page, const hw_finding *f) {
    if (f->verdict != HW_VERDICT_INCONCLUSIVE) return;
    if (f->needed_seeds && f->needed_rows)
        hw_page_phrase(page, "It would take %zu seeds, or %zu test texts.", f->needed_seeds,
                       f->needed_rows);
    else if (f->needed_seeds)
        hw_page_phrase(page, "It would take %zu seeds.", f->needed_seeds);
    else if (f->needed_rows)
        hw_page_phrase(page, "It would take %zu test texts.", f->needed_rows);
    else
        hw_page_phrase(page, "Neither more seeds nor more texts alone would decide it.");
}

/* ---- In plain words ----------------------------------------------------------------------- */

static const char *plain_words(hw_verdict verdict) {
    static const char *const words[] = {
        [HW_VERDICT_SUPPORTED] = "Yes.",
        [HW_VERDICT_SMALL] = "Yes, but by less than would matter.",
        [HW_VERDICT_REFUTED] = "No: the data say the contrary.",
        [HW_VERDICT_NO_DIFFERENCE] = "No: if there is a difference, it is too small to matter.",
        [HW_VERDICT_INCONCLUSIVE] = "These data cannot say.",
        [HW_VERDICT_NOT_COMPARABLE] = "The two sides differ in more than their heads.",
    };
    return words[verdict];
}

void hw_html_headline(hw_text_buffer *page, const hw_claim *claim, const hw_claim_result *r) {
    const hw_finding *f = &r->finding;
    hw_text_printf(page, "<li><a href=\"#claim-%c\"><b>", claim->letter);
    hw_page_phrase(page, "Multi-head attention %s", claim->title);
    hw_text_printf(page, "</b></a> ");
    hw_html_badge(page, f->verdict);
    hw_text_printf(page, "<br>");
    hw_page_phrase(page, "%s", plain_words(f->verdict));
    hw_text_printf(page, " ");
    hw_html_needed(page, f);
    hw_text_printf(page, "<br><span class=\"quiet\">");
    hw_page_phrase(page, "%s", claim->measured);
    hw_text_printf(page, ": <span class=\"number\">%+.2f</span> ", f->effect);
    hw_page_phrase(page, "%s", claim->unit);
    hw_text_printf(page, " (95&nbsp;%%: %+.2f … %+.2f; ", f->interval.low, f->interval.high);
    hw_page_phrase(page, "%.3g would matter", f->epsilon);
    hw_text_printf(page, ")</span></li>\n");
}

/* ---- The table ---------------------------------------------------------------------------- */

/* The cell's tag stays open; its heading is within, for where the table's own is not shown. */
static void begin_cell(hw_text_buffer *page, const char *style, const char *heading) {
    hw_text_printf(page, "<td class=\"%s\"><span class=\"key\">", style);
    hw_page_phrase(page, "%s", heading);
    hw_text_printf(page, "</span>");
}

static void append_number(hw_text_buffer *page, const char *heading, const char *number) {
    begin_cell(page, "number", heading);
    hw_text_printf(page, "%s</td>", number);
}

static void append_prediction(hw_text_buffer *page, const hw_claim *claim, hw_verdict verdict) {
    const bool is_open = verdict == HW_VERDICT_INCONCLUSIVE || verdict == HW_VERDICT_NOT_COMPARABLE;
    const bool is_true = strcmp(claim->predicted, hw_verdict_text(verdict)) == 0;
    begin_cell(page, "words wide", "predicted");
    hw_page_phrase(page, "%s", claim->predicted);
    hw_text_printf(page, ": ");
    hw_page_phrase(page, is_true ? "came true" : is_open ? "not decided" : "did not come true");
    hw_text_printf(page, "</td>");
}

static void append_numbers(hw_text_buffer *page, const hw_claim *claim, const hw_claim_result *r) {
    const hw_finding *f = &r->finding;
    char text[40];
    snprintf(text, sizeof text, "%.2f", r->single);
    append_number(page, "single", text);
    snprintf(text, sizeof text, "%.2f", r->multi);
    append_number(page, "multi", text);
    begin_cell(page, "number", "effect");
    hw_text_printf(page, "%+.2f ", f->effect);
    hw_page_phrase(page, "%s", claim->unit);
    hw_text_printf(page, "</td>");
    begin_cell(page, "number", "95 %");
    hw_text_printf(page, "%+.2f … %+.2f</td>", f->interval.low, f->interval.high);
    snprintf(text, sizeof text, "%.3g", f->p);
    append_number(page, "p", text);
    snprintf(text, sizeof text, "%.3g", f->p_holm);
    append_number(page, "p (Holm)", text);
    snprintf(text, sizeof text, "%.3g", f->epsilon);
    append_number(page, "epsilon", text);
}

static void append_verdict(hw_text_buffer *page, const hw_claim *claim, const hw_claim_result *r) {
    hw_text_printf(page, "<tr><th class=\"wide\"><a href=\"#claim-%c\">%c: ", claim->letter,
                   claim->letter);
    hw_page_phrase(page, "%s", claim->title);
    hw_text_printf(page, "</a></th>");
    begin_cell(page, "words wide", "measured");
    hw_page_phrase(page, "%s", claim->measured);
    hw_text_printf(page, "</td>");
    append_numbers(page, claim, r);
    begin_cell(page, "words wide", "verdict");
    hw_html_badge(page, r->finding.verdict);
    hw_text_printf(page, " ");
    hw_html_needed(page, &r->finding);
    hw_text_printf(page, "</td>");
    append_prediction(page, claim, r->finding.verdict);
    hw_text_printf(page, "</tr>\n");
}

void hw_html_verdicts(hw_text_buffer *page, const hw_results *results) {
    static const char *const headings[] = { "claim",   "measured", "single",   "multi",
                                            "effect",  "95 %",     "p",        "p (Holm)",
                                            "epsilon", "verdict",  "predicted" };
    hw_page_element(page, "h2", "Verdicts");
    hw_text_printf(page, "<div class=\"cards scroll\"><table>\n<thead><tr>");
    for (size_t i = 0; i < sizeof headings / sizeof *headings; i++)
        hw_page_element(page, "th", headings[i]);
    hw_text_printf(page, "</tr></thead>\n<tbody>\n");
    for (size_t i = 0; i < results->count; i++)
        append_verdict(page, &hw_claims[results->ids[i]], &results->items[i]);
    hw_text_printf(page, "</tbody>\n</table></div>\n");
}

/* ---- How to read it ----------------------------------------------------------------------- */

static const char *meaning_of(hw_verdict verdict) {
    static const char *const meanings[] = {
        [HW_VERDICT_SUPPORTED] = "there is an effect in the claim's direction (p below 0.05 after "
                                 "Holm's adjustment), and it is measured as epsilon or more.",
        [HW_VERDICT_SMALL] = "there is one, but it is measured as less than epsilon.",
        [HW_VERDICT_REFUTED] = "there is an effect in the other direction, however small.",
        [HW_VERDICT_NO_DIFFERENCE] = "the 90 % interval lies within epsilon on both sides of zero: "
                                     "if there is an effect, it is too small to matter.",
        [HW_VERDICT_INCONCLUSIVE] =
            "none of these. It does not mean that there is no effect: this study is too small to "
            "tell. What it says it would take is an estimate from the variances seen.",
        [HW_VERDICT_NOT_COMPARABLE] = "the two sides were to be of one size, but differ by more "
                                      "than 1 % in parameters or 8 % "
                                      "in operations, so that no verdict on heads is given.",
    };
    return meanings[verdict];
}

void hw_html_guide(hw_text_buffer *page) {
    hw_page_element(page, "h2", "How to read the verdicts");
    hw_text_printf(page, "<ul class=\"headlines\">\n");
    for (hw_verdict verdict = 0; verdict <= HW_VERDICT_NOT_COMPARABLE; verdict++) {
        hw_text_printf(page, "<li>");
        hw_html_badge(page, verdict);
        hw_text_printf(page, " ");
        hw_page_phrase(page, "%s", meaning_of(verdict));
        hw_text_printf(page, "</li>\n");
    }
    hw_text_printf(page, "</ul>\n");
    hw_page_element(
        page, "p",
        "Epsilon, the smallest difference that matters, and the predictions were fixed "
        "before the study. Single and multi are the two sides of a comparison; a "
        "positive effect is what the claim says. Intervals allow for other seeds and "
        "other test texts. Holm's adjustment is over all claims of the study, so that a "
        "false direction appears in at most 5 % of studies.");
    hw_page_element(
        page, "p",
        "A verdict rests on the one measure named beside it. All other tables and plots "
        "are exploratory: their intervals are not adjusted for how many they are.");
}
