/* CRC-32C (Castagnoli; RFC 3720 appendix B.4): detects every single-bit flip, at the
 * speed of memory where the CPU has an instruction for it. */
#ifndef HW_BASE_CHECKSUM_H
#define HW_BASE_CHECKSUM_H

#include <stddef.h>
#include <stdint.h>

/* crc: 0 to start, or the value so far. */
uint32_t hw_crc32c(uint32_t crc, const void *data, size_t bytes);

/* The same without the instruction: what other CPUs run, and what tests compare with. */
uint32_t hw_crc32c_by_table(uint32_t crc, const void *data, size_t bytes);

#endif
