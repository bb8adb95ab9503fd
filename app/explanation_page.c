/* An explanation as a part of a page: the text with its words shaded, and the tables. */
#include "explanation.h"

#include <math.h>

static double largest_of(const hw_attribution *words, size_t count) {
    double largest = 0;
    for (size_t i = 0; i < count; i++) largest = fmax(largest, fabs(words[i].score));
    return largest;
}

static hw_text piece_of(hw_text text, size_t begin, size_t end) {
    return (hw_text){ text.bytes + begin, end - begin };
}

static void append_text(hw_text_buffer *page, hw_text text, const hw_attribution *words,
                        size_t count) {
    const double largest = largest_of(words, count);
    size_t at = 0;
    hw_text_printf(page, "<p class=\"text\" dir=\"auto\">");
    for (size_t i = 0; i < count; i++) {
        const double strength = largest > 0 ? fabs(words[i].score) / largest : 0;
        page_append(page, piece_of(text, at, words[i].begin));
        hw_text_printf(page, "<span class=\"%s\" style=\"--a:%.2f\" title=\"%+.4f\">",
                       words[i].score < 0 ? "against" : "for", 0.75 * strength, words[i].score);
        page_append(page, piece_of(text, words[i].begin, words[i].end));
        hw_text_printf(page, "</span>");
        at = words[i].end;
    }
    page_append(page, piece_of(text, at, text.length));
    hw_text_printf(page, "</p>\n");
}

static void append_score(hw_text_buffer *page, const hw_explained *e) {
    hw_text_printf(page,
                   "<p class=\"quiet\">score %.4f = %.4f with all words unknown %+.4f; the words' "
                   "scores (%s) sum to %+.4f",
                   e->score, e->base, e->score - e->base, method_name(e->method), e->sum);
    if (!isnan(e->gap)) hw_text_printf(page, ": completeness gap %.2f %%", 100 * e->gap);
    hw_text_printf(page, "</p>\n");
}

static void append_words(hw_text_buffer *page, hw_text text, const hw_attribution *words,
                         size_t count) {
    hw_text_printf(page,
                   "<details><summary>%zu words</summary><div class=\"scroll\"><table>\n"
                   "<tr><th>score</th><th>n-grams</th><th>bytes</th><th>characters</th>"
                   "<th class=\"word\">word</th></tr>\n",
                   count);
    for (size_t i = 0; i < count; i++) {
        const hw_attribution *w = &words[i];
        hw_text_printf(page,
                       "<tr><td>%+.4f</td><td>%+.4f</td><td>%zu-%zu</td><td>%zu-%zu</td>"
                       "<td class=\"word\" dir=\"auto\">",
                       w->score, w->ngrams, w->begin, w->end, w->character_begin, w->character_end);
        page_append(page, piece_of(text, w->begin, w->end));
        hw_text_printf(page, "</td></tr>\n");
    }
    hw_text_printf(page, "</table></div></details>\n");
}

static void append_row(hw_text_buffer *page, const char *name, double without_top,
                       double without_random, double only_top, double only_random,
                       const char *flips) {
    hw_text_printf(page,
                   "<tr><td>%s</td><td>%.4f</td><td>%.4f</td><td>%.4f</td><td>%.4f</td><td>%s</td>"
                   "</tr>\n",
                   name, without_top, without_random, only_top, only_random, flips);
}

static void append_faithfulness(hw_text_buffer *page, const hw_explained *e) {
    if (isnan(e->comprehensiveness)) return;
    hw_text_printf(page, "<p class=\"quiet\">what the probability loses when words are replaced by "
                         "unknown ones</p>\n<div class=\"scroll\"><table>\n<tr><th>words</th>"
                         "<th>without top</th><th>without random</th><th>only top</th>"
                         "<th>only random</th><th>the decision flips</th></tr>\n");
    for (size_t i = 0; i < HW_REMOVALS; i++) {
        const hw_removal *r = &e->removals[i];
        char share[16];
        snprintf(share, sizeof share, "%.0f %%", 100 * r->share);
        append_row(page, share, r->without_top, r->without_random, r->only_top, r->only_random,
                   r->flips_top > 0 ? "yes" : "no");
    }
    append_row(page, "mean", e->comprehensiveness, e->random_comprehensiveness, e->sufficiency,
               e->random_sufficiency, "");
    hw_text_printf(page, "</table></div>\n");
    if (!isnan(e->tau))
        hw_text_printf(page, "<p class=\"quiet\">Kendall's tau with loo %+.4f</p>\n", e->tau);
}

void explanation_append(hw_text_buffer *page, const shown_explanation *shown) {
    size_t count;
    const hw_attribution *words = hw_explanation_words(shown->explanation, &count);
    const hw_explained *e = hw_explanation_summary(shown->explanation);
    hw_text_printf(page, "<article>\n<h2 dir=\"auto\">");
    page_append(page, hw_text_of(hw_classifier_label(shown->classifier, e->label)));
    hw_text_printf(page, " <span class=\"quiet\">%.4f</span></h2>\n", e->probability);
    append_text(page, shown->text, words, count);
    append_score(page, e);
    append_faithfulness(page, e);
    append_words(page, shown->text, words, count);
    hw_text_printf(page, "</article>\n");
}
