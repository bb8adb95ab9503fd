/* Segments, matches and what lies between them by turns, come from left to right; a part is held
 * back for as long as the next segment may still join it. */
#include "tokenizer/split.h"

typedef struct cutter {
    hw_pieces *parts;
    const hw_aligned *text;
    hw_split_behavior behavior;
    size_t begin, end;   /* the part that is held back; empty: none */
    bool previous_match; /* whether its last segment was a match */
} cutter;

static void flush(cutter *cut) {
    hw_pieces_cut(cut->parts, cut->text, cut->begin, cut->end, HW_NO_TOKEN);
    cut->begin = cut->end;
}

/* Whether the next segment belongs to the part that is held back. */
static bool joins(const cutter *cut, bool is_match) {
    switch (cut->behavior) {
    case HW_SPLIT_MERGED_WITH_PREVIOUS:
        return is_match && !cut->previous_match;
    case HW_SPLIT_MERGED_WITH_NEXT:
        return !is_match && cut->previous_match;
    case HW_SPLIT_CONTIGUOUS:
        return is_match == cut->previous_match;
    case HW_SPLIT_REMOVED:
    case HW_SPLIT_ISOLATED:
        return false;
    }
    return false;
}

static void take(cutter *cut, size_t begin, size_t end, bool is_match) {
    if (begin == end) return;
    if (cut->begin == cut->end || !joins(cut, is_match)) {
        flush(cut);
        cut->begin = begin;
    }
    cut->end = end;
    if (is_match && cut->behavior == HW_SPLIT_REMOVED) cut->begin = end;
    cut->previous_match = is_match;
}

void hw_split(hw_pieces *parts, const hw_aligned *text, hw_piece piece, const hw_pattern *pattern,
              hw_split_behavior behavior, bool invert) {
    const hw_text bytes = { text->bytes, piece.end };
    cutter cut = { parts, text, behavior, piece.begin, piece.begin, false };
    size_t after = piece.begin; /* the last match */
    for (size_t at = piece.begin, size; at < piece.end;) {
        const size_t matched = hw_pattern_match(&size, pattern, bytes, at);
        if (matched > 0) {
            take(&cut, after, at, invert);
            take(&cut, at, at + matched, !invert);
            after = at + matched;
        }
        at += matched > 0 ? matched : size;
    }
    take(&cut, after, piece.end, invert);
    flush(&cut);
}
