/* The report as a part of a page: a card for each head, what is left when heads go one after the
 * other, how alike they are, and all numbers. */
#include "head_report.h"

#include <math.h>
#include <stdio.h>

enum { CHART_WIDTH = 100, CHART_HEIGHT = 40, CURVE_MARGIN = 14 };

/* ---- Cards ---------------------------------------------------------------------------------- */

/* Red if the head is needed, green if it is better without; strongest from 2 points on. */
static void append_card(hw_text_buffer *page, const head_report_view *view, size_t head) {
    const hw_head_report *r = view->report;
    const hw_head_worth *w = &r->worth[head];
    const double strength = fmin(1, fabs(w->change) / 0.02);
    char name[24];
    head_name_write(name, view, (size_t)w->head.layer, (size_t)w->head.head);
    hw_text_printf(page, "<div class=\"card %s\" style=\"--a:%.2f\"><b>%s</b> <span>%+.2f</span>",
                   w->change < 0 ? "against" : "for", 0.75 * strength, name, 100 * w->change);
    for (size_t tower = 0; tower < r->towers; tower++) {
        char role[32];
        head_role_write(role, &r->look[tower * r->count + head]);
        hw_text_printf(page, "<br>%s", role);
    }
    hw_text_printf(page, "</div>\n");
}

static void append_cards(hw_text_buffer *page, const head_report_view *view) {
    const hw_head_report *r = view->report;
    size_t next = 0;
    hw_text_printf(page,
                   "<p class=\"quiet\">Layer and head, points gained without it, and its role%s. "
                   "Red: needed. Green: better without it.</p>\n",
                   r->towers > 1 ? " in each tower" : "");
    for (size_t layer = 0; layer < r->layers; layer++) {
        hw_text_printf(page, "<div class=\"cards\">\n");
        for (size_t head = 0; head < r->layer_heads[layer]; head++) append_card(page, view, next++);
        hw_text_printf(page, "</div>\n");
    }
}

/* ---- What is left ------------------------------------------------------------------------- */

typedef struct axis {
    double low, high; /* of the accuracies */
} axis;

static double x_of(const hw_head_report *r, size_t off) {
    return (double)off / (double)r->steps * CHART_WIDTH;
}

static double y_of(axis a, double accuracy) {
    return CHART_HEIGHT * (a.high - accuracy) / (a.high - a.low);
}

/* With `off` heads off. */
static double accuracy_of(const hw_head_report *r, size_t off) {
    return off ? r->step[off - 1].accuracy : r->accuracy;
}

static void append_points(hw_text_buffer *page, const hw_head_report *r, axis a) {
    hw_text_printf(page, "<path class=\"line\" d=\"");
    for (size_t off = 0; off <= r->steps; off++)
        hw_text_printf(page, "%c%.2f %.2f", off ? 'L' : 'M', x_of(r, off),
                       y_of(a, accuracy_of(r, off)));
    hw_text_printf(page, "\"/>");
    for (size_t off = 0; off <= r->steps; off++)
        hw_text_printf(page, "<circle cx=\"%.2f\" cy=\"%.2f\" r=\"1.1\"%s/>", x_of(r, off),
                       y_of(a, accuracy_of(r, off)), off > r->removable ? " class=\"beyond\"" : "");
}

static void append_labels(hw_text_buffer *page, const hw_head_report *r, axis a) {
    hw_text_printf(page,
                   "<text x=\"-2\" y=\"1\">%.1f</text><text x=\"-2\" y=\"%d\">%.1f</text>"
                   "<text x=\"1\" y=\"%d\">0</text><text x=\"%d\" y=\"%d\">%zu off</text>",
                   100 * a.high, CHART_HEIGHT + 1, 100 * a.low, CHART_HEIGHT + 6, CHART_WIDTH,
                   CHART_HEIGHT + 6, r->steps);
}

static axis axis_of(const hw_head_report *r) {
    axis a = { r->accuracy - r->tolerance, r->accuracy };
    for (size_t i = 0; i < r->steps; i++) {
        a.low = fmin(a.low, r->step[i].accuracy);
        a.high = fmax(a.high, r->step[i].accuracy);
    }
    a.high += 0.05 * (a.high - a.low) + 1e-9;
    return a;
}

