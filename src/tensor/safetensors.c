/* Reading safetensors. The file is judged from the outside in: its length, the header's
 * length, the header's checksum, its JSON, each tensor, how the tensors tile the data, and
 * at last their bytes.
 * Invariant: nothing is believed before it is checked; JSON is parsed only when its depth
 * and its number of values are bounded. */
#include "tensor/safetensors.h"

#include "base/checksum.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/text_buffer.h"
#include "tensor/safetensors_format.h"

#include <assert.h>
#include <stdlib.h>

_Static_assert(sizeof(size_t) >= sizeof(json_int_t), "sizes of the header fit size_t");
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "tensors are used in place");

struct hw_safetensors {
    hw_mapping mapping; /* empty if the bytes are the caller's */
    const char *name;   /* for messages, while opening */
    const unsigned char *bytes;
    size_t size;       /* of the file */
    size_t data_start; /* offset of the first tensor: length and header end there */
    bool strict;
    json_t *header;     /* names and metadata live in it */
    hw_tensor *tensors; /* [count], in the file's order */
    size_t count;
};

static hw_status read_header_length(hw_safetensors *file, hw_error *err) {
    if (file->size < HW_LENGTH_BYTES + 2) {
        return hw_fail(err, HW_ERROR_FORMAT, "%s: %zu bytes are no safetensors file", file->name,
                       file->size);
    }
    uint64_t length;
    memcpy(&length, file->bytes, sizeof length);
    if (length > file->size - HW_LENGTH_BYTES) {
        return hw_fail(err, HW_ERROR_FORMAT,
                       "%s: a header of %ju bytes does not fit a file of %zu bytes", file->name,
                       (uintmax_t)length, file->size);
    }
    if (length > HW_HEADER_LIMIT) {
        return hw_fail(err, HW_ERROR_UNSUPPORTED,
                       "%s: a header of %ju bytes is larger than the limit of %d", file->name,
                       (uintmax_t)length, HW_HEADER_LIMIT);
    }
    file->data_start = HW_LENGTH_BYTES + (size_t)length;
    if (length == 0 || file->bytes[HW_LENGTH_BYTES] != '{') {
        return hw_fail(err, HW_ERROR_FORMAT, "%s: no safetensors header", file->name);
    }
    return HW_OK;
}

static hw_status check_header_checksum(const hw_safetensors *file, hw_error *err) {
    const size_t length = strlen(HW_HEADER_START);
    const unsigned char *header = file->bytes + HW_LENGTH_BYTES;
    const bool is_ours = file->data_start >= HW_LENGTH_BYTES + length + HW_CHECKSUM_DIGITS &&
                         memcmp(header, HW_HEADER_START, length) == 0;
    if (!is_ours && !file->strict) return HW_OK;
    if (!is_ours) {
        return hw_fail(err, HW_ERROR_FORMAT, "%s: the header has no checksum: not a Headwise file",
                       file->name);
    }
    char digits[HW_CHECKSUM_DIGITS + 1];
    hw_header_checksum(digits, file->bytes, file->data_start);
    if (memcmp(header + length, digits, HW_CHECKSUM_DIGITS) != 0) {
        return hw_fail(err, HW_ERROR_FORMAT, "%s: the header is damaged (checksum)", file->name);
    }
    return HW_OK;
}

/* Bounds the memory and the recursion of a JSON parser before it runs: the deepest value
 * is a number of a shape, and a tensor has at most 16 values. */
static hw_status check_complexity(const hw_safetensors *file, hw_error *err) {
    enum { DEPTH_LIMIT = 3, VALUES_LIMIT = 2 * 16 * HW_TENSORS_LIMIT };
    size_t depth = 0, values = 0;
    bool in_string = false;
    for (size_t i = HW_LENGTH_BYTES; i < file->data_start; i++) {
        const unsigned char c = file->bytes[i];
        if (in_string && c == '\\') i++;
        if (c == '"') in_string = !in_string;
        if (in_string) continue;
        if (c == '{' || c == '[') depth++;
        if ((c == '}' || c == ']') && depth > 0) depth--;
        if (c == '{' || c == '[' || c == ',') values++;
        if (depth > DEPTH_LIMIT) {
            return hw_fail(err, HW_ERROR_FORMAT, "%s: byte %zu: the header nests too deep",
                           file->name, i);
        }
    }
    if (values > VALUES_LIMIT) {
        return hw_fail(err, HW_ERROR_UNSUPPORTED, "%s: the header has more than %d values",
                       file->name, VALUES_LIMIT);
    }
    return HW_OK;
}

