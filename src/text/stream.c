/* Raw bytes are read into one buffer, from which the decoder (none, zlib, libzstd) takes
 * them. Invariant: input[begin .. end) are read and not yet decoded, and no more is read
 * than is needed for the next decoded byte, so that a pipe can be answered line by line. */
#include "text/stream.h"

#include "base/file.h"
#include "base/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

enum { INPUT_BYTES = 1 << 16 };

typedef enum encoding { PLAIN, GZIP, ZSTD } encoding;

struct hw_stream {
    char *name;
    int fd; /* -1: memory */
    const unsigned char *memory;
    size_t memory_left;
    unsigned char *input; /* [INPUT_BYTES] */
    size_t begin, end;
    bool at_end; /* no more raw bytes */
    encoding coding;
    bool inside; /* a compressed frame has begun and not ended */
    bool failed;
    z_stream zlib;
    ZSTD_DStream *zstd;
};

static hw_status corrupt(hw_stream *stream, const char *what, hw_error *err) {
    stream->failed = true;
    return hw_fail(err, HW_ERROR_IO, "%s: bad compressed data: %s", stream->name, what);
}

/* Raw bytes as soon as there are any. */
static hw_status read_raw(hw_stream *stream, size_t *count, void *buffer, size_t capacity,
                          hw_error *err) {
    if (stream->fd < 0) {
        *count = capacity < stream->memory_left ? capacity : stream->memory_left;
        if (*count) memcpy(buffer, stream->memory, *count);
        stream->memory += *count;
        stream->memory_left -= *count;
    } else {
        const ptrdiff_t got = hw_io_read(stream->fd, buffer, capacity);
        if (got < 0) {
            stream->failed = true;
            return hw_fail(err, HW_ERROR_IO, "%s: %s", stream->name, strerror(errno));
        }
        *count = (size_t)got;
    }
    stream->at_end = *count == 0;
    return HW_OK;
}

/* Appends to input[begin .. end). */
static hw_status fill(hw_stream *stream, hw_error *err) {
    if (stream->begin == stream->end) stream->begin = stream->end = 0;
    size_t count = 0;
    HW_TRY(read_raw(stream, &count, stream->input + stream->end, INPUT_BYTES - stream->end, err));
    stream->end += count;
    return HW_OK;
}

static hw_status read_plain(hw_stream *stream, size_t *count, void *buffer, size_t capacity,
                            hw_error *err) {
    const size_t buffered = stream->end - stream->begin;
    if (buffered == 0) return read_raw(stream, count, buffer, capacity, err);
    *count = capacity < buffered ? capacity : buffered;
    memcpy(buffer, stream->input + stream->begin, *count);
    stream->begin += *count;
    return HW_OK;
}

/* One step of zlib; members that follow one another are one text (RFC 1952, 2.2). */
static hw_status step_gzip(hw_stream *stream, size_t *count, void *buffer, size_t capacity,
                           hw_error *err) {
    z_stream *zlib = &stream->zlib;
    zlib->next_in = stream->input + stream->begin;
    zlib->avail_in = (uInt)(stream->end - stream->begin);
    zlib->next_out = buffer;
    zlib->avail_out = (uInt)capacity;
    if (!stream->inside) inflateReset(zlib);
    const int result = inflate(zlib, Z_NO_FLUSH);
    if (result == Z_MEM_ERROR) {
        stream->failed = true;
        return hw_fail_memory(err, capacity);
    }
    if (result != Z_OK && result != Z_STREAM_END && result != Z_BUF_ERROR)
        return corrupt(stream, zlib->msg ? zlib->msg : "not gzip", err);
    stream->inside = result != Z_STREAM_END;
    stream->begin = stream->end - zlib->avail_in;
    *count = capacity - zlib->avail_out;
    return HW_OK;
}

static hw_status step_zstd(hw_stream *stream, size_t *count, void *buffer, size_t capacity,
                           hw_error *err) {
    ZSTD_inBuffer in = { stream->input + stream->begin, stream->end - stream->begin, 0 };
    ZSTD_outBuffer out = { buffer, capacity, 0 };
    const size_t result = ZSTD_decompressStream(stream->zstd, &out, &in);
    if (ZSTD_isError(result)) return corrupt(stream, ZSTD_getErrorName(result), err);
    stream->inside = result != 0;
    stream->begin += in.pos;
    *count = out.pos;
    return HW_OK;
}

/* A decoder may hold decoded bytes back although it has taken all raw ones: it is asked
 * first, and raw bytes are read only if it gives nothing. */
