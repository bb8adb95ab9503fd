/* An open-addressed table over words that are copied into blocks. Invariant: slot_count is 0 or a
 * power of two, and the slots are at most half full. */
#include "tokenizer/word_bag.h"

#include "base/memory.h"
#include "text/words.h"

#include <stdlib.h>

enum { FIRST_SLOTS = 1 << 10, BLOCK_BYTES = 1 << 20 };

struct hw_word_block {
    struct hw_word_block *next;
    size_t used, capacity;
    char bytes[];
};

static bool is_same(hw_text a, hw_text b) {
    return a.length == b.length && memcmp(a.bytes, b.bytes, a.length) == 0;
}

/* The slot of a word: the one that holds it, or the empty one where it belongs. */
static uint32_t *slot_of(const hw_word_bag *bag, hw_text word) {
    size_t slot = (size_t)hw_hash_bytes(word.bytes, word.length) & (bag->slot_count - 1);
    while (bag->slots[slot] && !is_same(bag->items[bag->slots[slot] - 1].text, word))
        slot = (slot + 1) & (bag->slot_count - 1);
    return &bag->slots[slot];
}

static hw_status grow_slots(hw_word_bag *bag, hw_error *err) {
    const size_t count = bag->slot_count ? 2 * bag->slot_count : FIRST_SLOTS;
    uint32_t *slots = hw_calloc(count, sizeof *slots);
    if (!slots) return hw_fail_memory(err, count * sizeof *slots);
    hw_free(bag->slots);
    bag->slots = slots;
    bag->slot_count = count;
    for (size_t i = 0; i < bag->count; i++) *slot_of(bag, bag->items[i].text) = (uint32_t)i + 1;
    return HW_OK;
}

static hw_status copy_word(hw_word_bag *bag, hw_text *copy, hw_text word, hw_error *err) {
    struct hw_word_block *block = bag->blocks;
    if (!block || block->capacity - block->used < word.length) {
        const size_t capacity = word.length > BLOCK_BYTES ? word.length : BLOCK_BYTES;
        block = hw_malloc(sizeof *block + capacity);
        if (!block) return hw_fail_memory(err, capacity);
        *block = (struct hw_word_block){ bag->blocks, 0, capacity };
        bag->blocks = block;
    }
    *copy = (hw_text){ block->bytes + block->used, word.length };
    if (word.length) memcpy(block->bytes + block->used, word.bytes, word.length);
    block->used += word.length;
    return HW_OK;
}

hw_status hw_word_bag_add(hw_word_bag *bag, uint32_t *index, hw_text word, uint64_t times,
                          hw_error *err) {
    if (2 * (bag->count + 1) > bag->slot_count) HW_TRY(grow_slots(bag, err));
    uint32_t *slot = slot_of(bag, word);
    if (!*slot) {
        if (bag->count == UINT32_MAX - 1)
            return hw_fail(err, HW_ERROR_UNSUPPORTED, "more than %u different words",
                           UINT32_MAX - 1);
        if (!hw_grow((void **)&bag->items, &bag->capacity, bag->count + 1, sizeof *bag->items))
            return hw_fail_memory(err, (bag->count + 1) * sizeof *bag->items);
        hw_bag_word *added = &bag->items[bag->count];
        added->count = 0;
        HW_TRY(copy_word(bag, &added->text, word, err));
        *slot = (uint32_t)++bag->count;
    }
    bag->items[*slot - 1].count += times;
    if (index) *index = *slot - 1;
    return HW_OK;
}

bool hw_word_bag_find(const hw_word_bag *bag, uint32_t *index, hw_text word) {
    const uint32_t found = bag->slot_count ? *slot_of(bag, word) : 0;
    if (found) *index = found - 1;
    return found > 0;
}

static int by_bytes(const void *left, const void *right) {
    const hw_text a = ((const hw_bag_word *)left)->text, b = ((const hw_bag_word *)right)->text;
    const int order = memcmp(a.bytes, b.bytes, a.length < b.length ? a.length : b.length);
    return order ? order : (a.length > b.length) - (a.length < b.length);
}

void hw_word_bag_sort(hw_word_bag *bag) {
    if (bag->count) qsort(bag->items, bag->count, sizeof *bag->items, by_bytes);
}

void hw_word_bag_free(hw_word_bag *bag) {
    while (bag->blocks) {
        struct hw_word_block *block = bag->blocks;
        bag->blocks = block->next;
        hw_free(block);
    }
    hw_free(bag->items);
    hw_free(bag->slots);
    *bag = (hw_word_bag){ 0 };
}
