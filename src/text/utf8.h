/* UTF-8, one code point at a time. Invariant: whatever the bytes are, a call takes at
 * least one of them and looks at no byte past the length. */
#ifndef HW_TEXT_UTF8_H
#define HW_TEXT_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    HW_UTF8_REPLACEMENT = 0xFFFD,
    HW_UTF8_MAX = 4 /* bytes of the longest code point */
};

/* The code point at bytes[0 .. length), length >= 1, and the bytes it takes. A start that
 * goes on wrongly (overlong, surrogate, truncated) is one U+FFFD (Unicode 15.0 §3.9:
 * substitution of maximal subparts). */
uint32_t hw_utf8_decode(size_t *size, const char *bytes, size_t length);

/* The same for bytes that are known to be valid UTF-8. */
static inline uint32_t hw_utf8_next(size_t *size, const char *bytes) {
    const unsigned char *b = (const unsigned char *)bytes;
    const uint32_t lead = b[0];
    if (lead < 0x80) return *size = 1, lead;
    if (lead < 0xE0) return *size = 2, (lead & 0x1F) << 6 | (b[1] & 0x3Fu);
    const uint32_t next = (b[1] & 0x3Fu) << 6 | (b[2] & 0x3Fu);
    if (lead < 0xF0) return *size = 3, (lead & 0xF) << 12 | next;
    return *size = 4, (lead & 7) << 18 | next << 6 | (b[3] & 0x3Fu);
}

/* Writes up to HW_UTF8_MAX bytes; returns how many. code is a valid code point. */
size_t hw_utf8_encode(char *bytes, uint32_t code);

bool hw_utf8_is_valid(const char *bytes, size_t length);

#endif
