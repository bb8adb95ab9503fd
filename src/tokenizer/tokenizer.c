/* Texts come in as bytes and are made pieces of a workspace, whose stages end with one pre-token a
 * piece; the model's tokens get their place in the text from the spans of the pre-token's bytes. */
#include "tokenizer/tokenizer.h"

#include "base/memory.h"
#include "text/utf8.h"
#include "tokenizer/bert_segment.h"
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
    hw_tokens word;       /* the tokens of one pre-token */
    hw_word_cache *cache; /* of segments if the tokenizer is_bert, of pre-tokens if not */
};

hw_tokenizer_scratch *hw_tokenizer_scratch_new(const hw_tokenizer *tokenizer, hw_error *err) {
    hw_tokenizer_scratch *scratch = hw_calloc(1, sizeof *scratch);
    if (!scratch) {
        hw_fail_memory(err, sizeof *scratch);
        return NULL;
    }
    scratch->tokenizer = tokenizer;
    scratch->cache = hw_word_cache_new(err);
    if (scratch->cache) return scratch;
    hw_tokenizer_scratch_free(scratch);
    return NULL;
}

void hw_tokenizer_scratch_free(hw_tokenizer_scratch *scratch) {
    if (!scratch) return;
    hw_workspace_free(&scratch->workspace);
    hw_tokenizer_model_scratch_free(&scratch->model);
    hw_free(scratch->word.items);
    hw_word_cache_free(scratch->cache);
    hw_free(scratch);
}

/* The text whose tokens are being appended. */
typedef struct encoding {
    hw_tokens *tokens;
    hw_tokenizer_scratch *scratch;
    hw_text text;
} encoding;

static hw_status encode_with_model(const hw_token **tokens, size_t *count,
                                   hw_tokenizer_scratch *scratch, hw_text word, hw_error *err) {
    scratch->word.count = 0;
    if (word.length > TEXT_LIMIT) return hw_fail_memory(err, word.length);
    HW_TRY(hw_tokenizer_model_encode(&scratch->word, &scratch->tokenizer->model, &scratch->model,
                                     word, err));
    *tokens = scratch->word.items;
    *count = scratch->word.count;
    return HW_OK;
}

