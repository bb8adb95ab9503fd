/* The fields of a line of tab-separated values or of a CSV record (RFC 4180), and the
 * columns of a header. Invariant: a CSV record's quotes are checked before it is split. */
#ifndef HW_TEXT_FIELDS_H
#define HW_TEXT_FIELDS_H

#include "base/error.h"

/* Reused; zero-initialise. Fields live as long as the line they were cut from. */
typedef struct hw_fields {
    hw_text *items; /* [count] */
    size_t count, capacity;
    char *unquoted; /* [unquoted_capacity] the fields in which "" stands for a quote */
    size_t unquoted_capacity;
} hw_fields;

void hw_fields_free(hw_fields *fields);

hw_status hw_fields_split_tabs(hw_fields *fields, hw_text line, hw_error *err);

/* How far a CSV record was read. Zero-initialise; a record may go on over line breaks
 * inside quotes, but only if no quote stands in an unquoted field: then whether a line
 * is inside quotes is the parity of its quotes, and giving up a record that is never
 * closed costs each line at most one more reading. */
typedef struct hw_csv_scan {
    size_t position; /* bytes of the record that were read */
    enum { HW_CSV_FIELD_START, HW_CSV_PLAIN, HW_CSV_QUOTED, HW_CSV_QUOTE_SEEN } state;
    bool stray; /* a quote stands in an unquoted field */
} hw_csv_scan;

typedef enum hw_csv_end {
    HW_CSV_COMPLETE,
    HW_CSV_OPEN,   /* goes on in the next line */
    HW_CSV_BROKEN, /* text after a closing quote */
    HW_CSV_UNCLOSED
} hw_csv_end;

/* Reads the rest of the record, of which one more line is there. */
hw_csv_end hw_csv_scan_line(hw_csv_scan *scan, hw_text record);
/* The record is complete. */
hw_status hw_fields_split_csv(hw_fields *fields, hw_text record, hw_error *err);

enum { HW_NO_COLUMN = -1 };
/* The first field with one of the names (case of ASCII letters ignored), which end with
 * NULL; or HW_NO_COLUMN. */
ptrdiff_t hw_fields_find(const hw_fields *fields, const char *const *names);

#endif
