/* Attention as a part of a page, a drawing for each head: squares, a row a token, dark where the
 * head looks from there; or arcs, from the tokens on the left to what they look at on the right.
 * Weights below 1/16 are left out, so that no token has more than 16 of either. */
#include "attention.h"

#include <math.h>

enum { SHADES = 8, LABEL_COLUMNS = 7 };
enum { ARC_TOKENS = 32 /* of more the arcs are one blot */, ARC_COLUMNS = 6 };

static const double shown_from = 1.0 / 16;

static void begin_figure(hw_text_buffer *page, const shown_attention *shown, size_t layer,
                         size_t head) {
    const int32_t before =
        hw_classifier_original_head(shown->classifier, (int32_t)layer, (int32_t)head);
    hw_text_printf(page, "<figure><figcaption>layer %zu head %zu", layer, head);
    if ((size_t)before != head) hw_text_printf(page, ", %d before pruning", (int)before);
    hw_text_printf(page, "</figcaption>");
}

/* place: attributes of where it stands beside its row. */
static void append_label(hw_text_buffer *page, const shown_attention *shown, size_t token,
                         const char *place) {
    hw_text_printf(page, "<text %s y=\"%zu.75\">", place, token);
    page_append(page, attention_token(shown, token));
    hw_text_printf(page, "</text>");
}

static const char on_the_left[] = "x=\"-0.3\"", on_the_right[] = "class=\"to\" x=\"6.3\"";

/* [tokens][tokens] */
static const float *weights_of(const hw_attention_map *map, size_t layer, size_t head) {
    return map->weights + (layer * map->heads + head) * map->count * map->count;
}

/* ---- Squares -------------------------------------------------------------------------------- */

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

static void append_squares(hw_text_buffer *page, const shown_attention *shown, size_t layer,
                           size_t head) {
    const size_t n = shown->map->count;
    begin_figure(page, shown, layer, head);
    hw_text_printf(page,
                   "<svg viewBox=\"-%d 0 %zu %zu\" role=\"img\"><rect class=\"frame\" "
                   "width=\"%zu\" height=\"%zu\"/>",
                   LABEL_COLUMNS, n + LABEL_COLUMNS, n, n, n);
    for (int shade = 0; shade < SHADES; shade++)
        append_shade(page, weights_of(shown->map, layer, head), n, shade);
    for (size_t i = 0; i < n; i++) append_label(page, shown, i, on_the_left);
    hw_text_printf(page, "</svg></figure>\n");
}

/* ---- Arcs ----------------------------------------------------------------------------------- */

/* Of one token. The rectangle is where a pointer finds it. weights: [count] */
static void append_arcs_from(hw_text_buffer *page, const shown_attention *shown, size_t query,
                             const float *weights) {
    const int span = ARC_COLUMNS, middle = ARC_COLUMNS / 2;
    hw_text_printf(page, "<g><rect x=\"-%d\" y=\"%zu\" width=\"%d\" height=\"1\"/>", span, query,
                   span);
    append_label(page, shown, query, on_the_left);
    for (size_t key = 0; key < shown->map->count; key++)
        if ((double)weights[key] >= shown_from)
            hw_text_printf(
                page, "<path opacity=\"%.2f\" d=\"M0 %zu.5C%d %zu.5 %d %zu.5 %d %zu.5\"/>",
                fmin(1, (double)weights[key]), query, middle, query, middle, key, span, key);
    hw_text_printf(page, "</g>");
}

static void append_arcs(hw_text_buffer *page, const shown_attention *shown, size_t layer,
                        size_t head) {
    const size_t n = shown->map->count;
    const float *weights = weights_of(shown->map, layer, head);
    begin_figure(page, shown, layer, head);
    hw_text_printf(page, "<svg class=\"arcs\" viewBox=\"-%d 0 %d %zu\" role=\"img\">", ARC_COLUMNS,
                   3 * ARC_COLUMNS, n);
    for (size_t i = 0; i < n; i++) append_label(page, shown, i, on_the_right);
    for (size_t i = 0; i < n; i++) append_arcs_from(page, shown, i, weights + i * n);
    hw_text_printf(page, "</svg></figure>\n");
}

/* ---- All heads ------------------------------------------------------------------------------ */

typedef void append_head(hw_text_buffer *page, const shown_attention *shown, size_t layer,
                         size_t head);

static void append_heads(hw_text_buffer *page, const shown_attention *shown, append_head *append) {
    hw_text_printf(page, "<div class=\"maps\">\n");
    for (size_t layer = 0; layer < shown->map->layers; layer++)
        for (size_t head = 0; head < shown->map->layer_heads[layer]; head++)
            append(page, shown, layer, head);
    hw_text_printf(page, "</div>\n");
}

static void append_all_squares(hw_text_buffer *page, const shown_attention *shown) {
    hw_text_printf(page, "<p class=\"quiet\">A row is a word or token; the fuller the colour, the "
                         "more the head looks there.</p>\n");
    append_heads(page, shown, append_squares);
}

static void begin_article(hw_text_buffer *page, const shown_attention *shown) {
    const bool is_encoder = hw_classifier_summary(shown->classifier)->family != NULL;
    hw_text_printf(page, "<article>\n<h2>%s %zu of %zu</h2>\n<p class=\"text\" dir=\"auto\">",
                   is_encoder ? "window" : "tower", shown->reading + 1, shown->map->readings);
    page_append(page, shown->text);
    hw_text_printf(page, "</p>\n");
}

void attention_append(hw_text_buffer *page, const shown_attention *shown) {
    begin_article(page, shown);
    append_all_squares(page, shown);
    hw_text_printf(page, "</article>\n");
}

void attention_append_arcs(hw_text_buffer *page, const shown_attention *shown) {
    if (shown->map->count > ARC_TOKENS) {
        attention_append(page, shown);
        return;
    }
    begin_article(page, shown);
    hw_text_printf(page, "<p class=\"quiet\">From each word or token on the left to what the head "
                         "looks at from there; the fuller the colour, the more. Point at a word to "
                         "see its own arcs.</p>\n");
    append_heads(page, shown, append_arcs);
    hw_text_printf(page, "<details><summary>the same as squares</summary>\n");
    append_all_squares(page, shown);
    hw_text_printf(page, "</details>\n</article>\n");
}
