/* JSON output. Invariant: what is printed is valid JSON whatever the input was. */
#include "json_text.h"

#include "base/error.h"
#include "base/memory.h"
#include "base/text_buffer.h"

#include <math.h>
#include <stdio.h>

static bool allocation_failed;

static void *allocate(size_t bytes) {
    void *block = hw_malloc(bytes);
    if (!block) allocation_failed = true;
    return block;
}

void json_start(void) {
    json_set_alloc_funcs(allocate, hw_free);
}

/* Bytes of the valid sequence at text, 0 if it is not one (Unicode Standard, table 3-7). */
static size_t sequence_length(const unsigned char *text, size_t left) {
    const unsigned char first = text[0];
    if (first < 0x80) return 1;
    const size_t length = first < 0xc2   ? 0
                          : first < 0xe0 ? 2
                          : first < 0xf0 ? 3
                          : first < 0xf5 ? 4
                                         : 0;
    if (length == 0 || length > left) return 0;
    const unsigned char low = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80;
    const unsigned char high = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf;
    if (text[1] < low || text[1] > high) return 0;
    for (size_t i = 2; i < length; i++)
        if ((text[i] & 0xc0) != 0x80) return 0;
    return length;
}

json_t *json_text(hw_text text) {
    hw_text_buffer clean = { 0 };
    size_t kept = 0; /* text[kept .. i) is valid and not yet in clean */
    for (size_t i = 0; i < text.length;) {
        const size_t length =
            sequence_length((const unsigned char *)text.bytes + i, text.length - i);
        if (length) {
            i += length;
            continue;
        }
        hw_text_append(&clean, text.bytes + kept, i - kept);
        hw_text_append(&clean, "\xef\xbf\xbd", 3);
        kept = ++i;
    }
    if (kept) hw_text_append(&clean, text.bytes + kept, text.length - kept);
    json_t *string = clean.failed ? NULL
                     : kept       ? json_stringn(clean.bytes, clean.length)
                                  : json_stringn(text.bytes, text.length);
    hw_text_buffer_free(&clean);
    return string;
}

json_t *json_number(double number) {
    return isfinite(number) ? json_real(number) : json_null();
}

hw_status json_print_line(json_t *object, hw_error *err) {
    if (!object || allocation_failed) {
        json_decref(object);
        return hw_fail(err, HW_ERROR_MEMORY, "out of memory while printing JSON");
    }
    json_dumpf(object, stdout, JSON_COMPACT | JSON_REAL_PRECISION(9));
    putchar('\n');
    json_decref(object);
    return HW_OK;
}
