/* Exchanging is copying the structs: what they point to stays. */
#include "tokenizer/workspace.h"

void hw_workspace_free(hw_workspace *workspace) {
    hw_aligned_free(&workspace->text);
    hw_aligned_free(&workspace->other_text);
    hw_pieces_free(&workspace->pieces);
    hw_pieces_free(&workspace->other_pieces);
    hw_normal_units_free(&workspace->units);
}

void hw_workspace_swap_texts(hw_workspace *workspace) {
    const hw_aligned text = workspace->text;
    workspace->text = workspace->other_text;
    workspace->other_text = text;
    workspace->other_text.length = 0;
}

void hw_workspace_swap_pieces(hw_workspace *workspace) {
    const hw_pieces pieces = workspace->pieces;
    workspace->pieces = workspace->other_pieces;
    workspace->other_pieces = pieces;
    workspace->other_pieces.count = 0;
}

hw_status hw_workspace_check(hw_workspace *workspace, hw_error *err) {
    bool *const failed[] = { &workspace->text.failed, &workspace->other_text.failed,
                             &workspace->pieces.failed, &workspace->other_pieces.failed };
    bool any = false;
    for (size_t i = 0; i < sizeof failed / sizeof *failed; ++i) {
        any = any || *failed[i];
        *failed[i] = false;
    }
    return any ? hw_fail_memory(err, workspace->text.length * sizeof(hw_span)) : HW_OK;
}
