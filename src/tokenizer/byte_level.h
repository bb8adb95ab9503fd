/* Byte-level pre-tokens of GPT-2 (Radford et al. 2019): every byte as a visible character, and the
 * pattern that cuts a text into the pieces merges stay within. */
#ifndef HW_TOKENIZER_BYTE_LEVEL_H
#define HW_TOKENIZER_BYTE_LEVEL_H

#include <stddef.h>
#include <stdint.h>

enum { HW_BYTE_LEVEL_MAX = 2 }; /* bytes of the longest character of the map */

/* The code point that stands for a byte. */
uint32_t hw_byte_level_code(unsigned char byte);
/* Writes the character that stands for a byte, as UTF-8; returns its 1 or 2 bytes. '!' to '~',
 * U+00A1 to U+00AC and U+00AE to U+00FF stand for themselves, the other 68 bytes for U+0100 to
 * U+0143, a space being U+0120. */
size_t hw_byte_level_encode(char *character, unsigned char byte);

/* How many of the bytes, length >= 1, the first match of
 *     's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+
 * takes. It starts at the first byte and is not empty, so repeated calls tile a text. */
size_t hw_byte_level_split(const char *bytes, size_t length);

#endif
