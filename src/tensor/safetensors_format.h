/* What the reader and the writer of safetensors files agree on. */
#ifndef HW_TENSOR_SAFETENSORS_FORMAT_H
#define HW_TENSOR_SAFETENSORS_FORMAT_H

#include "tensor/safetensors.h"

enum {
    HW_LENGTH_BYTES = 8,        /* the header's length, at the file's start */
    HW_HEADER_LIMIT = 64 << 20, /* bytes */
    HW_TENSORS_LIMIT = 4096,    /* besides padding */
    HW_TENSOR_ALIGNMENT = 64,   /* of our files */
    HW_CHECKSUM_DIGITS = 8      /* lower-case hexadecimal */
};

/* Our headers start with this, followed by the digits of the header's checksum: so they
 * have a fixed place, and the header can be checked before it is parsed. */
#define HW_HEADER_START "{\"__metadata__\":{\"header_crc32c\":\""

#define HW_METADATA_KEY "__metadata__"
#define HW_CHECKSUM_PREFIX "crc32c:" /* metadata key of a tensor's checksum: prefix and name */
#define HW_PADDING_PREFIX "padding." /* names of tensors that fill holes */

/* Fills digits with the checksum of the first `bytes` of a file of ours, which are the
 * length and the header, its own digits counted as zeros. */
void hw_header_checksum(char digits[HW_CHECKSUM_DIGITS + 1], const unsigned char *file,
                        size_t bytes);
void hw_checksum_digits(char digits[HW_CHECKSUM_DIGITS + 1], uint32_t crc);

const char *hw_dtype_name(hw_dtype dtype);
bool hw_is_padding(const hw_tensor *tensor);

#endif
