/* How far apart two words are spelled, for "did you mean" and for likely typos. */
#ifndef APP_SPELLING_H
#define APP_SPELLING_H

#include <stddef.h>

/* Insertions, deletions, substitutions and swaps of neighbours that turn a into b (optimal
 * string alignment, Damerau 1964), in bytes. Words longer than 63 bytes are infinitely far. */
size_t spelling_distance(const char *a, const char *b);

#endif
