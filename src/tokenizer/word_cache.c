/* Growing forgets everything: what is met again is put again. */
#include "tokenizer/word_cache.h"

#include "base/memory.h"

enum { FIRST_BITS = 12, LAST_BITS = 16, MORE_BITS = 2 };

void hw_word_cache_free(hw_word_cache *cache) {
    hw_free(cache->entries);
    *cache = (hw_word_cache){ 0 };
}

/* The first `length` bytes, 0 to 8, and zeros. */
static uint64_t load(const char *bytes, size_t length, size_t readable) {
    static const unsigned char ones[16] = { 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF };
    uint64_t value = 0, mask;
    if (readable < 8) {
        for (size_t i = 0; i < length; ++i) ((unsigned char *)&value)[i] = (unsigned char)bytes[i];
        return value;
    }
    memcpy(&value, bytes, 8);
    memcpy(&mask, ones + 8 - length, 8);
    return value & mask;
}

hw_word_key hw_word_key_of(hw_text word, size_t readable, hw_word_kind kind) {
    hw_word_key key = { .tag = 0 };
    if (word.length > HW_WORD_LONGEST) return key;
    key.tag = (unsigned char)((unsigned)kind << 6 | (unsigned)word.length);
    uint64_t hash = key.tag;
    for (size_t at = 0; at < word.length; at += 8) {
        const size_t rest = word.length - at;
        key.units[at / 8] = load(word.bytes + at, rest < 8 ? rest : 8, readable - at);
        hash = (hash ^ key.units[at / 8]) * UINT64_C(0x9E3779B97F4A7C15); /* 2^64 / golden ratio */
        hash ^= hash >> 32;
    }
    key.hash =
        hash * UINT64_C(0x9E3779B97F4A7C15); /* the top bits of a product are the good ones */
    return key;
}

/* As soon as as many words were put as there are entries. */
static hw_status grow(hw_word_cache *cache, hw_error *err) {
    const unsigned bits = cache->bits ? cache->bits + MORE_BITS : FIRST_BITS;
    const size_t count = (size_t)1 << bits;
    hw_word_entry *entries = hw_calloc(count, sizeof *entries);
    if (!entries) return hw_fail_memory(err, count * sizeof *entries);
    hw_free(cache->entries);
    *cache = (hw_word_cache){ .entries = entries, .bits = bits };
    return HW_OK;
}

hw_status hw_word_cache_put(hw_word_cache *cache, const hw_word_key *key, const hw_token *tokens,
                            size_t count, hw_error *err) {
    if (key->tag == 0 || count > HW_WORD_MOST_TOKENS) return HW_OK;
    if (cache->bits == 0 || (cache->bits < LAST_BITS && cache->puts == (size_t)1 << cache->bits))
        HW_TRY(grow(cache, err));
    hw_word_entry *set = hw_word_cache_set(cache, key), entry = { .tag = key->tag };
    memcpy(entry.units, key->units, sizeof entry.units);
    for (size_t i = 0; i < count; ++i) {
        entry.ids[i] = tokens[i].id;
        entry.begins[i] = (unsigned char)tokens[i].begin;
        entry.ends[i] = (unsigned char)tokens[i].end;
    }
    entry.count = (unsigned char)count;
    set[1] = set[0];
    set[0] = entry;
    ++cache->puts;
    return HW_OK;
}
