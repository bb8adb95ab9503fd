/* A trie over the strings, entered only at bytes that one of them starts with. */
#include "tokenizer/added_tokens.h"

#include "base/memory.h"
#include "text/utf8.h"
#include "tokenizer/json_section.h"
#include "tokenizer/unicode_class.h"

/* ---- Reading ---------------------------------------------------------------------------- */

static hw_status read_flags(hw_added_token *token, hw_section section, hw_error *err) {
    HW_TRY(hw_section_flag(&token->single_word, section, "single_word", err));
    HW_TRY(hw_section_flag(&token->lstrip, section, "lstrip", err));
    HW_TRY(hw_section_flag(&token->rstrip, section, "rstrip", err));
    HW_TRY(hw_section_flag(&token->is_normalized, section, "normalized", err));
    return hw_section_flag(&token->is_special, section, "special", err);
}

/* The ids of a vocabulary are taken; others are given out from `*next` on. */
static hw_status choose_id(hw_added_token *token, uint32_t *next, const hw_added_tokens *added,
                           const hw_token_table *vocabulary, hw_text content, hw_section section,
                           hw_error *err) {
    token->id = hw_token_table_find(&added->table, content);
    if (token->id == HW_NO_TOKEN) token->id = hw_token_table_find(vocabulary, content);
    if (token->id == HW_NO_TOKEN) token->id = (*next)++;
    if (token->id >= HW_TOKEN_IDS_MAX)
        return hw_fail(err, HW_ERROR_UNSUPPORTED, "%s: %s: an id of %u or more", section.name,
                       section.path, (unsigned)HW_TOKEN_IDS_MAX);
    return HW_OK;
}

/* A token that comes twice counts as it comes last. */
static hw_status put_token(hw_added_tokens *added, hw_added_token token, hw_error *err) {
    const size_t places = (size_t)token.id + 1;
    if (!hw_grow((void **)&added->places, &added->place_capacity, places, sizeof *added->places))
        return hw_fail_memory(err, places * sizeof *added->places);
    if (!hw_grow((void **)&added->items, &added->capacity, added->count + 1, sizeof token))
        return hw_fail_memory(err, (added->count + 1) * sizeof token);
    while (added->place_count < places) added->places[added->place_count++] = 0;

    uint32_t *place = &added->places[token.id];
    if (*place == 0) {
        added->items[added->count++] = token;
        *place = (uint32_t)added->count;
        return HW_OK;
    }
    hw_added_token *present = &added->items[*place - 1];
    token.is_special = token.is_special || present->is_special;
    *present = token;
    return HW_OK;
}

static hw_status read_token(hw_added_tokens *added, uint32_t *next, hw_section section,
                            const hw_token_table *vocabulary, hw_error *err) {
    hw_text content;
    hw_added_token token;
    HW_TRY(hw_section_string(&content, section, "content", err));
    HW_TRY(read_flags(&token, section, err));
    if (content.length == 0) return HW_OK;
    HW_TRY(choose_id(&token, next, added, vocabulary, content, section, err));
    HW_TRY(hw_token_table_add(&added->table, content, token.id, err));
    return put_token(added, token, err);
}

/* The string of a normalized token is normalized as the text is. */
static hw_status normalize(hw_workspace *workspace, hw_text content,
                           const hw_normalizer *normalizer, hw_error *err) {
    workspace->text.length = workspace->pieces.count = 0;
    hw_aligned_append(&workspace->text, content, 0);
    hw_pieces_append(&workspace->pieces, (hw_piece){ 0, workspace->text.length, 0, HW_NO_TOKEN });
    HW_TRY(hw_workspace_check(workspace, err));
    return hw_normalizer_apply(workspace, normalizer, err);
}

/* The strings a matcher looks for; those of normalized tokens are normalized as a text is. */
static hw_status collect_strings(hw_added_matcher *matcher, const hw_added_tokens *added,
                                 const hw_normalizer *normalizer, hw_workspace *workspace,
                                 hw_error *err) {
    for (size_t i = 0; i < added->count; ++i) {
        const hw_added_token *token = &added->items[i];
        if (token->is_normalized != (normalizer != NULL)) continue;
        hw_text string = hw_text_of(hw_token_table_string(&added->table, token->id));
        if (normalizer) {
            HW_TRY(normalize(workspace, string, normalizer, err));
            string = (hw_text){ workspace->text.bytes, workspace->text.length };
        }
        if (string.length == 0) continue;
        matcher->starts[(unsigned char)string.bytes[0]] = true;
        HW_TRY(hw_token_table_add(&matcher->strings, string, (uint32_t)i, err));
    }
    return HW_OK;
}

static hw_status build_trie(hw_added_matcher *matcher, hw_error *err) {
    const hw_token_table *strings = &matcher->strings;
    if (strings->count == 0) return HW_OK;
    hw_trie_key *keys = hw_calloc(strings->count, sizeof *keys);
    if (!keys) return hw_fail_memory(err, strings->count * sizeof *keys);
    size_t count = 0;
    for (size_t i = 0; i < strings->slot_capacity; ++i) {
        const hw_token_slot *slot = &strings->slots[i];
        if (slot->id == HW_NO_TOKEN) continue;
        const hw_text string = { strings->bytes + slot->offset, slot->length };
        keys[count++] = (hw_trie_key){ string, slot->id };
    }
    const hw_status status = hw_trie_build(&matcher->trie, keys, count, err);
    hw_free(keys);
    return status;
}

static hw_status init_matchers(hw_added_tokens *added, const hw_normalizer *normalizer,
                               hw_error *err) {
    hw_workspace workspace = { 0 };
    hw_status status = collect_strings(&added->raw, added, NULL, &workspace, err);
    if (status == HW_OK)
        status = collect_strings(&added->normalized, added, normalizer, &workspace, err);
    hw_workspace_free(&workspace);
    HW_TRY(status);
    HW_TRY(build_trie(&added->raw, err));
    return build_trie(&added->normalized, err);
}

