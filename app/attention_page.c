/* Attention as a part of a page: a drawing for each head, a row a token, dark where the head looks
 * from there. Weights below 1/16 are left out, so that a row has no more than 16 cells. */
#include "attention.h"

enum { SHADES = 8, LABEL_COLUMNS = 7 };

static const double shown_from = 1.0 / 16;

static void append_label(hw_text_buffer *page, const shown_attention *shown, size_t token) {
    hw_text_printf(page, "<text x=\"-0.3\" y=\"%zu.75\">", token);
    page_append(page, attention_token(shown, token));
    hw_text_printf(page, "</text>");
}

/* The cells of one shade, which are those of weights in (shade / SHADES, (shade + 1) / SHADES]. */
static void append_shade(hw_text_buffer *page, const float *weights, size_t count, int shade) {
    hw_text_printf(page, "<path fill-opacity=\"%.3f\" d=\"", (shade + 1) / (double)SHADES);
    for (size_t i = 0; i < count * count; i++) {
        const double weight = (double)weights[i];
        if (weight < shown_from || weight * SHADES <= shade || weight * SHADES > shade + 1)
            continue;
        hw_text_printf(page, "M%zu %zuh1v1h-1z", i % count, i / count);
    }
    hw_text_printf(page, "\"/>");
}

static void append_head(hw_text_buffer *page, const shown_attention *shown, size_t layer,
                        size_t head) {
    const hw_attention_map *map = shown->map;
    const size_t n = map->count;
    const int32_t before =
        hw_classifier_original_head(shown->classifier, (int32_t)layer, (int32_t)head);
    hw_text_printf(page, "<figure><figcaption>layer %zu head %zu", layer, head);
    if ((size_t)before != head) hw_text_printf(page, ", %d before pruning", (int)before);
    hw_text_printf(page,
                   "</figcaption><svg viewBox=\"-%d 0 %zu %zu\" role=\"img\"><rect "
                   "class=\"frame\" width=\"%zu\" height=\"%zu\"/>",
                   LABEL_COLUMNS, n + LABEL_COLUMNS, n, n, n);
    for (int shade = 0; shade < SHADES; shade++)
        append_shade(page, map->weights + (layer * map->heads + head) * n * n, n, shade);
    for (size_t i = 0; i < n; i++) append_label(page, shown, i);
    hw_text_printf(page, "</svg></figure>\n");
}

void attention_append(hw_text_buffer *page, const shown_attention *shown) {
    const bool is_encoder = hw_classifier_summary(shown->classifier)->family != NULL;
    hw_text_printf(page, "<article>\n<h2>%s %zu of %zu</h2>\n<p class=\"text\" dir=\"auto\">",
                   is_encoder ? "window" : "tower", shown->reading + 1, shown->map->readings);
    page_append(page, shown->text);
    hw_text_printf(page,
                   "</p>\n<p class=\"quiet\">A row is a word or token; the fuller the colour, the "
                   "more the head looks there.</p>\n<div class=\"maps\">\n");
    for (size_t layer = 0; layer < shown->map->layers; layer++)
        for (size_t head = 0; head < shown->map->layer_heads[layer]; head++)
            append_head(page, shown, layer, head);
    hw_text_printf(page, "</div>\n</article>\n");
}
