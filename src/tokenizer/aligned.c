/* Characters carry spans with them; nothing else knows how a text was changed. A span is computed
 * as NormalizedString::transform of `tokenizers` does. */
#include "tokenizer/aligned.h"

#include "base/memory.h"
#include "text/utf8.h"

void hw_pieces_append(hw_pieces *pieces, hw_piece piece) {
    if (pieces->count == pieces->capacity &&
        !hw_grow((void **)&pieces->items, &pieces->capacity, pieces->count + 16, sizeof piece)) {
        pieces->failed = true;
        return;
    }
    pieces->items[pieces->count++] = piece;
}

void hw_pieces_cut(hw_pieces *pieces, const hw_aligned *text, size_t begin, size_t end,
                   uint32_t id) {
    if (begin < end)
        hw_pieces_append(pieces, (hw_piece){ begin, end, text->spans[begin].begin, id });
}

void hw_pieces_free(hw_pieces *pieces) {
    hw_free(pieces->items);
    *pieces = (hw_pieces){ 0 };
}

static bool has_room(hw_aligned *text, size_t more) {
    const size_t needed = text->length + more;
    if (needed <= text->byte_capacity && needed <= text->span_capacity) return true;
    if (!hw_grow((void **)&text->bytes, &text->byte_capacity, needed, 1) ||
        !hw_grow((void **)&text->spans, &text->span_capacity, needed, sizeof(hw_span)))
        text->failed = true;
    return !text->failed;
}

static void append_code(hw_aligned *text, uint32_t code, hw_span span) {
    if (!has_room(text, HW_UTF8_MAX)) return;
    size_t size = 1;
    if (code < 0x80)
        text->bytes[text->length] = (char)code;
    else
        size = hw_utf8_encode(text->bytes + text->length, code);
    for (size_t i = 0; i < size; ++i) text->spans[text->length + i] = span;
    text->length += size;
}

void hw_aligned_append(hw_aligned *text, hw_text raw, uint32_t origin) {
    if (!has_room(text, raw.length)) return;
    for (size_t at = 0, size; at < raw.length; at += size) {
        const uint32_t code = hw_utf8_decode(&size, raw.bytes + at, raw.length - at);
        const uint32_t begin = origin + (uint32_t)at;
        append_code(text, code, (hw_span){ begin, begin + (uint32_t)size });
    }
}

void hw_aligned_copy(hw_aligned *text, const hw_aligned *from, size_t begin, size_t end) {
    const size_t size = end - begin;
    if (size == 0 || !has_room(text, size)) return;
    memcpy(text->bytes + text->length, from->bytes + begin, size);
    memcpy(text->spans + text->length, from->spans + begin, size * sizeof(hw_span));
    text->length += size;
}

void hw_aligned_free(hw_aligned *text) {
    hw_free(text->bytes);
    hw_free(text->spans);
    *text = (hw_aligned){ 0 };
}

void hw_edit_finish(hw_edit *edit) {
    hw_aligned_copy(edit->to, edit->from, edit->copied, edit->at);
    edit->copied = edit->at;
}

static void skip_character(hw_edit *edit) {
    size_t size = 0;
    if (edit->at < edit->end) hw_edit_peek(&size, edit);
    hw_edit_skip(edit, size);
}

void hw_edit_replace(hw_edit *edit, uint32_t code) {
    const size_t at = edit->at < edit->end ? edit->at : edit->end - 1;
    hw_edit_finish(edit);
    append_code(edit->to, code, edit->from->spans[at]);
    skip_character(edit);
}

void hw_edit_insert(hw_edit *edit, uint32_t code) {
    const hw_span nothing_yet = { edit->origin, edit->origin };
    hw_edit_finish(edit);
    append_code(edit->to, code,
                edit->at > edit->begin ? edit->from->spans[edit->at - 1] : nothing_yet);
}

void hw_edit_push(hw_edit *edit, uint32_t code, int change) {
    if (change > 0) {
        hw_edit_insert(edit, code);
        return;
    }
    hw_edit_replace(edit, code);
    for (; change < 0; ++change) skip_character(edit);
}
