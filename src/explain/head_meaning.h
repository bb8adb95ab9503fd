/* Whether a head joins words of like meaning: Spearman's correlation, over the pairs of a text's
 * words, of the weight from one to the other and the cosine of their vectors; and the same of
 * copies whose words were shuffled while the weights stayed (Mantel 1967).
 * Invariant: of a long text the first words stand for all, so that no text costs more than that. */
#ifndef HW_EXPLAIN_HEAD_MEANING_H
#define HW_EXPLAIN_HEAD_MEANING_H

#include "explain/head_roles.h"
#include "statistics/correlation.h"

enum { HW_MEANING_WORDS = 64, HW_MEANING_PAIRS = HW_MEANING_WORDS * (HW_MEANING_WORDS - 1) };

/* Zero-initialise; reused from text to text. */
typedef struct hw_head_meaning {
    size_t words; /* that are looked at: queries of the text */
    bool has_cosines;
    uint32_t place[HW_COPIES][HW_MEANING_WORDS]; /* the word that stands for this one in a copy */
    /* [words][words] ranks over all pairs, centred, of length 1; 0 of a word with itself. Those of
     * weights are added up for both ways: cosines have none. */
    double cosine[HW_MEANING_WORDS * HW_MEANING_WORDS];
    double weight[HW_MEANING_WORDS * HW_MEANING_WORDS];
    double values[HW_MEANING_PAIRS];   /* scratch */
    hw_ranked order[HW_MEANING_PAIRS]; /* scratch */
} hw_head_meaning;

/* The first copy is the text as it is. */
void hw_head_meaning_take(hw_head_meaning *meaning, const hw_head_text *text, uint64_t seed);
/* vectors: [text->count][width]; NULL: nothing is known of the words. */
void hw_head_meaning_embed(hw_head_meaning *meaning, const hw_head_text *text, const float *vectors,
                           size_t width);
/* weights: [text->count][text->count]. False if there is no correlation: there are too few words,
 * or all of them are alike. */
bool hw_head_meaning_look(hw_head_meaning *meaning, const hw_head_text *text, const float *weights);
/* After that. */
double hw_head_meaning_correlation(const hw_head_meaning *meaning, size_t copy);

#endif
