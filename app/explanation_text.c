/* An explanation for people. Invariant: what comes from the text or the model cannot steer the
 * terminal. */
#include "explanation.h"

#include "console.h"

#include <math.h>
#include <string.h>

enum { SHADES = 4 };

const char *method_name(hw_explain_method method) {
    static const char *const names[] = { "ig",   "ig",     "grad-input",    "lrp",
                                         "loo",  "random", "attention",     "rollout",
                                         "flow", "norm",   "grad-attention" };
    return names[method];
}

/* Bytes of the text, without control characters. */
static void print_piece(hw_text text, size_t begin, size_t end) {
    char piece[256];
    while (begin < end) {
        size_t length = end - begin < sizeof piece - 1 ? end - begin : sizeof piece - 1;
        while (begin + length < end && length > 1 &&
               ((unsigned char)text.bytes[begin + length] & 0xc0) == 0x80)
            length--;
        for (size_t i = 0; i < length; i++) {
            const char byte = text.bytes[begin + i];
            piece[i] = byte ? byte : 1; /* shown as any control character */
        }
        piece[length] = 0;
        print_padded(stdout, piece, 0);
        begin += length;
    }
}

static double largest_of(const hw_attribution *words, size_t count) {
    double largest = 0;
    for (size_t i = 0; i < count; i++) largest = fmax(largest, fabs(words[i].score));
    return largest;
}

/* Background colours of xterm's 256: green for the label, red against it. */
static void begin_color(double score, double largest) {
    static const int support[SHADES] = { 22, 28, 34, 40 }, oppose[SHADES] = { 52, 88, 124, 160 };
    const int shade = largest > 0 ? (int)(fabs(score) / largest * SHADES) : 0;
    const int at = shade < SHADES ? shade : SHADES - 1;
    printf("\033[97;48;5;%dm", score < 0 ? oppose[at] : support[at]);
}

static void print_colored(hw_text text, const hw_attribution *words, size_t count) {
    const double largest = largest_of(words, count);
    size_t at = 0;
    for (size_t i = 0; i < count; i++) {
        print_piece(text, at, words[i].begin);
        begin_color(words[i].score, largest);
        print_piece(text, words[i].begin, words[i].end);
        fputs("\033[0m", stdout);
        at = words[i].end;
    }
    print_piece(text, at, text.length);
    putchar('\n');
}

static void print_words(hw_text text, const hw_attribution *words, size_t count, bool has_ngrams) {
    printf("%10s%s  %-12s word\n", "score", has_ngrams ? "    n-grams" : "", "characters");
    for (size_t i = 0; i < count; i++) {
        char place[48];
        snprintf(place, sizeof place, "%zu-%zu", words[i].character_begin, words[i].character_end);
        printf("%+10.4f", words[i].score);
        if (has_ngrams) printf(" %+10.4f", words[i].ngrams);
        printf("  %-12s ", place);
        print_piece(text, words[i].begin, words[i].end);
        putchar('\n');
    }
}

static void print_faithfulness(const hw_explained *e) {
    if (isnan(e->comprehensiveness)) return;
    printf("what the probability loses\n%10s %14s %14s %14s %14s\n", "words", "without top",
           "without random", "only top", "only random");
    for (size_t i = 0; i < HW_REMOVALS; i++) {
        const hw_removal *r = &e->removals[i];
        printf("%8.0f %% %14.4f %14.4f %14.4f %14.4f\n", 100 * r->share, r->without_top,
               r->without_random, r->only_top, r->only_random);
    }
    printf("%10s %14.4f %14.4f %14.4f %14.4f\n", "mean", e->comprehensiveness,
           e->random_comprehensiveness, e->sufficiency, e->random_sufficiency);
    fputs("the decision flips without the top", stdout);
    bool flips = false;
    for (size_t i = 0; i < HW_REMOVALS; i++) {
        const hw_removal *r = &e->removals[i];
        if (r->flips_top > 0) printf("%s %.0f %%", flips ? "," : "", 100 * r->share);
        flips |= r->flips_top > 0;
    }
    puts(flips ? "" : ": never");
    if (!isnan(e->tau)) printf("Kendall's tau with loo %+.4f\n", e->tau);
}

static void print_shares(const char *name, const double shares[HW_REMOVALS]) {
    printf("%-22s", name);
    for (size_t i = 0; i < HW_REMOVALS; i++) printf(" %7.1f %%", 100 * shares[i]);
    putchar('\n');
}

void faithfulness_print(const hw_faithfulness *means, const hw_explained *last) {
    double shares[HW_REMOVALS];
    for (size_t i = 0; i < HW_REMOVALS; i++) shares[i] = last->removals[i].share;
    printf("\nmeans of %zu texts\n", means->texts);
    printf("comprehensiveness over random %+.4f, sufficiency over random %+.4f\n",
           means->comprehensiveness, means->sufficiency);
    if (means->ranked > 0)
        printf("Kendall's tau with loo %+.4f (%zu texts)\n", means->tau, means->ranked);
    print_shares("words", shares);
    print_shares("flips without top", means->flips_top);
    print_shares("flips without random", means->flips_random);
}

void explanation_print(const shown_explanation *shown, bool in_color) {
    size_t count;
    const hw_attribution *words = hw_explanation_words(shown->explanation, &count);
    const hw_explained *e = hw_explanation_summary(shown->explanation);
    const hw_summary *model = hw_classifier_summary(shown->classifier);
    print_label(stdout, "", hw_classifier_label(shown->classifier, e->label));
    printf(" %.4f\n", e->probability);
    if (in_color) print_colored(shown->text, words, count);
    printf("score %.4f = %.4f with all words unknown %+.4f", e->score, e->base, e->score - e->base);
    printf("; the words' scores (%s) sum to %+.4f", method_name(e->method), e->sum);
    if (isnan(e->gap))
        putchar('\n');
    else
        printf(": completeness gap %.2f %%\n", 100 * e->gap);
    const bool has_ngrams = model->ngrams > 0 && model->arch != HW_ARCH_ATTENTION;
    print_words(shown->text, words, count, has_ngrams && e->method != HW_EXPLAIN_LOO);
    print_faithfulness(e);
}
