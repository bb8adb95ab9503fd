/* Texts come in as bytes and are made pieces of a workspace, whose stages end with one pre-token a
 * piece; the model's tokens get their place in the text from the spans of the pre-token's bytes. */
#include "tokenizer/tokenizer.h"

#include "base/memory.h"
#include "text/utf8.h"
#include "tokenizer/token_list.h"
#include "tokenizer/tokenizer_parts.h"
#include "tokenizer/word_cache.h"

enum { TEXT_LIMIT = INT32_MAX }; /* bytes */

void hw_tokenizer_free(hw_tokenizer *tokenizer) {
    if (!tokenizer) return;
    hw_normalizer_free(&tokenizer->normalizer);
    hw_pre_tokenizer_free(&tokenizer->pre_tokenizer);
    hw_tokenizer_model_free(&tokenizer->model);
    hw_added_tokens_free(&tokenizer->added);
    hw_free(tokenizer->json);
    hw_free(tokenizer);
}

const char *hw_tokenizer_json(const hw_tokenizer *tokenizer) {
    return tokenizer->json;
}

size_t hw_tokenizer_size(const hw_tokenizer *tokenizer) {
    return tokenizer->size;
}

const char *hw_tokenizer_string(const hw_tokenizer *tokenizer, uint32_t id) {
    const char *added = hw_token_table_string(&tokenizer->added.table, id);
    return added ? added : hw_token_table_string(&tokenizer->model.vocabulary, id);
}

uint32_t hw_tokenizer_find(const hw_tokenizer *tokenizer, const char *token) {
    const hw_text string = hw_text_of(token);
    const uint32_t added = hw_token_table_find(&tokenizer->added.table, string);
    if (added != HW_NO_TOKEN) return added;
    return hw_token_table_find(&tokenizer->model.vocabulary, string);
}

bool hw_tokenizer_is_special(const hw_tokenizer *tokenizer, uint32_t id) {
    const hw_added_token *token = hw_added_tokens_get(&tokenizer->added, id);
    return token && token->is_special;
}

const uint32_t *hw_tokenizer_before(const hw_tokenizer *tokenizer, size_t *count) {
    *count = tokenizer->template.before_count;
    return tokenizer->template.before;
}

const uint32_t *hw_tokenizer_after(const hw_tokenizer *tokenizer, size_t *count) {
    *count = tokenizer->template.after_count;
    return tokenizer->template.after;
}

/* ---- Encoding --------------------------------------------------------------------------- */

struct hw_tokenizer_scratch {
    const hw_tokenizer *tokenizer;
    hw_workspace workspace;
    hw_tokenizer_model_scratch model;
    hw_tokens word; /* the tokens of one pre-token */
    hw_word_cache cache;
};

hw_tokenizer_scratch *hw_tokenizer_scratch_new(const hw_tokenizer *tokenizer, hw_error *err) {
    hw_tokenizer_scratch *scratch = hw_calloc(1, sizeof *scratch);
    if (!scratch) {
        hw_fail_memory(err, sizeof *scratch);
        return NULL;
    }
    scratch->tokenizer = tokenizer;
    return scratch;
}

void hw_tokenizer_scratch_free(hw_tokenizer_scratch *scratch) {
    if (!scratch) return;
    hw_workspace_free(&scratch->workspace);
    hw_tokenizer_model_scratch_free(&scratch->model);
    hw_free(scratch->word.items);
    hw_word_cache_free(&scratch->cache);
    hw_free(scratch);
}

/* The text whose tokens are being appended. */
typedef struct encoding {
    hw_tokens *tokens;
    hw_tokenizer_scratch *scratch;
    hw_text text;
} encoding;

/* Appends the tokens of a word that the cache knows, which begins at `origin` in the text. */
static hw_status append_entry(hw_tokens *tokens, const hw_word_entry *entry, uint32_t origin,
                              hw_error *err) {
    HW_TRY(hw_tokens_reserve(tokens, HW_WORD_MOST_TOKENS, err));
    for (size_t i = 0; i < entry->count; ++i)
        tokens->items[tokens->count++] =
            (hw_token){ entry->ids[i], origin + entry->begins[i], origin + entry->ends[i] };
    return HW_OK;
}

static hw_status encode_with_model(hw_tokens *tokens, hw_tokenizer_scratch *scratch, hw_text word,
                                   hw_error *err) {
    if (word.length > TEXT_LIMIT) return hw_fail_memory(err, word.length);
    return hw_tokenizer_model_encode(tokens, &scratch->tokenizer->model, &scratch->model, word,
                                     err);
}

/* What is encoded at once. */
typedef enum part_kind {
    TEXT,    /* may hold added tokens */
    STRETCH, /* holds none */
    SEGMENT  /* holds none, and is what the cache keeps: its pre-tokens are not kept */
} part_kind;

