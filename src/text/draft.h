/* A record while a parser makes it. Invariant: every label in it is 1 to HW_LABEL_BYTES
 * bytes of valid UTF-8 without control characters; messages begin with "file:line: ". */
#ifndef HW_TEXT_DRAFT_H
#define HW_TEXT_DRAFT_H

#include "base/error.h"

enum { HW_LABEL_BYTES = 256 };

/* Zero-initialise; texts and label names are borrowed from whoever parsed them. */
typedef struct hw_draft {
    const char *file;
    size_t line;
    hw_text text;
    hw_text *labels; /* [label_count] */
    size_t label_count, label_capacity;
    double weight;
    char *bytes; /* [byte_capacity] for a text that does not stand in the line as it is */
    size_t byte_capacity;
} hw_draft;

void hw_draft_begin(hw_draft *draft, size_t line);
void hw_draft_free(hw_draft *draft);

hw_status hw_draft_add_label(hw_draft *draft, hw_text name, hw_error *err);
/* Labels joined by `|`, each with or without blanks around it. */
hw_status hw_draft_add_joined_labels(hw_draft *draft, hw_text names, hw_error *err);

/* Makes room for at least `length` bytes; what was there is lost. */
hw_status hw_draft_reserve(hw_draft *draft, size_t length, hw_error *err);

/* HW_ERROR_FORMAT at the draft's place. */
hw_status hw_draft_fail(const hw_draft *draft, hw_error *err, const char *format, ...)
    HW_PRINTF(3, 4);

static inline bool hw_is_blank(char byte) {
    return byte == ' ' || (byte >= '\t' && byte <= '\r') || byte == '\0';
}
/* Without the blanks at both ends. */
hw_text hw_trim(hw_text text);

#endif
