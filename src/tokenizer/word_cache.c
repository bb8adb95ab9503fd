/* Linear probing; a slot holds half the hash and where the entry starts: word length, token count,
 * tokens, bytes. */
#include "tokenizer/word_cache.h"

#include "base/memory.h"
#include "base/random.h"

enum {
    SLOTS = 1 << 17,
    MOST_ENTRIES = SLOTS / 2,
    ROOM = 1 << 19,    /* of 4 bytes; 2 MiB */
    LONGEST_WORD = 64, /* bytes */
    MOST_TOKENS = 64
};

typedef struct slot {
    uint32_t hash;
    uint32_t entry; /* 0: empty */
} slot;

struct hw_word_cache {
    slot slots[SLOTS];
    size_t entries, used; /* used: of room; the first unit is not */
    uint32_t room[ROOM];
};

enum { TOKEN_UNITS = sizeof(hw_token) / sizeof(uint32_t) };

static void forget(hw_word_cache *cache) {
    memset(cache->slots, 0, sizeof cache->slots);
    cache->entries = 0;
    cache->used = 1;
}

hw_word_cache *hw_word_cache_new(hw_error *err) {
    hw_word_cache *cache = hw_malloc(sizeof *cache);
    if (!cache) {
        hw_fail_memory(err, sizeof *cache);
        return NULL;
    }
    forget(cache);
    return cache;
}

void hw_word_cache_free(hw_word_cache *cache) {
    hw_free(cache);
}

static uint64_t load_64(const char *bytes) {
    uint64_t value;
    memcpy(&value, bytes, sizeof value);
    return value;
}

static uint64_t load_rest(const char *bytes, size_t length) {
    uint64_t value = 0;
    memcpy(&value, bytes, length);
    return value;
}

uint64_t hw_word_hash(hw_text word) {
    uint64_t hash = word.length;
    const char *bytes = word.bytes;
    size_t rest = word.length;
    for (; rest > 8; rest -= 8, bytes += 8) hash = hw_mix64(hash ^ load_64(bytes));
    return hw_mix64(hash ^ (rest == 8 ? load_64(bytes) : load_rest(bytes, rest)));
}

const hw_token *hw_word_cache_find(size_t *count, const hw_word_cache *cache, hw_text word,
                                   uint64_t hash) {
    for (size_t at = (size_t)hash % SLOTS;; at = (at + 1) % SLOTS) {
        const slot found = cache->slots[at];
        if (found.entry == 0) return NULL;
        if (found.hash != (uint32_t)(hash >> 32)) continue;
        const uint32_t *entry = &cache->room[found.entry];
        const hw_token *tokens = (const hw_token *)(entry + 2);
        if (entry[0] != word.length || memcmp(tokens + entry[1], word.bytes, word.length) != 0)
            continue;
        *count = entry[1];
        return tokens;
    }
}

void hw_word_cache_put(hw_word_cache *cache, hw_text word, uint64_t hash, const hw_token *tokens,
                       size_t count) {
    if (word.length > LONGEST_WORD || count > MOST_TOKENS) return;
    const size_t units = 2 + count * TOKEN_UNITS + (word.length + 3) / 4;
    if (cache->entries == MOST_ENTRIES || cache->used + units > ROOM) forget(cache);

    uint32_t *entry = &cache->room[cache->used];
    entry[0] = (uint32_t)word.length;
    entry[1] = (uint32_t)count;
    if (count > 0) memcpy(entry + 2, tokens, count * sizeof *tokens);
    memcpy(entry + 2 + count * TOKEN_UNITS, word.bytes, word.length);
    size_t at = (size_t)hash % SLOTS;
    while (cache->slots[at].entry != 0) at = (at + 1) % SLOTS;
    cache->slots[at] = (slot){ (uint32_t)(hash >> 32), (uint32_t)cache->used };
    cache->used += units;
    ++cache->entries;
}