/* The tokens of a pre-token, in bytes of it. */
static hw_status encode_word(hw_tokens *tokens, hw_tokenizer_scratch *scratch, hw_text word,
                             size_t readable, part_kind kind, hw_error *err) {
    tokens->count = 0;
    if (kind == SEGMENT) return encode_with_model(tokens, scratch, word, err);
    const hw_word_key key = hw_word_key_of(word, readable, HW_WORD_PRE_TOKEN);
    const hw_word_entry *entry = hw_word_cache_find(&scratch->cache, &key);
    if (entry) return append_entry(tokens, entry, 0, err);
    HW_TRY(encode_with_model(tokens, scratch, word, err));
    return hw_word_cache_put(&scratch->cache, &key, tokens->items, tokens->count, err);
}

/* Where bytes [begin, end) of a piece came from. */
static hw_span span_of(const hw_workspace *workspace, const hw_piece *piece, size_t begin,
                       size_t end) {
    const hw_span *spans = workspace->text.spans + piece->begin;
    if (begin < end) return (hw_span){ spans[begin].begin, spans[end - 1].end };
    const uint32_t at = piece->origin + (uint32_t)begin;
    return (hw_span){ at, at };
}

/* The string of a token: an added one's is what it matched. */
static hw_text string_of(const hw_tokenizer *tokenizer, const hw_piece *piece, hw_text word,
                         uint32_t id) {
    if (piece->id != HW_NO_TOKEN) return word;
    const char *string = hw_token_table_string(&tokenizer->model.vocabulary, id);
    return hw_text_of(string ? string : "");
}

static hw_status append_piece(encoding *to, const hw_piece *piece, part_kind kind, hw_error *err) {
    const hw_tokenizer *tokenizer = to->scratch->tokenizer;
    const hw_workspace *workspace = &to->scratch->workspace;
    const hw_text word = { workspace->text.bytes + piece->begin, piece->end - piece->begin };
    hw_tokens *tokens = &to->scratch->word;
    if (piece->id == HW_NO_TOKEN) {
        HW_TRY(encode_word(tokens, to->scratch, word, workspace->text.length - piece->begin, kind,
                           err));
    } else {
        tokens->count = 0;
        HW_TRY(hw_tokens_append(tokens, (hw_token){ piece->id, 0, (uint32_t)word.length }, err));
    }
    for (size_t i = 0; i < tokens->count; ++i) {
        const hw_token own = tokens->items[i];
        const hw_span span = span_of(workspace, piece, own.begin, own.end);
        hw_token token = { own.id, span.begin, span.end };
        if (tokenizer->template.trims)
            hw_template_trim(&token, &tokenizer->template, to->text,
                             string_of(tokenizer, piece, word, token.id), to->tokens->count == 0);
        HW_TRY(hw_tokens_append(to->tokens, token, err));
    }
    return HW_OK;
}

/* A part of the text through all stages. */
static hw_status encode_part(encoding *to, hw_segment part, part_kind kind, hw_error *err) {
    const hw_tokenizer *tokenizer = to->scratch->tokenizer;
    hw_workspace *workspace = &to->scratch->workspace;
    workspace->text.length = workspace->pieces.count = 0;
    const hw_text bytes = { to->text.bytes + part.begin, part.end - part.begin };
    hw_aligned_append(&workspace->text, bytes, (uint32_t)part.begin);
    hw_pieces_cut(&workspace->pieces, &workspace->text, 0, workspace->text.length, HW_NO_TOKEN);
    HW_TRY(hw_workspace_check(workspace, err));

    if (kind == TEXT) hw_added_cut(workspace, &tokenizer->added, &tokenizer->added.raw);
    HW_TRY(hw_workspace_check(workspace, err));
    HW_TRY(hw_normalizer_apply(workspace, &tokenizer->normalizer, err));
    if (kind == TEXT) hw_added_cut(workspace, &tokenizer->added, &tokenizer->added.normalized);
    HW_TRY(hw_workspace_check(workspace, err));
    HW_TRY(hw_pre_tokenizer_apply(workspace, &tokenizer->pre_tokenizer, err));
    for (size_t i = 0; i < workspace->pieces.count; ++i)
        HW_TRY(append_piece(to, &workspace->pieces.items[i], kind, err));
    return HW_OK;
}

/* A segment not met before: its tokens are kept relative to it. */
static hw_status learn_segment(encoding *to, hw_segment segment, const hw_word_key *key,
                               hw_error *err) {
    const size_t before = to->tokens->count;
    HW_TRY(encode_part(to, segment, SEGMENT, err));
    const size_t count = to->tokens->count - before;
    if (count > HW_WORD_MOST_TOKENS) return HW_OK;
    hw_token kept[HW_WORD_MOST_TOKENS];
    for (size_t i = 0; i < count; ++i) {
        kept[i] = to->tokens->items[before + i];
        kept[i].begin -= (uint32_t)segment.begin;
        kept[i].end -= (uint32_t)segment.begin;
    }
    return hw_word_cache_put(&to->scratch->cache, key, kept, count, err);
}