/* The tokens of a pre-token, in bytes of it. */
static hw_status encode_word(const hw_token **tokens, size_t *count, hw_tokenizer_scratch *scratch,
                             hw_text word, hw_error *err) {
    if (scratch->tokenizer->is_bert) return encode_with_model(tokens, count, scratch, word, err);
    const uint64_t hash = hw_word_hash(word);
    *tokens = hw_word_cache_find(count, scratch->cache, word, hash);
    if (*tokens) return HW_OK;
    HW_TRY(encode_with_model(tokens, count, scratch, word, err));
    hw_word_cache_put(scratch->cache, word, hash, *tokens, *count);
    return HW_OK;
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

static hw_status append_piece(encoding *to, const hw_piece *piece, hw_error *err) {
    const hw_tokenizer *tokenizer = to->scratch->tokenizer;
    const hw_workspace *workspace = &to->scratch->workspace;
    const hw_text word = { workspace->text.bytes + piece->begin, piece->end - piece->begin };
    const hw_token whole = { piece->id, 0, (uint32_t)word.length };
    const hw_token *tokens = &whole;
    size_t count = 1;
    if (piece->id == HW_NO_TOKEN) HW_TRY(encode_word(&tokens, &count, to->scratch, word, err));
    for (size_t i = 0; i < count; ++i) {
        const hw_span span = span_of(workspace, piece, tokens[i].begin, tokens[i].end);
        hw_token token = { tokens[i].id, span.begin, span.end };
        if (tokenizer->template.trims)
            hw_template_trim(&token, &tokenizer->template, to->text,
                             string_of(tokenizer, piece, word, token.id), to->tokens->count == 0);
        HW_TRY(hw_tokens_append(to->tokens, token, err));
    }
    return HW_OK;
}

/* Bytes [begin, end) of the text through all stages. */
static hw_status encode_part(encoding *to, size_t begin, size_t end, hw_error *err) {
    const hw_tokenizer *tokenizer = to->scratch->tokenizer;
    hw_workspace *workspace = &to->scratch->workspace;
    workspace->text.length = workspace->pieces.count = 0;
    const hw_text part = { to->text.bytes + begin, end - begin };
    hw_aligned_append(&workspace->text, part, (uint32_t)begin);
    hw_pieces_cut(&workspace->pieces, &workspace->text, 0, workspace->text.length, HW_NO_TOKEN);
    HW_TRY(hw_workspace_check(workspace, err));

    hw_added_cut(workspace, &tokenizer->added, &tokenizer->added.raw);
    HW_TRY(hw_workspace_check(workspace, err));
    HW_TRY(hw_normalizer_apply(workspace, &tokenizer->normalizer, err));
    hw_added_cut(workspace, &tokenizer->added, &tokenizer->added.normalized);
    HW_TRY(hw_workspace_check(workspace, err));
    HW_TRY(hw_pre_tokenizer_apply(workspace, &tokenizer->pre_tokenizer, err));
    for (size_t i = 0; i < workspace->pieces.count; ++i)
        HW_TRY(append_piece(to, &workspace->pieces.items[i], err));
    return HW_OK;
}

/* A segment not met before: its tokens are kept relative to it. */
static hw_status learn_segment(encoding *to, hw_segment segment, uint64_t hash, hw_error *err) {
    const hw_text bytes = { to->text.bytes + segment.begin, segment.end - segment.begin };
    const size_t before = to->tokens->count;
    HW_TRY(encode_part(to, segment.begin, segment.end, err));
    const size_t count = to->tokens->count - before;
    hw_token *tokens = count ? to->tokens->items + before : NULL;
    const uint32_t origin = (uint32_t)segment.begin;
    for (size_t i = 0; i < count; ++i) {
        tokens[i].begin -= origin;
        tokens[i].end -= origin;
    }
    hw_word_cache_put(to->scratch->cache, bytes, hash, tokens, count);
    for (size_t i = 0; i < count; ++i) {
        tokens[i].begin += origin;
        tokens[i].end += origin;
    }
    return HW_OK;
}

/* Bytes [begin, end) of the text, which hold no added token. */
static hw_status encode_segments(encoding *to, size_t begin, size_t end, hw_error *err) {
    hw_tokenizer_scratch *scratch = to->scratch;
    const hw_text text = { to->text.bytes, end };
    hw_segment segment = { begin, begin };
    while (hw_bert_segment_next(&segment, text, scratch->tokenizer->isolates_chinese)) {
        const hw_text bytes = { text.bytes + segment.begin, segment.end - segment.begin };
        const uint64_t hash = hw_word_hash(bytes);
        size_t count = 0;
        const hw_token *tokens = hw_word_cache_find(&count, scratch->cache, bytes, hash);
        if (!tokens) {
            HW_TRY(learn_segment(to, segment, hash, err));
            continue;
        }
        const uint32_t origin = (uint32_t)segment.begin;
        for (size_t i = 0; i < count; ++i) {
            const hw_token token = { tokens[i].id, origin + tokens[i].begin,
                                     origin + tokens[i].end };
            HW_TRY(hw_tokens_append(to->tokens, token, err));
        }
    }
    return HW_OK;
}

static hw_status encode_bert(encoding *to, hw_error *err) {
    const hw_added_tokens *added = &to->scratch->tokenizer->added;
    hw_added_walk walk = { .text = to->text };
    size_t after = 0; /* the last added token */
    for (hw_added_match match; hw_added_next(&match, &walk, added, &added->raw);) {
        HW_TRY(encode_segments(to, after, match.begin, err));
        const hw_token token = { match.id, (uint32_t)match.begin, (uint32_t)match.end };
        HW_TRY(hw_tokens_append(to->tokens, token, err));
        after = match.end;
    }
    return encode_segments(to, after, to->text.length, err);
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
    if (text.length > TEXT_LIMIT) text.length = TEXT_LIMIT;
    encoding to = { tokens, scratch, text };
    if (tokenizer->is_bert && (!tokenizer->needs_ascii || is_ascii(text)))
        return encode_bert(&to, err);
    return encode_part(&to, 0, text.length, err);
}
