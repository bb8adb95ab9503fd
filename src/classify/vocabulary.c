/* The single words of the dictionary, for people to read. In the file each is followed by a
 * newline; in memory it is followed by a NUL. Invariant: a word is UTF-8 and not empty. */
#include "classify/tensor_view.h"

#include "base/memory.h"
#include "text/utf8.h"

#include <string.h>

/* The words in a tensor's bytes; 0 if one of them is empty or does not end. */
static size_t count_words(const char *bytes, size_t length) {
    size_t words = 0;
    for (const char *word = bytes, *end = bytes + length; word < end; words++) {
        const char *newline = memchr(word, '\n', (size_t)(end - word));
        if (!newline || newline == word) return 0;
        word = newline + 1;
    }
    return words;
}

/* words: [count] pointers, then room for the bytes, which are copied there. */
static void split_words(char **words, const char *bytes, size_t length, size_t count) {
    char *at = memcpy((char *)(words + count), bytes, length);
    for (size_t word = 0; word < count; word++) {
        words[word] = at;
        at = memchr(at, '\n', length);
        *at++ = '\0';
    }
}

hw_status hw_view_words(char ***words, size_t *count, const hw_source *source, hw_error *err) {
    *words = NULL;
    *count = 0;
    if (!hw_bundle_find(source->bundle, "ngram.words")) return HW_OK;
    const hw_tensor *tensor = hw_view_find(source, "ngram.words", HW_U8, err);
    if (!tensor) return HW_ERROR_FORMAT;
    const char *bytes = tensor->data;
    const size_t length = tensor->bytes, found = count_words(bytes, length);
    if (!found || memchr(bytes, 0, length) || !hw_utf8_is_valid(bytes, length))
        return hw_fail(err, HW_ERROR_FORMAT, "%s: tensor ngram.words is not a list of UTF-8 words",
                       source->name);
    const size_t size = found * sizeof(char *) + length;
    char **block = hw_malloc(size);
    if (!block) return hw_fail_memory(err, size);
    split_words(block, bytes, length, found);
    *words = block;
    *count = found;
    return HW_OK;
}
