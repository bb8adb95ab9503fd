/* Writing safetensors. Invariant: what is written can be opened again, in strict mode unless it is
 * plain; the header is parsed once as the reader will parse it before a file is touched. */
#include "tensor/safetensors.h"

#include "base/checksum.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/text_buffer.h"
#include "tensor/safetensors_format.h"

#include <stdio.h>

typedef struct layout {
    bool is_plain;         /* neither checksums nor padding */
    hw_text_buffer header; /* length, JSON, blanks: all that stands before the tensors */
    hw_chunk *chunks;      /* [chunk_count]: the header, then tensors and padding */
    size_t chunk_count;
    size_t end; /* of what was laid out, counted from the first tensor */
} layout;

static bool starts_with(const char *string, const char *prefix) {
    return strncmp(string, prefix, strlen(prefix)) == 0;
}

static bool has_size_of_shape(const hw_tensor *tensor) {
    size_t bytes = hw_dtype_bytes(tensor->dtype);
    if (tensor->dims < 0 || tensor->dims > HW_TENSOR_DIMS) return false;
    for (int32_t i = 0; i < tensor->dims; i++) {
        if (!hw_mul_size(&bytes, bytes, tensor->shape[i])) return false;
    }
    return bytes == tensor->bytes;
}

static hw_status check_input(const char *path, const hw_tensor *tensors, size_t count,
                             const hw_metadata *metadata, size_t entries, hw_error *err) {
    if (count > HW_TENSORS_LIMIT) {
        return hw_fail(err, HW_ERROR_ARGUMENT, "%s: more than %d tensors", path, HW_TENSORS_LIMIT);
    }
    for (size_t i = 0; i < count; i++) {
        if (starts_with(tensors[i].name, HW_PADDING_PREFIX)) {
            return hw_fail(err, HW_ERROR_ARGUMENT, "%s: no tensor may be named %s", path,
                           tensors[i].name);
        }
        if (!has_size_of_shape(&tensors[i])) {
            return hw_fail(err, HW_ERROR_ARGUMENT, "%s: tensor %s: %zu bytes are not its shape's",
                           path, tensors[i].name, tensors[i].bytes);
        }
    }
    for (size_t i = 0; i < entries; i++) {
        if (!starts_with(metadata[i].key, HW_CHECKSUM_PREFIX)) continue;
        return hw_fail(err, HW_ERROR_ARGUMENT, "%s: no metadata may be named %s", path,
                       metadata[i].key);
    }
    return HW_OK;
}

static void append(hw_text_buffer *text, const char *string) {
    hw_text_append(text, string, strlen(string));
}

/* The inside of a JSON string (RFC 8259 section 7). */
static void append_escaped(hw_text_buffer *text, const char *string) {
    for (const char *start = string;; string++) {
        const unsigned char c = (unsigned char)*string;
        if (c >= 0x20 && c != '"' && c != '\\') continue;
        hw_text_append(text, start, (size_t)(string - start));
        if (c == '\0') return;
        hw_text_printf(text, "\\u%04x", c);
        start = string + 1;
    }
}

/* The start of the header, without the brace that closes the metadata. */
static void append_metadata(hw_text_buffer *text, bool is_plain, const hw_metadata *metadata,
                            size_t entries) {
    append(text, is_plain ? "{\"" HW_METADATA_KEY "\":{" : HW_HEADER_START "00000000\"");
    for (size_t i = 0; i < entries; i++) {
        append(text, is_plain && i == 0 ? "\"" : ",\"");
        append_escaped(text, metadata[i].key);
        append(text, "\":\"");
        append_escaped(text, metadata[i].value);
        append(text, "\"");
    }
}

static void append_checksums(hw_text_buffer *text, const hw_tensor *tensors, size_t count) {
    for (size_t i = 0; i < count; i++) {
        char digits[HW_CHECKSUM_DIGITS + 1];
        hw_checksum_digits(digits, hw_crc32c(0, tensors[i].data, tensors[i].bytes));
        append(text, ",\"" HW_CHECKSUM_PREFIX);
        append_escaped(text, tensors[i].name);
        hw_text_printf(text, "\":\"%s\"", digits);
    }
}

/* Places a tensor at the end, in the header and in the chunks. */
static void lay_out(layout *file, const hw_tensor *tensor) {
    append(&file->header, ",\"");
    append_escaped(&file->header, tensor->name);
    hw_text_printf(&file->header, "\":{\"dtype\":\"%s\",\"shape\":[", hw_dtype_name(tensor->dtype));
    for (int32_t i = 0; i < tensor->dims; i++) {
        hw_text_printf(&file->header, i > 0 ? ",%zu" : "%zu", tensor->shape[i]);
    }
    hw_text_printf(&file->header, "],\"data_offsets\":[%zu,%zu]}", file->end,
                   file->end + tensor->bytes);
    file->chunks[file->chunk_count++] = (hw_chunk){ tensor->data, tensor->bytes };
    file->end += tensor->bytes;
}

