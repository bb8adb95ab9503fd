/* Each word is a span of pieces. Joining a pair rewrites the words that have it and corrects the
 * counts of their pairs; a heap yields the next pair. Counts in the heap may be out of date: one
 * that is too high is put back with the right count when it comes up, and a pair whose count has
 * grown is put in again, so that what comes up with its right count is the most frequent pair.
 * Pairs of equal count come in the order of their pieces' ids. */
#include "tokenizer/wordpiece_trainer.h"

#include "base/memory.h"
#include "text/utf8.h"
#include "tokenizer/pair_table.h"

#include <stdlib.h>

static const char prefix[] = "##"; /* of a piece that goes on a word */
enum { PREFIX = sizeof prefix - 1, LETTER_BYTES = PREFIX + HW_UTF8_MAX };

/* ---- Letters --------------------------------------------------------------------- */

static size_t letters_of(hw_text word) {
    size_t letters = 0;
    for (size_t at = 0, size; at < word.length; at += size, letters++)
        hw_utf8_decode(&size, word.bytes + at, word.length - at);
    return letters;
}

/* The letter as it stands when it goes on a word. */
static hw_text inner_letter(char bytes[LETTER_BYTES], hw_text letter) {
    memcpy(bytes, prefix, PREFIX);
    memcpy(bytes + PREFIX, letter.bytes, letter.length);
    return (hw_text){ bytes, PREFIX + letter.length };
}

/* A letter of a longer word counts in both forms, so that it may stand anywhere in a new word. */
static hw_status count_letters(hw_word_bag *letters, const hw_bag_word *word, hw_error *err) {
    const size_t count = letters_of(word->text);
    if (count > HW_WORDPIECE_WORD_LIMIT) return HW_OK;
    for (size_t at = 0, size; at < word->text.length; at += size) {
        hw_utf8_decode(&size, word->text.bytes + at, word->text.length - at);
        const hw_text letter = { word->text.bytes + at, size };
        HW_TRY(hw_word_bag_add(letters, NULL, letter, word->count, err));
        if (count == 1) continue;
        char bytes[LETTER_BYTES];
        HW_TRY(hw_word_bag_add(letters, NULL, inner_letter(bytes, letter), word->count, err));
    }
    return HW_OK;
}

static int by_falling_count(const void *left, const void *right) {
    const uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;
    return (a < b) - (a > b);
}

/* The least count with which at most `room` letters are kept. */
static hw_status least_count(uint64_t *least, const hw_word_bag *letters, size_t room,
                             hw_error *err) {
    if (letters->count <= room) return HW_OK;
    uint64_t *counts = hw_calloc(letters->count, sizeof *counts);
    if (!counts) return hw_fail_memory(err, letters->count * sizeof *counts);
    for (size_t i = 0; i < letters->count; i++) counts[i] = letters->items[i].count;
    qsort(counts, letters->count, sizeof *counts, by_falling_count);
    if (counts[room] >= *least) *least = counts[room] + 1;
    hw_free(counts);
    return HW_OK;
}

static hw_status choose_letters(hw_word_bag *pieces, hw_word_bag *letters, size_t room,
                                uint64_t min_count, hw_error *err) {
    HW_TRY(least_count(&min_count, letters, room, err));
    hw_word_bag_sort(letters);
    for (size_t i = 0; i < letters->count; i++) {
        const hw_bag_word *letter = &letters->items[i];
        if (letter->count < min_count) continue;
        HW_TRY(hw_word_bag_add(pieces, NULL, letter->text, letter->count, err));
    }
    return HW_OK;
}

static hw_status start_pieces(hw_word_bag *pieces, const hw_word_bag *words, size_t vocabulary,
                              uint64_t min_count, hw_error *err) {
#define X(id, token) HW_TRY(hw_word_bag_add(pieces, NULL, hw_text_of(token), 0, err));
    HW_WORDPIECE_SPECIAL_LIST(X)
#undef X
    hw_word_bag letters = { 0 };
    hw_status status = HW_OK;
    for (size_t i = 0; status == HW_OK && i < words->count; i++)
        status = count_letters(&letters, &words->items[i], err);
    if (status == HW_OK)
        status =
            choose_letters(pieces, &letters, vocabulary - HW_WORDPIECE_SPECIALS, min_count, err);
    hw_word_bag_free(&letters);
    return status;
}

/* ---- Words as spans of pieces ------------------------------------------------------ */

typedef struct span {
    uint32_t *pieces; /* [length] in merger.pieces */
    uint32_t length;
    uint64_t count;
} span;

typedef struct candidate {
    uint64_t key, count;
} candidate;