static void append_curve(hw_text_buffer *page, const hw_head_report *r) {
    const axis a = axis_of(r);
    hw_text_printf(page,
                   "<figure class=\"curve\"><figcaption>%s, in %%, with the heads of the least "
                   "worth off; dashed: what may be lost</figcaption><svg viewBox=\"-%d -3 %d %d\" "
                   "role=\"img\"><rect class=\"frame\" width=\"%d\" height=\"%d\"/>"
                   "<path class=\"limit\" d=\"M0 %.2fh%d\"/>",
                   r->multi_label ? "Exact matches" : "Accuracy", CURVE_MARGIN,
                   CHART_WIDTH + CURVE_MARGIN + 4, CHART_HEIGHT + 11, CHART_WIDTH, CHART_HEIGHT,
                   y_of(a, r->accuracy - r->tolerance), CHART_WIDTH);
    append_points(page, r, a);
    append_labels(page, r, a);
    hw_text_printf(page, "</svg></figure>\n");
}

/* ---- How alike heads are ------------------------------------------------------------------ */

/* A head that cannot be compared has no cells. */
static void append_row_of_cells(hw_text_buffer *page, const head_report_view *view, size_t layer,
                                const double *distance, size_t a) {
    const size_t n = view->report->layer_heads[layer];
    char name[24], other[24];
    head_name_write(name, view, layer, a);
    for (size_t b = 0; b < n; b++) {
        const double apart = distance[a * n + b];
        head_name_write(other, view, layer, b);
        if (isfinite(apart))
            hw_text_printf(page,
                           "<path fill-opacity=\"%.3f\" d=\"M%zu %zuh1v1h-1z\"><title>%s, %s: "
                           "%.3f</title></path>",
                           apart, b, a, name, other, apart);
    }
    hw_text_printf(page, "<text x=\"-0.3\" y=\"%zu.75\">%s</text>", a, name);
}

/* distances: of all layers. effective: likewise, or NULL. */
static void append_matrix(hw_text_buffer *page, const head_report_view *view, size_t i,
                          const double *distances, const double *effective) {
    const hw_head_report *r = view->report;
    const double *distance = distances + i * r->heads * r->heads;
    const size_t layer = i % r->layers, n = r->layer_heads[layer];
    if (n < 2) return;
    hw_text_printf(page, "<figure><figcaption>layer %zu", layer);
    if (r->towers > 1) hw_text_printf(page, " of tower %zu", i / r->layers + 1);
    hw_text_printf(page, ": %zu heads", n);
    if (effective) hw_text_printf(page, ", %.1f in effect", effective[i]);
    hw_text_printf(page,
                   "</figcaption><svg viewBox=\"-2 0 %zu %zu\" role=\"img\"><rect "
                   "class=\"frame\" width=\"%zu\" height=\"%zu\"/>",
                   n + 2, n, n, n);
    for (size_t a = 0; a < n; a++) append_row_of_cells(page, view, layer, distance, a);
    hw_text_printf(page, "</svg></figure>\n");
}

static void append_matrices(hw_text_buffer *page, const head_report_view *view) {
    const hw_head_report *r = view->report;
    if (r->heads < 2) return;
    hw_text_printf(
        page, "<h2 class=\"part\">How different heads look</h2>\n<p class=\"quiet\">Jensen-Shannon "
              "divergence of the weights of two heads: faint is alike, full colour "
              "nothing in common.</p>\n<div class=\"maps small\">\n");
    for (size_t i = 0; i < r->towers * r->layers; i++)
        append_matrix(page, view, i, r->distance, r->effective);
    hw_text_printf(page,
                   "</div>\n<h2 class=\"part\">How different their outputs are</h2>\n<p "
                   "class=\"quiet\">1 - linear CKA of what two heads give to the texts' tokens: "
                   "faint is the same but for a rotation and a factor, full colour "
                   "nothing in common.</p>\n<div class=\"maps small\">\n");
    for (size_t i = 0; i < r->towers * r->layers; i++)
        append_matrix(page, view, i, r->output_distance, NULL);
    hw_text_printf(page, "</div>\n");
}

/* ---- All numbers -------------------------------------------------------------------------- */

