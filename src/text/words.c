/* A text is read once, from left to right; each character is folded (full-width to
 * ASCII, lower case) and sorted, and its sort alone decides where words begin and end.
 * Invariant: `normalized` has room for every character that is still to come, because
 * folding makes at most HW_FOLDED_GROWTH bytes of one. */
#include "text/words.h"

#include "base/memory.h"
#include "base/random.h"
#include "text/utf8.h"

#include <utf8proc.h>

enum { HW_FOLDED_GROWTH = 3 }; /* an invalid byte becomes the three of U+FFFD */

/* NOTHING separates words as SPACE does, but is never a word. */
typedef enum sort { SPACE, NOTHING, LETTER, DIGIT, APOSTROPHE, MARK, CJK } sort;

typedef struct character {
    uint32_t code; /* folded */
    sort sort;
    size_t size; /* bytes in the text */
} character;

static inline bool is_within(uint32_t code, uint32_t first, uint32_t last) {
    return code - first <= last - first;
}

static inline sort sort_of_ascii(uint32_t code) {
    if (is_within(code | 0x20, 'a', 'z')) return LETTER;
    if (code == ' ' || is_within(code, '\t', '\r')) return SPACE;
    if (code < ' ' || code == 0x7F) return NOTHING;
    if (is_within(code, '0', '9')) return DIGIT;
    return code == '\'' ? APOSTROPHE : MARK;
}

static inline uint32_t lower_ascii(uint32_t code) {
    return is_within(code, 'A', 'Z') ? code | 0x20 : code;
}

/* Unicode 15.0: ideographs and their extensions, iteration mark and zero, kana, bopomofo,
 * hangul syllables, half-width katakana. */
static bool is_cjk(uint32_t code) {
    if (is_within(code, 0x4E00, 0x9FFF) || is_within(code, 0xAC00, 0xD7A3)) return true;
    if (is_within(code, 0x3041, 0x30FF))
        return !is_within(code, 0x3097, 0x309C) && code != 0x30A0 && code != 0x30FB;
    return is_within(code, 0x3400, 0x4DBF) || is_within(code, 0x20000, 0x3FFFD) ||
           is_within(code, 0xF900, 0xFAFF) || is_within(code, 0xFF66, 0xFF9D) ||
           is_within(code, 0x3105, 0x312F) || is_within(code, 0x31A0, 0x31BF) ||
           is_within(code, 0x31F0, 0x31FF) || is_within(code, 0x3005, 0x3007);
}

static bool is_variation_selector(uint32_t code) {
    return is_within(code, 0xFE00, 0xFE0F) || is_within(code, 0xE0100, 0xE01EF);
}

static sort sort_of_unicode(uint32_t code) {
    if (is_variation_selector(code)) return NOTHING;
    switch (utf8proc_category((utf8proc_int32_t)code)) {
    case UTF8PROC_CATEGORY_LU:
    case UTF8PROC_CATEGORY_LL:
    case UTF8PROC_CATEGORY_LT:
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_LO:
    case UTF8PROC_CATEGORY_MN:
    case UTF8PROC_CATEGORY_MC:
    case UTF8PROC_CATEGORY_ME:
        return LETTER;
    case UTF8PROC_CATEGORY_ND:
    case UTF8PROC_CATEGORY_NL:
    case UTF8PROC_CATEGORY_NO:
        return DIGIT;
    case UTF8PROC_CATEGORY_ZS:
    case UTF8PROC_CATEGORY_ZL:
    case UTF8PROC_CATEGORY_ZP:
        return SPACE;
    case UTF8PROC_CATEGORY_CC:
    case UTF8PROC_CATEGORY_CF:
        return NOTHING;
    default:
        return MARK; /* also unassigned: this year's symbols are not in the tables */
    }
}

static character read_wide(const char *bytes, size_t length) {
    character found;
    found.code = hw_utf8_decode(&found.size, bytes, length);
    if (is_within(found.code, 0xFF01, 0xFF5E)) { /* full-width forms of U+0021 to U+007E */
        found.code = found.code - 0xFF01 + '!';
        found.sort = sort_of_ascii(found.code);
        found.code = lower_ascii(found.code);
    } else if (is_cjk(found.code)) {
        found.sort = CJK;
    } else if (found.code == 0x2019) { /* right single quotation mark */
        found.sort = APOSTROPHE;
    } else {
        found.sort = sort_of_unicode(found.code);
        found.code = (uint32_t)utf8proc_tolower((utf8proc_int32_t)found.code);
    }
    return found;
}

static inline character read_character(const char *bytes, size_t length) {
    const unsigned char lead = (unsigned char)bytes[0];
    if (lead >= 0x80) return read_wide(bytes, length);
    return (character){ lower_ascii(lead), sort_of_ascii(lead), 1 };
}

