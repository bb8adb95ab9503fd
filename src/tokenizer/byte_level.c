/* The splitting pattern by hand, alternative by alternative in its order. Invariant: what a code
 * point is was asked once, of `kind_of`. */
#include "tokenizer/byte_level.h"

#include "text/utf8.h"
#include "tokenizer/unicode_class.h"

#include <string.h>

typedef enum { KIND_OTHER, KIND_LETTER, KIND_NUMBER, KIND_SPACE } kind;

static bool is_visible(unsigned char byte) {
    return (byte >= '!' && byte <= '~') || (byte >= 0xA1 && byte != 0xAD);
}

uint32_t hw_byte_level_code(unsigned char byte) {
    if (is_visible(byte)) return byte;

    /* the rank of a byte among those that are not visible */
    const unsigned rank = byte <= ' ' ? byte : byte <= 0xA0 ? byte - 0x7Fu + 33 : 67;
    return 0x100 + rank;
}

size_t hw_byte_level_encode(char *character, unsigned char byte) {
    return hw_utf8_encode(character, hw_byte_level_code(byte));
}

static kind kind_of(uint32_t code) {
    if (hw_is_space(code)) return KIND_SPACE;
    const unsigned class = hw_unicode_class(code);
    if (class & HW_CLASS_LETTER) return KIND_LETTER;
    return class & HW_CLASS_NUMBER ? KIND_NUMBER : KIND_OTHER;
}

static kind kind_at(size_t *size, const char *bytes, size_t length) {
    const unsigned char byte = (unsigned char)bytes[0];
    if (byte >= 0x80) return kind_of(hw_utf8_decode(size, bytes, length));

    *size = 1;
    if ((byte | 0x20) >= 'a' && (byte | 0x20) <= 'z') return KIND_LETTER;
    if (byte >= '0' && byte <= '9') return KIND_NUMBER;
    return hw_is_space(byte) ? KIND_SPACE : KIND_OTHER;
}

/* The bytes from `at` on that are of one kind, up to where they end. */
static size_t skip_kind(const char *bytes, size_t length, size_t at, kind wanted) {
    for (size_t size; at < length; at += size)
        if (kind_at(&size, bytes + at, length - at) != wanted) break;
    return at;
}

/* 's 't 're 've 'm 'll 'd; 0 if there is none. */
static size_t contraction(const char *bytes, size_t length) {
    static const char endings[][3] = { "s", "t", "re", "ve", "m", "ll", "d" };
    if (bytes[0] != '\'') return 0;
    for (size_t i = 0; i < sizeof endings / sizeof *endings; ++i) {
        const size_t size = strlen(endings[i]);
        if (length > size && memcmp(bytes + 1, endings[i], size) == 0) return 1 + size;
    }
    return 0;
}

/* \s+(?!\S)|\s+: white space but for the last one if something follows that may want it. */
static size_t spaces(const char *bytes, size_t length) {
    size_t end = 0, last = 0;
    for (size_t size; end < length; end += size) {
        if (kind_at(&size, bytes + end, length - end) != KIND_SPACE) break;
        last = end;
    }
    return end < length && last > 0 ? last : end;
}

size_t hw_byte_level_split(const char *bytes, size_t length) {
    const size_t short_word = contraction(bytes, length);
    if (short_word) return short_word;

    const size_t start = bytes[0] == ' ' && length > 1 ? 1 : 0;
    size_t size;
    const kind found = kind_at(&size, bytes + start, length - start);
    if (found == KIND_SPACE) return spaces(bytes, length);
    return skip_kind(bytes, length, start + size, found);
}
