/* What the texts that heads are measured on say of a word: how rare it is, and how much it says of
 * a label. */
#ifndef HW_EXPLAIN_HEAD_WORDS_H
#define HW_EXPLAIN_HEAD_WORDS_H

#include "explain/head_text.h"

/* A word in a text of that label. */
typedef struct hw_head_occurrence {
    uint64_t key;
    uint32_t label;
} hw_head_occurrence;

typedef struct hw_head_words {
    hw_head_occurrence *items; /* each word of each text once; sorted after hw_head_words_seal */
    size_t count, capacity;
    uint32_t *label_texts; /* [labels + 1]; the last one: without a label */
    size_t texts, labels;
} hw_head_words;

/* *words is zero before, and freed by hw_head_words_free also on failure. */
hw_status hw_head_words_start(hw_head_words *words, size_t labels, hw_error *err);
/* label: labels if it has none. */
hw_status hw_head_words_add(hw_head_words *words, const hw_head_text *text, size_t label,
                            hw_error *err);
/* Once all texts are in. */
void hw_head_words_seal(hw_head_words *words);
/* Fills rarity and evidence of a text that was added with that label.
 *
 * rarity = -ln(texts with the word / texts). evidence = |ln odds(label | word) - ln odds(label)|
 * over the other texts, the former with one text added that has the label as often as all do: a
 * word that no other text has says nothing. */
void hw_head_words_judge(hw_head_text *text, const hw_head_words *words, size_t label);
void hw_head_words_free(hw_head_words *words);

#endif
