/* Pieces of plots, as inline SVG. Invariant: coordinates are whole tenths of a pixel, so that no
 * locale's decimal comma is among them. */
#ifndef HW_STUDY_PLOT_H
#define HW_STUDY_PLOT_H

#include "base/text_buffer.h"

enum { HW_PLOT_WIDTH = 3600, HW_PLOT_SERIES = 4, HW_PLOT_TICKS = 8 };

/* From values to places. */
typedef struct hw_axis {
    double low, high; /* low < high; is_log: both above 0 */
    bool is_log;
    int from, to; /* of low and of high */
} hw_axis;

/* Of a value beyond the axis: its end. */
int hw_axis_at(const hw_axis *axis, double value);
/* Round numbers (1, 2 or 5 times a power of ten apart) on a linear axis, and how many. */
size_t hw_axis_ticks(double ticks[HW_PLOT_TICKS], const hw_axis *axis);

void hw_plot_begin(hw_text_buffer *page, int height);
void hw_plot_end(hw_text_buffer *page);

/* style: a class of the page's style sheet. */
void hw_plot_line(hw_text_buffer *page, const char *style, int x1, int y1, int x2, int y2);
/* anchor: "start", "middle" or "end"; text: in both languages if it has them. */
void hw_plot_text(hw_text_buffer *page, const char *anchor, int x, int y, const char *text);
/* A shape of the series' own. */
void hw_plot_mark(hw_text_buffer *page, const char *style, size_t series, int x, int y);

#endif
