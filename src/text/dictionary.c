/* The counter keeps one entry a distinct hash, in the order of first occurrence, and finds
 * it through slots like a dictionary's; there the whole hash is compared, so counts are
 * exact. Building copies the frequent entries into a dictionary of their own.
 * Invariant: slots never are more than 2/3 full, and slot values are entry index + 1. */
#include "text/dictionary.h"

#include "base/memory.h"

typedef struct entry {
    uint64_t hash;
    uint32_t documents;
    uint32_t last_document;
} entry;

struct hw_counter {
    entry *entries; /* [count] */
    size_t count, capacity;
    hw_slot *slots; /* [slot_capacity] */
    size_t slot_capacity;
};

enum { FIRST_CAPACITY = 1024, PREFETCH_DISTANCE = 12 };

/* The smallest valid capacity for `count` members; 0 if there is none. */
static size_t capacity_for(size_t count) {
    size_t capacity = 4;
    while (capacity / 3 * 2 < count) {
        if (capacity > SIZE_MAX / 2 / sizeof(hw_slot)) return 0;
        capacity *= 2;
    }
    return capacity;
}

/* The empty slot for a hash that is known to be absent. */
static hw_slot *empty_slot(hw_slot *slots, size_t capacity, uint64_t hash) {
    size_t slot = (size_t)(hash >> 32) & (capacity - 1);
    while (slots[slot].index_plus_one) slot = (slot + 1) & (capacity - 1);
    return &slots[slot];
}

/* seen: [count] bits, all 0. */
static bool has_each_index_once(const hw_dictionary *dictionary, size_t count, uint8_t *seen) {
    size_t members = 0;
    for (size_t slot = 0; slot < dictionary->capacity; ++slot) {
        const size_t index = dictionary->slots[slot].index_plus_one;
        if (index == 0) continue;
        const uint8_t bit = (uint8_t)(1u << (index - 1) % 8);
        if (index > count || seen[(index - 1) / 8] & bit) return false;
        seen[(index - 1) / 8] |= bit;
        ++members;
    }
    return members == count;
}

hw_status hw_dictionary_check(const hw_dictionary *dictionary, size_t count, hw_error *err) {
    const size_t capacity = dictionary->capacity;
    const bool fits = capacity ? (capacity & (capacity - 1)) == 0 && count < capacity : count == 0;
    uint8_t *seen = fits ? hw_calloc(count / 8 + 1, 1) : NULL;
    if (fits && !seen) return hw_fail_memory(err, count / 8 + 1);
    const bool valid = fits && has_each_index_once(dictionary, count, seen);
    hw_free(seen);
    return valid ? HW_OK : hw_fail(err, HW_ERROR_FORMAT, "no dictionary of %zu members", count);
}

hw_counter *hw_counter_new(hw_error *err) {
    hw_counter *counter = hw_calloc(1, sizeof *counter);
    if (counter) counter->slots = hw_calloc(FIRST_CAPACITY, sizeof(hw_slot));
    if (!counter || !counter->slots) {
        hw_fail_memory(err, sizeof *counter + FIRST_CAPACITY * sizeof(hw_slot));
        hw_counter_free(counter);
        return NULL;
    }
    counter->slot_capacity = FIRST_CAPACITY;
    return counter;
}

void hw_counter_free(hw_counter *counter) {
    if (!counter) return;
    hw_free(counter->entries);
    hw_free(counter->slots);
    hw_free(counter);
}

static hw_status double_slots(hw_counter *counter, hw_error *err) {
    const size_t capacity = counter->slot_capacity * 2;
    hw_slot *slots = hw_calloc(capacity, sizeof *slots);
    if (!slots) return hw_fail_memory(err, capacity * sizeof *slots);
    for (size_t i = 0; i < counter->count; ++i) {
        const uint64_t hash = counter->entries[i].hash;
        *empty_slot(slots, capacity, hash) = (hw_slot){ (uint32_t)hash, (uint32_t)i + 1 };
    }
    hw_free(counter->slots);
    counter->slots = slots;
    counter->slot_capacity = capacity;
    return HW_OK;
}

/* Makes room for one more entry. */
static hw_status reserve_entry(hw_counter *counter, hw_error *err) {
    const size_t needed = counter->count + 1;
    if (needed >= UINT32_MAX)
        return hw_fail(err, HW_ERROR_UNSUPPORTED, "more than %u different n-grams", UINT32_MAX - 1);
    if (!hw_grow((void **)&counter->entries, &counter->capacity, needed, sizeof(entry)))
        return hw_fail_memory(err, needed * 2 * sizeof(entry));
    return needed > counter->slot_capacity / 3 * 2 ? double_slots(counter, err) : HW_OK;
}

/* The entry of a hash, or NULL. */
static entry *find_entry(const hw_counter *counter, uint64_t hash) {
    const size_t mask = counter->slot_capacity - 1;
    for (size_t slot = (size_t)(hash >> 32) & mask;; slot = (slot + 1) & mask) {
        const hw_slot found = counter->slots[slot];
        if (!found.index_plus_one) return NULL;
        entry *candidate = &counter->entries[found.index_plus_one - 1];
        if (found.fingerprint == (uint32_t)hash && candidate->hash == hash) return candidate;
    }
}

