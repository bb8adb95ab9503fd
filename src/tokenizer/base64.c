/* Invariant: four digits are three bytes; what pads the last four stands for nothing. */
#include "tokenizer/base64.h"

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/* -1 if it is no digit. */
static int digit_value(char digit) {
    if (digit >= 'A' && digit <= 'Z') return digit - 'A';
    if (digit >= 'a' && digit <= 'z') return digit - 'a' + 26;
    if (digit >= '0' && digit <= '9') return digit - '0' + 52;
    return digit == '+' ? 62 : digit == '/' ? 63 : -1;
}

bool hw_base64_decode(unsigned char *bytes, size_t *size, hw_text base64) {
    size_t digits = base64.length;
    while (digits > 0 && base64.length - digits < 2 && base64.bytes[digits - 1] == '=') --digits;
    if (base64.length % 4 != 0 || digits % 4 == 1) return false;
    *size = 0;
    uint32_t bits = 0;
    for (size_t i = 0; i < digits; ++i) {
        const int value = digit_value(base64.bytes[i]);
        if (value < 0) return false;
        bits = bits << 6 | (uint32_t)value;
        if (i % 4 > 0) bytes[(*size)++] = (unsigned char)(bits >> (6 - 2 * (i % 4)));
    }
    return true;
}

void hw_base64_append(hw_text_buffer *text, const unsigned char *bytes, size_t size) {
    for (size_t at = 0; at < size; at += 3) {
        const size_t left = size - at < 3 ? size - at : 3;
        uint32_t bits = 0;
        for (size_t i = 0; i < 3; ++i) bits = bits << 8 | (i < left ? bytes[at + i] : 0u);
        char digits[4];
        for (size_t i = 0; i < 4; ++i)
            digits[i] = i > left ? '=' : alphabet[bits >> (18 - 6 * i) & 63];
        hw_text_append(text, digits, sizeof digits);
    }
}
