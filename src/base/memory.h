/* Every allocation of the library and the program goes through here, so that tests
 * can make the n-th one fail (base/fault.h). */
#ifndef HW_BASE_MEMORY_H
#define HW_BASE_MEMORY_H

#include <stdbool.h>
#include <stddef.h>

/* NULL on failure; a size of 0 gives a block that can be freed. All are 64-byte
 * aligned when they are 64 bytes or more, and all are given back to hw_free. */
void *hw_malloc(size_t bytes);
void *hw_calloc(size_t count, size_t bytes); /* checked multiplication, zeroed */
void *hw_realloc(void *block, size_t old_bytes, size_t new_bytes); /* old block kept on failure */
char *hw_strndup(const char *string, size_t length);               /* NUL-terminated copy */
void hw_free(void *block);                                         /* accepts NULL */

/* *product = a * b; false, and *product untouched, if it overflows. */
bool hw_mul_size(size_t *product, size_t a, size_t b);

/* Grows *block (of element_bytes each) so that it holds at least `needed` elements:
 * capacity at least doubles. False, and nothing changed, on failure. */
bool hw_grow(void **block, size_t *capacity, size_t needed, size_t element_bytes);

#endif