static hw_status parse_header(hw_safetensors *file, hw_error *err) {
    json_error_t problem;
    file->header = json_loadb((const char *)file->bytes + HW_LENGTH_BYTES,
                              file->data_start - HW_LENGTH_BYTES, JSON_REJECT_DUPLICATES, &problem);
    if (file->header) return HW_OK;
    if (hw_json_lacked_memory(&problem)) return hw_fail_memory(err, file->data_start);
    return hw_fail(err, HW_ERROR_FORMAT, "%s: byte %d: %s", file->name,
                   problem.position + HW_LENGTH_BYTES, problem.text);
}

static hw_status check_metadata(const hw_safetensors *file, hw_error *err) {
    json_t *metadata = json_object_get(file->header, HW_METADATA_KEY);
    if (!metadata) return HW_OK;
    if (!json_is_object(metadata)) {
        return hw_fail(err, HW_ERROR_FORMAT, "%s: " HW_METADATA_KEY " is not an object",
                       file->name);
    }
    const char *key;
    json_t *value;
    json_object_foreach(metadata, key, value) {
        if (json_is_string(value)) continue;
        return hw_fail(err, HW_ERROR_FORMAT, "%s: metadata %s is not a string", file->name, key);
    }
    return HW_OK;
}

/* A number that counts something: an integer that is not negative. */
static bool read_size(size_t *size, const json_t *number) {
    if (!json_is_integer(number) || json_integer_value(number) < 0) return false;
    *size = (size_t)json_integer_value(number);
    return true;
}

static hw_status read_dtype(hw_tensor *tensor, const json_t *dtype, const hw_safetensors *file,
                            hw_error *err) {
    const char *text = json_string_value(dtype);
    if (!text) {
        return hw_fail(err, HW_ERROR_FORMAT, "%s: tensor %s: dtype is not a string", file->name,
                       tensor->name);
    }
    for (hw_dtype i = 0; i < HW_DTYPES; i++) {
        if (strcmp(text, hw_dtype_name(i)) != 0) continue;
        tensor->dtype = i;
        return HW_OK;
    }
    return hw_fail(err, HW_ERROR_UNSUPPORTED, "%s: tensor %s: unknown dtype %s", file->name,
                   tensor->name, text);
}

/* Shape, and the bytes that follow from it. */
static hw_status read_shape(hw_tensor *tensor, const json_t *shape, const hw_safetensors *file,
                            hw_error *err) {
    const size_t dims = json_array_size(shape);
    if (dims > HW_TENSOR_DIMS) {
        return hw_fail(err, HW_ERROR_UNSUPPORTED, "%s: tensor %s: more than %d dimensions",
                       file->name, tensor->name, HW_TENSOR_DIMS);
    }
    bool fits = json_is_array(shape);
    tensor->dims = (int32_t)dims;
    tensor->bytes = hw_dtype_bytes(tensor->dtype);
    for (size_t i = 0; i < HW_TENSOR_DIMS; i++) {
        tensor->shape[i] = 1;
        if (i < dims) fits = fits && read_size(&tensor->shape[i], json_array_get(shape, i));
        fits = fits && hw_mul_size(&tensor->bytes, tensor->bytes, tensor->shape[i]);
    }
    if (fits) return HW_OK;
    return hw_fail(err, HW_ERROR_FORMAT, "%s: tensor %s: impossible shape", file->name,
                   tensor->name);
}

static hw_status read_range(hw_tensor *tensor, const json_t *range, const hw_safetensors *file,
                            hw_error *err) {
    size_t begin, end;
    if (json_array_size(range) != 2 || !read_size(&begin, json_array_get(range, 0)) ||
        !read_size(&end, json_array_get(range, 1))) {
        return hw_fail(err, HW_ERROR_FORMAT, "%s: tensor %s: data_offsets are not two sizes",
                       file->name, tensor->name);
    }
    if (begin > end || end > file->size - file->data_start) {
        return hw_fail(err, HW_ERROR_FORMAT, "%s: tensor %s: bytes %zu to %zu are not in the file",
                       file->name, tensor->name, begin, end);
    }
    if (end - begin != tensor->bytes) {
        return hw_fail(err, HW_ERROR_FORMAT, "%s: tensor %s: %zu bytes, but its shape needs %zu",
                       file->name, tensor->name, end - begin, tensor->bytes);
    }
    tensor->data = file->bytes + file->data_start + begin;
    return HW_OK;
}

