/* Open addressing with linear probing; a slot keeps the upper half of the hash, so that a miss
 * seldom looks at a string. */
#include "tokenizer/token_table.h"

#include "base/memory.h"

enum { LEAST_SLOTS = 16 };
#define NOWHERE UINT32_MAX

static uint64_t hash_of(hw_text string) {
    uint64_t hash = HW_TOKEN_HASH;
    for (size_t i = 0; i < string.length; ++i) hash = hw_token_hash_step(hash, string.bytes[i]);
    return hash;
}

static hw_token_slot *slot_of(const hw_token_table *table, hw_text string, uint64_t hash) {
    size_t at = hw_token_table_home(table, hash);
    for (;; at = (at + 1) & (table->slot_capacity - 1)) {
        hw_token_slot *slot = &table->slots[at];
        if (slot->id == HW_NO_TOKEN) return slot;
        if (slot->hash == (uint32_t)(hash >> 32) && slot->length == string.length &&
            memcmp(table->bytes + slot->offset, string.bytes, string.length) == 0)
            return slot;
    }
}

static hw_status resize(hw_token_table *table, size_t capacity, hw_error *err) {
    size_t bytes;
    if (!hw_mul_size(&bytes, capacity, sizeof(hw_token_slot))) return hw_fail_memory(err, SIZE_MAX);
    hw_token_slot *slots = hw_malloc(bytes);
    if (!slots) return hw_fail_memory(err, bytes);
    memset(slots, 0xFF, bytes); /* every id is HW_NO_TOKEN */

    hw_token_table grown = *table;
    grown.slots = slots;
    grown.slot_capacity = capacity;
    for (size_t i = 0; i < table->slot_capacity; ++i) {
        const hw_token_slot *old = &table->slots[i];
        if (old->id == HW_NO_TOKEN) continue;
        const hw_text string = { table->bytes + old->offset, old->length };
        *slot_of(&grown, string, hash_of(string)) = *old;
    }
    hw_free(table->slots);
    *table = grown;
    return HW_OK;
}

hw_status hw_token_table_reserve(hw_token_table *table, size_t count, size_t bytes, hw_error *err) {
    if (count > HW_TOKEN_IDS_MAX || bytes > NOWHERE - count) return hw_fail_memory(err, bytes);
    size_t capacity = LEAST_SLOTS;
    while (capacity / 2 < count) capacity *= 2;
    if (capacity > table->slot_capacity) HW_TRY(resize(table, capacity, err));
    if (!hw_grow((void **)&table->bytes, &table->byte_capacity, bytes + count, 1))
        return hw_fail_memory(err, bytes + count);
    if (!hw_grow((void **)&table->offsets, &table->id_capacity, count, sizeof *table->offsets))
        return hw_fail_memory(err, count * sizeof *table->offsets);
    return HW_OK;
}

static hw_status make_room(hw_token_table *table, hw_text string, uint32_t id, hw_error *err) {
    if (table->count >= table->slot_capacity / 2) {
        const size_t doubled = table->slot_capacity ? table->slot_capacity * 2 : LEAST_SLOTS;
        HW_TRY(resize(table, doubled, err));
    }
    const size_t needed = table->size + string.length + 1;
    if (string.length >= NOWHERE || needed >= NOWHERE ||
        !hw_grow((void **)&table->bytes, &table->byte_capacity, needed, 1))
        return hw_fail_memory(err, needed);
    if (!hw_grow((void **)&table->offsets, &table->id_capacity, (size_t)id + 1,
                 sizeof *table->offsets))
        return hw_fail_memory(err, ((size_t)id + 1) * sizeof *table->offsets);
    while (table->id_limit <= id) table->offsets[table->id_limit++] = NOWHERE;
    return HW_OK;
}

hw_status hw_token_table_add(hw_token_table *table, hw_text string, uint32_t id, hw_error *err) {
    HW_TRY(make_room(table, string, id, err));
    const uint64_t hash = hash_of(string);
    hw_token_slot *slot = slot_of(table, string, hash);
    if (slot->id == HW_NO_TOKEN) {
        *slot = (hw_token_slot){ .hash = (uint32_t)(hash >> 32),
                                 .offset = (uint32_t)table->size,
                                 .length = (uint32_t)string.length };
        if (string.length > 0) memcpy(table->bytes + table->size, string.bytes, string.length);
        table->size += string.length;
        table->bytes[table->size++] = '\0';
        ++table->count;
        if (string.length > table->longest) table->longest = string.length;
    } else if (table->offsets[slot->id] == slot->offset) {
        table->offsets[slot->id] = NOWHERE;
    }
    slot->id = id;
    table->offsets[id] = slot->offset;
    return HW_OK;
}

void hw_token_table_free(hw_token_table *table) {
    hw_free(table->bytes);
    hw_free(table->offsets);
    hw_free(table->slots);
    *table = (hw_token_table){ 0 };
}

uint32_t hw_token_table_find(const hw_token_table *table, hw_text string) {
    return table->slot_capacity ? slot_of(table, string, hash_of(string))->id : HW_NO_TOKEN;
}

const char *hw_token_table_string(const hw_token_table *table, uint32_t id) {
    if (id >= table->id_limit || table->offsets[id] == NOWHERE) return NULL;
    return table->bytes + table->offsets[id];
}
