/* Plots of tables: a table's first column is the horizontal axis of lines, or names a row of dots;
 * a column of numbers is a series. The numbers are read from the table's cells, so that a plot
 * shows what stands beside it. */
#include "study/evidence.h"
#include "study/plot.h"
#include "study/report_html.h"

#include <math.h>
#include <stdlib.h>

enum { POINTS = 16 };

/* Which tables are plotted, by the name of their first column. */
typedef struct plot_kind {
    const char *first_column, *unit;
    size_t from, series; /* columns; 0 series: all that are left */
    double least;        /* what the vertical axis spans at least, so that noise stays small */
    bool has_names;      /* the first column: names, not numbers */
    bool has_seeds;      /* a dot for each seed; the first column is the number of heads */
} plot_kind;

static const plot_kind kinds[] = {
    { "h", "score", 2, 1, 2, false, true },
    { "words between", "score", 1, 0, 2, false, false },
    { "training texts, %", "score", 1, 2, 2, false, false },
    { "wrong labels, %", "score", 1, 2, 2, false, false },
    { "times the default rate", "log-loss", 1, 0, 0.02, false, false },
    { "corruption", "score", 1, 0, 2, true, false },
};

typedef struct chart {
    const plot_kind *kind;
    const char *column;                /* the first */
    const char *rows[POINTS];          /* first cells */
    const char *names[HW_PLOT_SERIES]; /* [series] */
    double x[POINTS];
    double y[HW_PLOT_SERIES][POINTS]; /* NaN: no number */
    size_t points, series;
    double low, high; /* of all y */
} chart;

/* ---- Reading ------------------------------------------------------------------------------ */

static const plot_kind *kind_of(const json_t *table) {
    const char *first = json_string_value(json_array_get(json_object_get(table, "columns"), 0));
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (first && strcmp(first, kinds[i].first_column) == 0) return &kinds[i];
    return NULL;
}

static double number_of(const char *cell) {
    char *end;
    const double number = strtod(cell, &end);
    return end != cell && isfinite(number) ? number : NAN;
}

static const char *cell_of(const json_t *list, size_t i) {
    const char *cell = json_string_value(json_array_get(list, i));
    return cell ? cell : "";
}

static void include(chart *c, double value) {
    if (isnan(value)) return;
    c->low = fmin(c->low, value);
    c->high = fmax(c->high, value);
}

static void widen(chart *c) {
    const double middle = (c->low + c->high) / 2;
    const double half = fmax(0.55 * (c->high - c->low), c->kind->least / 2);
    c->low = middle - half;
    c->high = middle + half;
}

static chart chart_of(const json_t *table, const plot_kind *kind) {
    const json_t *columns = json_object_get(table, "columns");
    const json_t *rows = json_object_get(table, "rows");
    const size_t left = json_array_size(columns) - kind->from;
    const size_t series = kind->series ? kind->series : left;
    chart c = { .kind = kind, .column = cell_of(columns, 0), .low = INFINITY, .high = -INFINITY };
    c.series = series < HW_PLOT_SERIES ? series : HW_PLOT_SERIES;
    c.points = json_array_size(rows) < POINTS ? json_array_size(rows) : POINTS;
    for (size_t s = 0; s < c.series; s++) c.names[s] = cell_of(columns, kind->from + s);
    for (size_t i = 0; i < c.points; i++) {
        const json_t *row = json_array_get(rows, i);
        c.rows[i] = cell_of(row, 0);
        c.x[i] = number_of(c.rows[i]);
        for (size_t s = 0; s < c.series; s++) {
            c.y[s][i] = number_of(cell_of(row, kind->from + s));
            include(&c, c.y[s][i]);
        }
    }
    return c;
}

/* ---- What both kinds have ----------------------------------------------------------------- */

static const char *series_style(size_t series) {
    static const char *const styles[HW_PLOT_SERIES] = { "s0", "s1", "s2", "s3" };
    return styles[series];
}

static void append_legend(hw_text_buffer *page, const chart *c) {
    for (size_t s = 0; s < c->series && c->series > 1; s++) {
        const int x = 80 + (int)s * 880;
        hw_plot_mark(page, series_style(s), s, x, 70);
        hw_plot_text(page, "start", x + 90, 110, c->names[s]);
    }
}

static void format_tick(char text[32], double tick) {
    snprintf(text, 32, "%.6g", fabs(tick) < 1e-12 ? 0 : tick);
}

/* ---- Lines -------------------------------------------------------------------------------- */

enum { LINES_TOP = 380, LINES_BOTTOM = 1900, LINES_HEIGHT = 2220 };

static void append_axes(hw_text_buffer *page, const chart *c, const hw_axis *x, const hw_axis *y) {
    char text[32];
    double ticks[HW_PLOT_TICKS];
    const size_t count = hw_axis_ticks(ticks, y);
    for (size_t i = 0; i < count; i++) {
        const int at = hw_axis_at(y, ticks[i]);
        format_tick(text, ticks[i]);
        hw_plot_line(page, "rule", x->from - 60, at, HW_PLOT_WIDTH - 20, at);
        hw_plot_text(page, "end", x->from - 100, at + 40, text);
    }
    for (size_t i = 0; i < c->points; i++)
        hw_plot_text(page, "middle", hw_axis_at(x, c->x[i]), LINES_BOTTOM + 140, c->rows[i]);
    hw_plot_text(page, "middle note", (x->from + x->to) / 2, LINES_BOTTOM + 290, c->column);
    hw_plot_text(page, "start note", 20, LINES_TOP - 90, c->kind->unit);
}

