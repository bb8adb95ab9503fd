/* Where a text becomes pre-tokens. Invariant: pieces are in the order of the text and lie within
 * it; failed appends are remembered until hw_workspace_check. */
#ifndef HW_TOKENIZER_WORKSPACE_H
#define HW_TOKENIZER_WORKSPACE_H

#include "tokenizer/aligned.h"
#include "tokenizer/normal_form.h"

/* Two texts by turns: a stage reads `text` and `pieces` and writes the other ones, then they are
 * exchanged. Zero-initialise. */
typedef struct hw_workspace {
    hw_aligned text, other_text;
    hw_pieces pieces, other_pieces;
    hw_normal_units units;
} hw_workspace;
void hw_workspace_free(hw_workspace *workspace);
void hw_workspace_swap_texts(hw_workspace *workspace);
void hw_workspace_swap_pieces(hw_workspace *workspace);
/* HW_ERROR_MEMORY if an append failed since the last call. */
hw_status hw_workspace_check(hw_workspace *workspace, hw_error *err);

#endif
