/* One row a head. A head of several towers has a row for each of them, and what it is worth, which
 * is of all towers together, in the first. */
#include "head_report.h"

#include "console.h"

#include <math.h>

static const double strong_from = 0.9; /* share of a position */

void head_name_write(char text[24], const head_report_view *view, size_t layer, size_t head) {
    const int32_t number =
        hw_classifier_original_head(view->classifier, (int32_t)layer, (int32_t)head);
    snprintf(text, 24, "%d.%d", (int)layer, (int)number);
}

bool head_report_is_pruned(const head_report_view *view) {
    return view->report->count < view->report->layers * view->report->heads;
}

void head_role_write(char text[32], const hw_head_look *look) {
    const char *name = hw_head_role_text(look->role);
    if (look->role == HW_ROLE_POSITION)
        snprintf(text, 32, "%s %+d, %s", name, (int)look->offset,
                 look->tests[HW_ROLE_POSITION].score >= strong_from ? "strong" : "weak");
    else
        snprintf(text, 32, "%s", name);
}

static void write_interval(hw_text_buffer *text, double change, hw_interval interval) {
    hw_text_printf(text, "%+.2f points (95%% CI %+.2f to %+.2f)", 100 * change, 100 * interval.low,
                   100 * interval.high);
}

static void write_heads(hw_text_buffer *text, const hw_head_report *r) {
    for (size_t i = 0; i < r->removable; i++)
        hw_text_printf(text, "%s%d.%d", i ? "," : "", (int)r->step[i].head.layer,
                       (int)r->step[i].head.head);
}

void head_removal_write(hw_text_buffer *text, const head_report_view *view) {
    const hw_head_report *r = view->report;
    if (!r->removable) {
        hw_text_printf(text, "No head can be switched off for at most %g points of %s.",
                       100 * r->tolerance, r->multi_label ? "exact matches" : "accuracy");
        return;
    }
    const hw_head_step *last = &r->step[r->removable - 1];
    hw_text_printf(text, "%zu of %zu heads can be switched off together: ", r->removable, r->count);
    write_interval(text, last->change, last->interval);
    hw_text_printf(text, " with --mask-heads ");
    write_heads(text, r);
    hw_text_printf(text,
                   "%s.\nThey were chosen on these texts, on which they look better than they are: "
                   "try them on others.",
                   head_report_is_pruned(view) ? ", as they are called now" : "");
}

/* ---- The table ---------------------------------------------------------------------------- */

static void print_p(double p) {
    if (isnan(p))
        printf(" %8s", "-");
    else if (p < 0.0001)
        printf(" %8s", "<0.0001");
    else
        printf(" %8.4f", p);
}

static void print_worth(const hw_head_worth *worth) {
    char interval[32];
    snprintf(interval, sizeof interval, "%+.2f to %+.2f", 100 * worth->interval.low,
             100 * worth->interval.high);
    printf("  %+7.2f %16s", 100 * worth->change, interval);
    print_p(worth->p_holm);
}

/* What it is called, in the first row of a head, and what --mask-heads calls it if that differs. */
static void print_names(const head_report_view *view, hw_head_id head, bool first) {
    char name[24] = "", now[24] = "";
    if (first) head_name_write(name, view, (size_t)head.layer, (size_t)head.head);
    if (first) snprintf(now, sizeof now, "%d.%d", (int)head.layer, (int)head.head);
    printf("%-6s", name);
    if (head_report_is_pruned(view)) printf(" %-6s", now);
}

static void print_row(const head_report_view *view, size_t tower, size_t head) {
    const hw_head_report *r = view->report;
    const hw_head_look *look = &r->look[tower * r->count + head];
    char role[32];
    head_role_write(role, look);
    print_names(view, r->worth[head].head, tower == 0);
    if (r->towers > 1) printf("%5zu ", tower + 1);
    printf(" %-20s", role);
    print_p(look->tests[look->role].p_holm);
    printf(" %7.2f %6.2f %6.2f %6.2f %6.2f", look->entropy, look->confidence, look->distance_ratio,
           look->sink, look->separators);
    if (tower == 0) print_worth(&r->worth[head]);
    putchar('\n');
}

