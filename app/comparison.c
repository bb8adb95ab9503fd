/* Two models side by side: the scores first, then the labels, then texts. Invariant: the first
 * model is A and the second B in every line, and a change is B's less A's. */
#include "comparison.h"

#include "console.h"
#include "json_text.h"

#include <math.h>

enum { NAME_COLUMNS = 12, MOST_LABELS = 20, TEXT_BYTES = 300 };

static void print_number(double value, int columns, bool with_sign) {
    if (isfinite(value))
        printf(with_sign ? " %+*.4f" : " %*.4f", columns, value);
    else
        printf(" %*s", columns, "n/a");
}

static void print_score(const char *name, const hw_score_change *change) {
    print_padded(stdout, name, NAME_COLUMNS);
    print_number(change->score[0], 9, false);
    print_number(change->score[1], 9, false);
    print_number(change->change, 9, true);
    printf("   95%% CI %+.4f to %+.4f\n", change->interval.low, change->interval.high);
}

/* Small ones are not 0. */
static void print_p(double p) {
    if (p < 0.0001)
        printf("%9s", "<0.0001");
    else
        printf("%9.4f", p);
}

static void print_scores(const hw_comparison *c) {
    printf("%*s %9s %9s %9s\n", NAME_COLUMNS, "", "A", "B", "B - A");
    print_score(c->multi_label ? "exact match" : "accuracy", &c->accuracy);
    if (c->multi_label) print_score("micro-F1", &c->micro_f1);
    printf("\n%llu texts: both right %llu, only A %llu, only B %llu, neither %llu; McNemar p",
           (unsigned long long)c->examples, (unsigned long long)c->both_right,
           (unsigned long long)c->only_right[0], (unsigned long long)c->only_right[1],
           (unsigned long long)c->both_wrong);
    print_p(c->p);
    putchar('\n');
    if (c->unknown_labels)
        printf("%llu labels of the data are unknown to the models\n",
               (unsigned long long)c->unknown_labels);
}

static void print_sentence(const hw_comparison *c) {
    const char better = c->only_right[1] > c->only_right[0] ? 'B' : 'A';
    if (c->p < 0.05)
        printf("%c is right more often; chance does that in less than one of 20 samples.\n",
               better);
    else
        printf("Neither is shown to be better.\n");
}

/* ---- Labels ------------------------------------------------------------------------------ */

/* Labels in falling order of interest: the smallest p first, equal ones in the model's order. */
static size_t choose_labels(int32_t chosen[MOST_LABELS], const hw_comparison *c) {
    size_t count = 0;
    for (int32_t label = 0; label < c->labels; label++) {
        const double p = c->per_label[label].p;
        if (count == MOST_LABELS && p >= c->per_label[chosen[count - 1]].p) continue;
        size_t at = count < MOST_LABELS ? count++ : count - 1;
        for (; at > 0 && p < c->per_label[chosen[at - 1]].p; at--) chosen[at] = chosen[at - 1];
        chosen[at] = label;
    }
    return count;
}

static void print_label_row(const hw_label_change *label, const char *name, int columns) {
    print_padded(stdout, name, columns);
    print_number(label->f1[0], 9, false);
    print_number(label->f1[1], 9, false);
    print_number(label->change, 9, true);
    printf(" %8llu %8llu %8llu ", (unsigned long long)label->support,
           (unsigned long long)label->only_right[0], (unsigned long long)label->only_right[1]);
    print_p(label->p);
    putchar(' ');
    print_p(label->p_holm);
    putchar('\n');
}

static void print_labels(const hw_comparison *c, const hw_classifier *first) {
    int32_t chosen[MOST_LABELS];
    const size_t count = choose_labels(chosen, c);
    int columns = NAME_COLUMNS;
    for (size_t i = 0; i < count; i++) {
        const int wide = text_columns(hw_classifier_label(first, chosen[i]));
        if (wide > columns) columns = wide;
    }
    if ((size_t)c->labels > count)
        printf("\nthe %zu labels of %d with the smallest p (--json has all)", count, c->labels);
    printf("\n%*s %9s %9s %9s %8s %8s %8s %9s %9s\n", columns, "", "F1 of A", "F1 of B", "B - A",
           "support", "only A", "only B", "p", "p (Holm)");
    for (size_t i = 0; i < count; i++)
        print_label_row(&c->per_label[chosen[i]], hw_classifier_label(first, chosen[i]), columns);
    printf("only A, only B: texts where that one alone is right on having the label; p: McNemar, "
           "exact, of these\n");
}

/* ---- Texts --------------------------------------------------------------------------------- */

static void print_names(const char *title, const char *const *names, size_t count) {
    printf("  %s", title);
    if (!count) fputs(" (none)", stdout);
    for (size_t i = 0; i < count; i++) {
        fputs(i ? "|" : " ", stdout);
        print_padded(stdout, names[i], 0);
    }
}

