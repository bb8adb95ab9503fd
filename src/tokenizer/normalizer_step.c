/* Steps read a piece character by character through a hw_edit. Invariant: a step says what becomes
 * of each character of a piece and nothing else; spans follow from that. */
#include "tokenizer/normalizer_step.h"

#include "text/utf8.h"
#include "tokenizer/byte_level.h"
#include "tokenizer/unicode_class.h"

#include <limits.h>

/* Bert's "Chinese characters", whose range list lacks extensions and has a misprint. */
static bool is_chinese(uint32_t code) {
    return code - 0x4E00 <= 0x9FFF - 0x4E00 || code - 0x3400 <= 0x4DBF - 0x3400 ||
           code - 0xF900 <= 0xFAFF - 0xF900 || code - 0x20000 <= 0x2A6DF - 0x20000 ||
           code - 0x2A700 <= 0x2B81F - 0x2A700 || code - 0x2B920 <= 0x2CEAF - 0x2B920 ||
           code - 0x2F800 <= 0x2FA1F - 0x2F800;
}

static void clean(hw_edit *edit, uint32_t code, size_t size) {
    if (code == HW_UTF8_REPLACEMENT || hw_unicode_class(code) & HW_CLASS_CONTROL)
        hw_edit_skip(edit, size);
    else if (hw_is_space(code))
        hw_edit_replace(edit, ' ');
    else
        hw_edit_keep(edit, size);
}

static void isolate_chinese(hw_edit *edit, uint32_t code, size_t size) {
    if (!is_chinese(code)) {
        hw_edit_keep(edit, size);
        return;
    }
    hw_edit_replace(edit, ' ');
    hw_edit_insert(edit, code);
    hw_edit_insert(edit, ' ');
}

static void strip_marks(hw_edit *edit, uint32_t code, size_t size) {
    if (hw_unicode_class(code) & HW_CLASS_MARK)
        hw_edit_skip(edit, size);
    else
        hw_edit_keep(edit, size);
}

static void strip_combining(hw_edit *edit, uint32_t code, size_t size) {
    if (hw_unicode_class(code) & HW_CLASS_COMBINING)
        hw_edit_skip(edit, size);
    else
        hw_edit_keep(edit, size);
}

static void lower(hw_edit *edit, uint32_t code, size_t size) {
    (void)size;
    if (code == 0x130) { /* capital I with dot: i, and the dot as a mark of its own */
        hw_edit_replace(edit, 'i');
        hw_edit_insert(edit, 0x307);
    } else {
        hw_edit_replace(edit, hw_unicode_lower_case(code));
    }
}

/* SentencePiece's nmt rules: controls go, what looks like white space is a blank. */
static void nmt(hw_edit *edit, uint32_t code, size_t size) {
    const bool is_line = code == '\t' || code == '\n' || code == '\f' || code == '\r';
    if ((code - 1 < 0x1F && !is_line) || code == 0x7F || code == 0x8F || code == 0x9F)
        hw_edit_skip(edit, size);
    else if (is_line || code == 0x1680 || code - 0x200B <= 0x200F - 0x200B || code == 0x2028 ||
             code == 0x2029 || code == 0x2581 || code == 0xFEFF || code == HW_UTF8_REPLACEMENT)
        hw_edit_replace(edit, ' ');
    else
        hw_edit_keep(edit, size);
}

typedef void per_character(hw_edit *edit, uint32_t code, size_t size);

static void each_character(hw_edit *edit, per_character *step) {
    while (edit->at < edit->end) {
        size_t size;
        const uint32_t code = hw_edit_peek(&size, edit);
        step(edit, code, size);
    }
}

/* Where the last character before byte `end` of the piece begins. */
static size_t character_before(const hw_edit *edit, size_t end) {
    do --end;
    while (end > edit->at && ((unsigned char)edit->from->bytes[end] & 0xC0) == 0x80);
    return end;
}

static void strip(hw_edit *edit, const hw_normalizer_step *step) {
    size_t size;
    if (step->left)
        while (edit->at < edit->end && hw_is_space(hw_edit_peek(&size, edit)))
            hw_edit_skip(edit, size);
    size_t end = edit->end;
    while (step->right && end > edit->at) {
        const size_t last = character_before(edit, end);
        if (!hw_is_space(hw_utf8_decode(&size, edit->from->bytes + last, end - last))) break;
        end = last;
    }
    hw_edit_keep(edit, end - edit->at);
}

static void insert_all(hw_edit *edit, hw_text text) {
    for (size_t at = 0, size; at < text.length; at += size)
        hw_edit_insert(edit, hw_utf8_decode(&size, text.bytes + at, text.length - at));
}

