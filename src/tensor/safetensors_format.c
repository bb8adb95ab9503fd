/* The parts of the safetensors format that reading and writing share. */
#include "tensor/safetensors_format.h"

#include "base/checksum.h"

#include <assert.h>
#include <stdio.h>

size_t hw_dtype_bytes(hw_dtype dtype) {
    static const size_t sizes[HW_DTYPES] = {
#define X(name, bytes) bytes,
        HW_DTYPE_LIST(X)
#undef X
    };
    assert(dtype < HW_DTYPES);
    return sizes[dtype];
}

const char *hw_dtype_name(hw_dtype dtype) {
    static const char *const names[HW_DTYPES] = {
#define X(name, bytes) #name,
        HW_DTYPE_LIST(X)
#undef X
    };
    assert(dtype < HW_DTYPES);
    return names[dtype];
}

bool hw_is_padding(const hw_tensor *tensor) {
    const size_t length = strlen(HW_PADDING_PREFIX);
    return tensor->dtype == HW_U8 && strncmp(tensor->name, HW_PADDING_PREFIX, length) == 0;
}

void hw_checksum_digits(char digits[HW_CHECKSUM_DIGITS + 1], uint32_t crc) {
    snprintf(digits, HW_CHECKSUM_DIGITS + 1, "%08x", crc);
}

void hw_header_checksum(char digits[HW_CHECKSUM_DIGITS + 1], const unsigned char *file,
                        size_t bytes) {
    static const char zeros[] = "00000000";
    const size_t place = HW_LENGTH_BYTES + strlen(HW_HEADER_START);
    const size_t rest = place + HW_CHECKSUM_DIGITS;
    assert(bytes >= rest);

    uint32_t crc = hw_crc32c(0, file, place);
    crc = hw_crc32c(crc, zeros, HW_CHECKSUM_DIGITS);
    hw_checksum_digits(digits, hw_crc32c(crc, file + rest, bytes - rest));
}