static void append_series(hw_text_buffer *page, const chart *c, size_t s, const hw_axis *x,
                          const hw_axis *y) {
    const double *values = c->y[s];
    for (size_t i = 1; i < c->points; i++)
        if (isfinite(values[i - 1]) && isfinite(values[i]))
            hw_plot_line(page, series_style(s), hw_axis_at(x, c->x[i - 1]),
                         hw_axis_at(y, values[i - 1]), hw_axis_at(x, c->x[i]),
                         hw_axis_at(y, values[i]));
    for (size_t i = 0; i < c->points; i++)
        if (isfinite(values[i]))
            hw_plot_mark(page, series_style(s), s, hw_axis_at(x, c->x[i]),
                         hw_axis_at(y, values[i]));
}

/* The score of MH with that many heads; NaN if that training is not there. */
static double score_of_seed(const hw_experiment *study, int32_t heads, int32_t seed) {
    const hw_job job = hw_side_job(study, (hw_side){ .arm = HW_ARM_MH, .heads = heads }, seed);
    const json_t *scores = json_object_get(hw_study_run(study, &job), "scores");
    double sum = 0;
    for (size_t row = 0; row < json_array_size(scores); row++)
        sum += json_number_value(json_array_get(scores, row));
    return 100 * sum / (double)json_array_size(scores);
}

static void include_seeds(chart *c, const hw_experiment *study) {
    for (size_t i = 0; i < c->points; i++)
        for (int32_t seed = 1; seed <= study->seeds; seed++)
            include(c, score_of_seed(study, (int32_t)c->x[i], seed));
}

static void append_seeds(hw_text_buffer *page, const chart *c, const hw_experiment *study,
                         const hw_axis *x, const hw_axis *y) {
    for (size_t i = 0; i < c->points; i++)
        for (int32_t seed = 1; seed <= study->seeds; seed++) {
            const double score = score_of_seed(study, (int32_t)c->x[i], seed);
            if (isfinite(score))
                hw_plot_mark(page, "s0 dot", 0, hw_axis_at(x, c->x[i]), hw_axis_at(y, score));
        }
}

static void append_lines(hw_text_buffer *page, const chart *c, const hw_experiment *study) {
    const hw_axis x = { c->x[0], c->x[c->points - 1], true, 600, HW_PLOT_WIDTH - 150 };
    const hw_axis y = { c->low, c->high, false, LINES_BOTTOM, LINES_TOP };
    hw_plot_begin(page, LINES_HEIGHT);
    append_legend(page, c);
    append_axes(page, c, &x, &y);
    if (c->kind->has_seeds) append_seeds(page, c, study, &x, &y);
    for (size_t s = 0; s < c->series; s++) append_series(page, c, s, &x, &y);
    hw_plot_end(page);
    if (c->kind->has_seeds)
        hw_page_element(page, "figcaption", "Faint: one training; line: their mean.");
}

/* ---- Dots --------------------------------------------------------------------------------- */

enum { DOTS_TOP = 260, DOTS_ROW = 190 };

static void append_dots(hw_text_buffer *page, const chart *c) {
    const int bottom = DOTS_TOP + DOTS_ROW * (int)c->points;
    const hw_axis x = { c->low, c->high, false, 950, HW_PLOT_WIDTH - 150 };
    char text[32];
    double ticks[HW_PLOT_TICKS];
    const size_t count = hw_axis_ticks(ticks, &x);
    hw_plot_begin(page, bottom + 320);
    append_legend(page, c);
    for (size_t i = 0; i < count; i++) {
        format_tick(text, ticks[i]);
        hw_plot_line(page, "rule", hw_axis_at(&x, ticks[i]), DOTS_TOP, hw_axis_at(&x, ticks[i]),
                     bottom);
        hw_plot_text(page, "middle", hw_axis_at(&x, ticks[i]), bottom + 140, text);
    }
    for (size_t i = 0; i < c->points; i++) {
        const int y = DOTS_TOP + DOTS_ROW * (int)i + DOTS_ROW / 2;
        hw_plot_text(page, "start", 20, y + 40, c->rows[i]);
        for (size_t s = 0; s < c->series; s++)
            if (isfinite(c->y[s][i]))
                hw_plot_mark(page, series_style(s), s, hw_axis_at(&x, c->y[s][i]), y);
    }
    hw_plot_text(page, "middle note", (x.from + x.to) / 2, bottom + 290, c->kind->unit);
    hw_plot_end(page);
}

/* ---- A table's plot ----------------------------------------------------------------------- */

/* Lines need a logarithmic axis with a length. */
static bool has_plot(const chart *c) {
    if (c->points < 2 || !isfinite(c->low)) return false;
    if (c->kind->has_names) return true;
    for (size_t i = 0; i < c->points; i++)
        if (!(c->x[i] > 0)) return false;
    return c->x[0] < c->x[c->points - 1];
}

void hw_html_plot(hw_text_buffer *page, const hw_experiment *study, const json_t *table) {
    const plot_kind *kind = kind_of(table);
    if (!kind || json_array_size(json_object_get(table, "columns")) <= kind->from) return;
    chart c = chart_of(table, kind);
    if (!has_plot(&c)) return;
    if (kind->has_seeds) include_seeds(&c, study);
    widen(&c);
    hw_text_printf(page, "<figure>\n");
    if (kind->has_names)
        append_dots(page, &c);
    else
        append_lines(page, &c, study);
    hw_text_printf(page, "</figure>\n");
}