static void replace(hw_edit *edit, const hw_normalizer_step *step) {
    const hw_text rest = { edit->from->bytes, edit->end };
    while (edit->at < edit->end) {
        size_t size;
        const size_t matched = hw_pattern_match(&size, &step->pattern, rest, edit->at);
        if (matched == 0) {
            hw_edit_keep(edit, size);
            continue;
        }
        hw_edit_skip(edit, matched);
        insert_all(edit, (hw_text){ step->content, step->length });
    }
}

void hw_edit_prepend(hw_edit *edit, hw_text text) {
    if (edit->at == edit->end) return;
    size_t size, first = 0;
    const uint32_t code = hw_edit_peek(&size, edit);
    if (text.length > 0) {
        hw_edit_replace(edit, hw_utf8_decode(&first, text.bytes, text.length));
        insert_all(edit, (hw_text){ text.bytes + first, text.length - first });
        hw_edit_insert(edit, code);
    } else {
        hw_edit_insert(edit, code);
        hw_edit_skip(edit, size);
    }
    hw_edit_keep(edit, edit->end - edit->at);
}

void hw_edit_byte_level(hw_edit *edit) {
    while (edit->at < edit->end) {
        size_t size;
        hw_edit_peek(&size, edit);
        const unsigned char *bytes = (const unsigned char *)edit->from->bytes + edit->at;
        hw_edit_replace(edit, hw_byte_level_code(bytes[0]));
        for (size_t i = 1; i < size; ++i) hw_edit_insert(edit, hw_byte_level_code(bytes[i]));
    }
}

/* A character whose change may still grow. */
typedef struct unwritten {
    uint32_t code;
    int change;
    bool exists;
} unwritten;

static void write_next(hw_edit *edit, unwritten *last, uint32_t code, int change) {
    if (last->exists) hw_edit_push(edit, last->code, last->change);
    *last = (unwritten){ code, change, true };
}

static int count_characters(hw_text text) {
    int count = 0;
    for (size_t i = 0; i < text.length; ++i) count += ((unsigned char)text.bytes[i] & 0xC0) != 0x80;
    return count;
}

/* Characters too many are inserted, characters too few are taken from the last one written. */
static void replace_precompiled(hw_edit *edit, const hw_precompiled *precompiled) {
    hw_precompiled_walk walk = { .text = { edit->from->bytes + edit->at, edit->end - edit->at } };
    unwritten last = { 0 };
    for (hw_replacement piece; hw_precompiled_next(&piece, &walk, precompiled);) {
        const hw_text old = { walk.text.bytes + piece.begin, piece.end - piece.begin };
        const int kept = piece.changed ? count_characters(old) : INT_MAX;
        int written = 0;
        for (size_t at = 0, size; at < piece.text.length; at += size, ++written) {
            const uint32_t code =
                hw_utf8_decode(&size, piece.text.bytes + at, piece.text.length - at);
            write_next(edit, &last, code, written >= kept);
        }
        if (piece.changed && written < kept) last.change -= kept - written;
    }
    if (last.exists) hw_edit_push(edit, last.code, last.change);
}

bool hw_normalizer_step_apply(hw_edit *edit, const hw_normalizer_step *step,
                              hw_normal_units *units) {
    switch (step->kind) {
    case HW_STEP_CLEAN:
        each_character(edit, clean);
        return true;
    case HW_STEP_ISOLATE_CHINESE:
        each_character(edit, isolate_chinese);
        return true;
    case HW_STEP_STRIP_MARKS:
        each_character(edit, strip_marks);
        return true;
    case HW_STEP_STRIP_COMBINING:
        each_character(edit, strip_combining);
        return true;
    case HW_STEP_LOWER:
        each_character(edit, lower);
        return true;
    case HW_STEP_NMT:
        each_character(edit, nmt);
        return true;
    case HW_STEP_STRIP:
        strip(edit, step);
        return true;
    case HW_STEP_REPLACE:
        replace(edit, step);
        return true;
    case HW_STEP_PREPEND:
        hw_edit_prepend(edit, (hw_text){ step->content, step->length });
        return true;
    case HW_STEP_BYTE_LEVEL:
        hw_edit_byte_level(edit);
        return true;
    case HW_STEP_PRECOMPILED:
        replace_precompiled(edit, step->precompiled);
        return true;
    case HW_STEP_NORMAL_FORM:
        return hw_normal_form_apply(edit, units, step->form);
    }
    return false;
}
