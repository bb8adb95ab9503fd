/* The "Precompiled" normalizer: SentencePiece's table of replacements (NFKC and the like), as
 * `tokenizers` applies it. Invariant: a table is immutable and shared between threads; whatever
 * bytes it was made from, nothing outside it is read. */
#ifndef HW_TOKENIZER_PRECOMPILED_H
#define HW_TOKENIZER_PRECOMPILED_H

#include "base/error.h"

typedef struct hw_precompiled hw_precompiled;

/* From the base64 of a precompiled_charsmap. name is for messages. */
hw_precompiled *hw_precompiled_new(hw_text base64, const char *name, hw_error *err);
void hw_precompiled_free(hw_precompiled *precompiled); /* accepts NULL */
/* Whether a character of ASCII stays as it is. */
bool hw_precompiled_keeps(const hw_precompiled *precompiled, unsigned char ascii);

typedef struct hw_replacement {
    size_t begin, end; /* bytes of the text: what changed at once, or a run that did not change */
    hw_text text;      /* what stands there now; may be empty; valid while table and text are */
    bool changed;      /* false: text is the bytes themselves, of one or more code points */
} hw_replacement;

/* A walk over a text (valid UTF-8): zero-initialise but for `text`. */
typedef struct hw_precompiled_walk {
    hw_text text;
    size_t at, cluster_end; /* text.bytes[at .. cluster_end): the rest of a grapheme cluster */
    hw_replacement changed; /* found behind a run that did not change */
    bool has_changed;
} hw_precompiled_walk;

/* The next piece of the text; false at its end. Pieces tile the text. A grapheme cluster of less
 * than 6 bytes is looked up first, then each of its code points. `tokenizers` takes the characters
 * of a piece that changed one by one for those of its replacement; characters too many are
 * inserted (they come from the last one before), characters too few are taken away from the last
 * character that was written. */
bool hw_precompiled_next(hw_replacement *piece, hw_precompiled_walk *walk,
                         const hw_precompiled *precompiled);

#endif
