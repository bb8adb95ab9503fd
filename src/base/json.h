/* What jansson does not do itself: canonical text of a value in our own memory, telling lack of
 * memory from bad JSON, and bounding what a document may cost before it is parsed. */
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

/* The same for people to read: indented, keys in their order, reals with 15 digits, a newline at
 * the end. */
hw_status hw_json_append_indented(hw_text_buffer *text, json_t *value, hw_error *err);

/* Sets the members of `more`, whose reference is taken. HW_ERROR_MEMORY is the only failure, also
 * of a NULL. */
hw_status hw_json_update(json_t *object, json_t *more, hw_error *err);
/* A list of reals. NULL if memory is short. */
json_t *hw_json_numbers(const double *numbers, size_t count);

/* Parses a whole document that nests at most 64 deep and has at most 2^20 values, without duplicate
 * keys. flags: more of jansson's, such as JSON_DECODE_INT_AS_REAL. name is for messages, which add
 * the line. A new reference, or NULL. */
json_t *hw_json_parse(const char *text, size_t length, size_t flags, const char *name,
                      hw_error *err);

#endif
