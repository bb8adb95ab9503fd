/* CRC-32C, by the CPU's instruction or by table. Invariant: both give the same value.
 *
 * Polynomials over GF(2) are kept reflected: bit 31 is the coefficient of x^0. The
 * register after n more zero bytes is the register times x^(8n), and the register after
 * any bytes is linear in them; so three parts of a buffer can be summed side by side,
 * which hides the instruction's latency of three cycles, and be joined at the end. */
#include "base/checksum.h"

#include <stdbool.h>
#include <string.h>

static const uint32_t POLYNOMIAL = 0x82f63b78u;

/* One row for each value of four bits: that value times x^4 modulo the polynomial. */
static const uint32_t nibble_table[16] = {
    0x00000000u, 0x105ec76fu, 0x20bd8edeu, 0x30e349b1u, 0x417b1dbcu, 0x5125dad3u,
    0x61c69362u, 0x7198540du, 0x82f63b78u, 0x92a8fc17u, 0xa24bb5a6u, 0xb21572c9u,
    0xc38d26c4u, 0xd3d3e1abu, 0xe330a81au, 0xf36e6f75u,
};

static uint32_t update_by_table(uint32_t state, const unsigned char *data, size_t bytes) {
    for (size_t i = 0; i < bytes; i++) {
        state ^= data[i];
        state = (state >> 4) ^ nibble_table[state & 15];
        state = (state >> 4) ^ nibble_table[state & 15];
    }
    return state;
}

#ifdef __x86_64__

static uint32_t multiply(uint32_t a, uint32_t b) {
    uint32_t product = 0;
    for (uint32_t bit = 0x80000000u; bit != 0; bit >>= 1) {
        if (a & bit) product ^= b;
        b = (b >> 1) ^ ((b & 1) ? POLYNOMIAL : 0);
    }
    return product;
}

/* x^(8 * bytes) by repeated squaring. */
static uint32_t power_of_bytes(size_t bytes) {
    uint32_t power = 0x80000000u;  /* x^0 */
    uint32_t square = 0x00800000u; /* x^8 */
    for (; bytes != 0; bytes >>= 1) {
        if (bytes & 1) power = multiply(power, square);
        square = multiply(square, square);
    }
    return power;
}

__attribute__((target("sse4.2"))) static inline uint64_t add_word(uint64_t state,
                                                                  const unsigned char *data) {
    uint64_t word;
    memcpy(&word, data, sizeof word);
    return __builtin_ia32_crc32di(state, word);
}

/* The register after three parts of `bytes` (a multiple of 8) each. */
__attribute__((target("sse4.2"))) static uint32_t update_three_parts(uint32_t state,
                                                                     const unsigned char *data,
                                                                     size_t bytes) {
    uint64_t first = state, second = 0, third = 0;
    for (size_t i = 0; i < bytes; i += 8) {
        first = add_word(first, data + i);
        second = add_word(second, data + bytes + i);
        third = add_word(third, data + 2 * bytes + i);
    }
    const uint32_t shift = power_of_bytes(bytes);
    const uint32_t joined = multiply((uint32_t)first, shift) ^ (uint32_t)second;
    return multiply(joined, shift) ^ (uint32_t)third;
}

__attribute__((target("sse4.2"))) static uint32_t update_by_instruction(uint32_t state,
                                                                        const unsigned char *data,
                                                                        size_t bytes) {
    enum { WORTH_SPLITTING = 16384 }; /* joining costs some thousand cycles */
    if (bytes >= WORTH_SPLITTING) {
        const size_t part = bytes / 24 * 8;
        state = update_three_parts(state, data, part);
        data += 3 * part;
        bytes -= 3 * part;
    }
    uint64_t wide = state;
    for (; bytes >= 8; data += 8, bytes -= 8) wide = add_word(wide, data);
    state = (uint32_t)wide;
    for (; bytes > 0; data++, bytes--) state = __builtin_ia32_crc32qi(state, *data);
    return state;
}

static bool has_instruction(void) {
    return __builtin_cpu_supports("sse4.2");
}

#else

static uint32_t update_by_instruction(uint32_t state, const unsigned char *data, size_t bytes) {
    return update_by_table(state, data, bytes);
}

static bool has_instruction(void) {
    return false;
}

#endif

uint32_t hw_crc32c_by_table(uint32_t crc, const void *data, size_t bytes) {
    return ~update_by_table(~crc, data, bytes);
}

uint32_t hw_crc32c(uint32_t crc, const void *data, size_t bytes) {
    if (!has_instruction()) return hw_crc32c_by_table(crc, data, bytes);
    return ~update_by_instruction(~crc, data, bytes);
}
