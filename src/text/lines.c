/* Invariant: bytes[begin .. end) are buffered, where `begin` is the start of the line
 * given last; bytes before `begin` are given up as soon as more are read, so bytes are
 * moved at most once a line. */
#include "text/lines.h"

#include "base/memory.h"

#include <inttypes.h>

enum { CHUNK_BYTES = 1 << 16 };

/* A file without line breaks for so long is no text (/dev/zero, say). */
static const uint64_t SKIP_LIMIT = UINT64_C(1) << 32;

struct hw_lines {
    hw_stream *stream;
    char *bytes;
    size_t capacity;
    size_t begin, next, end; /* bytes[next] starts the line after the one given last */
    size_t first, number;    /* of the line at `begin`, of the last one before `next` */
    bool skipping;           /* the rest of a line that is too long precedes the next one */
    bool at_end;
};

/* Reads more bytes behind `end`; everything in [begin, end) may move to the front. */
static hw_status fill(hw_lines *lines, hw_error *err) {
    if (lines->begin > 0) {
        memmove(lines->bytes, lines->bytes + lines->begin, lines->end - lines->begin);
        lines->next -= lines->begin;
        lines->end -= lines->begin;
        lines->begin = 0;
    }
    if (lines->end == lines->capacity &&
        !hw_grow((void **)&lines->bytes, &lines->capacity, lines->end + CHUNK_BYTES, 1))
        return hw_fail_memory(err, lines->end + CHUNK_BYTES);
    size_t count;
    HW_TRY(hw_stream_read(lines->stream, &count, lines->bytes + lines->end,
                          lines->capacity - lines->end, err));
    lines->end += count;
    lines->at_end = count == 0;
    return HW_OK;
}

static bool starts_with(const hw_lines *lines, const char *mark, size_t length) {
    return lines->end >= length && memcmp(lines->bytes, mark, length) == 0;
}

/* Reads no further than is needed to see whether there is a mark. */
static hw_status drop_byte_order_mark(hw_lines *lines, hw_error *err) {
    static const char mark[3] = { '\xEF', '\xBB', '\xBF' };
    do {
        HW_TRY(fill(lines, err));
    } while (!lines->at_end && lines->end < sizeof mark &&
             memcmp(lines->bytes, mark, lines->end) == 0);
    if (starts_with(lines, "\xFF\xFE", 2) || starts_with(lines, "\xFE\xFF", 2))
        return hw_fail(err, HW_ERROR_UNSUPPORTED, "%s: UTF-16; only UTF-8 is read",
                       hw_stream_name(lines->stream));
    if (starts_with(lines, mark, sizeof mark)) lines->begin = lines->next = sizeof mark;
    return HW_OK;
}

hw_lines *hw_lines_new(hw_stream *stream, hw_error *err) {
    if (!stream) return NULL;
    hw_lines *lines = hw_calloc(1, sizeof *lines);
    if (!lines) {
        hw_fail_memory(err, sizeof *lines);
        hw_stream_close(stream);
        return NULL;
    }
    lines->stream = stream;
    if (drop_byte_order_mark(lines, err) == HW_OK) return lines;
    hw_lines_free(lines);
    return NULL;
}

void hw_lines_free(hw_lines *lines) {
    if (!lines) return;
    hw_stream_close(lines->stream);
    hw_free(lines->bytes);
    hw_free(lines);
}

static hw_status skip_rest(hw_lines *lines, hw_error *err) {
    for (uint64_t skipped = 0; skipped < SKIP_LIMIT;) {
        const char *rest = lines->bytes + lines->next;
        const char *newline = memchr(rest, '\n', lines->end - lines->next);
        if (newline) lines->next += (size_t)(newline - rest) + 1;
        if (newline || lines->at_end) {
            lines->skipping = false;
            return HW_OK;
        }
        skipped += lines->end - lines->next;
        lines->begin = lines->next = lines->end = 0;
        HW_TRY(fill(lines, err));
    }
    return hw_fail(err, HW_ERROR_UNSUPPORTED, "%s:%zu: no line break in %" PRIu64 " bytes",
                   hw_stream_name(lines->stream), lines->number, SKIP_LIMIT);
}

/* The line that begins at bytes[begin] and goes on behind `next`: its length, and that with
 * its line break. One that is too long is cut off where the buffered bytes end. */
static hw_status find_break(hw_lines *lines, size_t *length, size_t *whole, hw_error *err) {
    for (size_t scanned = lines->next - lines->begin;;) {
        const char *start = lines->bytes + lines->begin;
        const size_t buffered = lines->end - lines->begin;
        const char *newline = memchr(start + scanned, '\n', buffered - scanned);
        *length = newline ? (size_t)(newline - start) : buffered;
        *whole = newline ? *length + 1 : *length;
        lines->skipping = !newline && buffered > HW_LINE_LIMIT;
        if (newline || lines->skipping || lines->at_end) return HW_OK;
        scanned = buffered;
        HW_TRY(fill(lines, err));
    }
}

static hw_status take_line(hw_lines *lines, hw_line *line, bool *more, hw_error *err) {
    size_t length, whole;
    HW_TRY(find_break(lines, &length, &whole, err));
    *more = lines->begin + whole > lines->next;
    if (!*more) return HW_OK;

    const char *start = lines->bytes + lines->begin;
    lines->next = lines->begin + whole;
    ++lines->number;
    line->number = lines->first;
    line->too_long = length > HW_LINE_LIMIT;
    if (line->too_long) length = HW_LINE_LIMIT;
    if (length > 0 && start[length - 1] == '\r') --length;
    line->text = (hw_text){ start, length };
    return HW_OK;
}

hw_status hw_lines_next(hw_lines *lines, hw_line *line, bool *more, hw_error *err) {
    if (lines->skipping) HW_TRY(skip_rest(lines, err));
    lines->begin = lines->next;
    lines->first = lines->number + 1;
    return take_line(lines, line, more, err);
}

hw_status hw_lines_join(hw_lines *lines, hw_line *line, bool *more, hw_error *err) {
    *more = false;
    return lines->skipping ? HW_OK : take_line(lines, line, more, err);
}

size_t hw_lines_rewind(hw_lines *lines) {
    lines->next = lines->begin;
    lines->number = lines->first - 1;
    lines->skipping = false;
    return lines->number;
}
