/* A growing string. Invariant: bytes[length] is 0 once anything was appended, and after
 * a failure the text is exactly what was appended before it. */
#include "base/text_buffer.h"

#include "base/memory.h"

#include <stdarg.h>
#include <stdio.h>

/* Room for `length` more bytes and the final 0. */
static bool reserve(hw_text_buffer *buffer, size_t length) {
    void *bytes = buffer->bytes;
    const bool fits = length < SIZE_MAX - buffer->length;
    if (buffer->failed || !fits ||
        !hw_grow(&bytes, &buffer->capacity, buffer->length + length + 1, 1)) {
        buffer->failed = true;
        return false;
    }
    buffer->bytes = bytes;
    return true;
}

void hw_text_append(hw_text_buffer *buffer, const char *bytes, size_t length) {
    if (!reserve(buffer, length)) return;

    if (length > 0) memcpy(buffer->bytes + buffer->length, bytes, length);
    buffer->length += length;
    buffer->bytes[buffer->length] = '\0';
}

void hw_text_printf(hw_text_buffer *buffer, const char *format, ...) {
    va_list arguments, again;
    va_start(arguments, format);
    va_copy(again, arguments);
    const int length = vsnprintf(NULL, 0, format, arguments);
    if (length < 0) buffer->failed = true;
    if (length >= 0 && reserve(buffer, (size_t)length)) {
        vsnprintf(buffer->bytes + buffer->length, (size_t)length + 1, format, again);
        buffer->length += (size_t)length;
    }
    va_end(again);
    va_end(arguments);
}

void hw_text_append_markdown(hw_text_buffer *buffer, const char *text) {
    for (const char *c = text; *c; c++) {
        const unsigned char byte = (unsigned char)*c;
        if (byte < 0x20 || byte == 0x7f)
            hw_text_append(buffer, " ", 1);
        else if (strchr("\\`*_{}[]<>()#+-.!|&", byte))
            hw_text_printf(buffer, "\\%c", byte);
        else
            hw_text_append(buffer, c, 1);
    }
}

const char *hw_html_entity(uint32_t code) {
    switch (code) {
    case '&':
        return "&amp;";
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    case '"':
        return "&quot;";
    case '\'':
        return "&#39;";
    default:
        return NULL;
    }
}

void hw_text_buffer_free(hw_text_buffer *buffer) {
    hw_free(buffer->bytes);
    *buffer = (hw_text_buffer){ 0 };
}
