/* One row a head. A head of several towers has a row for each of them, and what it is worth, which
 * is of all towers together, in the first. */
#include "head_report.h"

#include "console.h"

#include <math.h>

static const double strong_from = 0.9; /* share of a position */

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

void head_removal_write(hw_text_buffer *text, const hw_head_report *r) {
    const size_t heads = r->layers * r->heads;
    if (!r->removable) {
        hw_text_printf(text, "No head can be switched off for at most %g points of %s.",
                       100 * r->tolerance, r->multi_label ? "exact matches" : "accuracy");
        return;
    }
    const hw_head_step *last = &r->step[r->removable - 1];
    hw_text_printf(text, "%zu of %zu heads can be switched off together: ", r->removable, heads);
    write_interval(text, last->change, last->interval);
    hw_text_printf(text, " with --mask-heads ");
    write_heads(text, r);
    hw_text_printf(text, ".\nThey were chosen on these texts, on which they look better than they "
                         "are: try them on others.");
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

static void print_row(const hw_head_report *r, size_t tower, size_t head) {
    const hw_head_look *look = &r->look[tower * r->layers * r->heads + head];
    char name[48] = "", role[32];
    if (tower == 0) snprintf(name, sizeof name, "%zu.%zu", head / r->heads, head % r->heads);
    head_role_write(role, look);
    printf("%-6s", name);
    if (r->towers > 1) printf("%5zu ", tower + 1);
    printf(" %-20s", role);
    print_p(look->tests[look->role].p_holm);
    printf(" %7.2f %6.2f %6.2f %6.2f %6.2f", look->entropy, look->confidence, look->distance_ratio,
           look->sink, look->separators);
    if (tower == 0) print_worth(&r->worth[head]);
    putchar('\n');
}

static void print_table(const hw_head_report *r) {
    printf("%-6s", "head");
    if (r->towers > 1) printf("tower ");
    printf(" %-20s %8s %7s %6s %6s %6s %6s  %7s %16s %8s\n", "role", "p", "entropy", "conf", "dist",
           "first", "marks", "off", "95% CI", "p");
    for (size_t head = 0; head < r->layers * r->heads; head++)
        for (size_t tower = 0; tower < r->towers; tower++) print_row(r, tower, head);
}

/* ---- Layers --------------------------------------------------------------------------------- */

/* The two heads of a layer whose weights differ least. */
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

static void print_layers(const hw_head_report *r) {
    for (size_t i = 0; i < r->towers * r->layers && r->heads > 1; i++) {
        size_t pair[2] = { 0, 0 };
        const double least = nearest_pair(pair, r->distance + i * r->heads * r->heads, r->heads);
        printf("layer %zu", i % r->layers);
        if (r->towers > 1) printf(" of tower %zu", i / r->layers + 1);
        printf(": %zu heads are %.1f in effect", r->heads, r->effective[i]);
        if (isfinite(least))
            printf("; the most alike are %zu.%zu and %zu.%zu (divergence %.2f of 1)", i % r->layers,
                   pair[0], i % r->layers, pair[1], least);
        putchar('\n');
    }
}

void head_report_print(const head_report_view *view) {
    const hw_head_report *r = view->report;
    hw_text_buffer removal = { 0 };
    printf("%s %.4f on %llu of %llu texts with all %zu heads%s\n",
           r->multi_label ? "exact match" : "accuracy", r->accuracy, (unsigned long long)r->texts,
           (unsigned long long)r->available, r->layers * r->heads,
           r->towers > 1 ? ", each in every tower" : "");
    if (r->skipped)
        printf("%llu texts, of one token or of more than %d, tell only what heads are worth\n",
               (unsigned long long)r->skipped, HW_LOOK_TOKENS);
    putchar('\n');
    print_table(r);
    fputs("\n"
          "role: what the head does, with the p of its test (docs/heads.md)\n"
          "entropy, dist: 1 as of a head that looks everywhere alike; conf: its largest weight\n"
          "first, marks: weight of the first token, and of marks and [SEP]\n"
          "off: points gained without the head, with McNemar's p; every p is adjusted by Holm\n\n",
          stdout);
    print_layers(r);
    putchar('\n');
    head_removal_write(&removal, r);
    puts(removal.bytes ? removal.bytes : "");
    hw_text_buffer_free(&removal);
}
