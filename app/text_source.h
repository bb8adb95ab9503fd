/* The texts that a command reads: plain lines as they arrive, or the records of a data file. */
#ifndef APP_TEXT_SOURCE_H
#define APP_TEXT_SOURCE_H

#include "lines.h"

typedef struct text_source {
    const hw_classifier *classifier;
    line_source *lines; /* one of the two is NULL */
    hw_reader *reader;
    const char *label_prefix; /* of words to leave out; NULL: none */
    size_t bad_records;
} text_source;

/* By the options that say how data is read. */
bool text_source_open(text_source *source, const hw_classifier *classifier, const arguments *args,
                      const char *path, hw_error *err);
void text_source_close(text_source *source);

/* Up to limit texts; none is left if batch->count is 0 afterwards. */
hw_status text_source_read(text_batch *batch, text_source *source, size_t limit, hw_error *err);

#endif