typedef struct merger {
    hw_word_bag *vocabulary;
    span *spans; /* [span_count] words of at least two pieces */
    size_t span_count;
    uint32_t *pieces; /* of all spans, one after the other */
    hw_pair_table pairs;
    candidate *heap; /* [heap_count] the largest first (goes_before) */
    size_t heap_count, heap_capacity;
    uint64_t *queued; /* [queued_count] keys of the pairs that are to become candidates */
    size_t queued_count, queued_capacity;
} merger;

/* Writes the word's letters as pieces; false if one of them is not in the vocabulary. */
static bool spell(uint32_t *pieces, const hw_word_bag *vocabulary, hw_text word) {
    for (size_t at = 0, size; at < word.length; at += size, pieces++) {
        hw_utf8_decode(&size, word.bytes + at, word.length - at);
        const hw_text letter = { word.bytes + at, size };
        char bytes[LETTER_BYTES];
        if (!hw_word_bag_find(vocabulary, pieces, at ? inner_letter(bytes, letter) : letter))
            return false;
    }
    return true;
}

static hw_status spell_words(merger *m, const hw_word_bag *words, hw_error *err) {
    size_t total = 0;
    for (size_t i = 0; i < words->count; i++) total += words->items[i].text.length;
    m->spans = hw_calloc(words->count, sizeof *m->spans);
    m->pieces = hw_calloc(total, sizeof *m->pieces);
    if (!m->spans || !m->pieces) return hw_fail_memory(err, total * sizeof *m->pieces);
    uint32_t *end = m->pieces;
    for (size_t i = 0; i < words->count; i++) {
        const hw_text word = words->items[i].text;
        const size_t length = letters_of(word);
        if (length < 2 || length > HW_WORDPIECE_WORD_LIMIT || !spell(end, m->vocabulary, word))
            continue;
        m->spans[m->span_count++] = (span){ end, (uint32_t)length, words->items[i].count };
        end += length;
    }
    return HW_OK;
}

/* ---- The heap of candidates --------------------------------------------------------- */

static bool goes_before(candidate a, candidate b) {
    return a.count != b.count ? a.count > b.count : a.key < b.key;
}

static hw_status push(merger *m, candidate added, hw_error *err) {
    if (!hw_grow((void **)&m->heap, &m->heap_capacity, m->heap_count + 1, sizeof *m->heap))
        return hw_fail_memory(err, (m->heap_count + 1) * sizeof *m->heap);
    size_t at = m->heap_count++;
    for (; at > 0 && goes_before(added, m->heap[(at - 1) / 2]); at = (at - 1) / 2)
        m->heap[at] = m->heap[(at - 1) / 2];
    m->heap[at] = added;
    return HW_OK;
}

static candidate pop(merger *m) {
    const candidate top = m->heap[0], last = m->heap[--m->heap_count];
    size_t at = 0;
    for (size_t child; (child = 2 * at + 1) < m->heap_count; at = child) {
        if (child + 1 < m->heap_count && goes_before(m->heap[child + 1], m->heap[child])) child++;
        if (!goes_before(m->heap[child], last)) break;
        m->heap[at] = m->heap[child];
    }
    m->heap[at] = last;
    return top;
}

/* ---- Counting and joining ------------------------------------------------------------ */

static hw_status queue(merger *m, hw_pair *pair, hw_error *err) {
    if (pair->is_queued) return HW_OK;
    if (!hw_grow((void **)&m->queued, &m->queued_capacity, m->queued_count + 1, sizeof *m->queued))
        return hw_fail_memory(err, (m->queued_count + 1) * sizeof *m->queued);
    m->queued[m->queued_count++] = pair->key;
    pair->is_queued = true;
    return HW_OK;
}

static hw_status push_queued(merger *m, hw_error *err) {
    for (size_t i = 0; i < m->queued_count; i++) {
        hw_pair *pair;
        HW_TRY(hw_pair_table_get(&m->pairs, &pair, m->queued[i], err));
        pair->is_queued = false;
        if (pair->count) HW_TRY(push(m, (candidate){ pair->key, pair->count }, err));
    }
    m->queued_count = 0;
    return HW_OK;
}

static hw_status count_pairs(merger *m, uint32_t word, hw_error *err) {
    const span *s = &m->spans[word];
    for (uint32_t i = 0; i + 1 < s->length; i++) {
        hw_pair *pair;
        HW_TRY(
            hw_pair_table_get(&m->pairs, &pair, hw_pair_key(s->pieces[i], s->pieces[i + 1]), err));
        pair->count += s->count;
        HW_TRY(hw_pair_table_add_word(&m->pairs, pair, word, err));
        HW_TRY(queue(m, pair, err));
    }
    return HW_OK;
}

