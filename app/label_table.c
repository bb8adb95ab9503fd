/* Open addressing by linear probing. Invariant: slot_count is 0 or a power of two that is at
 * least twice count, so a search ends. */
#include "label_table.h"

#include "base/memory.h"
#include "base/random.h"

void label_table_free(label_table *table) {
    for (size_t i = 0; i < table->count; i++) hw_free(table->entries[i].name);
    hw_free(table->entries);
    hw_free(table->slots);
}

uint64_t hash_text(hw_text text, uint64_t seed) {
    uint64_t hash = 0xcbf29ce484222325u ^ seed;
    for (size_t i = 0; i < text.length; i++)
        hash = (hash ^ (unsigned char)text.bytes[i]) * 0x100000001b3u;
    return hw_mix64(hash);
}

/* The slot that holds name, or the free one where it belongs. */
static size_t find_slot(const label_table *table, hw_text name) {
    size_t slot = hash_text(name, 0) & (table->slot_count - 1);
    while (table->slots[slot]) {
        const char *taken = table->entries[table->slots[slot] - 1].name;
        if (strlen(taken) == name.length && memcmp(taken, name.bytes, name.length) == 0) break;
        slot = (slot + 1) & (table->slot_count - 1);
    }
    return slot;
}

static bool grow_slots(label_table *table) {
    if (table->slot_count >= 2 * (table->count + 1)) return true;
    const size_t slot_count = table->slot_count ? 2 * table->slot_count : 64;
    uint32_t *slots = hw_calloc(slot_count, sizeof *slots);
    if (!slots) return false;
    hw_free(table->slots);
    table->slots = slots;
    table->slot_count = slot_count;
    for (size_t i = 0; i < table->count; i++)
        slots[find_slot(table, hw_text_of(table->entries[i].name))] = (uint32_t)i + 1;
    return true;
}

size_t label_table_index(label_table *table, hw_text name) {
    if (!grow_slots(table)) return SIZE_MAX;
    const size_t slot = find_slot(table, name);
    if (table->slots[slot]) return table->slots[slot] - 1;
    void *entries = table->entries;
    if (!hw_grow(&entries, &table->capacity, table->count + 1, sizeof *table->entries))
        return SIZE_MAX;
    table->entries = entries;
    char *copy = hw_strndup(name.bytes, name.length);
    if (!copy) return SIZE_MAX;
    table->entries[table->count] = (label_entry){ .name = copy };
    table->slots[slot] = (uint32_t)++table->count;
    return table->count - 1;
}
