/* Plain lines, as soon as they arrive. */
#ifndef APP_LINES_H
#define APP_LINES_H

#include "records.h"

typedef struct line_source line_source;

/* path: a file, or "-" for standard input. Words that begin with label_prefix are left out
 * of the texts; NULL: none are. is_raw: a byte order mark and carriage returns are text. */
line_source *line_source_open(const char *path, const char *label_prefix, bool is_raw,
                              hw_error *err);
void line_source_close(line_source *source);

/* Waits for at least one whole line, then takes what is there, up to limit lines: nobody who
 * types a line waits for an answer. No line is left if batch->count is 0 afterwards. */
hw_status line_source_read(text_batch *batch, line_source *source, size_t limit, hw_error *err);

#endif