static void print_table(const head_report_view *view) {
    const hw_head_report *r = view->report;
    printf("%-6s", "head");
    if (head_report_is_pruned(view)) printf(" %-6s", "now");
    if (r->towers > 1) printf("tower ");
    printf(" %-20s %8s %7s %6s %6s %6s %6s  %7s %16s %8s\n", "role", "p", "entropy", "conf", "dist",
           "first", "marks", "off", "95% CI", "p");
    for (size_t head = 0; head < r->count; head++)
        for (size_t tower = 0; tower < r->towers; tower++) print_row(view, tower, head);
}

/* ---- Layers --------------------------------------------------------------------------------- */

/* The two heads of a layer that differ least; not finite where no two can be compared. */
static double nearest_pair(size_t pair[2], const double *distance, size_t heads) {
    double least = (double)INFINITY;
    for (size_t a = 0; a < heads; a++)
        for (size_t b = a + 1; b < heads; b++)
            if (distance[a * heads + b] < least) {
                least = distance[a * heads + b];
                pair[0] = a;
                pair[1] = b;
            }
    return least;
}

static void print_nearest(const head_report_view *view, size_t layer, const double *distance,
                          const char *before, const char *measure) {
    size_t pair[2] = { 0, 0 };
    char names[2][24];
    const double least = nearest_pair(pair, distance, view->report->layer_heads[layer]);
    if (!isfinite(least)) return;
    for (int i = 0; i < 2; i++) head_name_write(names[i], view, layer, pair[i]);
    printf("%s %s and %s (%s %.2f of 1)", before, names[0], names[1], measure, least);
}

static void print_layers(const head_report_view *view) {
    const hw_head_report *r = view->report;
    for (size_t i = 0; i < r->towers * r->layers; i++) {
        const size_t layer = i % r->layers, heads = r->layer_heads[layer];
        if (heads < 2) continue;
        printf("layer %zu", layer);
        if (r->towers > 1) printf(" of tower %zu", i / r->layers + 1);
        printf(": %zu heads are %.1f in effect", heads, r->effective[i]);
        print_nearest(view, layer, r->distance + i * r->heads * r->heads, "; the most alike are",
                      "divergence");
        print_nearest(view, layer, r->output_distance + i * r->heads * r->heads, "; by outputs",
                      "1 - CKA");
        putchar('\n');
    }
}

void head_report_print(const head_report_view *view) {
    const hw_head_report *r = view->report;
    hw_text_buffer removal = { 0 };
    printf("%s %.4f on %llu of %llu texts with all %zu heads%s\n",
           r->multi_label ? "exact match" : "accuracy", r->accuracy, (unsigned long long)r->texts,
           (unsigned long long)r->available, r->count,
           r->towers > 1 ? ", each in every tower" : "");
    if (head_report_is_pruned(view))
        printf("%zu heads were pruned; the others are called what they were before, and by "
               "--mask-heads what they are now\n",
               r->layers * r->heads - r->count);
    if (r->skipped)
        printf("%llu texts, of one token or of more than %d, tell only what heads are worth\n",
               (unsigned long long)r->skipped, HW_LOOK_TOKENS);
    putchar('\n');
    print_table(view);
    fputs("\n"
          "role: what the head does, with the p of its test (docs/heads.md)\n"
          "entropy, dist: 1 as of a head that looks everywhere alike; conf: its largest weight\n"
          "first, marks: weight of the first token, and of marks and [SEP]\n"
          "off: points gained without the head, with McNemar's p; every p is adjusted by Holm\n\n",
          stdout);
    print_layers(view);
    putchar('\n');
    head_removal_write(&removal, view);
    puts(removal.bytes ? removal.bytes : "");
    hw_text_buffer_free(&removal);
}
