/* Words and n-grams of any bytes; the first two pick the n-gram options. Words tile the
 * text in order, their normalized bytes are valid UTF-8, and n-grams end at a word of the
 * text and repeat exactly. */
#undef NDEBUG
#include "text/ngrams.h"
#include "text/utf8.h"

#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static hw_ngram_options options_of(const uint8_t *data) {
    hw_ngram_options options = { .word_max = 1 + data[0] % 16, .cjk_max = 1 + data[0] / 16 };
    options.char_max = data[1] % 16;
    if (options.char_max > 0) options.char_min = 1 + data[1] / 16 % options.char_max;
    return options;
}

static void check_words(const hw_words *words, size_t size) {
    size_t end = 0, offset = 0;
    for (size_t i = 0; i < words->count; ++i) {
        const hw_word *word = &words->items[i];
        assert(word->begin >= end && word->end > word->begin && word->end <= size);
        assert(word->offset == offset && word->length > 0);
        assert(hw_utf8_is_valid(words->normalized + word->offset, word->length));
        end = word->end;
        offset += word->length;
    }
}

static void check_ngrams(const hw_ngrams *ngrams, const hw_words *words) {
    assert(ngrams->words_end == words->count && ngrams->words_end <= ngrams->sequences_end);
    assert(ngrams->sequences_end <= ngrams->count && ngrams->count <= ngrams->capacity);
    for (size_t i = 0; i < ngrams->count; ++i) {
        assert(ngrams->tokens[i] < words->count);
        assert(i >= ngrams->words_end || ngrams->tokens[i] == i);
    }
}

static bool are_equal(const hw_ngrams *a, const hw_ngrams *b) {
    return a->count == b->count &&
           (a->count == 0 || (memcmp(a->hashes, b->hashes, a->count * sizeof *a->hashes) == 0 &&
                              memcmp(a->tokens, b->tokens, a->count * sizeof *a->tokens) == 0));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size < 2) return 0;
    const hw_ngram_options options = options_of(data);
    const hw_text text = { (const char *)data + 2, size - 2 };
    hw_words words = { 0 };
    hw_ngrams first = { 0 }, second = { 0 };
    if (hw_words_split(&words, text, NULL) == HW_OK &&
        hw_ngrams_extract(&first, &words, &options, NULL) == HW_OK &&
        hw_ngrams_extract(&second, &words, &options, NULL) == HW_OK) {
        check_words(&words, text.length);
        check_ngrams(&first, &words);
        assert(are_equal(&first, &second));
    }
    hw_ngrams_free(&first);
    hw_ngrams_free(&second);
    hw_words_free(&words);
    return 0;
}
