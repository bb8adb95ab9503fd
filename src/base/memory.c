/* Allocation: aligned for the kernels, checked for overflow, able to fail on purpose.
 * Invariant: a call that fails changes nothing. */
#include "base/memory.h"

#include "base/fault.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { ALIGNMENT = 64 }; /* a cache line, and the widest vector register */
enum { HUGE_PAGE = 1 << 21 };

/* Large blocks are asked to be of huge pages: opening a model waits for page faults, and training
 * for translations of addresses. */
static void *huge_block(size_t bytes) {
    void *block = NULL;
    if (posix_memalign(&block, HUGE_PAGE, bytes) != 0) return NULL;
#if defined(MADV_HUGEPAGE)
    (void)madvise(block, bytes / HUGE_PAGE * HUGE_PAGE, MADV_HUGEPAGE);
#endif
    return block;
}

void *hw_malloc(size_t bytes) {
    if (hw_fault_hits(HW_FAULT_MEMORY)) return NULL;
    if (bytes < ALIGNMENT) return malloc(bytes > 0 ? bytes : 1);
    if (bytes >= 2 * HUGE_PAGE) return huge_block(bytes);

    void *block = NULL;
    return posix_memalign(&block, ALIGNMENT, bytes) == 0 ? block : NULL;
}

void *hw_calloc(size_t count, size_t bytes) {
    size_t total;
    if (!hw_mul_size(&total, count, bytes)) return NULL;

    void *block = hw_malloc(total);
    if (block) memset(block, 0, total);
    return block;
}

void *hw_realloc(void *block, size_t old_bytes, size_t new_bytes) {
    void *moved = hw_malloc(new_bytes); /* realloc() would lose the alignment */
    if (!moved) return NULL;

    const size_t kept = old_bytes < new_bytes ? old_bytes : new_bytes;
    if (kept > 0) memcpy(moved, block, kept);
    hw_free(block);
    return moved;
}

char *hw_strndup(const char *string, size_t length) {
    char *copy = length < SIZE_MAX ? hw_malloc(length + 1) : NULL;
    if (!copy) return NULL;

    if (length > 0) memcpy(copy, string, length);
    copy[length] = '\0';
    return copy;
}

void hw_free(void *block) {
    free(block);
}

bool hw_mul_size(size_t *product, size_t a, size_t b) {
    if (b != 0 && a > SIZE_MAX / b) return false;
    *product = a * b;
    return true;
}

bool hw_grow(void **block, size_t *capacity, size_t needed, size_t element_bytes) {
    if (needed <= *capacity) return true;

    const size_t doubled = *capacity <= SIZE_MAX / 2 ? *capacity * 2 : SIZE_MAX;
    const size_t grown = needed > doubled ? needed : doubled;
    size_t bytes;
    if (!hw_mul_size(&bytes, grown, element_bytes)) return false;

    void *moved = hw_realloc(*block, *capacity * element_bytes, bytes);
    if (!moved) return false;
    *block = moved;
    *capacity = grown;
    return true;
}
