/* Base64 with padding (RFC 4648, section 4). */
#ifndef HW_TOKENIZER_BASE64_H
#define HW_TOKENIZER_BASE64_H

#include "base/text_buffer.h"

/* bytes: room for base64.length / 4 * 3. False if it is not base64. */
bool hw_base64_decode(unsigned char *bytes, size_t *size, hw_text base64);
void hw_base64_append(hw_text_buffer *text, const unsigned char *bytes, size_t size);

#endif
