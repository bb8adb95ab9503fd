/* Strings with a number each: how often words occur, or the pieces of a vocabulary in the order of
 * their ids. Invariant: strings are unique, and their bytes never move. */
#ifndef HW_TOKENIZER_WORD_BAG_H
#define HW_TOKENIZER_WORD_BAG_H

#include "base/error.h"

typedef struct hw_bag_word {
    hw_text text;
    uint64_t count;
} hw_bag_word;

/* Zero-initialise. */
typedef struct hw_word_bag {
    hw_bag_word *items; /* [count] in the order in which they were first added */
    size_t count, capacity;
    uint32_t *slots; /* [slot_count] index + 1 by the hash of the word; 0: empty */
    size_t slot_count;
    struct hw_word_block *blocks; /* hold the words' bytes */
} hw_word_bag;

/* Adds `times` to the word's count; *index (may be NULL) is where it stands. */
hw_status hw_word_bag_add(hw_word_bag *bag, uint32_t *index, hw_text word, uint64_t times,
                          hw_error *err);
/* Where the word stands; false if it was never added. */
bool hw_word_bag_find(const hw_word_bag *bag, uint32_t *index, hw_text word);
/* By bytes, so that it is no matter in what order words were added. Nothing is added or looked for
 * then. */
void hw_word_bag_sort(hw_word_bag *bag);
void hw_word_bag_free(hw_word_bag *bag);

#endif
