/* Reads a BPE model. Invariant: every merge joins two tokens of the vocabulary into a third. */
#include "tokenizer/bpe_model.h"

#include "base/memory.h"
#include "text/utf8.h"

#include <stdio.h>

/* What is needed only while the model is read. */
typedef struct reading {
    const json_t *model;
    const char *name;
    hw_trie_key *keys; /* [count] the vocabulary */
    size_t count;
    hw_trie trie;
    hw_text prefix, suffix;
} reading;

static hw_text string_of(const json_t *string) {
    if (!json_is_string(string)) return (hw_text){ 0 };
    return (hw_text){ json_string_value(string), json_string_length(string) };
}

static hw_status read_vocabulary(reading *r, const hw_token_table *vocabulary, hw_error *err) {
    r->keys = hw_calloc(vocabulary->count, sizeof *r->keys);
    if (!r->keys) return hw_fail_memory(err, vocabulary->count * sizeof *r->keys);
    for (size_t i = 0; i < vocabulary->slot_capacity; ++i) {
        const hw_token_slot *slot = &vocabulary->slots[i];
        if (slot->id == HW_NO_TOKEN) continue;
        const hw_text string = { vocabulary->bytes + slot->offset, slot->length };
        r->keys[r->count++] = (hw_trie_key){ string, slot->id };
    }
    return hw_trie_build(&r->trie, r->keys, r->count, err);
}

/* The code point of a token that is one character at that place. */
static bool is_character(uint32_t *code, const reading *r, hw_text token, uint32_t place) {
    const size_t before = place & HW_BPE_INNER ? r->prefix.length : 0;
    const size_t behind = place & HW_BPE_FINAL ? r->suffix.length : 0;
    if (token.length <= before + behind) return false;
    const size_t length = token.length - before - behind;
    if (length > HW_UTF8_MAX) return false;
    if (before && memcmp(token.bytes, r->prefix.bytes, before) != 0) return false;
    const char *end = token.bytes + before + length;
    if (behind && memcmp(end, r->suffix.bytes, behind) != 0) return false;
    size_t size;
    *code = hw_utf8_decode(&size, token.bytes + before, length);
    return size == length;
}

/* Counts the characters of the vocabulary, and puts them into the table if it has room. */
static size_t put_characters(hw_bpe *bpe, const reading *r) {
    size_t count = 0;
    for (size_t key = 0; key < r->count; ++key)
        for (uint32_t place = 0; place <= bpe->places; ++place) {
            hw_merge entry = { .left = place, .id = r->keys[key].value };
            if (place & ~bpe->places) continue;
            if (!is_character(&entry.right, r, r->keys[key].string, place)) continue;
            if (bpe->characters.capacity) hw_merge_table_put(&bpe->characters, entry);
            ++count;
        }
    return count;
}

/* The two sides of a merge: ["a", "b"] or "a b". */
static bool read_sides(hw_text sides[2], const json_t *merge) {
    if (json_is_array(merge)) {
        sides[0] = string_of(json_array_get(merge, 0));
        sides[1] = string_of(json_array_get(merge, 1));
        return json_array_size(merge) == 2 && sides[0].bytes && sides[1].bytes;
    }
    const hw_text line = string_of(merge);
    const char *space = line.bytes ? memchr(line.bytes, ' ', line.length) : NULL;
    if (!space) return false;
    const size_t left = (size_t)(space - line.bytes);
    sides[0] = (hw_text){ line.bytes, left };
    sides[1] = (hw_text){ space + 1, line.length - left - 1 };
    return !memchr(sides[1].bytes, ' ', sides[1].length);
}

/* The merge as an entry without its rank; false if it is not of the vocabulary. */
static bool resolve(hw_merge *entry, const reading *r, const hw_text sides[2]) {
    if (sides[1].length < r->prefix.length) return false;
    const hw_text rest = { sides[1].bytes + r->prefix.length, sides[1].length - r->prefix.length };
    const uint32_t left = hw_trie_walk(&r->trie, HW_TRIE_ROOT, sides[0]);
    const uint32_t joined = left == HW_TRIE_NONE ? left : hw_trie_walk(&r->trie, left, rest);
    if (joined == HW_TRIE_NONE) return false;
    entry->left = r->trie.units[left].value;
    entry->right = hw_trie_find(&r->trie, sides[1]);
    entry->id = r->trie.units[joined].value;
    return entry->left != HW_TRIE_NONE && entry->right != HW_TRIE_NONE && entry->id != HW_TRIE_NONE;
}

static bool is_version_line(const json_t *merge) {
    static const char mark[] = "#version";
    return json_is_string(merge) && strncmp(json_string_value(merge), mark, strlen(mark)) == 0;
}