static void append_p(hw_text_buffer *page, double p) {
    if (isnan(p))
        hw_text_printf(page, "<td></td>");
    else if (p < 0.0001)
        hw_text_printf(page, "<td>&lt;0.0001</td>");
    else
        hw_text_printf(page, "<td>%.4f</td>", p);
}

static void append_row(hw_text_buffer *page, const head_report_view *view, size_t tower,
                       size_t head) {
    const hw_head_report *r = view->report;
    const hw_head_look *look = &r->look[tower * r->count + head];
    const hw_head_worth *w = &r->worth[head];
    char role[32], name[24];
    head_role_write(role, look);
    head_name_write(name, view, (size_t)w->head.layer, (size_t)w->head.head);
    hw_text_printf(page, "<tr><td>%s", name);
    if (head_report_is_pruned(view))
        hw_text_printf(page, ", now %d.%d", (int)w->head.layer, (int)w->head.head);
    if (r->towers > 1) hw_text_printf(page, ", tower %zu", tower + 1);
    hw_text_printf(page, "</td><td>%s</td>", role);
    append_p(page, look->tests[look->role].p_holm);
    hw_text_printf(page, "<td>%.2f</td><td>%.2f</td><td>%.2f</td><td>%.2f</td><td>%.2f</td>",
                   look->entropy, look->confidence, look->distance_ratio, look->sink,
                   look->separators);
    hw_text_printf(page, "<td>%+.2f</td><td>%+.2f to %+.2f</td>", 100 * w->change,
                   100 * w->interval.low, 100 * w->interval.high);
    append_p(page, w->p_holm);
    hw_text_printf(page, "</tr>\n");
}

static void append_table(hw_text_buffer *page, const head_report_view *view) {
    const hw_head_report *r = view->report;
    hw_text_printf(
        page,
        "<h2 class=\"part\">All numbers</h2>\n<p class=\"quiet\">Entropy and distance are 1 of a "
        "head "
        "that looks everywhere alike; first and marks are the weight of the first "
        "token, and of marks and [SEP]; off are points gained without the head%s, with "
        "McNemar's p. Every p is adjusted by Holm.</p>\n<div class=\"scroll numbers\"><table>\n"
        "<tr><th>head</th><th>role</th><th>p</th><th>entropy</th><th>largest</th>"
        "<th>distance</th><th>first</th><th>marks</th><th>off</th><th>95 %% CI</th>"
        "<th>p</th></tr>\n",
        r->towers > 1 ? " in all towers" : "");
    for (size_t head = 0; head < r->count; head++)
        for (size_t tower = 0; tower < r->towers; tower++) append_row(page, view, tower, head);
    hw_text_printf(page, "</table></div>\n");
}

/* ---- All of it ---------------------------------------------------------------------------- */

static void append_intro(hw_text_buffer *page, const head_report_view *view) {
    const hw_head_report *r = view->report;
    hw_text_buffer removal = { 0 };
    hw_text_printf(page, "<p class=\"text\">");
    page_append(page, hw_text_of(view->model));
    hw_text_printf(page, " on ");
    page_append(page, hw_text_of(view->file));
    hw_text_printf(page, "</p>\n<p>%s %.2f %% on %llu of %llu texts with all %zu heads%s.</p>\n",
                   r->multi_label ? "Exact matches:" : "Accuracy", 100 * r->accuracy,
                   (unsigned long long)r->texts, (unsigned long long)r->available, r->count,
                   r->towers > 1 ? ", each in every tower" : "");
    if (head_report_is_pruned(view))
        hw_text_printf(page,
                       "<p>%zu heads were pruned; the others are called what they were before, and "
                       "by --mask-heads what they are now.</p>\n",
                       r->layers * r->heads - r->count);
    hw_text_printf(page, "<p>");
    head_removal_write(&removal, view);
    page_append(page, hw_text_of(removal.bytes ? removal.bytes : ""));
    hw_text_printf(page, "</p>\n");
    if (removal.failed) page->failed = true;
    hw_text_buffer_free(&removal);
}

void head_report_append(hw_text_buffer *page, const head_report_view *view) {
    append_intro(page, view);
    append_cards(page, view);
    append_curve(page, view->report);
    append_matrices(page, view);
    append_table(page, view);
    hw_text_printf(page, "<h2 class=\"part\">One of the texts</h2>\n");
}