/* Fills up to a multiple of 64 with the number-th tensor of zeros. */
static void lay_out_padding(layout *file, size_t number) {
    static const unsigned char zeros[HW_TENSOR_ALIGNMENT];
    char name[32];
    snprintf(name, sizeof name, HW_PADDING_PREFIX "%zu", number);
    const size_t bytes = HW_TENSOR_ALIGNMENT - file->end % HW_TENSOR_ALIGNMENT;
    lay_out(file, &(hw_tensor){ .name = name,
                                .dtype = HW_U8,
                                .dims = 1,
                                .shape = { bytes, 1, 1, 1 },
                                .data = zeros,
                                .bytes = bytes });
}

static void lay_out_tensors(layout *file, const hw_tensor *tensors, size_t count) {
    size_t paddings = 0;
    for (size_t i = 0; i < count; i++) {
        if (!file->is_plain && file->end % HW_TENSOR_ALIGNMENT != 0)
            lay_out_padding(file, paddings++);
        lay_out(file, &tensors[i]);
    }
    append(&file->header, "}");
}

/* Blanks up to a multiple of 64, then the length and the checksum in their places. */
static void seal_header(hw_text_buffer *header, bool is_plain) {
    while (!header->failed && header->length % HW_TENSOR_ALIGNMENT != 0) append(header, " ");
    if (header->failed) return;

    const uint64_t length = header->length - HW_LENGTH_BYTES;
    memcpy(header->bytes, &length, sizeof length);
    if (is_plain) return;
    char digits[HW_CHECKSUM_DIGITS + 1];
    hw_header_checksum(digits, (const unsigned char *)header->bytes, header->length);
    memcpy(header->bytes + HW_LENGTH_BYTES + strlen(HW_HEADER_START), digits, HW_CHECKSUM_DIGITS);
}

/* Names that occur twice or are not UTF-8 are found here. */
static hw_status check_header(const hw_text_buffer *header, const char *path, hw_error *err) {
    const size_t length = header->length - HW_LENGTH_BYTES;
    if (length > HW_HEADER_LIMIT) {
        return hw_fail(err, HW_ERROR_ARGUMENT, "%s: a header of %zu bytes is larger than %d", path,
                       length, HW_HEADER_LIMIT);
    }
    json_error_t problem;
    json_t *parsed =
        json_loadb(header->bytes + HW_LENGTH_BYTES, length, JSON_REJECT_DUPLICATES, &problem);
    if (!parsed && hw_json_lacked_memory(&problem)) return hw_fail_memory(err, length);
    if (!parsed) {
        return hw_fail(err, HW_ERROR_ARGUMENT, "%s: a name or metadata: %s", path, problem.text);
    }
    json_decref(parsed);
    return HW_OK;
}

static hw_status save(const char *path, bool is_plain, const hw_tensor *tensors, size_t count,
                      const hw_metadata *metadata, size_t entries, hw_error *err) {
    HW_TRY(check_input(path, tensors, count, metadata, entries, err));
    layout file = { .is_plain = is_plain, .chunk_count = 1 };
    file.chunks = hw_calloc(1 + 2 * count, sizeof *file.chunks);
    if (!file.chunks) return hw_fail_memory(err, (1 + 2 * count) * sizeof *file.chunks);

    hw_text_append(&file.header, "\0\0\0\0\0\0\0", HW_LENGTH_BYTES);
    append_metadata(&file.header, is_plain, metadata, entries);
    if (!is_plain) append_checksums(&file.header, tensors, count);
    append(&file.header, "}");
    lay_out_tensors(&file, tensors, count);
    seal_header(&file.header, is_plain);

    hw_status status = file.header.failed ? hw_fail_memory(err, file.header.length)
                                          : check_header(&file.header, path, err);
    if (status == HW_OK) {
        file.chunks[0] = (hw_chunk){ file.header.bytes, file.header.length };
        status = hw_file_replace(path, file.chunks, file.chunk_count, err);
    }
    hw_text_buffer_free(&file.header);
    hw_free(file.chunks);
    return status;
}

hw_status hw_safetensors_save(const char *path, const hw_tensor *tensors, size_t count,
                              const hw_metadata *metadata, size_t entries, hw_error *err) {
    return save(path, false, tensors, count, metadata, entries, err);
}

hw_status hw_safetensors_save_plain(const char *path, const hw_tensor *tensors, size_t count,
                                    const hw_metadata *metadata, size_t entries, hw_error *err) {
    return save(path, true, tensors, count, metadata, entries, err);
}
