/* Cutting a piece at the matches of a pattern. */
#ifndef HW_TOKENIZER_SPLIT_H
#define HW_TOKENIZER_SPLIT_H

#include "tokenizer/aligned.h"
#include "tokenizer/pattern.h"

/* What becomes of the matches; of "a-b--c" at "-": */
typedef enum hw_split_behavior {
    HW_SPLIT_REMOVED,              /* a b c */
    HW_SPLIT_ISOLATED,             /* a - b - - c */
    HW_SPLIT_MERGED_WITH_PREVIOUS, /* a- b- - c */
    HW_SPLIT_MERGED_WITH_NEXT,     /* a -b - -c */
    HW_SPLIT_CONTIGUOUS            /* a - b -- c */
} hw_split_behavior;

/* Appends the parts of a piece. invert: what lies between matches is the match. */
void hw_split(hw_pieces *parts, const hw_aligned *text, hw_piece piece, const hw_pattern *pattern,
              hw_split_behavior behavior, bool invert);

#endif
