/* Invariant: no key is in the table twice, and a search ends, as half of the slots are empty. */
#include "tokenizer/merge_table.h"

#include "base/memory.h"

enum { FIRST_BITS = 4, LAST_BITS = 40, FILTER_BITS = 4 };

hw_status hw_merge_table_reserve(hw_merge_table *table, size_t count, hw_error *err) {
    unsigned bits = FIRST_BITS;
    while (bits < LAST_BITS && ((size_t)1 << bits) / 2 < count) ++bits;
    const size_t capacity = (size_t)1 << bits;
    if (capacity / 2 < count) return hw_fail(err, HW_ERROR_UNSUPPORTED, "vocabulary too large");

    hw_merge *slots = hw_malloc(capacity * sizeof *slots);
    uint64_t *filter = hw_calloc(FILTER_BITS * capacity / 64, sizeof *filter);
    if (!slots || !filter) {
        hw_free(slots);
        hw_free(filter);
        return hw_fail_memory(err, capacity * sizeof *slots);
    }
    for (size_t at = 0; at < capacity; ++at) slots[at].id = HW_MERGE_NONE;
    *table = (hw_merge_table){ slots, capacity, filter, 64 - bits };
    return HW_OK;
}

void hw_merge_table_put(hw_merge_table *table, hw_merge merge) {
    *hw_merge_table_slot(table, merge.left, merge.right) = merge;
    const size_t bit = hw_merge_table_bit(table, hw_merge_hash(merge.left, merge.right));
    table->filter[bit / 64] |= (uint64_t)1 << bit % 64;
}

void hw_merge_table_free(hw_merge_table *table) {
    hw_free(table->slots);
    hw_free(table->filter);
    *table = (hw_merge_table){ 0 };
}
