/* Statuses and messages. Invariant: a message is one line that ends in a whole UTF-8
 * character, whatever a name from a file or a user brought into it. */
#include "base/error.h"

#include <stdarg.h>
#include <stdio.h>

const char *hw_version(void) {
    return HW_VERSION;
}

const char *hw_status_text(hw_status status) {
    switch (status) {
    case HW_OK:
        return "success";
#define X(name, text)     \
    case HW_ERROR_##name: \
        return text;
        HW_ERROR_LIST(X)
#undef X
    }
    return "unknown status";
}

/* A name may hold a line break or a terminal's escape sequence. */
static void replace_controls(char *message) {
    for (char *c = message; *c; c++) {
        const unsigned char byte = (unsigned char)*c;
        if (byte < 0x20 || byte == 0x7f) *c = '?';
    }
}

static bool is_continuation(char byte) {
    return ((unsigned char)byte & 0xc0) == 0x80;
}

/* message[length] was cut at a byte: drops the character that this cut in two. */
static void drop_cut_character(char *message, size_t length) {
    size_t start = length;
    while (start > 0 && is_continuation(message[start - 1])) start--;
    if (start == 0) return;

    const unsigned char lead = (unsigned char)message[start - 1];
    const size_t needed = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : lead >= 0xc0 ? 2 : 1;
    if (length - (start - 1) < needed) message[start - 1] = '\0';
}

hw_status hw_fail(hw_error *err, hw_status status, const char *format, ...) {
    if (!err) return status;

    va_list arguments;
    va_start(arguments, format);
    const int length = vsnprintf(err->message, sizeof err->message, format, arguments);
    va_end(arguments);

    err->status = status;
    if (length < 0) err->message[0] = '\0';
    if (length >= (int)sizeof err->message) {
        drop_cut_character(err->message, sizeof err->message - 1);
    }
    replace_controls(err->message);
    return status;
}

hw_status hw_fail_memory(hw_error *err, size_t bytes) {
    return hw_fail(err, HW_ERROR_MEMORY, "out of memory: %zu bytes", bytes);
}
