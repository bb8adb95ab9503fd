/* A word is a list of symbols, doubly linked; the queue holds a merge for each pair that was seen.
 * Invariant: a symbol's rank is that of the merge with the symbol behind it; an entry of the queue
 * whose rank is another one is out of date and passed over. */
#include "tokenizer/bpe_model.h"

#include "base/memory.h"
#include "text/utf8.h"

static const uint32_t NONE = UINT32_MAX;

typedef struct hw_bpe_symbol {
    uint32_t id;
    uint32_t length; /* bytes of the word */
    uint32_t previous, next;
    uint32_t rank, joined; /* the merge with the next symbol; NONE: there is none */
} symbol;

/* One word on its way. */
typedef struct word_state {
    const hw_bpe *bpe;
    symbol *symbols; /* [count] */
    uint64_t *queue; /* [queued] */
    uint32_t count;
    size_t queued;
    symbol unknown; /* length 0, or a row of unknown characters that has no symbol yet */
} word_state;

static void enqueue(word_state *w, uint64_t entry) {
    size_t at = w->queued++;
    for (; at > 0 && w->queue[(at - 1) / 2] > entry; at = (at - 1) / 2)
        w->queue[at] = w->queue[(at - 1) / 2];
    w->queue[at] = entry;
}

static uint64_t dequeue(word_state *w) {
    const uint64_t first = w->queue[0], last = w->queue[--w->queued];
    size_t at = 0;
    for (size_t child; (child = 2 * at + 1) < w->queued; at = child) {
        if (child + 1 < w->queued && w->queue[child + 1] < w->queue[child]) ++child;
        if (w->queue[child] >= last) break;
        w->queue[at] = w->queue[child];
    }
    w->queue[at] = last;
    return first;
}

static void add_symbol(word_state *w, uint32_t id, uint32_t length) {
    w->symbols[w->count] = (symbol){ .id = id, .length = length, .rank = NONE };
    ++w->count;
}

static void flush_unknown(word_state *w) {
    if (w->unknown.length) add_symbol(w, w->unknown.id, w->unknown.length);
    w->unknown.length = 0;
}

static bool add_bytes(word_state *w, const char *bytes, size_t size) {
    if (!w->bpe->byte_fallback) return false;
    for (size_t i = 0; i < size; ++i)
        if (w->bpe->bytes[(unsigned char)bytes[i]] == HW_NO_TOKEN) return false;
    for (size_t i = 0; i < size; ++i) add_symbol(w, w->bpe->bytes[(unsigned char)bytes[i]], 1);
    return true;
}

/* A character that is not in the vocabulary. As in `tokenizers`, bytes do not end a row of unknown
 * characters: its symbol then stands behind them. */
static void add_unknown(word_state *w, const char *bytes, size_t size) {
    if (add_bytes(w, bytes, size) || w->bpe->unknown == HW_NO_TOKEN) return;
    if (!w->bpe->fuse_unk) flush_unknown(w);
    w->unknown.id = w->bpe->unknown;
    w->unknown.length += (uint32_t)size;
}

static void add_characters(word_state *w, hw_text word) {
    for (size_t at = 0, size; at < word.length; at += size) {
        const uint32_t code = hw_utf8_decode(&size, word.bytes + at, word.length - at);
        const uint32_t place =
            (at > 0 ? HW_BPE_INNER : 0u) | (at + size == word.length ? HW_BPE_FINAL : 0u);
        const hw_merge *found =
            hw_merge_table_find(&w->bpe->characters, place & w->bpe->places, code);
        if (!found) {
            add_unknown(w, word.bytes + at, size);
            continue;
        }
        flush_unknown(w);
        add_symbol(w, found->id, (uint32_t)size);
    }
    flush_unknown(w);
}

/* Looks up the merge of a symbol with the one behind it. */
static void match(word_state *w, uint32_t at) {
    symbol *left = &w->symbols[at];
    left->rank = NONE;
    if (left->next == NONE) return;
    const hw_merge *merge =
        hw_merge_table_find(&w->bpe->merges, left->id, w->symbols[left->next].id);
    if (!merge) return;
    left->rank = merge->rank;
    left->joined = merge->id;
    enqueue(w, (uint64_t)merge->rank << 32 | at);
}

static void join(word_state *w, uint32_t at) {
    symbol *left = &w->symbols[at], *right = &w->symbols[left->next];
    left->id = left->joined;
    left->length += right->length;
    left->next = right->next;
    right->rank = NONE;
    if (left->next != NONE) w->symbols[left->next].previous = at;
    match(w, at);
    if (left->previous != NONE) match(w, left->previous);
}

static void merge_symbols(word_state *w) {
    for (uint32_t at = 0; at < w->count; ++at) {
        w->symbols[at].previous = at - 1; /* NONE for the first */
        w->symbols[at].next = at + 1 < w->count ? at + 1 : NONE;
    }
    for (uint32_t at = 0; at < w->count; ++at) match(w, at);
    while (w->queued > 0) {
        const uint64_t entry = dequeue(w);
        const uint32_t at = (uint32_t)entry;
        if (w->symbols[at].rank == (uint32_t)(entry >> 32)) join(w, at);
    }
}

static hw_status reserve_tokens(hw_tokens *tokens, size_t more, hw_error *err) {
    void *items = tokens->items;
    if (!hw_grow(&items, &tokens->capacity, tokens->count + more, sizeof *tokens->items))
        return hw_fail_memory(err, (tokens->count + more) * sizeof *tokens->items);
    tokens->items = items;
    return HW_OK;
}

/* A character has at most one symbol for each of its bytes; each symbol enters the queue once at
 * first, and each merge adds two entries. */
static hw_status reserve_scratch(hw_bpe_scratch *scratch, size_t length, hw_error *err) {
    void *symbols = scratch->symbols, *queue = scratch->queue;
    const bool grown =
        hw_grow(&symbols, &scratch->symbol_capacity, length, sizeof *scratch->symbols);
    scratch->symbols = symbols;
    if (!grown || !hw_grow(&queue, &scratch->queue_capacity, 3 * length, sizeof *scratch->queue))
        return hw_fail_memory(err, length * (sizeof *scratch->symbols + 3 * sizeof(uint64_t)));
    scratch->queue = queue;
    return HW_OK;
}

hw_status hw_bpe_encode(hw_tokens *tokens, const hw_bpe *bpe, hw_bpe_scratch *scratch, hw_text word,
                        hw_error *err) {
    if (word.length == 0) return HW_OK;
    HW_TRY(reserve_tokens(tokens, word.length, err));
    const uint32_t whole = bpe->ignore_merges ? hw_trie_find(&bpe->words, word) : HW_TRIE_NONE;
    if (whole != HW_TRIE_NONE) {
        tokens->items[tokens->count++] = (hw_token){ whole, 0, (uint32_t)word.length };
        return HW_OK;
    }
    HW_TRY(reserve_scratch(scratch, word.length, err));
    word_state w = { .bpe = bpe, .symbols = scratch->symbols, .queue = scratch->queue };
    add_characters(&w, word);
    merge_symbols(&w);
    uint32_t begin = 0;
    for (uint32_t at = w.count ? 0 : NONE; at != NONE; at = w.symbols[at].next) {
        const uint32_t end = begin + w.symbols[at].length;
        tokens->items[tokens->count++] = (hw_token){ w.symbols[at].id, begin, end };
        begin = end;
    }
    return HW_OK;
}

void hw_bpe_scratch_free(hw_bpe_scratch *scratch) {
    hw_free(scratch->symbols);
    hw_free(scratch->queue);
    *scratch = (hw_bpe_scratch){ 0 };
}
