/* Shapes are told by their class from the page's style sheet, which knows light from dark. */
#include "study/plot.h"

#include "study/page.h"

#include <math.h>

static double place(const hw_axis *axis, double value) {
    if (axis->is_log) return (log(value) - log(axis->low)) / (log(axis->high) - log(axis->low));
    return (value - axis->low) / (axis->high - axis->low);
}

int hw_axis_at(const hw_axis *axis, double value) {
    const double share = fmin(fmax(place(axis, value), 0), 1);
    return axis->from + (int)lround(share * (axis->to - axis->from));
}

/* The least of 1, 2, 5, 10, ... times a power of ten that is at least `step`. */
static double round_up(double step) {
    const double power = pow(10, floor(log10(step)));
    return step <= power       ? power
           : step <= 2 * power ? 2 * power
           : step <= 5 * power ? 5 * power
                               : 10 * power;
}

size_t hw_axis_ticks(double ticks[HW_PLOT_TICKS], const hw_axis *axis) {
    const double step = round_up((axis->high - axis->low) / (HW_PLOT_TICKS - 2));
    size_t count = 0;
    for (double i = ceil(axis->low / step); i * step <= axis->high && count < HW_PLOT_TICKS; i++)
        ticks[count++] = i * step;
    return count;
}

void hw_plot_begin(hw_text_buffer *page, int height) {
    hw_text_printf(page, "<svg viewBox=\"0 0 %d %d\" aria-hidden=\"true\">\n", (int)HW_PLOT_WIDTH,
                   height);
}

void hw_plot_end(hw_text_buffer *page) {
    hw_text_printf(page, "</svg>\n");
}

void hw_plot_line(hw_text_buffer *page, const char *style, int x1, int y1, int x2, int y2) {
    hw_text_printf(page, "<line class=\"%s\" x1=\"%d\" y1=\"%d\" x2=\"%d\" y2=\"%d\"/>\n", style,
                   x1, y1, x2, y2);
}

void hw_plot_text(hw_text_buffer *page, const char *anchor, int x, int y, const char *text) {
    hw_text_printf(page, "<text class=\"%s\" x=\"%d\" y=\"%d\">", anchor, x, y);
    hw_page_svg_phrase(page, text);
    hw_text_printf(page, "</text>\n");
}

void hw_plot_mark(hw_text_buffer *page, const char *style, size_t series, int x, int y) {
    static const char *const shapes[HW_PLOT_SERIES] = {
        "m-42 0a42 42 0 1 0 84 0a42 42 0 1 0-84 0z", /* circle */
        "m-37-37h74v74h-74z",                        /* square */
        "m0-54l54 54l-54 54l-54-54z",                /* diamond */
        "m0-50l50 90h-100z"                          /* triangle */
    };
    hw_text_printf(page, "<path class=\"%s\" d=\"M%d %d%s\"/>\n", style, x, y,
                   shapes[series % HW_PLOT_SERIES]);
}
