/* A growing string. Invariant: bytes[length] is 0 once anything was appended. A failed
 * append sets `failed` and leaves the text as it was: check it once, at the end. */
#ifndef HW_BASE_TEXT_BUFFER_H
#define HW_BASE_TEXT_BUFFER_H

#include "base/error.h"

typedef struct hw_text_buffer {
    char *bytes;
    size_t length, capacity;
    bool failed;
} hw_text_buffer;

void hw_text_append(hw_text_buffer *buffer, const char *bytes, size_t length);
void hw_text_printf(hw_text_buffer *buffer, const char *format, ...) HW_PRINTF(2, 3);
/* Text as plain words of Markdown: nothing in it is markup or ends a line. */
void hw_text_append_markdown(hw_text_buffer *buffer, const char *text);
/* What stands for a character in HTML, in quoted attributes too; NULL: itself. */
const char *hw_html_entity(uint32_t code);
void hw_text_buffer_free(hw_text_buffer *buffer);

#endif
