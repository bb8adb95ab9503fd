/* Texts as they come from hasty fingers, bad scans and careless cutting. Words are lower-cased and
 * full-width forms made ASCII before a classifier sees them, so corruptions of these would do
 * nothing. Invariant: the corrupted text follows from the text, the corruption, its share, the seed
 * and the row. */
#ifndef HW_STUDY_CORRUPTION_H
#define HW_STUDY_CORRUPTION_H

#include "base/text_buffer.h"
#include "text/words.h"

/* X(id, name): the first are of characters, the others, from WORD_DROP on, of words */
#define HW_CORRUPTION_LIST(X)                                                    \
    X(SWAP, "swap")           /* a character and the next */                     \
    X(DELETE, "delete")       /* a character */                                  \
    X(INSERT, "insert")       /* a letter; in Chinese the character again */     \
    X(KEYBOARD, "keyboard")   /* a letter's neighbour on the keyboard */         \
    X(LOOKALIKE, "lookalike") /* 0 for o, 1 for l, ... */                        \
    X(WORD_DROP, "word drop") /* a word is left out */                           \
    X(WORD_SWAP, "word swap") /* a word and one up to three words further */     \
    X(FILLER, "filler")       /* a word of the text once more, somewhere else */ \
    X(TRUNCATE, "truncate")   /* the end of the text, two and a half times the share */

typedef enum hw_corruption {
#define X(id, name) HW_CORRUPTION_##id,
    HW_CORRUPTION_LIST(X)
#undef X
        HW_CORRUPTIONS
} hw_corruption;

enum { HW_CORRUPTION_STRENGTHS = 5 };
/* By strength: the chance of each character or word to be hit. A character that a corruption has
 * nothing for (no key beside it, no lookalike) stays as it is when it is hit. */
extern const double hw_corruption_shares[HW_CORRUPTION_STRENGTHS];

const char *hw_corruption_name(hw_corruption corruption);

/* Where the randomness of one text comes from. */
typedef struct hw_corruption_draw {
    double share;
    uint64_t seed, row;
} hw_corruption_draw;

/* Replaces the buffer's text. words: scratch, zero-initialised by the caller and freed by him. */
hw_status hw_corrupt(hw_text_buffer *corrupted, hw_words *words, hw_text text,
                     hw_corruption corruption, hw_corruption_draw draw, hw_error *err);

#endif
