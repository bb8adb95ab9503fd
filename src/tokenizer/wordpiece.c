/* The longest piece is found through the hashes of all prefixes of what is left, which one pass
 * gives. Invariant: a word has at most most_characters code points when pieces are looked for, so
 * that the search is bounded. */
#include "tokenizer/wordpiece.h"

#include "base/memory.h"
#include "tokenizer/token_list.h"

enum { MOST_CHARACTERS = 1024 }; /* files say 100; more would make the search too long */

static hw_status read_prefix(hw_wordpiece *wordpiece, const json_t *model, const char *name,
                             hw_error *err) {
    const json_t *prefix = json_object_get(model, "continuing_subword_prefix");
    if (!json_is_string(prefix))
        return hw_fail(err, HW_ERROR_FORMAT,
                       "%s: model.continuing_subword_prefix: a string is expected", name);
    wordpiece->prefix_length = json_string_length(prefix);
    wordpiece->prefix = hw_strndup(json_string_value(prefix), wordpiece->prefix_length);
    return wordpiece->prefix ? HW_OK : hw_fail_memory(err, wordpiece->prefix_length);
}

static hw_status read_unknown(hw_wordpiece *wordpiece, const json_t *model, const char *name,
                              hw_error *err) {
    const json_t *unknown = json_object_get(model, "unk_token");
    if (!json_is_string(unknown))
        return hw_fail(err, HW_ERROR_FORMAT, "%s: model.unk_token: a string is expected", name);
    const hw_text string = { json_string_value(unknown), json_string_length(unknown) };
    wordpiece->unknown = hw_token_table_find(wordpiece->vocabulary, string);
    if (wordpiece->unknown == HW_NO_TOKEN)
        return hw_fail(err, HW_ERROR_FORMAT,
                       "%s: model.unk_token: \"%.100s\" is not in the vocabulary", name,
                       string.bytes);
    return HW_OK;
}

hw_status hw_wordpiece_init(hw_wordpiece *wordpiece, const json_t *model,
                            const hw_token_table *vocabulary, const char *name, hw_error *err) {
    wordpiece->vocabulary = vocabulary;
    const json_t *most = json_object_get(model, "max_input_chars_per_word");
    if (!json_is_integer(most) || json_integer_value(most) < 0)
        return hw_fail(err, HW_ERROR_FORMAT,
                       "%s: model.max_input_chars_per_word: a number of 0 or more is expected",
                       name);
    if (json_integer_value(most) > MOST_CHARACTERS)
        return hw_fail(err, HW_ERROR_UNSUPPORTED,
                       "%s: model.max_input_chars_per_word: more than %d", name, MOST_CHARACTERS);
    wordpiece->most_characters = (size_t)json_integer_value(most);
    HW_TRY(read_prefix(wordpiece, model, name, err));
    return read_unknown(wordpiece, model, name, err);
}

void hw_wordpiece_free(hw_wordpiece *wordpiece) {
    hw_free(wordpiece->prefix);
    *wordpiece = (hw_wordpiece){ 0 };
}

static bool is_boundary(hw_text word, size_t at) {
    return at == word.length || ((unsigned char)word.bytes[at] & 0xC0) != 0x80;
}

/* Whether the string in the slot is the prefix (of prefix_length) and then word[begin .. end). */
static bool is_piece(const hw_wordpiece *wordpiece, const hw_token_slot *slot, size_t prefix_length,
                     hw_text word, size_t begin, size_t end) {
    if (slot->length != prefix_length + end - begin) return false;
    const char *string = wordpiece->vocabulary->bytes + slot->offset;
    return memcmp(string, wordpiece->prefix, prefix_length) == 0 &&
           memcmp(string + prefix_length, word.bytes + begin, end - begin) == 0;
}

static uint32_t find_piece(const hw_wordpiece *wordpiece, uint64_t hash, size_t prefix_length,
                           hw_text word, size_t begin, size_t end) {
    const hw_token_table *table = wordpiece->vocabulary;
    size_t at = hw_token_table_home(table, hash);
    for (;; at = (at + 1) & (table->slot_capacity - 1)) {
        const hw_token_slot *slot = &table->slots[at];
        if (slot->id == HW_NO_TOKEN) return HW_NO_TOKEN;
        if (slot->hash == (uint32_t)(hash >> 32) &&
            is_piece(wordpiece, slot, prefix_length, word, begin, end))
            return slot->id;
    }
}

/* The longest piece that starts at word[begin]: its id and, in *end, where it ends. */
static uint32_t longest_piece(size_t *end, const hw_wordpiece *wordpiece, hw_text word,
                              size_t begin) {
    uint64_t hashes[MOST_CHARACTERS * 4 + 1]; /* of the first i bytes, UTF-8 having up to 4 */
    const size_t prefix_length = begin > 0 ? wordpiece->prefix_length : 0;
    if (prefix_length >= wordpiece->vocabulary->longest) return HW_NO_TOKEN;
    const size_t room = wordpiece->vocabulary->longest - prefix_length;
    const size_t length = word.length - begin < room ? word.length - begin : room;
    hashes[0] = HW_TOKEN_HASH;
    for (size_t i = 0; i < prefix_length; ++i)
        hashes[0] = hw_token_hash_step(hashes[0], wordpiece->prefix[i]);
    for (size_t i = 0; i < length; ++i)
        hashes[i + 1] = hw_token_hash_step(hashes[i], word.bytes[begin + i]);

    for (size_t i = length; i > 0; --i) {
        if (!is_boundary(word, begin + i)) continue;
        const uint32_t id = find_piece(wordpiece, hashes[i], prefix_length, word, begin, begin + i);
        if (id == HW_NO_TOKEN) continue;
        *end = begin + i;
        return id;
    }
    return HW_NO_TOKEN;
}

static bool is_too_long(const hw_wordpiece *wordpiece, hw_text word) {
    if (word.length <= wordpiece->most_characters) return false;
    size_t characters = 0;
    for (size_t i = 0; i < word.length; ++i) characters += is_boundary(word, i);
    return characters > wordpiece->most_characters;
}

hw_status hw_wordpiece_encode(hw_tokens *tokens, const hw_wordpiece *wordpiece, hw_text word,
                              hw_error *err) {
    const size_t before = tokens->count;
    const hw_token whole = { wordpiece->unknown, 0, (uint32_t)word.length };
    if (is_too_long(wordpiece, word)) return hw_tokens_append(tokens, whole, err);

    for (size_t begin = 0, end = 0; begin < word.length; begin = end) {
        const uint32_t id = longest_piece(&end, wordpiece, word, begin);
        if (id == HW_NO_TOKEN) {
            tokens->count = before;
            return hw_tokens_append(tokens, whole, err);
        }
        HW_TRY(hw_tokens_append(tokens, (hw_token){ id, (uint32_t)begin, (uint32_t)end }, err));
    }
    return HW_OK;
}