/* A merge that is listed twice has its last rank. */
static hw_status read_merges(hw_bpe *bpe, const reading *r, hw_error *err) {
    const json_t *merges = json_object_get(r->model, "merges");
    if (!json_is_array(merges))
        return hw_fail(err, HW_ERROR_FORMAT, "%s: BPE without a merges array", r->name);
    const size_t count = json_array_size(merges);
    HW_TRY(hw_merge_table_reserve(&bpe->merges, count, err));
    for (size_t rank = 0; rank < count; ++rank) {
        const json_t *merge = json_array_get(merges, rank);
        if (is_version_line(merge)) continue;
        hw_text sides[2];
        hw_merge entry = { .rank = (uint32_t)rank };
        if (!read_sides(sides, merge))
            return hw_fail(err, HW_ERROR_FORMAT, "%s: merge %zu is not a pair", r->name, rank);
        if (!resolve(&entry, r, sides))
            return hw_fail(err, HW_ERROR_FORMAT, "%s: merge %zu is not in the vocab", r->name,
                           rank);
        hw_merge_table_put(&bpe->merges, entry);
    }
    return HW_OK;
}

/* All 256, or the model behaves as if there were none. */
static void read_bytes(hw_bpe *bpe, const reading *r) {
    for (unsigned byte = 0; byte < 256; ++byte) {
        char token[sizeof "<0x00>"];
        snprintf(token, sizeof token, "<0x%02X>", byte);
        bpe->bytes[byte] = hw_trie_find(&r->trie, hw_text_of(token));
    }
}

static hw_status read_options(hw_bpe *bpe, reading *r, hw_error *err) {
    const json_t *model = r->model;
    if (json_number_value(json_object_get(model, "dropout")) != 0)
        return hw_fail(err, HW_ERROR_UNSUPPORTED, "%s: BPE with dropout", r->name);
    bpe->fuse_unk = json_is_true(json_object_get(model, "fuse_unk"));
    bpe->byte_fallback = json_is_true(json_object_get(model, "byte_fallback"));
    bpe->ignore_merges = json_is_true(json_object_get(model, "ignore_merges"));
    r->prefix = string_of(json_object_get(model, "continuing_subword_prefix"));
    r->suffix = string_of(json_object_get(model, "end_of_word_suffix"));
    bpe->places = (r->prefix.length ? HW_BPE_INNER : 0u) | (r->suffix.length ? HW_BPE_FINAL : 0u);
    if (bpe->byte_fallback && bpe->places)
        return hw_fail(err, HW_ERROR_UNSUPPORTED, "%s: byte_fallback with a prefix or suffix",
                       r->name);
    return HW_OK;
}

static hw_status read_unknown(hw_bpe *bpe, const reading *r, hw_error *err) {
    const hw_text unknown = string_of(json_object_get(r->model, "unk_token"));
    bpe->unknown = HW_NO_TOKEN;
    if (!unknown.bytes) return HW_OK;
    bpe->unknown = hw_trie_find(&r->trie, unknown);
    if (bpe->unknown != HW_TRIE_NONE) return HW_OK;
    return hw_fail(err, HW_ERROR_FORMAT, "%s: unk_token \"%s\" is not in the vocab", r->name,
                   unknown.bytes);
}

static hw_status read_model(hw_bpe *bpe, reading *r, const hw_token_table *vocabulary,
                            hw_error *err) {
    HW_TRY(read_options(bpe, r, err));
    HW_TRY(read_vocabulary(r, vocabulary, err));
    HW_TRY(read_unknown(bpe, r, err));
    HW_TRY(hw_merge_table_reserve(&bpe->characters, put_characters(bpe, r), err));
    put_characters(bpe, r);
    read_bytes(bpe, r);
    HW_TRY(read_merges(bpe, r, err));
    if (!bpe->ignore_merges) return HW_OK;
    bpe->words = r->trie;
    r->trie = (hw_trie){ 0 };
    return HW_OK;
}

hw_bpe *hw_bpe_new(const json_t *model, const hw_token_table *vocabulary, const char *name,
                   hw_error *err) {
    hw_bpe *bpe = hw_calloc(1, sizeof *bpe);
    if (!bpe) {
        hw_fail_memory(err, sizeof *bpe);
        return NULL;
    }
    reading r = { .model = model, .name = name };
    const hw_status status = read_model(bpe, &r, vocabulary, err);
    hw_free(r.keys);
    hw_trie_free(&r.trie);
    if (status == HW_OK) return bpe;
    hw_bpe_free(bpe);
    return NULL;
}

void hw_bpe_free(hw_bpe *bpe) {
    if (!bpe) return;
    hw_merge_table_free(&bpe->characters);
    hw_merge_table_free(&bpe->merges);
    hw_trie_free(&bpe->words);
    hw_free(bpe);
}
