/* The forest plot: an interval that lies within the band says NO DIFFERENCE, one that lies beyond
 * zero says which way. Epsilons are what different units have in common. */
#include "study/report_html.h"

#include "study/plot.h"

#include <math.h>

enum { ROW = 400, TOP = 60, BOTTOM = 330, MARGIN = 160 };

/* Wide enough for the band and most intervals; what is beyond gets an arrow. */
static double reach(const hw_results *results) {
    double most = 2;
    for (size_t i = 0; i < results->count; i++) {
        const hw_finding *f = &results->items[i].finding;
        const double end = fmax(fabs(f->interval.low), fabs(f->interval.high)) / f->epsilon;
        if (isfinite(end)) most = fmax(most, 1.05 * end);
    }
    return fmin(most, 8);
}

static void append_scale(hw_text_buffer *page, const hw_axis *axis, int bottom) {
    const int left = hw_axis_at(axis, -1), right = hw_axis_at(axis, 1);
    hw_text_printf(page, "<rect x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\"/>\n", left, (int)TOP,
                   right - left, bottom - TOP);
    double ticks[HW_PLOT_TICKS];
    const size_t count = hw_axis_ticks(ticks, axis);
    for (size_t i = 0; i < count; i++) {
        char number[32];
        snprintf(number, sizeof number, "%g", ticks[i]);
        hw_plot_text(page, "middle", hw_axis_at(axis, ticks[i]), bottom + 130, number);
    }
    hw_plot_line(page, "zero", hw_axis_at(axis, 0), TOP, hw_axis_at(axis, 0), bottom);
    hw_plot_line(page, "rule", axis->from, bottom, axis->to, bottom);
    hw_plot_text(page, "middle note", HW_PLOT_WIDTH / 2, bottom + 270,
                 "against the claim ← epsilons → as claimed");
}

/* An arrowhead where a value lies beyond the axis. */
static void append_arrow(hw_text_buffer *page, const char *style, const hw_axis *axis, double value,
                         int y) {
    if (value < axis->low)
        hw_text_printf(page, "<path class=\"%s\" d=\"M%d %dl90-50v100z\"/>\n", style,
                       axis->from - 60, y);
    if (value > axis->high)
        hw_text_printf(page, "<path class=\"%s\" d=\"M%d %dl-90-50v100z\"/>\n", style,
                       axis->to + 60, y);
}

static void append_claim(hw_text_buffer *page, const hw_claim *claim, const hw_finding *f,
                         const hw_axis *axis, int top) {
    const double low = f->interval.low / f->epsilon, high = f->interval.high / f->epsilon;
    const double effect = f->effect / f->epsilon;
    const int y = top + 260;
    char style[8];
    snprintf(style, sizeof style, "v%d", (int)f->verdict);
    hw_text_printf(page, "<text x=\"20\" y=\"%d\">%c: ", top + 130, claim->letter);
    hw_page_svg_phrase(page, claim->title);
    hw_text_printf(page, "</text>\n");
    hw_plot_text(page, "end", HW_PLOT_WIDTH - 20, top + 130, hw_verdict_text(f->verdict));
    hw_plot_line(page, style, hw_axis_at(axis, low), y, hw_axis_at(axis, high), y);
    append_arrow(page, style, axis, low, y);
    append_arrow(page, style, axis, high, y);
    if (effect >= axis->low && effect <= axis->high)
        hw_plot_mark(page, style, 1, hw_axis_at(axis, effect), y);
}

void hw_html_forest(hw_text_buffer *page, const hw_results *results) {
    const int bottom = TOP + ROW * (int)results->count;
    const double end = reach(results);
    const hw_axis axis = { .low = -end, .high = end, .from = MARGIN, .to = HW_PLOT_WIDTH - MARGIN };
    hw_page_element(page, "h3", "Effects and their 95 % intervals, in epsilons");
    hw_text_printf(page, "<figure>\n");
    hw_plot_begin(page, bottom + BOTTOM);
    append_scale(page, &axis, bottom);
    for (size_t i = 0; i < results->count; i++)
        append_claim(page, &hw_claims[results->ids[i]], &results->items[i].finding, &axis,
                     TOP + ROW * (int)i);
    hw_plot_end(page);
    hw_page_element(
        page, "figcaption",
        "The band is what is too small to matter; an arrow points to what lies beyond.");
    hw_text_printf(page, "</figure>\n");
}
