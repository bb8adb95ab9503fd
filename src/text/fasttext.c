/* A line is read word by word. Invariant: while all labels so far stood at the start, the
 * text is a piece of the line; from the first label behind a text word on, it is the
 * pieces between the labels, joined in draft->bytes. */
#include "text/fasttext.h"

static size_t skip_blanks(hw_text line, size_t at) {
    while (at < line.length && hw_is_blank(line.bytes[at])) ++at;
    return at;
}

static size_t skip_word(hw_text line, size_t at) {
    while (at < line.length && !hw_is_blank(line.bytes[at])) ++at;
    return at;
}

static bool is_label(hw_text line, size_t at, const char *prefix, size_t length) {
    return line.length - at >= length && memcmp(line.bytes + at, prefix, length) == 0;
}

hw_status hw_fasttext_parse(hw_draft *draft, hw_text line, const char *prefix, hw_error *err) {
    const size_t prefix_length = strlen(prefix);
    size_t piece = skip_blanks(line, 0), kept = 0; /* text: bytes[0 .. kept), line[piece .. ) */
    for (size_t at = piece, end; at < line.length; at = skip_blanks(line, end)) {
        end = skip_word(line, at);
        if (!is_label(line, at, prefix, prefix_length)) continue;
        const char *name = line.bytes + at + prefix_length;
        HW_TRY(hw_draft_add_label(draft, (hw_text){ name, end - at - prefix_length }, err));
        if (at > piece) {
            HW_TRY(hw_draft_reserve(draft, line.length, err));
            memcpy(draft->bytes + kept, line.bytes + piece, at - piece);
            kept += at - piece;
        }
        piece = skip_blanks(line, end);
    }
    draft->text = (hw_text){ line.bytes + piece, line.length - piece };
    if (kept > 0) {
        memcpy(draft->bytes + kept, line.bytes + piece, line.length - piece);
        draft->text = (hw_text){ draft->bytes, kept + line.length - piece };
    }
    if (draft->label_count > 0) return HW_OK;
    return hw_draft_fail(draft, err, "no label (lines start with \"%s\"; see --label)", prefix);
}
