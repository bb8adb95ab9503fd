/* utf8proc's rules, with what its tables lack. Invariant: a cluster has at least one code point. */
#include "tokenizer/grapheme.h"

#include "text/utf8.h"

#include <utf8proc.h>

/* No code point below joins what is before it, but for the line feed after a carriage return. */
enum { FIRST_JOINING = 0x300 };

/* Extend and SpacingMark of Unicode 15.1 to 17.0, which utf8proc 2.8 takes for Other. */
static const uint32_t young_marks[][2] = {
    { 0x897, 0x897 },     { 0x1ACF, 0x1ADD },   { 0x1AE0, 0x1AEB },   { 0x10D69, 0x10D6D },
    { 0x10EFA, 0x10EFC }, { 0x113B8, 0x113C0 }, { 0x113C2, 0x113C2 }, { 0x113C5, 0x113C5 },
    { 0x113C7, 0x113CA }, { 0x113CC, 0x113D0 }, { 0x113D2, 0x113D2 }, { 0x113E1, 0x113E2 },
    { 0x11B60, 0x11B67 }, { 0x11F5A, 0x11F5A }, { 0x1611E, 0x1612F }, { 0x1E5EE, 0x1E5EF },
    { 0x1E6E3, 0x1E6E3 }, { 0x1E6E6, 0x1E6E6 }, { 0x1E6EE, 0x1E6EF }, { 0x1E6F5, 0x1E6F5 },
};

static bool is_unassigned(uint32_t code) {
    return utf8proc_category((utf8proc_int32_t)code) == UTF8PROC_CATEGORY_CN;
}

static bool is_young_mark(uint32_t code) {
    for (size_t i = 0; i < sizeof young_marks / sizeof *young_marks; ++i)
        if (code >= young_marks[i][0] && code <= young_marks[i][1]) return true;
    return false;
}

/* Default ignorable code points without a character are Control; utf8proc takes them for Other. */
static bool is_reserved_control(uint32_t code) {
    return code == 0x2065 || (code >= 0xFFF0 && code <= 0xFFF8) || code >> 12 == 0xE0;
}

/* Nothing joins a control character (Unicode Standard Annex 29, GB4). */
static bool is_control(uint32_t code) {
    const int bound = utf8proc_get_property((utf8proc_int32_t)code)->boundclass;
    return bound == UTF8PROC_BOUNDCLASS_CR || bound == UTF8PROC_BOUNDCLASS_LF ||
           bound == UTF8PROC_BOUNDCLASS_CONTROL;
}

/* Whether a cluster goes on from one code point to the next. */
static bool is_joined(uint32_t code, uint32_t next, utf8proc_int32_t *state) {
    if (code < FIRST_JOINING && next < FIRST_JOINING) return code == '\r' && next == '\n';
    if (is_unassigned(code) && is_reserved_control(code)) return false;
    if (is_unassigned(next) && is_reserved_control(next)) return false;
    if (is_unassigned(next) && is_young_mark(next)) return !is_control(code);
    return !utf8proc_grapheme_break_stateful((utf8proc_int32_t)code, (utf8proc_int32_t)next, state);
}

size_t hw_grapheme_end(hw_text text, size_t at) {
    utf8proc_int32_t state = 0;
    size_t size;
    uint32_t code = hw_utf8_decode(&size, text.bytes + at, text.length - at);
    for (at += size; at < text.length; at += size) {
        const uint32_t next = hw_utf8_decode(&size, text.bytes + at, text.length - at);
        if (!is_joined(code, next, &state)) break;
        code = next;
    }
    return at;
}