hw_status hw_counter_add(hw_counter *counter, const uint64_t *hashes, size_t count,
                         uint32_t document, hw_error *err) {
    for (size_t i = 0; i < count; ++i) {
        const hw_dictionary ahead = { counter->slots, counter->slot_capacity };
        if (i + PREFETCH_DISTANCE < count)
            hw_dictionary_prefetch(&ahead, hashes[i + PREFETCH_DISTANCE]);

        entry *known = find_entry(counter, hashes[i]);
        if (known) {
            known->documents += known->last_document != document;
            known->last_document = document;
            continue;
        }
        HW_TRY(reserve_entry(counter, err));
        const size_t index = counter->count++;
        counter->entries[index] = (entry){ hashes[i], 1, document };
        *empty_slot(counter->slots, counter->slot_capacity, hashes[i]) =
            (hw_slot){ (uint32_t)hashes[i], (uint32_t)index + 1 };
    }
    return HW_OK;
}

size_t hw_counter_documents(const hw_counter *counter, uint64_t hash) {
    const entry *found = find_entry(counter, hash);
    return found ? found->documents : 0;
}

/* What decides which entries are kept. */
typedef struct selection {
    uint32_t min_documents;
    uint32_t cut;  /* more documents than this: kept */
    size_t at_cut; /* so many with exactly `cut` documents are kept, the first seen */
} selection;

static bool is_frequent(const hw_counter *counter, size_t index, const selection *wanted) {
    return counter->entries[index].documents >= wanted->min_documents;
}

enum { HALF = 1 << 16 };

/* Counts the frequent entries by the high half of their documents; or, of those whose
 * high half is `high`, by the low half. */
static void count_halves(size_t *histogram, const hw_counter *counter, const selection *wanted,
                         int64_t high) {
    for (size_t i = 0; i < HALF; ++i) histogram[i] = 0;
    for (size_t i = 0; i < counter->count; ++i) {
        if (!is_frequent(counter, i, wanted)) continue;
        const uint32_t documents = counter->entries[i].documents;
        if (high < 0)
            ++histogram[documents >> 16];
        else if (documents >> 16 == high)
            ++histogram[documents & 0xFFFF];
    }
}

/* The greatest bin such that it and those above hold more than *room; *room becomes what
 * is left for that bin itself. */
static uint32_t cut_bin(const size_t *histogram, size_t *room) {
    uint32_t bin = HALF - 1;
    while (histogram[bin] <= *room) *room -= histogram[bin--];
    return bin;
}

/* Selection by counting, in two halves of 16 bits: linear, and exact. */
static hw_status choose_cut(selection *wanted, const hw_counter *counter, size_t limit,
                            hw_error *err) {
    size_t frequent = 0;
    for (size_t i = 0; i < counter->count; ++i) frequent += is_frequent(counter, i, wanted);
    if (frequent <= limit) return HW_OK;

    size_t *histogram = hw_calloc(HALF, sizeof *histogram);
    if (!histogram) return hw_fail_memory(err, HALF * sizeof *histogram);
    wanted->at_cut = limit;
    count_halves(histogram, counter, wanted, -1);
    const uint32_t high = cut_bin(histogram, &wanted->at_cut);
    count_halves(histogram, counter, wanted, high);
    wanted->cut = high << 16 | cut_bin(histogram, &wanted->at_cut);
    hw_free(histogram);
    return HW_OK;
}

static bool is_kept(const hw_counter *counter, size_t index, selection *wanted) {
    if (!is_frequent(counter, index, wanted)) return false;
    const uint32_t documents = counter->entries[index].documents;
    if (documents != wanted->cut) return documents > wanted->cut;
    if (wanted->at_cut == 0) return false;
    --wanted->at_cut;
    return true;
}

static hw_status allocate_built(hw_built_dictionary *built, size_t most, hw_error *err) {
    const size_t capacity = most ? capacity_for(most) : 0;
    built->slots = capacity || !most ? hw_calloc(capacity, sizeof *built->slots) : NULL;
    built->documents = hw_calloc(most, sizeof *built->documents);
    built->capacity = capacity;
    if (built->slots && built->documents) return HW_OK;
    hw_built_dictionary_free(built);
    return hw_fail_memory(err, most * (sizeof *built->slots + sizeof *built->documents));
}

hw_status hw_counter_build(hw_built_dictionary *built, const hw_counter *counter,
                           uint32_t min_documents, size_t limit, hw_error *err) {
    *built = (hw_built_dictionary){ 0 };
    selection wanted = { .min_documents = min_documents };
    HW_TRY(choose_cut(&wanted, counter, limit, err));
    selection counted = wanted;
    size_t most = 0;
    for (size_t i = 0; i < counter->count; ++i) most += is_kept(counter, i, &counted);
    HW_TRY(allocate_built(built, most, err));

    const hw_dictionary view = { built->slots, built->capacity };
    for (size_t i = 0; i < counter->count; ++i) {
        const entry *kept = &counter->entries[i];
        if (!is_kept(counter, i, &wanted) || hw_dictionary_find(&view, kept->hash) >= 0) continue;
        built->documents[built->count++] = kept->documents;
        *empty_slot(built->slots, built->capacity, kept->hash) =
            (hw_slot){ (uint32_t)kept->hash, (uint32_t)built->count };
    }
    return HW_OK;
}

void hw_built_dictionary_free(hw_built_dictionary *built) {
    hw_free(built->slots);
    hw_free(built->documents);
    *built = (hw_built_dictionary){ 0 };
}
