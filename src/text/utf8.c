/* UTF-8 after the table of well-formed byte sequences (Unicode 15.0, table 3-7): the
 * second byte's range alone excludes overlong forms, surrogates and what lies past
 * U+10FFFF. */
#include "text/utf8.h"

#include <string.h>

uint32_t hw_utf8_decode(size_t *size, const char *bytes, size_t length) {
    const unsigned char lead = (unsigned char)bytes[0];
    *size = 1;
    if (lead < 0x80) return lead;
    if (lead < 0xC2 || lead > 0xF4) return HW_UTF8_REPLACEMENT;

    const size_t whole = lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
    unsigned low = lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80;
    unsigned high = lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF;
    uint32_t code = lead & (0x7Fu >> whole);
    for (size_t i = 1; i < whole; ++i) {
        if (i == length) return HW_UTF8_REPLACEMENT;
        const unsigned char byte = (unsigned char)bytes[i];
        if (byte < low || byte > high) return HW_UTF8_REPLACEMENT;
        code = code << 6 | (byte & 0x3Fu);
        low = 0x80;
        high = 0xBF;
        *size = i + 1;
    }
    return code;
}

size_t hw_utf8_encode(char *bytes, uint32_t code) {
    if (code < 0x80) {
        bytes[0] = (char)code;
        return 1;
    }
    const size_t size = code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    for (size_t i = size - 1; i > 0; --i) {
        bytes[i] = (char)(0x80 | (code & 0x3F));
        code >>= 6;
    }
    bytes[0] = (char)((0xF00u >> size & 0xF0) | code);
    return size;
}

static bool is_replacement_itself(const char *bytes, size_t size) {
    return size == 3 && memcmp(bytes, "\xEF\xBF\xBD", 3) == 0;
}

bool hw_utf8_is_valid(const char *bytes, size_t length) {
    for (size_t at = 0, size; at < length; at += size) {
        const uint32_t code = hw_utf8_decode(&size, bytes + at, length - at);
        if (code == HW_UTF8_REPLACEMENT && !is_replacement_itself(bytes + at, size)) return false;
    }
    return true;
}
