/* Viterbi over byte positions. Invariant: nodes[at] is the best path that covers the first `at`
 * bytes, and of equally good ones the first that was found: a later one must be better. */
#include "tokenizer/unigram.h"

#include "base/memory.h"
#include "text/utf8.h"
#include "tokenizer/piece_score.h"
#include "tokenizer/trie.h"

#include <math.h>
#include <stdio.h>

/* How much worse than the worst piece an unknown character is (`tokenizers`, models/unigram). */
static const double UNKNOWN_PENALTY = 10;
static const uint32_t UNREACHED = UINT32_MAX;

struct hw_unigram {
    hw_trie pieces;
    double *scores; /* [count] */
    size_t count;
    uint32_t unknown;
    double unknown_score;
    uint32_t bytes[256]; /* <0x00> to <0xFF> */
    bool byte_fallback;
};

typedef struct hw_unigram_node {
    double score;
    uint32_t begin; /* of the last piece; UNREACHED: no path ends here */
    uint32_t id;    /* of the last piece */
} node;

static hw_status read_piece(hw_trie_key *key, double *score, const json_t *pair, const char *name,
                            hw_error *err) {
    const json_t *piece = json_array_get(pair, 0), *number = json_array_get(pair, 1);
    if (json_array_size(pair) != 2 || !json_is_string(piece) || !json_is_number(number))
        return hw_fail(err, HW_ERROR_FORMAT, "%s: piece %u is not a pair of string and score", name,
                       key->value);
    key->string = (hw_text){ json_string_value(piece), json_string_length(piece) };
    *score = json_number_value(number);
    return HW_OK;
}

static hw_status read_pieces(hw_unigram *unigram, hw_trie_key *keys, const json_t *model,
                             const char *name, hw_error *err) {
    const json_t *pieces = json_object_get(model, "vocab");
    const bool is_exact = json_is_true(json_object_get(model, "exact_scores"));
    double lowest = INFINITY;
    for (size_t id = 0; id < unigram->count; ++id) {
        keys[id].value = (uint32_t)id;
        HW_TRY(read_piece(&keys[id], &unigram->scores[id], json_array_get(pieces, id), name, err));
        if (!is_exact) unigram->scores[id] = hw_piece_score(unigram->scores[id]);
        if (unigram->scores[id] < lowest) lowest = unigram->scores[id];
    }
    unigram->unknown_score = lowest - UNKNOWN_PENALTY;
    return hw_trie_build(&unigram->pieces, keys, unigram->count, err);
}

static void read_bytes(hw_unigram *unigram) {
    for (unsigned byte = 0; byte < 256; ++byte) {
        char piece[sizeof "<0x00>"];
        snprintf(piece, sizeof piece, "<0x%02X>", byte);
        unigram->bytes[byte] = hw_trie_find(&unigram->pieces, hw_text_of(piece));
    }
}

static hw_status read_model(hw_unigram *unigram, const json_t *model, const char *name,
                            hw_error *err) {
    const json_t *pieces = json_object_get(model, "vocab");
    const json_t *unknown = json_object_get(model, "unk_id");
    if (!json_is_array(pieces))
        return hw_fail(err, HW_ERROR_FORMAT, "%s: Unigram without a vocab array", name);
    if (!json_is_integer(unknown))
        return hw_fail(err, HW_ERROR_UNSUPPORTED, "%s: Unigram without unk_id", name);
    unigram->count = json_array_size(pieces);
    const json_int_t id = json_integer_value(unknown);
    if (id < 0 || (uint64_t)id >= unigram->count || unigram->count >= HW_NO_TOKEN)
        return hw_fail(err, HW_ERROR_FORMAT, "%s: unk_id is not in the vocab", name);
    unigram->unknown = (uint32_t)id;
    unigram->byte_fallback = json_is_true(json_object_get(model, "byte_fallback"));

    unigram->scores = hw_calloc(unigram->count, sizeof *unigram->scores);
    hw_trie_key *keys = hw_calloc(unigram->count, sizeof *keys);
    const hw_status status = unigram->scores && keys
                                 ? read_pieces(unigram, keys, model, name, err)
                                 : hw_fail_memory(err, unigram->count * sizeof *keys);
    hw_free(keys);
    if (status == HW_OK) read_bytes(unigram);
    return status;
}

hw_unigram *hw_unigram_new(const json_t *model, const char *name, hw_error *err) {
    hw_unigram *unigram = hw_calloc(1, sizeof *unigram);
    if (!unigram) {
        hw_fail_memory(err, sizeof *unigram);
        return NULL;
    }
    if (read_model(unigram, model, name, err) == HW_OK) return unigram;
    hw_unigram_free(unigram);
    return NULL;
}

void hw_unigram_free(hw_unigram *unigram) {
    if (!unigram) return;
    hw_trie_free(&unigram->pieces);
    hw_free(unigram->scores);
    hw_free(unigram);
}

