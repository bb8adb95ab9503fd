/* Linear probing; a slot holds half the hash and where the entry starts in room: the other
 * half, bytes of the word, n-grams, known ones, their indices, the word. */
#include "classify/lexicon.h"

#include "base/memory.h"

#include <string.h>

enum {
    SLOTS = 1 << 16,
    MOST_ENTRIES = SLOTS / 2,
    ROOM = 1 << 19,    /* of 4 bytes; 2 MiB */
    LONGEST_WORD = 64, /* bytes */
    AHEAD = 12         /* look-ups that are in flight while one is waited for */
};

typedef struct slot {
    uint32_t hash;
    uint32_t entry; /* 0: empty */
} slot;

struct hw_lexicon {
    hw_dictionary dictionary;
    hw_ngram_options options;
    uint64_t *hashes; /* of a word that is met for the first time */
    uint32_t *known;  /* likewise */
    size_t hashes_capacity, known_capacity;
    size_t entries, used; /* used: of room; the first unit is not */
    slot slots[SLOTS];
    uint32_t room[ROOM];
};

enum { HASH, LENGTH, NGRAMS, KNOWN, INDICES }; /* of an entry */

static void forget(hw_lexicon *lexicon) {
    memset(lexicon->slots, 0, sizeof lexicon->slots);
    lexicon->entries = 0;
    lexicon->used = 1;
}

hw_lexicon *hw_lexicon_new(const hw_dictionary *dictionary, const hw_ngram_options *options,
                           hw_error *err) {
    hw_lexicon *lexicon = hw_malloc(sizeof *lexicon);
    if (!lexicon) {
        hw_fail_memory(err, sizeof *lexicon);
        return NULL;
    }
    lexicon->dictionary = *dictionary;
    lexicon->options = *options;
    lexicon->hashes = NULL;
    lexicon->known = NULL;
    lexicon->hashes_capacity = lexicon->known_capacity = 0;
    forget(lexicon);
    return lexicon;
}

void hw_lexicon_free(hw_lexicon *lexicon) {
    if (!lexicon) return;
    hw_free(lexicon->hashes);
    hw_free(lexicon->known);
    hw_free(lexicon);
}

void hw_lexicon_prefetch_slot(const hw_lexicon *lexicon, uint64_t hash) {
    __builtin_prefetch(&lexicon->slots[hash % SLOTS]);
}

void hw_lexicon_prefetch_entry(const hw_lexicon *lexicon, uint64_t hash) {
    __builtin_prefetch(&lexicon->room[lexicon->slots[hash % SLOTS].entry]);
}

static bool is_word(const uint32_t *entry, hw_text word, uint64_t hash) {
    if (entry[HASH] != (uint32_t)hash || entry[LENGTH] != word.length) return false;
    return word.length <= HW_HASH_EXACT ||
           memcmp(entry + INDICES + entry[KNOWN], word.bytes, word.length) == 0;
}

static bool recall(hw_lexeme *lexeme, const hw_lexicon *lexicon, hw_text word, uint64_t hash) {
    for (size_t at = (size_t)hash % SLOTS;; at = (at + 1) % SLOTS) {
        const slot found = lexicon->slots[at];
        if (found.entry == 0) return false;
        const uint32_t *entry = &lexicon->room[found.entry];
        if (found.hash != (uint32_t)(hash >> 32) || !is_word(entry, word, hash)) continue;
        *lexeme = (hw_lexeme){ entry + INDICES, entry[KNOWN], entry[NGRAMS] };
        return true;
    }
}

static hw_status look_up(hw_lexeme *lexeme, hw_lexicon *lexicon, hw_text word, hw_error *err) {
    const size_t most = hw_ngrams_most_characters(word.length, &lexicon->options);
    if (!hw_grow((void **)&lexicon->hashes, &lexicon->hashes_capacity, most,
                 sizeof *lexicon->hashes) ||
        !hw_grow((void **)&lexicon->known, &lexicon->known_capacity, most, sizeof *lexicon->known))
        return hw_fail_memory(err, most * sizeof *lexicon->hashes);
    const hw_dictionary *dictionary = &lexicon->dictionary;
    const uint64_t *hashes = lexicon->hashes;
    const size_t count = hw_ngrams_characters(lexicon->hashes, word, &lexicon->options);
    for (size_t i = 0; i < count && i < AHEAD; i++) hw_dictionary_prefetch(dictionary, hashes[i]);
    uint32_t known = 0;
    for (size_t i = 0; i < count; i++) {
        if (i + AHEAD < count) hw_dictionary_prefetch(dictionary, hashes[i + AHEAD]);
        const int64_t index = hw_dictionary_find(dictionary, hashes[i]);
        if (index != HW_ABSENT) lexicon->known[known++] = (uint32_t)index;
    }
    *lexeme = (hw_lexeme){ lexicon->known, known, (uint32_t)count };
    return HW_OK;
}

static void remember(hw_lexicon *lexicon, hw_text word, uint64_t hash, hw_lexeme lexeme) {
    const size_t units = INDICES + lexeme.count + (word.length + 3) / 4;
    if (lexicon->entries == MOST_ENTRIES || lexicon->used + units > ROOM) forget(lexicon);

    uint32_t *entry = &lexicon->room[lexicon->used];
    entry[HASH] = (uint32_t)hash;
    entry[LENGTH] = (uint32_t)word.length;
    entry[NGRAMS] = lexeme.ngrams;
    entry[KNOWN] = lexeme.count;
    for (size_t i = 0; i < lexeme.count; i++) entry[INDICES + i] = lexeme.known[i];
    memcpy(entry + INDICES + lexeme.count, word.bytes, word.length);
    size_t at = (size_t)hash % SLOTS;
    while (lexicon->slots[at].entry != 0) at = (at + 1) % SLOTS;
    lexicon->slots[at] = (slot){ (uint32_t)(hash >> 32), (uint32_t)lexicon->used };
    lexicon->used += units;
    lexicon->entries++;
}

hw_status hw_lexicon_find(hw_lexeme *lexeme, hw_lexicon *lexicon, hw_text word, uint64_t hash,
                          hw_error *err) {
    if (recall(lexeme, lexicon, word, hash)) return HW_OK;
    HW_TRY(look_up(lexeme, lexicon, word, err));
    if (word.length <= LONGEST_WORD) remember(lexicon, word, hash, *lexeme);
    return HW_OK;
}
