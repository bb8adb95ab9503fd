/* Edit distance by the usual table. Invariant: row i, column j is the distance between the
 * first i bytes of a and the first j bytes of b. */
#include "spelling.h"

#include <stdint.h>
#include <string.h>

enum { WORD_LIMIT = 64 };

static size_t least(size_t a, size_t b) {
    return a < b ? a : b;
}

size_t spelling_distance(const char *a, const char *b) {
    const size_t rows = strlen(a), columns = strlen(b);
    if (rows >= WORD_LIMIT || columns >= WORD_LIMIT) return SIZE_MAX;
    size_t distance[WORD_LIMIT][WORD_LIMIT];
    for (size_t i = 0; i <= rows; i++) distance[i][0] = i;
    for (size_t j = 0; j <= columns; j++) distance[0][j] = j;
    for (size_t i = 1; i <= rows; i++) {
        for (size_t j = 1; j <= columns; j++) {
            size_t best = distance[i - 1][j - 1] + (a[i - 1] != b[j - 1]);
            best = least(best, 1 + least(distance[i - 1][j], distance[i][j - 1]));
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                best = least(best, 1 + distance[i - 2][j - 2]);
            distance[i][j] = best;
        }
    }
    return distance[rows][columns];
}
