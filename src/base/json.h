/* What jansson does not do itself: canonical text of a value in our own memory, and telling
 * lack of memory from bad JSON. */
#ifndef HW_BASE_JSON_H
#define HW_BASE_JSON_H

#include "base/text_buffer.h"

#include <jansson.h>

/* Appends the value: compact, keys sorted, reals with 17 digits, so that equal values are
 * equal bytes. Takes the reference; NULL stands for a value that memory was too short for.
 * HW_ERROR_MEMORY is the only failure. */
hw_status hw_json_append(hw_text_buffer *text, json_t *value, hw_error *err);

/* True if it was for want of memory that JSON could not be read: some of jansson's checks
 * for that say nothing. */
static inline bool hw_json_lacked_memory(const json_error_t *problem) {
    return json_error_code(problem) == json_error_out_of_memory || !problem->text[0];
}

#endif
