/* Unicode normal forms (Unicode 15.0, annex 15) as `tokenizers` computes them, with what became of
 * each character of the text: the spans of its NormalizedString depend on it. */
#ifndef HW_TOKENIZER_NORMAL_FORM_H
#define HW_TOKENIZER_NORMAL_FORM_H

#include "tokenizer/aligned.h"

typedef enum hw_normal_form { HW_NFD, HW_NFC, HW_NFKD, HW_NFKC } hw_normal_form;

/* A character of the new text; change is that of hw_edit_push. */
typedef struct hw_normal_unit {
    uint32_t code;
    int16_t change;
    uint8_t combining_class;
} hw_normal_unit;

/* Working memory, reused. Zero-initialise. */
typedef struct hw_normal_units {
    hw_normal_unit *items, *sorted; /* [capacity], [sorted_capacity] */
    size_t count, capacity, sorted_capacity;
} hw_normal_units;
void hw_normal_units_free(hw_normal_units *units);

/* Rewrites a piece. Linear in its length. False if memory was too short. */
bool hw_normal_form_apply(hw_edit *edit, hw_normal_units *units, hw_normal_form form);

#endif
