/* The bytes of an input: a plain, gzip or zstd file (told apart by their first bytes, not
 * by name), standard input, or memory. Invariant: once the end or a failure was returned,
 * it is returned again. */
#ifndef HW_TEXT_STREAM_H
#define HW_TEXT_STREAM_H

#include "base/error.h"

typedef struct hw_stream hw_stream;

/* path: "-" is standard input, which stays open. */
hw_stream *hw_stream_open(const char *path, hw_error *err);
/* The bytes are borrowed; name is what messages call them. */
hw_stream *hw_stream_open_memory(const void *data, size_t size, const char *name, hw_error *err);
void hw_stream_close(hw_stream *stream);

/* Up to capacity >= 1 decompressed bytes as soon as there are any; *count is 0 at the end. */
hw_status hw_stream_read(hw_stream *stream, size_t *count, void *buffer, size_t capacity,
                         hw_error *err);
const char *hw_stream_name(const hw_stream *stream);

#endif
