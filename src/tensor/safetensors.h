/* The safetensors file format: 8 bytes of header length (little-endian), a JSON header
 * that names each tensor's dtype, shape and byte range, then the bytes. Ours also keep
 * a CRC-32C of every tensor and of the header in __metadata__, and each tensor starts at
 * a multiple of 64 bytes of the file; what fills the holes between them are tensors of
 * zeros named "padding.<n>", which the calls below hide (see docs/model-file.md).
 * Invariant: after a successful open every view lies inside the mapping, offsets are
 * sorted without gap or overlap up to the file's end, and no allocation was made whose
 * size came from the file before that size was checked. */
#ifndef HW_TENSOR_SAFETENSORS_H
#define HW_TENSOR_SAFETENSORS_H

#include "base/file.h"

// clang-format off
/* X(name, bytes) */
#define HW_DTYPE_LIST(X)                         \
    X(F32, 4) X(F16, 2) X(BF16, 2) X(I8, 1)      \
    X(U8, 1)  X(I32, 4) X(U32, 4)  X(I64, 8)     \
    X(U64, 8) X(F64, 8)

typedef enum hw_dtype {
#define X(name, bytes) HW_##name,
    HW_DTYPE_LIST(X)
#undef X
    HW_DTYPES
} hw_dtype;
// clang-format on

size_t hw_dtype_bytes(hw_dtype dtype);

enum { HW_TENSOR_DIMS = 4 };

typedef struct hw_tensor {
    const char *name;
    hw_dtype dtype;
    int32_t dims;
    size_t shape[HW_TENSOR_DIMS]; /* unused ones are 1 */
    const void *data;             /* of the mapping, or the caller's when saving */
    size_t bytes;
} hw_tensor;

typedef struct hw_safetensors hw_safetensors;

/* Opens and checks everything. strict: a file of our own, whose checksums must be there
 * and right; otherwise checksums are checked only if present. Owns the mapping. Tensors
 * are in the file's order. */
hw_safetensors *hw_safetensors_open(const char *path, bool strict, hw_error *err);
/* The same for bytes in memory (64-byte aligned) that outlive the object; name is for
 * messages. What fuzzers call. */
hw_safetensors *hw_safetensors_parse(const void *data, size_t size, bool strict, const char *name,
                                     hw_error *err);
void hw_safetensors_close(hw_safetensors *file);

/* The bytes of tensors need not stay in memory; they are read again when they are used again. */
void hw_safetensors_release(const hw_safetensors *file);

size_t hw_safetensors_count(const hw_safetensors *file);
/* The i-th tensor; NULL past the end. */
const hw_tensor *hw_safetensors_at(const hw_safetensors *file, size_t i);
/* NULL if there is none of that name. */
const hw_tensor *hw_safetensors_find(const hw_safetensors *file, const char *name);
/* A value of __metadata__ (NUL-terminated string), or NULL. */
const char *hw_safetensors_metadata(const hw_safetensors *file, const char *key);
size_t hw_safetensors_bytes(const hw_safetensors *file); /* of the whole file */

typedef struct hw_metadata {
    const char *key, *value; /* NUL-terminated UTF-8 */
} hw_metadata;

/* Writes tensors and metadata, with checksums, whole or not at all (base/file.h). The
 * same input gives the same bytes. Names and keys are unique UTF-8 without a NUL, none of
 * them of the format's own ("padding.", "crc32c:", "header_crc32c", "__metadata__"): others
 * are HW_ERROR_ARGUMENT, as is a tensor whose bytes are not those of its shape. */
hw_status hw_safetensors_save(const char *path, const hw_tensor *tensors, size_t count,
                              const hw_metadata *metadata, size_t entries, hw_error *err);
/* The same for other programs: without checksums and padding, the tensors one after the other. Not
 * to be opened strictly. */
hw_status hw_safetensors_save_plain(const char *path, const hw_tensor *tensors, size_t count,
                                    const hw_metadata *metadata, size_t entries, hw_error *err);

#endif
