/* Parses any bytes as a safetensors file, as one of another program and as one of ours.
 * For the second the header's checksum is put right first where there is a place for it,
 * or no input would get past it. What opens is read to its last byte. */
#include "tensor/safetensors.h"
#include "tensor/safetensors_format.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void repair_header_checksum(unsigned char *file, size_t size) {
    const size_t place = HW_LENGTH_BYTES + strlen(HW_HEADER_START);
    uint64_t length;
    if (size < place + HW_CHECKSUM_DIGITS) return;
    memcpy(&length, file, sizeof length);
    if (length > size - HW_LENGTH_BYTES || HW_LENGTH_BYTES + length < place + HW_CHECKSUM_DIGITS) {
        return;
    }
    if (memcmp(file + HW_LENGTH_BYTES, HW_HEADER_START, strlen(HW_HEADER_START)) != 0) return;

    char digits[HW_CHECKSUM_DIGITS + 1];
    hw_header_checksum(digits, file, HW_LENGTH_BYTES + (size_t)length);
    memcpy(file + place, digits, HW_CHECKSUM_DIGITS);
}

static void read_all(const hw_safetensors *file) {
    unsigned sum = 0;
    for (size_t i = 0; i < hw_safetensors_count(file); i++) {
        const hw_tensor *tensor = hw_safetensors_at(file, i);
        size_t bytes = hw_dtype_bytes(tensor->dtype);
        for (int dim = 0; dim < HW_TENSOR_DIMS; dim++) bytes *= tensor->shape[dim];
        if (bytes != tensor->bytes) abort();
        if (hw_safetensors_find(file, tensor->name) != tensor) abort();
        for (size_t j = 0; j < bytes; j++) sum += ((const unsigned char *)tensor->data)[j];
    }
    const volatile unsigned used = sum;
    (void)used;
}

static void parse(const unsigned char *data, size_t size, bool strict) {
    hw_error err = { 0 };
    hw_safetensors *file = hw_safetensors_parse(data, size, strict, "input", &err);
    if (file) read_all(file);
    if (!file && (err.status == HW_OK || err.message[0] == '\0')) abort();
    hw_safetensors_close(file);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    void *block = NULL; /* exact, so that a sanitizer sees what is read behind it */
    if (posix_memalign(&block, HW_TENSOR_ALIGNMENT, size) != 0) return 0;
    if (size > 0) memcpy(block, data, size);
    parse(block, size, false);
    repair_header_checksum(block, size);
    parse(block, size, true);
    free(block);
    return 0;
}
