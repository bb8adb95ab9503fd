/* Reads lines by the system's own read, so that nothing is held back by a buffer. Invariant:
 * buffer[0 .. used) is what was read and not yet given out, and has no newline before
 * `scanned`. A line is cut after LINE_LIMIT bytes; the rest of it is dropped. */
#include "lines.h"

#include "console.h"

#include "base/file.h"
#include "base/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

enum { READ_BYTES = 1 << 18, LINE_LIMIT = 16 << 20 };

struct line_source {
    int fd;
    const char *name, *label_prefix;
    char *buffer; /* [capacity] */
    size_t used, scanned, capacity;
    size_t line;
    bool at_end, is_dropping, is_raw;
};

line_source *line_source_open(const char *path, const char *label_prefix, bool is_raw,
                              hw_error *err) {
    const bool is_stdin = strcmp(path, "-") == 0;
    const int fd = is_stdin ? STDIN_FILENO : hw_io_open(path, O_RDONLY | O_CLOEXEC, 0);
    if (fd < 0) {
        hw_fail(err, HW_ERROR_IO, "%.400s: %s", path, strerror(errno));
        return NULL;
    }
    line_source *source = hw_calloc(1, sizeof *source);
    if (!source) {
        hw_fail_memory(err, sizeof *source);
        if (!is_stdin) hw_io_close(fd);
        return NULL;
    }
    source->fd = fd;
    source->name = is_stdin ? "standard input" : path;
    source->label_prefix = label_prefix;
    source->is_raw = is_raw;
    return source;
}

void line_source_close(line_source *source) {
    if (!source) return;
    if (source->fd != STDIN_FILENO) hw_io_close(source->fd);
    hw_free(source->buffer);
    hw_free(source);
}

/* Drops the rest of a line that was cut, up to its newline. */
static void drop_rest(line_source *source) {
    const char *newline = memchr(source->buffer, '\n', source->used);
    const size_t dropped = newline ? (size_t)(newline - source->buffer) + 1 : source->used;
    source->used -= dropped;
    memmove(source->buffer, source->buffer + dropped, source->used);
    source->is_dropping = !newline;
}

static hw_status fill(line_source *source, hw_error *err) {
    void *buffer = source->buffer;
    if (!hw_grow(&buffer, &source->capacity, source->used + READ_BYTES, 1))
        return hw_fail_memory(err, source->used + READ_BYTES);
    source->buffer = buffer;
    const ptrdiff_t bytes = hw_io_read(source->fd, source->buffer + source->used, READ_BYTES);
    if (bytes < 0) return hw_fail(err, HW_ERROR_IO, "%.400s: %s", source->name, strerror(errno));
    source->at_end = bytes == 0;
    source->used += (size_t)bytes;
    if (source->is_dropping) drop_rest(source);
    return HW_OK;
}

static hw_status add_line(text_batch *batch, line_source *source, char *text, size_t length,
                          hw_error *err) {
    if (!source->is_raw) {
        const bool has_mark =
            source->line == 0 && length >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0;
        if (has_mark) text += 3, length -= 3;
        if (length && text[length - 1] == '\r') length--;
    }
    if (source->label_prefix) length = text_without_labels(text, length, source->label_prefix);
    return batch_add(batch, (hw_text){ text, length }, ++source->line, err);
}

/* Moves the whole lines that are in the buffer to the batch. */
static hw_status take_lines(text_batch *batch, line_source *source, size_t limit, hw_error *err) {
    size_t start = 0;
    while (batch->count < limit) {
        const size_t from = start > source->scanned ? start : source->scanned;
        char *newline = memchr(source->buffer + from, '\n', source->used - from);
        source->scanned = newline ? 0 : source->used - start;
        if (!newline) break;
        char *line = source->buffer + start;
        HW_TRY(add_line(batch, source, line, (size_t)(newline - line), err));
        start = (size_t)(newline - source->buffer) + 1;
    }
    source->used -= start;
    if (start) memmove(source->buffer, source->buffer + start, source->used);
    return HW_OK;
}

/* What is in the buffer is a line although no newline ends it. */
static hw_status take_rest(text_batch *batch, line_source *source, hw_error *err) {
    const size_t length = source->used;
    source->used = source->scanned = 0;
    return length ? add_line(batch, source, source->buffer, length, err) : HW_OK;
}

hw_status line_source_read(text_batch *batch, line_source *source, size_t limit, hw_error *err) {
    batch_clear(batch);
    if (source->used) HW_TRY(take_lines(batch, source, limit, err));
    while (batch->count == 0 && !source->at_end) {
        HW_TRY(fill(source, err));
        if (source->used) HW_TRY(take_lines(batch, source, limit, err));
        if (batch->count == 0 && source->used >= LINE_LIMIT) {
            console_note("%s:%zu: the line is cut after 16 MiB", source->name, source->line + 1);
            HW_TRY(take_rest(batch, source, err));
            source->is_dropping = true;
        }
    }
    if (batch->count == 0 && source->at_end) HW_TRY(take_rest(batch, source, err));
    return batch_seal(batch, err);
}
