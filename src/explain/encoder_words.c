/* A token belongs to the first word that does not end before it begins, and to the last one if all
 * do: so white space and what a tokenizer makes of it go with the word that follows. */
#include "explain/encoder_words.h"

#include "base/memory.h"
#include "text/words.h"

/* The first of words[count] that ends after byte `at`; count if none does. */
static size_t word_after(const hw_word *words, size_t count, size_t at) {
    size_t first = 0;
    while (count > 0) {
        const size_t half = count / 2;
        if (words[first + half].end > at) {
            count = half;
        } else {
            first += half + 1;
            count -= half + 1;
        }
    }
    return first;
}

/* Takes out white space that counts as a word (text/words.h). */
static size_t drop_spaces(hw_words *words) {
    size_t kept = 0;
    for (size_t i = 0; i < words->count; i++)
        if (words->normalized[words->items[i].offset] != ' ')
            words->items[kept++] = words->items[i];
    return kept;
}

/* word_of[token_count]: of `count` words; joined[count]: the word is one with that before it. */
static void place_tokens(uint32_t *word_of, bool *joined, const hw_word *words, size_t count,
                         const hw_token *tokens, size_t token_count) {
    for (size_t i = 0; i < token_count; i++) {
        const size_t first = word_after(words, count, tokens[i].begin);
        word_of[i] = (uint32_t)(first < count ? first : count - 1);
        for (size_t word = first + 1; word < count && words[word].begin < tokens[i].end; word++)
            joined[word] = true;
    }
}

/* Makes one of words that are joined; number[count] becomes their new numbers. */
static size_t join_words(hw_attribution *words, uint32_t *number, const bool *joined,
                         const hw_word *parts, size_t count) {
    size_t made = 0;
    for (size_t i = 0; i < count; i++) {
        if (!joined[i]) words[made++] = (hw_attribution){ .begin = parts[i].begin };
        words[made - 1].end = parts[i].end;
        number[i] = (uint32_t)made - 1;
    }
    return made;
}

static hw_status group(hw_attribution **words, size_t *made, uint32_t *word_of, hw_words *parts,
                       const hw_token *tokens, size_t token_count, hw_error *err) {
    const size_t count = drop_spaces(parts);
    bool *joined = hw_calloc(count, sizeof *joined);
    uint32_t *number = hw_calloc(count, sizeof *number);
    *words = hw_calloc(count, sizeof **words);
    const bool reserved = joined && number && *words;
    if (reserved && count > 0) {
        place_tokens(word_of, joined, parts->items, count, tokens, token_count);
        *made = join_words(*words, number, joined, parts->items, count);
        for (size_t i = 0; i < token_count; i++) word_of[i] = number[word_of[i]];
    }
    hw_free(joined);
    hw_free(number);
    return reserved ? HW_OK : hw_fail_memory(err, count * sizeof **words);
}

hw_status hw_encoder_words(hw_attribution **words, size_t *count, uint32_t *word_of, hw_text text,
                           const hw_token *tokens, size_t token_count, hw_error *err) {
    hw_words parts = { 0 };
    *count = 0;
    for (size_t i = 0; i < token_count; i++) word_of[i] = UINT32_MAX;
    hw_status status = hw_words_split(&parts, text, err);
    if (status == HW_OK) status = group(words, count, word_of, &parts, tokens, token_count, err);
    hw_words_free(&parts);
    return status;
}