static hw_status read_compressed(hw_stream *stream, size_t *count, void *buffer, size_t capacity,
                                 hw_error *err) {
    for (;;) {
        *count = 0;
        if (stream->inside || stream->begin < stream->end)
            HW_TRY((stream->coding == GZIP ? step_gzip : step_zstd)(stream, count, buffer, capacity,
                                                                    err));
        if (*count > 0) return HW_OK;
        if (stream->begin < stream->end) continue;
        if (!stream->at_end) HW_TRY(fill(stream, err));
        if (stream->at_end) break;
    }
    return stream->inside ? corrupt(stream, "it ends too early", err) : HW_OK;
}

static void *allocate_for_zlib(voidpf context, uInt count, uInt bytes) {
    (void)context;
    return hw_calloc(count, bytes);
}

static void free_for_zlib(voidpf context, voidpf block) {
    (void)context;
    hw_free(block);
}

static hw_status start_decoder(hw_stream *stream, encoding coding, hw_error *err) {
    if (coding == GZIP) {
        stream->zlib.zalloc = allocate_for_zlib;
        stream->zlib.zfree = free_for_zlib;
        if (inflateInit2(&stream->zlib, 16 + MAX_WBITS) != Z_OK) /* 16: a gzip header */
            return hw_fail_memory(err, sizeof(z_stream));
    } else if (coding == ZSTD) {
        stream->zstd = ZSTD_createDStream();
        if (!stream->zstd) return hw_fail_memory(err, ZSTD_DStreamOutSize());
    }
    stream->coding = coding;
    return HW_OK;
}

typedef struct signature {
    const char *bytes;
    size_t length;
    encoding coding;
} signature;

/* Reads until it is sure which magic the bytes begin with, if any, and no further. */
static hw_status recognize(hw_stream *stream, encoding *coding, hw_error *err) {
    static const signature magics[] = { { "\x1F\x8B", 2, GZIP },           /* RFC 1952, 2.3.1 */
                                        { "\x28\xB5\x2F\xFD", 4, ZSTD } }; /* RFC 8878, 3.1.1 */
    *coding = PLAIN;
    HW_TRY(fill(stream, err));
    for (size_t i = 0; i < sizeof magics / sizeof *magics; ++i) {
        const signature *magic = &magics[i];
        while (stream->end < magic->length && !stream->at_end &&
               memcmp(stream->input, magic->bytes, stream->end) == 0)
            HW_TRY(fill(stream, err));
        if (stream->end >= magic->length && memcmp(stream->input, magic->bytes, magic->length) == 0)
            *coding = magic->coding;
    }
    return HW_OK;
}

/* Takes fd over. */
static hw_stream *open_stream(int fd, hw_text memory, const char *name, hw_error *err) {
    hw_stream *stream = hw_calloc(1, sizeof *stream);
    if (!stream) {
        if (fd > STDIN_FILENO) hw_io_close(fd);
        hw_fail_memory(err, sizeof *stream);
        return NULL;
    }
    stream->fd = fd;
    stream->memory = (const unsigned char *)memory.bytes;
    stream->memory_left = memory.length;
    stream->name = hw_strndup(name, strlen(name));
    stream->input = hw_malloc(INPUT_BYTES);
    encoding coding;
    if (!stream->name || !stream->input) {
        hw_fail_memory(err, INPUT_BYTES);
    } else if (recognize(stream, &coding, err) == HW_OK &&
               start_decoder(stream, coding, err) == HW_OK) {
        return stream;
    }
    hw_stream_close(stream);
    return NULL;
}

hw_stream *hw_stream_open(const char *path, hw_error *err) {
    const hw_text none = { NULL, 0 };
    if (strcmp(path, "-") == 0) return open_stream(STDIN_FILENO, none, "standard input", err);
    const int fd = hw_io_open(path, O_RDONLY | O_CLOEXEC, 0);
    if (fd < 0) {
        hw_fail(err, HW_ERROR_IO, "%s: %s", path, strerror(errno));
        return NULL;
    }
    return open_stream(fd, none, path, err);
}

hw_stream *hw_stream_open_memory(const void *data, size_t size, const char *name, hw_error *err) {
    return open_stream(-1, (hw_text){ data, size }, name, err);
}

void hw_stream_close(hw_stream *stream) {
    if (!stream) return;
    if (stream->fd > STDIN_FILENO) hw_io_close(stream->fd);
    if (stream->coding == GZIP) inflateEnd(&stream->zlib);
    ZSTD_freeDStream(stream->zstd);
    hw_free(stream->name);
    hw_free(stream->input);
    hw_free(stream);
}

hw_status hw_stream_read(hw_stream *stream, size_t *count, void *buffer, size_t capacity,
                         hw_error *err) {
    *count = 0;
    if (stream->failed)
        return hw_fail(err, HW_ERROR_IO, "%s: could not be read before", stream->name);
    return stream->coding == PLAIN ? read_plain(stream, count, buffer, capacity, err)
                                   : read_compressed(stream, count, buffer, capacity, err);
}

const char *hw_stream_name(const hw_stream *stream) {
    return stream->name;
}