/* Appends the run that begins at text[at]; returns where it ends. */
static size_t take_run(hw_words *words, hw_text text, size_t at) {
    char *out = words->normalized + words->normalized_length;
    sort previous = SPACE;
    while (at < text.length) {
        const character next = read_character(text.bytes + at, text.length - at);
        const size_t after = at + next.size;
        if (next.sort == LETTER || next.sort == DIGIT) {
            out += hw_utf8_encode(out, next.code);
        } else if (next.sort == APOSTROPHE && previous == LETTER && after < text.length &&
                   read_character(text.bytes + after, text.length - after).sort == LETTER) {
            *out++ = '\'';
        } else {
            break;
        }
        previous = next.sort;
        at = after;
    }
    words->normalized_length = (size_t)(out - words->normalized);
    return at;
}

/* The word at text[at], which is no white space; returns where it ends. */
static size_t take_word(hw_words *words, hw_text text, size_t at, character first) {
    hw_word *word = &words->items[words->count++];
    word->begin = (uint32_t)at;
    word->offset = (uint32_t)words->normalized_length;
    if (first.sort == LETTER || first.sort == DIGIT) {
        word->kind = HW_WORD_LETTERS;
        at = take_run(words, text, at);
    } else {
        word->kind = first.sort == CJK ? HW_WORD_CJK : HW_WORD_MARK;
        words->normalized_length +=
            hw_utf8_encode(words->normalized + words->normalized_length, first.code);
        at += first.size;
    }
    word->end = (uint32_t)at;
    word->length = (uint32_t)words->normalized_length - word->offset;
    word->hash = hw_hash_bytes(words->normalized + word->offset, word->length);
    return at;
}

/* White space beside a character of a script that is written without it says something, as
 * a mark would: it is the word " ", treated like such a character. */
static void take_space(hw_words *words, size_t begin, size_t end) {
    hw_word *word = &words->items[words->count++];
    *word = (hw_word){ .begin = (uint32_t)begin,
                       .end = (uint32_t)end,
                       .offset = (uint32_t)words->normalized_length,
                       .length = 1,
                       .hash = hw_hash_bytes(" ", 1),
                       .kind = HW_WORD_CJK };
    words->normalized[words->normalized_length++] = ' ';
}

/* At most HW_TEXT_LIMIT bytes, and no code point cut in two. */
static size_t readable_length(hw_text text) {
    if (text.length <= HW_TEXT_LIMIT) return text.length;
    size_t length = HW_TEXT_LIMIT;
    while (length > HW_TEXT_LIMIT - HW_UTF8_MAX && (text.bytes[length] & 0xC0) == 0x80) --length;
    return length;
}

hw_status hw_words_split(hw_words *words, hw_text text, hw_error *err) {
    text.length = readable_length(text);
    words->count = words->normalized_length = 0;
    const size_t room = text.length * HW_FOLDED_GROWTH + HW_UTF8_MAX;
    if (!hw_grow((void **)&words->normalized, &words->normalized_capacity, room, 1))
        return hw_fail_memory(err, room);

    size_t end = 0;     /* of the last word */
    bool space = false; /* between it and `at` */
    for (size_t at = 0; at < text.length;) {
        const character first = read_character(text.bytes + at, text.length - at);
        if (first.sort == SPACE || first.sort == NOTHING) {
            space = space || first.sort == SPACE;
            at += first.size;
            continue;
        }
        if (words->count + 2 > words->capacity &&
            !hw_grow((void **)&words->items, &words->capacity, words->count + 16, sizeof(hw_word)))
            return hw_fail_memory(err, (words->count + 16) * sizeof(hw_word));
        if (space && words->count > 0 &&
            (first.sort == CJK || words->items[words->count - 1].kind == HW_WORD_CJK))
            take_space(words, end, at);
        at = end = take_word(words, text, at, first);
        space = false;
    }
    return HW_OK;
}

void hw_words_free(hw_words *words) {
    hw_free(words->items);
    hw_free(words->normalized);
    *words = (hw_words){ 0 };
}

/* Little-endian on every machine; compilers make one load of it. */
static inline uint64_t load_32(const unsigned char *bytes) {
    return (uint64_t)bytes[0] | (uint64_t)bytes[1] << 8 | (uint64_t)bytes[2] << 16 |
           (uint64_t)bytes[3] << 24;
}

/* All of the last 0 to 7 bytes; with the length they are determined. */
static inline uint64_t load_rest(const unsigned char *bytes, size_t length) {
    if (length >= 4) return load_32(bytes) | load_32(bytes + length - 4) << 32;
    if (length == 0) return 0;
    return (uint64_t)bytes[0] | (uint64_t)bytes[length / 2] << 8 |
           (uint64_t)bytes[length - 1] << 16;
}

/* The length, then the bytes by eights, each mixed in by a bijection. */
uint64_t hw_hash_bytes(const void *bytes, size_t length) {
    const unsigned char *at = bytes;
    uint64_t hash = length * 0x9e3779b97f4a7c15u; /* 2^64 / golden ratio, odd */
    size_t rest = length;
    for (; rest > 8; rest -= 8, at += 8)
        hash = hw_mix64(hash ^ (load_32(at) | load_32(at + 4) << 32));
    if (rest == 8) return hw_mix64(hash ^ (load_32(at) | load_32(at + 4) << 32));
    return hw_mix64(hash ^ load_rest(at, rest));
}
