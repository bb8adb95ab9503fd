/* The "normalizer" of a tokenizer.json as a list of simple steps: BertNormalizer and Sequence are
 * lists, too. Invariant: a normalizer is immutable and shared between threads. */
#ifndef HW_TOKENIZER_NORMALIZER_H
#define HW_TOKENIZER_NORMALIZER_H

#include "tokenizer/workspace.h"

#include <jansson.h>

typedef struct hw_normalizer_step hw_normalizer_step;

/* Zero-initialise: no steps. */
typedef struct hw_normalizer {
    hw_normalizer_step *steps;
    size_t count, capacity;
} hw_normalizer;

/* json: the section, which may be null. name is for messages. Free it after a failure, too. */
hw_status hw_normalizer_init(hw_normalizer *normalizer, const json_t *json, const char *name,
                             hw_error *err);
void hw_normalizer_free(hw_normalizer *normalizer);

/* Whether a text in ASCII stays as it is. */
bool hw_normalizer_keeps_ascii(const hw_normalizer *normalizer);
/* Whether a text may be cut before any blank between two visible characters of ASCII, and its parts
 * normalized one by one; each then begins with that blank. */
bool hw_normalizer_keeps_blanks(const hw_normalizer *normalizer);
/* Whether what goes at the start of a text moves the places of all that follows (Precompiled). */
bool hw_normalizer_may_shift(const hw_normalizer *normalizer);

/* Rewrites each piece that is no added token. HW_ERROR_MEMORY is the only failure. */
hw_status hw_normalizer_apply(hw_workspace *workspace, const hw_normalizer *normalizer,
                              hw_error *err);

#endif
