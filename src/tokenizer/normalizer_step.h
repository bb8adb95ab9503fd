/* The steps normalizers and pre-tokenizers are made of. */
#ifndef HW_TOKENIZER_NORMALIZER_STEP_H
#define HW_TOKENIZER_NORMALIZER_STEP_H

#include "tokenizer/normalizer.h"
#include "tokenizer/pattern.h"
#include "tokenizer/precompiled.h"

typedef enum hw_step_kind {
    HW_STEP_CLEAN,           /* Bert: controls go, white space becomes a blank */
    HW_STEP_ISOLATE_CHINESE, /* Bert: blanks around ideographs */
    HW_STEP_STRIP_MARKS,     /* Bert: Mn goes */
    HW_STEP_STRIP_COMBINING, /* StripAccents: M goes */
    HW_STEP_LOWER,
    HW_STEP_NMT,
    HW_STEP_STRIP,
    HW_STEP_REPLACE,
    HW_STEP_PREPEND,
    HW_STEP_BYTE_LEVEL,
    HW_STEP_PRECOMPILED,
    HW_STEP_NORMAL_FORM
} hw_step_kind;

struct hw_normalizer_step {
    hw_step_kind kind;
    hw_normal_form form;
    bool left, right;   /* HW_STEP_STRIP */
    hw_pattern pattern; /* HW_STEP_REPLACE */
    char *content;      /* HW_STEP_REPLACE, HW_STEP_PREPEND: [length], owned */
    size_t length;
    hw_precompiled *precompiled; /* owned */
};

/* Rewrites a piece that has characters. False if memory was too short. */
bool hw_normalizer_step_apply(hw_edit *edit, const hw_normalizer_step *step,
                              hw_normal_units *units);

/* A text before the piece; a piece without characters stays so. */
void hw_edit_prepend(hw_edit *edit, hw_text text);
/* Each byte as the visible character that stands for it. */
void hw_edit_byte_level(hw_edit *edit);

#endif