/* Adds to the count of the pair at a place of a word, or takes from it. */
static hw_status change(merger *m, uint64_t key, uint32_t word, bool more, hw_error *err) {
    hw_pair *pair;
    HW_TRY(hw_pair_table_get(&m->pairs, &pair, key, err));
    if (!more) {
        pair->count -= m->spans[word].count;
        return HW_OK;
    }
    pair->count += m->spans[word].count;
    HW_TRY(hw_pair_table_add_word(&m->pairs, pair, word, err));
    return queue(m, pair, err);
}

/* Joins left and right, wherever they stand in this order, to `joined`; from left to right. */
static hw_status join_in_word(merger *m, uint32_t word, uint32_t left, uint32_t right,
                              uint32_t joined, hw_error *err) {
    span *s = &m->spans[word];
    for (uint32_t i = 0; i + 1 < s->length; i++) {
        uint32_t *at = s->pieces + i;
        if (at[0] != left || at[1] != right) continue;
        const bool has_next = i + 2 < s->length;
        HW_TRY(change(m, hw_pair_key(left, right), word, false, err));
        if (i) HW_TRY(change(m, hw_pair_key(at[-1], left), word, false, err));
        if (has_next) HW_TRY(change(m, hw_pair_key(right, at[2]), word, false, err));
        if (i) HW_TRY(change(m, hw_pair_key(at[-1], joined), word, true, err));
        if (has_next) HW_TRY(change(m, hw_pair_key(joined, at[2]), word, true, err));
        at[0] = joined;
        memmove(at + 1, at + 2, (s->length - i - 2) * sizeof *at);
        s->length--;
    }
    return HW_OK;
}

/* The piece that left and right make; new unless other pieces made it before. */
static hw_status add_joined(uint32_t *joined, hw_word_bag *vocabulary, uint32_t left,
                            uint32_t right, uint64_t count, hw_error *err) {
    const hw_text a = vocabulary->items[left].text, b = vocabulary->items[right].text;
    hw_text_buffer text = { 0 };
    hw_text_append(&text, a.bytes, a.length);
    hw_text_append(&text, b.bytes + PREFIX, b.length - PREFIX);
    const hw_status status =
        text.failed
            ? hw_fail_memory(err, a.length + b.length)
            : hw_word_bag_add(vocabulary, joined, (hw_text){ text.bytes, text.length }, count, err);
    hw_text_buffer_free(&text);
    return status;
}

static hw_status join(merger *m, const candidate *top, hw_error *err) {
    const uint32_t left = (uint32_t)(top->key >> 32), right = (uint32_t)top->key;
    uint32_t joined;
    HW_TRY(add_joined(&joined, m->vocabulary, left, right, top->count, err));
    hw_pair *pair;
    HW_TRY(hw_pair_table_get(&m->pairs, &pair, top->key, err));
    uint32_t place = pair->words;
    pair->words = 0;
    while (place) {
        const hw_pair_place at = m->pairs.places[place - 1];
        HW_TRY(join_in_word(m, at.word, left, right, joined, err));
        place = at.next;
    }
    return push_queued(m, err);
}

static hw_status join_pairs(merger *m, size_t limit, uint64_t min_count, hw_error *err) {
    while (m->vocabulary->count < limit && m->heap_count) {
        candidate top = pop(m);
        hw_pair *pair;
        HW_TRY(hw_pair_table_get(&m->pairs, &pair, top.key, err));
        if (pair->count < min_count) continue;
        const bool is_current = top.count == pair->count;
        top.count = pair->count;
        HW_TRY(is_current ? join(m, &top, err) : push(m, top, err));
    }
    return HW_OK;
}

static hw_status merge(merger *m, const hw_word_bag *words, size_t limit, uint64_t min_count,
                       hw_error *err) {
    HW_TRY(spell_words(m, words, err));
    for (size_t word = 0; word < m->span_count; word++) HW_TRY(count_pairs(m, (uint32_t)word, err));
    HW_TRY(push_queued(m, err));
    return join_pairs(m, limit, min_count, err);
}

hw_status hw_wordpiece_train(hw_word_bag *pieces, const hw_word_bag *words, size_t vocabulary,
                             uint64_t min_count, hw_error *err) {
    HW_TRY(start_pieces(pieces, words, vocabulary, min_count, err));
    merger m = { .vocabulary = pieces };
    const hw_status status = merge(&m, words, vocabulary, min_count, err);
    hw_free(m.spans);
    hw_free(m.pieces);
    hw_pair_table_free(&m.pairs);
    hw_free(m.heap);
    hw_free(m.queued);
    return status;
}
