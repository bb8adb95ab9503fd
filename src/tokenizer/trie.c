/* Nodes are placed depth first, each with all its children at once, at the first base where those
 * are free. Only the last OPEN_BLOCKS blocks are searched, which bounds the time. Invariant: the
 * free units of the open blocks are a ring, linked by base (next) and value (previous); a unit
 * that is in use has another parent than HW_TRIE_NONE. */
#include "tokenizer/trie.h"

#include "base/memory.h"

#include <stdlib.h>

enum { BLOCK = 256, OPEN_BLOCKS = 16, UNITS_LIMIT = 1 << 30 };

static const uint32_t NO_PARENT = HW_TRIE_NONE - 1; /* the root's */

/* A node that still lacks its children: keys[first .. last) from their byte `depth` on. */
typedef struct branch {
    uint32_t node;
    size_t first, last, depth;
} branch;

typedef struct builder {
    const hw_trie_key *keys;
    hw_trie_unit *units;
    size_t count, capacity;
    uint32_t free; /* a unit of the ring, or HW_TRIE_NONE */
    branch *stack;
    size_t height, stack_capacity;
} builder;

static int compare_keys(const void *a, const void *b) {
    const hw_trie_key *left = a, *right = b;
    const size_t left_length = left->string.length, right_length = right->string.length;
    const size_t common = left_length < right_length ? left_length : right_length;
    const int order = common ? memcmp(left->string.bytes, right->string.bytes, common) : 0;
    if (order != 0) return order;
    if (left_length != right_length) return left_length < right_length ? -1 : 1;
    return (left->value > right->value) - (left->value < right->value);
}

static void link_free(builder *b, uint32_t unit) {
    hw_trie_unit *units = b->units;
    if (b->free == HW_TRIE_NONE) b->free = units[unit].base = units[unit].value = unit;
    const uint32_t next = b->free, previous = units[next].value;
    units[unit] = (hw_trie_unit){ HW_TRIE_NONE, next, previous };
    units[previous].base = unit;
    units[next].value = unit;
}

static void unlink_free(builder *b, uint32_t unit) {
    const uint32_t next = b->units[unit].base, previous = b->units[unit].value;
    b->units[previous].base = next;
    b->units[next].value = previous;
    if (b->free == unit) b->free = next == unit ? HW_TRIE_NONE : next;
}

static bool is_free(const builder *b, uint32_t unit) {
    return b->units[unit].parent == HW_TRIE_NONE;
}

/* The next of the ring, HW_TRIE_NONE once it is round. */
static uint32_t next_free(const builder *b, uint32_t unit) {
    const uint32_t next = b->units[unit].base;
    return next == b->free ? HW_TRIE_NONE : next;
}

static void close_block(builder *b, size_t block) {
    for (size_t unit = block * BLOCK; unit < (block + 1) * BLOCK; ++unit)
        if (is_free(b, (uint32_t)unit)) unlink_free(b, (uint32_t)unit);
}

static hw_status open_block(builder *b, hw_error *err) {
    if (b->count >= UNITS_LIMIT) return hw_fail(err, HW_ERROR_UNSUPPORTED, "vocabulary too large");
    void *units = b->units;
    const size_t grown = b->count + BLOCK;
    if (!hw_grow(&units, &b->capacity, grown, sizeof *b->units))
        return hw_fail_memory(err, grown * sizeof *b->units);
    b->units = units;
    if (b->count >= OPEN_BLOCKS * BLOCK) close_block(b, b->count / BLOCK - OPEN_BLOCKS);
    for (; b->count < grown; ++b->count) link_free(b, (uint32_t)b->count);
    return HW_OK;
}

static void occupy(builder *b, uint32_t unit, uint32_t parent) {
    unlink_free(b, unit);
    b->units[unit] = (hw_trie_unit){ parent, 0, HW_TRIE_NONE };
}

/* A base where the children of all labels are free. */
static hw_status find_base(uint32_t *base, builder *b, const unsigned char *labels, size_t count,
                           hw_error *err) {
    for (uint32_t unit = b->free; unit != HW_TRIE_NONE; unit = next_free(b, unit)) {
        *base = unit ^ labels[0];
        size_t fitting = 1;
        while (fitting < count && is_free(b, *base ^ labels[fitting])) ++fitting;
        if (fitting == count) return HW_OK;
    }
    *base = (uint32_t)b->count;
    return open_block(b, err);
}

static hw_status push(builder *b, branch next, hw_error *err) {
    void *stack = b->stack;
    if (!hw_grow(&stack, &b->stack_capacity, b->height + 1, sizeof *b->stack))
        return hw_fail_memory(err, (b->height + 1) * sizeof *b->stack);
    b->stack = stack;
    b->stack[b->height++] = next;
    return HW_OK;
}

/* Strings that end at the node come first: the last of them gives its value. */
static hw_status grow_branch(builder *b, branch at, hw_error *err) {
    for (; at.first < at.last && b->keys[at.first].string.length == at.depth; ++at.first)
        b->units[at.node].value = b->keys[at.first].value;
    unsigned char labels[BLOCK];
    size_t starts[BLOCK + 1], count = 0;
    for (size_t key = at.first; key < at.last; ++key) {
        const unsigned char label = (unsigned char)b->keys[key].string.bytes[at.depth];
        if (count > 0 && labels[count - 1] == label) continue;
        labels[count] = label;
        starts[count++] = key;
    }
    if (count == 0) return HW_OK;
    starts[count] = at.last;

    uint32_t base;
    HW_TRY(find_base(&base, b, labels, count, err));
    b->units[at.node].base = base;
    for (size_t child = count; child-- > 0;) {
        const uint32_t unit = base ^ labels[child];
        occupy(b, unit, at.node);
        HW_TRY(push(b, (branch){ unit, starts[child], starts[child + 1], at.depth + 1 }, err));
    }
    return HW_OK;
}

static hw_status grow(builder *b, size_t keys, hw_error *err) {
    HW_TRY(open_block(b, err));
    occupy(b, HW_TRIE_ROOT, NO_PARENT);
    HW_TRY(push(b, (branch){ HW_TRIE_ROOT, 0, keys, 0 }, err));
    while (b->height > 0) HW_TRY(grow_branch(b, b->stack[--b->height], err));
    return HW_OK;
}

hw_status hw_trie_build(hw_trie *trie, hw_trie_key *keys, size_t count, hw_error *err) {
    if (count > 0) qsort(keys, count, sizeof *keys, compare_keys);
    builder b = { .keys = keys, .free = HW_TRIE_NONE };
    const hw_status status = grow(&b, count, err);
    hw_free(b.stack);
    *trie = (hw_trie){ b.units, b.count };
    if (status != HW_OK) hw_trie_free(trie);
    return status;
}

void hw_trie_free(hw_trie *trie) {
    hw_free(trie->units);
    *trie = (hw_trie){ 0 };
}

uint32_t hw_trie_walk(const hw_trie *trie, uint32_t node, hw_text string) {
    for (size_t i = 0; i < string.length && node != HW_TRIE_NONE; ++i)
        node = hw_trie_step(trie, node, (unsigned char)string.bytes[i]);
    return node;
}

uint32_t hw_trie_find(const hw_trie *trie, hw_text string) {
    const uint32_t node = hw_trie_walk(trie, HW_TRIE_ROOT, string);
    return node == HW_TRIE_NONE ? HW_TRIE_NONE : trie->units[node].value;
}