static void improve(node *end, double score, size_t begin, uint32_t id) {
    if (end->begin == UNREACHED || score > end->score) *end = (node){ score, (uint32_t)begin, id };
}

/* Extends the best path that ends at `begin` by every piece that starts there. */
static void extend(node *nodes, const hw_unigram *unigram, hw_text text, size_t begin,
                   size_t character) {
    const hw_trie *pieces = &unigram->pieces;
    const double score = nodes[begin].score;
    bool has_character = false;
    uint32_t at = HW_TRIE_ROOT;
    for (size_t end = begin; end < text.length;) {
        at = hw_trie_step(pieces, at, (unsigned char)text.bytes[end++]);
        if (at == HW_TRIE_NONE) break;
        const uint32_t id = pieces->units[at].value;
        if (id == HW_TRIE_NONE) continue;
        improve(&nodes[end], unigram->scores[id] + score, begin, id);
        if (end == begin + character) has_character = true;
    }
    if (!has_character)
        improve(&nodes[begin + character], unigram->unknown_score + score, begin, unigram->unknown);
}

static void find_best_path(node *nodes, const hw_unigram *unigram, hw_text text) {
    nodes[0] = (node){ 0 };
    for (size_t at = 1; at <= text.length; ++at) nodes[at].begin = UNREACHED;
    for (size_t begin = 0, size; begin < text.length; begin += size) {
        hw_utf8_decode(&size, text.bytes + begin, text.length - begin);
        extend(nodes, unigram, text, begin, size);
    }
}

static bool has_bytes(const hw_unigram *unigram, hw_text text) {
    for (size_t i = 0; i < text.length; ++i)
        if (unigram->bytes[(unsigned char)text.bytes[i]] == HW_TRIE_NONE) return false;
    return unigram->byte_fallback;
}

/* A row of unknown characters; as in `tokenizers`, together they may be a piece after all. */
static void append_unknown(hw_tokens *tokens, const hw_unigram *unigram, hw_text row,
                           hw_token token) {
    const uint32_t piece = hw_trie_find(&unigram->pieces, row);
    if (piece == HW_TRIE_NONE && has_bytes(unigram, row)) {
        for (size_t i = row.length; i-- > 0;) {
            token.id = unigram->bytes[(unsigned char)row.bytes[i]];
            tokens->items[tokens->count++] = token;
        }
        return;
    }
    token.id = piece == HW_TRIE_NONE ? unigram->unknown : piece;
    tokens->items[tokens->count++] = token;
}

/* The last piece first. */
static void append_path(hw_tokens *tokens, const hw_unigram *unigram, const node *nodes,
                        hw_text text) {
    const uint32_t unknown = unigram->unknown;
    for (uint32_t end = (uint32_t)text.length, begin; end > 0; end = begin) {
        const uint32_t id = nodes[end].id;
        begin = nodes[end].begin;
        if (id != unknown) {
            tokens->items[tokens->count++] = (hw_token){ id, begin, end };
            continue;
        }
        while (begin > 0 && nodes[begin].id == unknown) begin = nodes[begin].begin;
        append_unknown(tokens, unigram, (hw_text){ text.bytes + begin, end - begin },
                       (hw_token){ id, begin, end });
    }
}

static void reverse(hw_token *tokens, size_t count) {
    for (size_t i = 0; i < count / 2; ++i) {
        const hw_token token = tokens[i];
        tokens[i] = tokens[count - 1 - i];
        tokens[count - 1 - i] = token;
    }
}

static hw_status reserve(hw_tokens *tokens, hw_unigram_scratch *scratch, size_t length,
                         hw_error *err) {
    void *items = tokens->items, *nodes = scratch->nodes;
    const bool grown =
        hw_grow(&items, &tokens->capacity, tokens->count + length, sizeof *tokens->items);
    tokens->items = items;
    if (!grown || !hw_grow(&nodes, &scratch->capacity, length + 1, sizeof *scratch->nodes))
        return hw_fail_memory(err, (length + 1) * sizeof *scratch->nodes);
    scratch->nodes = nodes;
    return HW_OK;
}

hw_status hw_unigram_encode(hw_tokens *tokens, const hw_unigram *unigram,
                            hw_unigram_scratch *scratch, hw_text text, hw_error *err) {
    HW_TRY(reserve(tokens, scratch, text.length, err));
    const size_t before = tokens->count;
    find_best_path(scratch->nodes, unigram, text);
    append_path(tokens, unigram, scratch->nodes, text);
    if (tokens->count > before) reverse(tokens->items + before, tokens->count - before);
    return HW_OK;
}

void hw_unigram_scratch_free(hw_unigram_scratch *scratch) {
    hw_free(scratch->nodes);
    *scratch = (hw_unigram_scratch){ 0 };
}