/* The beginning of the text, cut between code points, on one line. */
static void print_text(hw_text text) {
    char line[TEXT_BYTES + 1];
    size_t length = text.length < TEXT_BYTES ? text.length : TEXT_BYTES;
    if (length < text.length)
        while (length > 0 && ((unsigned char)text.bytes[length] & 0xc0) == 0x80) length--;
    for (size_t i = 0; i < length; i++) line[i] = text.bytes[i] ? text.bytes[i] : ' ';
    line[length] = '\0';
    fputs("    ", stdout);
    print_padded(stdout, line, 0);
    puts(length < text.length ? " ..." : "");
}

static void print_flip(const hw_flip *flip) {
    printf("line %zu", flip->line);
    print_names("true", flip->truth, flip->truths);
    print_names(flip->right[0] ? "A, right:" : "A:", flip->predicted[0], flip->predictions[0]);
    print_names(flip->right[1] ? "B, right:" : "B:", flip->predicted[1], flip->predictions[1]);
    putchar('\n');
    print_text(flip->text);
}

static void print_flips(const hw_comparison *c, size_t most) {
    size_t only[2] = { 0 };
    for (size_t i = 0; i < c->flips; i++)
        for (int side = 0; side < 2; side++)
            only[side] += c->flip[i].right[side] && !c->flip[i].right[1 - side];
    printf("\nflips: %zu texts are predicted differently; A is right on %zu, B on %zu, neither on "
           "%zu%s\n",
           c->flips, only[0], only[1], c->flips - only[0] - only[1],
           c->flips && !most ? " (--flips N shows some)" : "");
    for (size_t i = 0; i < c->flips && i < most; i++) print_flip(&c->flip[i]);
    if (most && c->flips > most) printf("... and %zu more\n", c->flips - most);
}

void comparison_print(const comparison_view *view) {
    for (int i = 0; i < 2; i++) {
        printf("%c  ", 'A' + i);
        print_padded(stdout, view->models[i], 0);
        putchar('\n');
    }
    putchar('\n');
    print_scores(view->comparison);
    print_sentence(view->comparison);
    print_labels(view->comparison, view->first);
    print_flips(view->comparison, view->flips);
}

/* ---- JSON ------------------------------------------------------------------------------------ */

static json_t *pair_json(double a, double b) {
    return json_pack("[o, o]", json_number(a), json_number(b));
}

static json_t *count_pair_json(const uint64_t counts[2]) {
    return json_pack("[I, I]", (json_int_t)counts[0], (json_int_t)counts[1]);
}

static json_t *score_json(const hw_score_change *change) {
    return json_pack("{s:o, s:o, s:o}", "score", pair_json(change->score[0], change->score[1]),
                     "change", json_number(change->change), "interval",
                     pair_json(change->interval.low, change->interval.high));
}

static json_t *label_json(const hw_label_change *label, const char *name) {
    return json_pack("{s:s, s:I, s:o, s:o, s:o, s:o, s:o}", "label", name, "support",
                     (json_int_t)label->support, "f1", pair_json(label->f1[0], label->f1[1]),
                     "change", json_number(label->change), "only_right",
                     count_pair_json(label->only_right), "p", json_number(label->p), "p_holm",
                     json_number(label->p_holm));
}

static json_t *names_json(const char *const *names, size_t count) {
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++) json_array_append_new(list, json_text(hw_text_of(names[i])));
    return list;
}

static json_t *flip_json(const hw_flip *flip) {
    return json_pack("{s:I, s:o, s:o, s:[o, o], s:[b, b]}", "line", (json_int_t)flip->line, "text",
                     json_text(flip->text), "true", names_json(flip->truth, flip->truths),
                     "predicted", names_json(flip->predicted[0], flip->predictions[0]),
                     names_json(flip->predicted[1], flip->predictions[1]), "right",
                     (int)flip->right[0], (int)flip->right[1]);
}

hw_status comparison_print_json(const comparison_view *view, hw_error *err) {
    const hw_comparison *c = view->comparison;
    json_t *labels = json_array(), *flips = json_array();
    for (int32_t i = 0; i < c->labels; i++)
        json_array_append_new(labels,
                              label_json(&c->per_label[i], hw_classifier_label(view->first, i)));
    for (size_t i = 0; i < c->flips && i < view->flips; i++)
        json_array_append_new(flips, flip_json(&c->flip[i]));
    json_t *object = json_pack(
        "{s:[o, o], s:I, s:I, s:b, s:o, s:o, s:o, s:I, s:I, s:o, s:o, s:I, s:o}", "models",
        json_text(hw_text_of(view->models[0])), json_text(hw_text_of(view->models[1])), "examples",
        (json_int_t)c->examples, "unknown_labels", (json_int_t)c->unknown_labels, "multi_label",
        (int)c->multi_label, "accuracy", score_json(&c->accuracy), "micro_f1",
        score_json(&c->micro_f1), "only_right", count_pair_json(c->only_right), "both_right",
        (json_int_t)c->both_right, "both_wrong", (json_int_t)c->both_wrong, "p", json_number(c->p),
        "per_label", labels, "flip_count", (json_int_t)c->flips, "flips", flips);
    return json_print_line(object, err);
}