hw_status hw_added_tokens_init(hw_added_tokens *added, const json_t *json,
                               const hw_token_table *vocabulary, size_t vocabulary_size,
                               const hw_normalizer *normalizer, const char *name, hw_error *err) {
    if (json && !json_is_null(json) && !json_is_array(json))
        return hw_fail(err, HW_ERROR_FORMAT, "%s: added_tokens: a list is expected", name);
    uint32_t next = (uint32_t)vocabulary_size;
    for (size_t i = 0; i < json_array_size(json); ++i) {
        const hw_section section = { json_array_get(json, i), name, "added_tokens" };
        HW_TRY(read_token(added, &next, section, vocabulary, err));
    }
    return init_matchers(added, normalizer, err);
}

static void free_matcher(hw_added_matcher *matcher) {
    hw_token_table_free(&matcher->strings);
    hw_trie_free(&matcher->trie);
}

void hw_added_tokens_free(hw_added_tokens *added) {
    hw_free(added->items);
    hw_free(added->places);
    hw_token_table_free(&added->table);
    free_matcher(&added->raw);
    free_matcher(&added->normalized);
    *added = (hw_added_tokens){ 0 };
}

const hw_added_token *hw_added_tokens_get(const hw_added_tokens *added, uint32_t id) {
    if (id >= added->place_count || added->places[id] == 0) return NULL;
    return &added->items[added->places[id] - 1];
}

/* ---- Matching --------------------------------------------------------------------------- */

/* The longest string that starts at text.bytes[at]: where it ends and, in *index, its token; 0 if
 * there is none. */
static size_t longest_match(uint32_t *index, const hw_added_matcher *matcher, hw_text text,
                            size_t at) {
    uint32_t node = HW_TRIE_ROOT;
    size_t end = 0;
    while (at < text.length) {
        node = hw_trie_step(&matcher->trie, node, (unsigned char)text.bytes[at++]);
        if (node == HW_TRIE_NONE) break;
        if (matcher->trie.units[node].value == HW_TRIE_NONE) continue;
        *index = matcher->trie.units[node].value;
        end = at;
    }
    return end;
}

static size_t character_before(hw_text text, size_t at) {
    do --at;
    while (at > 0 && ((unsigned char)text.bytes[at] & 0xC0) == 0x80);
    return at;
}

static bool is_word_at(hw_text text, size_t at) {
    size_t size;
    const uint32_t code = hw_utf8_decode(&size, text.bytes + at, text.length - at);
    return hw_unicode_class(code) & HW_CLASS_WORD;
}

static bool stands_alone(hw_text text, size_t begin, size_t end) {
    return (begin == 0 || !is_word_at(text, character_before(text, begin))) &&
           (end == text.length || !is_word_at(text, end));
}

static size_t skip_spaces_back(hw_text text, size_t at, size_t least) {
    while (at > least) {
        size_t size;
        const size_t before = character_before(text, at);
        if (!hw_is_space(hw_utf8_decode(&size, text.bytes + before, at - before))) break;
        at = before;
    }
    return at > least ? at : least;
}

static size_t skip_spaces(hw_text text, size_t at) {
    for (size_t size; at < text.length; at += size)
        if (!hw_is_space(hw_utf8_decode(&size, text.bytes + at, text.length - at))) break;
    return at;
}

bool hw_added_next(hw_added_match *match, hw_added_walk *walk, const hw_added_tokens *added,
                   const hw_added_matcher *matcher) {
    const hw_text text = walk->text;
    if (matcher->trie.count == 0) return false;
    while (walk->at < text.length) {
        const size_t begin = walk->at++;
        if (!matcher->starts[(unsigned char)text.bytes[begin]]) continue;
        uint32_t index = 0;
        const size_t end = longest_match(&index, matcher, text, begin);
        if (end == 0) continue;
        walk->at = end;
        const hw_added_token *token = &added->items[index];
        if (token->single_word && !stands_alone(text, begin, end)) continue;

        match->id = token->id;
        match->begin = token->lstrip ? skip_spaces_back(text, begin, walk->end) : begin;
        match->end = token->rstrip ? skip_spaces(text, end) : end;
        walk->end = match->end;
        return true;
    }
    return false;
}

static void cut_piece(hw_pieces *parts, const hw_aligned *text, hw_piece piece,
                      const hw_added_tokens *added, const hw_added_matcher *matcher) {
    const size_t base = piece.begin;
    hw_added_walk walk = { .text = { text->bytes + base, piece.end - base } };
    size_t after = 0; /* the last match */
    for (hw_added_match match; hw_added_next(&match, &walk, added, matcher); after = match.end) {
        hw_pieces_cut(parts, text, base + after, base + match.begin, HW_NO_TOKEN);
        hw_pieces_cut(parts, text, base + match.begin, base + match.end, match.id);
    }
    hw_pieces_cut(parts, text, base + after, piece.end, HW_NO_TOKEN);
}

void hw_added_cut(hw_workspace *workspace, const hw_added_tokens *added,
                  const hw_added_matcher *matcher) {
    hw_pieces *parts = &workspace->other_pieces;
    parts->count = 0;
    for (size_t i = 0; i < workspace->pieces.count; ++i) {
        const hw_piece piece = workspace->pieces.items[i];
        if (piece.id != HW_NO_TOKEN)
            hw_pieces_append(parts, piece);
        else if (piece.begin < piece.end)
            cut_piece(parts, &workspace->text, piece, added, matcher);
    }
    hw_workspace_swap_pieces(workspace);
}