static hw_status encode_segment(encoding *to, hw_segment segment, const hw_word_key *key,
                                hw_error *err) {
    const hw_tokenizer_scratch *scratch = to->scratch;
    if (scratch->tokenizer->segmentation.spares_first && to->tokens->count == 0)
        return encode_part(to, segment, SEGMENT, err);
    const hw_word_entry *entry = hw_word_cache_find(&scratch->cache, key);
    if (!entry) return learn_segment(to, segment, key, err);
    return append_entry(to->tokens, entry, (uint32_t)segment.begin, err);
}

/* Several segments at a time, so that their entries are on the way from memory together. */
static hw_status encode_segments(encoding *to, hw_segment part, hw_error *err) {
    enum { AT_A_TIME = 8 };
    const hw_tokenizer_scratch *scratch = to->scratch;
    const hw_text text = { to->text.bytes, part.end };
    hw_segment segments[AT_A_TIME], last = { part.begin, part.begin };
    hw_word_key keys[AT_A_TIME];
    for (size_t count = AT_A_TIME; count == AT_A_TIME;) {
        count = 0;
        while (count < AT_A_TIME &&
               hw_segmentation_next(&last, &scratch->tokenizer->segmentation, text)) {
            const hw_text word = { text.bytes + last.begin, last.end - last.begin };
            segments[count] = last;
            keys[count] = hw_word_key_of(word, to->text.length - last.begin, HW_WORD_SEGMENT);
            hw_word_cache_prefetch(&scratch->cache, &keys[count++]);
        }
        for (size_t i = 0; i < count; ++i) HW_TRY(encode_segment(to, segments[i], &keys[i], err));
    }
    return HW_OK;
}

/* A part of the text that holds no added token. */
static hw_status encode_stretch(encoding *to, hw_segment part, hw_error *err) {
    const hw_text bytes = { to->text.bytes + part.begin, part.end - part.begin };
    if (hw_segmentation_holds(&to->scratch->tokenizer->segmentation, bytes))
        return encode_segments(to, part, err);
    return encode_part(to, part, STRETCH, err);
}

/* White space that an added token took does not count to its place if the template trims. */
static hw_status append_added(encoding *to, hw_segment place, uint32_t id, hw_error *err) {
    const hw_template *template = &to->scratch->tokenizer->template;
    const hw_text string = { to->text.bytes + place.begin, place.end - place.begin };
    hw_token token = { id, (uint32_t)place.begin, (uint32_t)place.end };
    if (template->trims)
        hw_template_trim(&token, template, to->text, string, to->tokens->count == 0);
    return hw_tokens_append(to->tokens, token, err);
}

/* Added tokens first, those of the raw text before those of the normalized one, which is the same
 * text if there are any of those. */
static hw_status encode_between(encoding *to, hw_segment part, const hw_added_matcher *matcher,
                                hw_error *err) {
    if (!matcher) return encode_stretch(to, part, err);
    const hw_added_tokens *added = &to->scratch->tokenizer->added;
    const hw_added_matcher *next = matcher == &added->raw ? &added->normalized : NULL;
    hw_added_walk walk = { .text = { to->text.bytes + part.begin, part.end - part.begin } };
    hw_segment rest = part;
    for (hw_added_match match; hw_added_next(&match, &walk, added, matcher);) {
        const hw_segment place = { part.begin + match.begin, part.begin + match.end };
        HW_TRY(encode_between(to, (hw_segment){ rest.begin, place.begin }, next, err));
        HW_TRY(append_added(to, place, match.id, err));
        rest.begin = place.end;
    }
    return encode_between(to, rest, next, err);
}

static bool is_ascii(hw_text text) {
    unsigned char all = 0;
    for (size_t i = 0; i < text.length; ++i) all |= (unsigned char)text.bytes[i];
    return all < 0x80;
}

hw_status hw_tokenizer_encode(hw_tokens *tokens, hw_tokenizer_scratch *scratch, hw_text text,
                              hw_error *err) {
    const hw_tokenizer *tokenizer = scratch->tokenizer;
    tokens->count = 0;
    if (text.length == 0) return HW_OK; /* it may have no bytes to point at */
    if (text.length > TEXT_LIMIT) text.length = TEXT_LIMIT;
    encoding to = { tokens, scratch, text };
    const hw_segment all = { 0, text.length };
    const hw_segmentation *plan = &tokenizer->segmentation;
    if (plan->kind == HW_SEGMENTS_NONE || (plan->needs_ascii && !is_ascii(text)))
        return encode_part(&to, all, TEXT, err);
    return encode_between(&to, all, &tokenizer->added.raw, err);
}
