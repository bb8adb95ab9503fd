/* The lines of a stream, without their line breaks (LF or CRLF) and without a byte order
 * mark at the start. Invariant: a line is at most HW_LINE_LIMIT bytes, and the work is
 * linear in the bytes read whatever they are. */
#ifndef HW_TEXT_LINES_H
#define HW_TEXT_LINES_H

#include "text/stream.h"

enum { HW_LINE_LIMIT = 1 << 24 };

typedef struct hw_line {
    hw_text text;  /* lives until the next call */
    size_t number; /* counted from 1 */
    bool too_long; /* text is the start only */
} hw_line;

typedef struct hw_lines hw_lines;

/* Takes the stream over (and closes it on failure); NULL passes a failure to open on. */
hw_lines *hw_lines_new(hw_stream *stream, hw_error *err);
void hw_lines_free(hw_lines *lines);

/* *more is false, and *line untouched, after the last line. */
hw_status hw_lines_next(hw_lines *lines, hw_line *line, bool *more, hw_error *err);
/* Extends the line by the one after it, with the break between them. */
hw_status hw_lines_join(hw_lines *lines, hw_line *line, bool *more, hw_error *err);
/* Goes back, so that the next call of hw_lines_next gives the same first line again.
 * Returns how many lines are before it. */
size_t hw_lines_rewind(hw_lines *lines);

#endif