static hw_status read_tensor(hw_tensor *tensor, const json_t *entry, const hw_safetensors *file,
                             hw_error *err) {
    HW_TRY(read_dtype(tensor, json_object_get(entry, "dtype"), file, err));
    HW_TRY(read_shape(tensor, json_object_get(entry, "shape"), file, err));
    HW_TRY(read_range(tensor, json_object_get(entry, "data_offsets"), file, err));
    if (json_object_size(entry) == 3) return HW_OK;
    return hw_fail(err, HW_ERROR_FORMAT, "%s: tensor %s: unknown entries", file->name,
                   tensor->name);
}

static hw_status read_tensors(hw_safetensors *file, hw_error *err) {
    const size_t entries = json_object_size(file->header);
    if (entries == 0) return HW_OK;
    file->tensors = hw_calloc(entries, sizeof *file->tensors);
    if (!file->tensors) return hw_fail_memory(err, entries * sizeof *file->tensors);

    const char *name;
    json_t *entry;
    json_object_foreach(file->header, name, entry) {
        if (strcmp(name, HW_METADATA_KEY) == 0) continue;
        hw_tensor *tensor = &file->tensors[file->count++];
        tensor->name = name;
        HW_TRY(read_tensor(tensor, entry, file, err));
    }
    return HW_OK;
}

/* By place in the file; an empty tensor comes before the one that starts where it does. */
static int compare_places(const void *left, const void *right) {
    const hw_tensor *a = left, *b = right;
    const uintptr_t a_place = (uintptr_t)a->data, b_place = (uintptr_t)b->data;
    if (a_place != b_place) return a_place < b_place ? -1 : 1;
    if (a->bytes != b->bytes) return a->bytes < b->bytes ? -1 : 1;
    return strcmp(a->name, b->name);
}

static hw_status check_tiling(hw_safetensors *file, hw_error *err) {
    if (file->count > 0) {
        qsort(file->tensors, file->count, sizeof *file->tensors, compare_places);
    }
    const unsigned char *expected = file->bytes + file->data_start;
    for (size_t i = 0; i < file->count; i++) {
        const hw_tensor *tensor = &file->tensors[i];
        if (tensor->data != expected) {
            return hw_fail(err, HW_ERROR_FORMAT, "%s: tensor %s: a gap or an overlap before it",
                           file->name, tensor->name);
        }
        expected += tensor->bytes;
    }
    if (expected != file->bytes + file->size) {
        return hw_fail(err, HW_ERROR_FORMAT, "%s: %zu bytes after the last tensor", file->name,
                       (size_t)(file->bytes + file->size - expected));
    }
    return HW_OK;
}

static hw_status check_alignment(const hw_tensor *tensor, const hw_safetensors *file,
                                 hw_error *err) {
    const size_t place = (size_t)((const unsigned char *)tensor->data - file->bytes);
    const size_t unit = file->strict ? HW_TENSOR_ALIGNMENT : hw_dtype_bytes(tensor->dtype);
    if (place % unit == 0 || tensor->bytes == 0) return HW_OK;
    return hw_fail(err, HW_ERROR_UNSUPPORTED,
                   "%s: tensor %s: starts at byte %zu, no multiple of %zu", file->name,
                   tensor->name, place, unit);
}

static hw_status check_checksum(const hw_tensor *tensor, const hw_safetensors *file,
                                hw_error *err) {
    hw_text_buffer key = { 0 };
    hw_text_printf(&key, HW_CHECKSUM_PREFIX "%s", tensor->name);
    const bool failed = key.failed;
    const char *stored = failed ? NULL : hw_safetensors_metadata(file, key.bytes);
    hw_text_buffer_free(&key);

    if (failed) return hw_fail_memory(err, strlen(tensor->name));
    if (!stored && !file->strict) return HW_OK;
    if (!stored) {
        return hw_fail(err, HW_ERROR_FORMAT, "%s: tensor %s has no checksum", file->name,
                       tensor->name);
    }
    char digits[HW_CHECKSUM_DIGITS + 1];
    hw_checksum_digits(digits, hw_crc32c(0, tensor->data, tensor->bytes));
    if (strcmp(stored, digits) == 0) return HW_OK;
    return hw_fail(err, HW_ERROR_FORMAT, "%s: tensor %s is damaged (checksum)", file->name,
                   tensor->name);
}

