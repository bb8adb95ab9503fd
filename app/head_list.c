/* Parsing of a list of heads. Invariant: all of the text is a list, or none of it is. */
#include "head_list.h"

#include <ctype.h>

enum { LARGEST = 9999 };

/* A number of a layer or a head; NULL if there is none at text. */
static const char *read_index(int32_t *index, const char *text) {
    if (!isdigit((unsigned char)*text)) return NULL;
    for (*index = 0; isdigit((unsigned char)*text); text++) {
        *index = 10 * *index + (*text - '0');
        if (*index > LARGEST) return NULL;
    }
    return text;
}

static const char *read_head(hw_head_id *head, const char *text) {
    text = read_index(&head->layer, text);
    return text && *text == '.' ? read_index(&head->head, text + 1) : NULL;
}

size_t head_list_read(hw_head_id heads[HEADS_LIMIT], const char *text) {
    for (size_t count = 0; count < HEADS_LIMIT; text++) {
        text = read_head(&heads[count++], text);
        if (text && !*text) return count;
        if (!text || *text != ',') return 0;
    }
    return 0;
}
