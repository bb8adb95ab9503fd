/* An open-addressed table; lists of words grow at their front. Invariant: slot_count is 0 or a
 * power of two, and the slots are at most half full. */
#include "tokenizer/pair_table.h"

#include "base/memory.h"
#include "base/random.h"

enum { FIRST_SLOTS = 1 << 12 };

static uint32_t *slot_of(const hw_pair_table *table, uint64_t key) {
    size_t slot = (size_t)hw_mix64(key) & (table->slot_count - 1);
    while (table->slots[slot] && table->pairs[table->slots[slot] - 1].key != key)
        slot = (slot + 1) & (table->slot_count - 1);
    return &table->slots[slot];
}

static hw_status grow_slots(hw_pair_table *table, hw_error *err) {
    const size_t count = table->slot_count ? 2 * table->slot_count : FIRST_SLOTS;
    uint32_t *slots = hw_calloc(count, sizeof *slots);
    if (!slots) return hw_fail_memory(err, count * sizeof *slots);
    hw_free(table->slots);
    table->slots = slots;
    table->slot_count = count;
    for (size_t i = 0; i < table->count; i++)
        *slot_of(table, table->pairs[i].key) = (uint32_t)i + 1;
    return HW_OK;
}

hw_status hw_pair_table_get(hw_pair_table *table, hw_pair **pair, uint64_t key, hw_error *err) {
    if (2 * (table->count + 1) > table->slot_count) HW_TRY(grow_slots(table, err));
    uint32_t *slot = slot_of(table, key);
    if (!*slot) {
        if (table->count == UINT32_MAX - 1)
            return hw_fail(err, HW_ERROR_UNSUPPORTED, "more than %u pairs of pieces",
                           UINT32_MAX - 1);
        if (!hw_grow((void **)&table->pairs, &table->capacity, table->count + 1,
                     sizeof *table->pairs))
            return hw_fail_memory(err, (table->count + 1) * sizeof *table->pairs);
        table->pairs[table->count] = (hw_pair){ .key = key };
        *slot = (uint32_t)++table->count;
    }
    *pair = &table->pairs[*slot - 1];
    return HW_OK;
}

hw_status hw_pair_table_add_word(hw_pair_table *table, hw_pair *pair, uint32_t word,
                                 hw_error *err) {
    if (pair->words && table->places[pair->words - 1].word == word) return HW_OK;
    const size_t needed = table->place_count + 1;
    if (needed == UINT32_MAX)
        return hw_fail(err, HW_ERROR_UNSUPPORTED, "more than %u places of pairs", UINT32_MAX - 1);
    if (!hw_grow((void **)&table->places, &table->place_capacity, needed, sizeof *table->places))
        return hw_fail_memory(err, needed * sizeof *table->places);
    table->places[table->place_count++] = (hw_pair_place){ word, pair->words };
    pair->words = (uint32_t)needed;
    return HW_OK;
}

void hw_pair_table_free(hw_pair_table *table) {
    hw_free(table->pairs);
    hw_free(table->slots);
    hw_free(table->places);
    *table = (hw_pair_table){ 0 };
}