static hw_status check_padding(const hw_tensor *tensor, const hw_safetensors *file, hw_error *err) {
    if (!file->strict) return HW_OK;

    const unsigned char *bytes = tensor->data;
    bool is_blank = tensor->bytes < HW_TENSOR_ALIGNMENT;
    for (size_t i = 0; i < tensor->bytes && is_blank; i++) is_blank = bytes[i] == 0;
    if (is_blank) return HW_OK;
    return hw_fail(err, HW_ERROR_FORMAT, "%s: tensor %s is not a short row of zeros", file->name,
                   tensor->name);
}

/* Checks the bytes of all tensors and keeps those that are not padding. */
static hw_status check_data(hw_safetensors *file, hw_error *err) {
    size_t kept = 0;
    for (size_t i = 0; i < file->count; i++) {
        const hw_tensor *tensor = &file->tensors[i];
        if (hw_is_padding(tensor)) {
            HW_TRY(check_padding(tensor, file, err));
            continue;
        }
        HW_TRY(check_alignment(tensor, file, err));
        HW_TRY(check_checksum(tensor, file, err));
        file->tensors[kept++] = *tensor;
    }
    file->count = kept;
    if (kept <= HW_TENSORS_LIMIT) return HW_OK;
    return hw_fail(err, HW_ERROR_UNSUPPORTED, "%s: more than %d tensors", file->name,
                   HW_TENSORS_LIMIT);
}

static hw_status open_bytes(hw_safetensors *file, hw_error *err) {
    HW_TRY(read_header_length(file, err));
    HW_TRY(check_header_checksum(file, err));
    HW_TRY(check_complexity(file, err));
    HW_TRY(parse_header(file, err));
    HW_TRY(check_metadata(file, err));
    HW_TRY(read_tensors(file, err));
    HW_TRY(check_tiling(file, err));
    return check_data(file, err);
}

hw_safetensors *hw_safetensors_parse(const void *data, size_t size, bool strict, const char *name,
                                     hw_error *err) {
    assert((uintptr_t)data % HW_TENSOR_ALIGNMENT == 0);
    hw_safetensors *file = hw_calloc(1, sizeof *file);
    if (!file) {
        hw_fail_memory(err, sizeof *file);
        return NULL;
    }
    file->name = name;
    file->bytes = data;
    file->size = size;
    file->strict = strict;
    if (open_bytes(file, err) != HW_OK) {
        hw_safetensors_close(file);
        return NULL;
    }
    file->name = NULL; /* the caller's, and it may be gone soon */
    return file;
}

hw_safetensors *hw_safetensors_open(const char *path, bool strict, hw_error *err) {
    hw_mapping mapping;
    if (hw_file_map(&mapping, path, PTRDIFF_MAX, err) != HW_OK) return NULL;

    hw_safetensors *file = hw_safetensors_parse(mapping.data, mapping.size, strict, path, err);
    if (file) file->mapping = mapping;
    if (!file) hw_file_unmap(&mapping);
    return file;
}

void hw_safetensors_close(hw_safetensors *file) {
    if (!file) return;
    json_decref(file->header);
    hw_free(file->tensors);
    hw_file_unmap(&file->mapping);
    hw_free(file);
}

void hw_safetensors_release(const hw_safetensors *file) {
    hw_file_release(&file->mapping);
}

size_t hw_safetensors_count(const hw_safetensors *file) {
    return file->count;
}

const hw_tensor *hw_safetensors_at(const hw_safetensors *file, size_t i) {
    return i < file->count ? &file->tensors[i] : NULL;
}

const hw_tensor *hw_safetensors_find(const hw_safetensors *file, const char *name) {
    for (size_t i = 0; i < file->count; i++) {
        if (strcmp(file->tensors[i].name, name) == 0) return &file->tensors[i];
    }
    return NULL;
}

const char *hw_safetensors_metadata(const hw_safetensors *file, const char *key) {
    const json_t *metadata = json_object_get(file->header, HW_METADATA_KEY);
    return json_string_value(json_object_get(metadata, key));
}

size_t hw_safetensors_bytes(const hw_safetensors *file) {
    return file->size;
}
