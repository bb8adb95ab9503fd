/* The vocabulary of a family is the model's pieces, in XLM-R with other ones at the start and the
 * end. Invariant: a token has the id of its place; special tokens that are no pieces come behind.
 */
#include "tokenizer/sentencepiece.h"

#include "base/file.h"
#include "base/folder.h"
#include "base/json.h"
#include "base/memory.h"
#include "tokenizer/base64.h"
#include "tokenizer/piece_score.h"
#include "tokenizer/sentencepiece_model.h"
#include "tokenizer/trie.h"

#include <stdlib.h>

enum { SPECIALS = 5, FILE_LIMIT = 1 << 28 };

/* What the families differ in. */
typedef struct family_info {
    const char *file;
    const char *specials[SPECIALS]; /* begin, end, unknown, padding, mask */
} family_info;

static const family_info families[] = {
    [HW_SENTENCEPIECE_XLM_ROBERTA] = { "sentencepiece.bpe.model",
                                       { "<s>", "</s>", "<unk>", "<pad>", "<mask>" } },
    [HW_SENTENCEPIECE_ALBERT] = { "spiece.model",
                                  { "[CLS]", "[SEP]", "<unk>", "<pad>", "[MASK]" } },
    [HW_SENTENCEPIECE_DEBERTA] = { "spm.model", { "[CLS]", "[SEP]", "[UNK]", "[PAD]", "[MASK]" } },
};
enum { FAMILIES = sizeof families / sizeof *families };

/* A token that is found in the text before anything else. */
typedef struct added_token {
    hw_text string;
    uint32_t id;
    bool is_special;
} added_token;

typedef struct conversion {
    hw_sentencepiece_family family;
    hw_sentencepiece_options options;
    hw_sentencepiece_model model;
    hw_sentencepiece *pieces; /* [count] the vocabulary in the order of the ids */
    size_t count;
    hw_trie ids;
    size_t size;        /* the vocabulary, and the added tokens behind it */
    added_token *added; /* [added_count] */
    size_t added_count;
    const char *name;
} conversion;

/* ---- Vocabulary ------------------------------------------------------------- */

/* How many pieces of the model XLM-R leaves out: <unk>, <s> and </s>. */
enum { XLM_DROPPED = 3 };

static hw_sentencepiece special_piece(const char *string) {
    return (hw_sentencepiece){ .string = hw_text_of(string), .type = HW_PIECE_NORMAL };
}

static void take_pieces(conversion *c) {
    const hw_sentencepiece_model *model = &c->model;
    const bool is_xlm = c->family == HW_SENTENCEPIECE_XLM_ROBERTA;
    if (is_xlm) {
        static const char *const first[] = { "<s>", "<pad>", "</s>", "<unk>" };
        for (size_t i = 0; i < sizeof first / sizeof *first; ++i)
            c->pieces[c->count++] = special_piece(first[i]);
    }
    for (size_t i = is_xlm ? XLM_DROPPED : 0; i < model->count; ++i)
        c->pieces[c->count++] = model->pieces[i];
    if (is_xlm) c->pieces[c->count++] = special_piece("<mask>");
}

static hw_status build_vocabulary(conversion *c, hw_error *err) {
    const size_t most = c->model.count + SPECIALS;
    c->pieces = hw_calloc(most, sizeof *c->pieces);
    hw_trie_key *keys = hw_calloc(most, sizeof *keys);
    hw_status status = HW_OK;
    if (c->pieces && keys) {
        take_pieces(c);
        for (size_t id = 0; id < c->count; ++id)
            keys[id] = (hw_trie_key){ c->pieces[id].string, (uint32_t)id };
        status = hw_trie_build(&c->ids, keys, c->count, err);
    } else
        status = hw_fail_memory(err, most * sizeof *c->pieces);
    hw_free(keys);
    c->size = c->count;
    return status;
}

/* ---- Added tokens ------------------------------------------------------------- */

static void add_token(conversion *c, hw_text string, bool is_special) {
    uint32_t id = hw_trie_find(&c->ids, string);
    if (id == HW_TRIE_NONE) id = (uint32_t)c->size++;
    c->added[c->added_count++] = (added_token){ string, id, is_special };
}

static bool is_added_piece(const hw_sentencepiece *piece) {
    return piece->string.length > 0 &&
           (piece->type == HW_PIECE_CONTROL || piece->type == HW_PIECE_USER_DEFINED);
}

/* Special ones first, as they count if a token is there twice. */
static int compare_added(const void *a, const void *b) {
    const added_token *left = a, *right = b;
    if (left->id != right->id) return left->id < right->id ? -1 : 1;
    return (int)right->is_special - (int)left->is_special;
}

static hw_status collect_added(conversion *c, hw_error *err) {
    const size_t most = SPECIALS + c->count;
    c->added = hw_calloc(most, sizeof *c->added);
    if (!c->added) return hw_fail_memory(err, most * sizeof *c->added);
    for (size_t i = 0; i < SPECIALS; ++i)
        add_token(c, hw_text_of(families[c->family].specials[i]), true);
    for (size_t id = 0; id < c->count; ++id)
        if (is_added_piece(&c->pieces[id]))
            add_token(c, c->pieces[id].string, c->pieces[id].type == HW_PIECE_CONTROL);
    qsort(c->added, c->added_count, sizeof *c->added, compare_added);
    return HW_OK;
}

/* ---- The text ------------------------------------------------------------------- */

static void append(hw_text_buffer *json, const char *text) {
    hw_text_append(json, text, strlen(text));
}

/* What JSON wants escaped (RFC 8259, section 7). */
static void append_string(hw_text_buffer *json, hw_text string) {
    append(json, "\"");
    size_t start = 0;
    for (size_t i = 0; i < string.length; ++i) {
        const unsigned char byte = (unsigned char)string.bytes[i];
        if (byte >= 0x20 && byte != '"' && byte != '\\') continue;
        hw_text_append(json, string.bytes + start, i - start);
        hw_text_printf(json, "\\u%04x", byte);
        start = i + 1;
    }
    hw_text_append(json, string.bytes + start, string.length - start);
    append(json, "\"");
}

static void append_added(hw_text_buffer *json, const conversion *c) {
    append(json, "\"added_tokens\":[");
    for (size_t i = 0; i < c->added_count; ++i) {
        const added_token *token = &c->added[i];
        if (i > 0 && token->id == c->added[i - 1].id) continue;
        hw_text_printf(json, "%s{\"id\":%u,\"content\":", i > 0 ? "," : "", token->id);
        append_string(json, token->string);
        hw_text_printf(json,
                       ",\"single_word\":false,\"lstrip\":false,\"rstrip\":false,"
                       "\"normalized\":false,\"special\":%s}",
                       token->is_special ? "true" : "false");
    }
    append(json, "]");
}

static void append_precompiled(hw_text_buffer *json, hw_text charsmap) {
    append(json, "{\"type\":\"Precompiled\",\"precompiled_charsmap\":\"");
    hw_base64_append(json, (const unsigned char *)charsmap.bytes, charsmap.length);
    append(json, "\"}");
}

static void append_albert_normalizer(hw_text_buffer *json, const conversion *c) {
    append(json, "{\"type\":\"Sequence\",\"normalizers\":["
                 "{\"type\":\"Replace\",\"pattern\":{\"String\":\"``\"},\"content\":\"\\\"\"},"
                 "{\"type\":\"Replace\",\"pattern\":{\"String\":\"''\"},\"content\":\"\\\"\"}");
    if (!c->options.keep_accents) append(json, ",{\"type\":\"NFKD\"},{\"type\":\"StripAccents\"}");
    if (c->options.lower_case) append(json, ",{\"type\":\"Lowercase\"}");
    if (c->model.charsmap.length > 0) {
        append(json, ",");
        append_precompiled(json, c->model.charsmap);
    }
    append(json, "]}");
}

/* DeBERTa's does without the model's own table (`transformers` 5, tokenization_deberta_v2.py). */
static void append_deberta_normalizer(hw_text_buffer *json, const conversion *c) {
    append(json, "{\"type\":\"Sequence\",\"normalizers\":[");
    if (c->options.lower_case) append(json, "{\"type\":\"Lowercase\"},");
    append(json, "{\"type\":\"Replace\",\"pattern\":{\"Regex\":\"\\\\s{2,}|[\\\\n\\\\r\\\\t]\"},"
                 "\"content\":\" \"},{\"type\":\"NFC\"},"
                 "{\"type\":\"Strip\",\"strip_left\":false,\"strip_right\":true}]}");
}

static void append_normalizer(hw_text_buffer *json, const conversion *c) {
    append(json, ",\"normalizer\":");
    if (c->family == HW_SENTENCEPIECE_ALBERT)
        append_albert_normalizer(json, c);
    else if (c->family == HW_SENTENCEPIECE_DEBERTA)
        append_deberta_normalizer(json, c);
    else if (c->model.charsmap.length > 0)
        append_precompiled(json, c->model.charsmap);
    else
        append(json, "null");
}

static const char metaspace[] = "{\"type\":\"Metaspace\",\"replacement\":\"\xE2\x96\x81\","
                                "\"prepend_scheme\":\"always\",\"split\":true}";

static void append_pre_tokenizer(hw_text_buffer *json, const conversion *c) {
    const char *first = "{\"type\":\"WhitespaceSplit\"},";
    if (c->family == HW_SENTENCEPIECE_DEBERTA)
        first = c->options.split_by_punct ? "{\"type\":\"Punctuation\",\"behavior\":\"Isolated\"},"
                                          : "";
    hw_text_printf(json, ",\"pre_tokenizer\":{\"type\":\"Sequence\",\"pretokenizers\":[%s%s]}",
                   first, metaspace);
}

static void append_special(hw_text_buffer *json, const char *token, int type) {
    hw_text_printf(json, "{\"SpecialToken\":{\"id\":\"%s\",\"type_id\":%d}}", token, type);
}

static void append_sequence(hw_text_buffer *json, const char *name, int type) {
    hw_text_printf(json, ",{\"Sequence\":{\"id\":\"%s\",\"type_id\":%d}},", name, type);
}

static uint32_t id_of_special(const conversion *c, const char *token) {
    const size_t length = strlen(token);
    for (size_t i = 0; i < c->added_count; ++i) {
        const hw_text string = c->added[i].string;
        if (string.length == length && memcmp(string.bytes, token, length) == 0)
            return c->added[i].id;
    }
    return 0;
}

static void append_special_id(hw_text_buffer *json, const conversion *c, const char *token) {
    hw_text_printf(json, "\"%s\":{\"id\":\"%s\",\"ids\":[%u],\"tokens\":[\"%s\"]}", token, token,
                   id_of_special(c, token), token);
}

/* XLM-R: <s> A </s> </s> B </s>; else [CLS] A [SEP] B [SEP], with B and its [SEP] of type 1. */
static void append_template(hw_text_buffer *json, const conversion *c) {
    const char *begin = families[c->family].specials[0], *end = families[c->family].specials[1];
    const bool is_xlm = c->family == HW_SENTENCEPIECE_XLM_ROBERTA;
    const int second = is_xlm ? 0 : 1;
    append(json, ",\"post_processor\":{\"type\":\"TemplateProcessing\",\"single\":[");
    append_special(json, begin, 0);
    append_sequence(json, "A", 0);
    append_special(json, end, 0);
    append(json, "],\"pair\":[");
    append_special(json, begin, 0);
    append_sequence(json, "A", 0);
    append_special(json, end, 0);
    if (is_xlm) {
        append(json, ",");
        append_special(json, end, 0);
    }
    append_sequence(json, "B", second);
    append_special(json, end, second);
    append(json, "],\"special_tokens\":{");
    append_special_id(json, c, begin);
    append(json, ",");
    append_special_id(json, c, end);
    append(json, "}}");
}

static void append_model(hw_text_buffer *json, const conversion *c, size_t unknown) {
    hw_text_printf(json,
                   ",\"decoder\":%s,\"model\":{\"type\":\"Unigram\",\"unk_id\":%zu,\"vocab\":[",
                   metaspace, unknown);
    for (size_t id = 0; id < c->count; ++id) {
        append(json, id > 0 ? ",[" : "[");
        append_string(json, c->pieces[id].string);
        append(json, ",");
        hw_piece_score_append(json, (double)c->pieces[id].score);
        append(json, "]");
    }
    append(json, "],\"byte_fallback\":false,\"exact_scores\":true}}");
}

/* ---- Conversion -------------------------------------------------------------- */

/* DeBERTa looks for a piece of score 0 (`transformers` 5), the others have a fixed place. */
static size_t unknown_piece(const conversion *c) {
    if (c->family == HW_SENTENCEPIECE_XLM_ROBERTA) return 3;
    if (c->family == HW_SENTENCEPIECE_ALBERT) return 1;
    const uint32_t found = hw_trie_find(&c->ids, hw_text_of("[UNK]"));
    const bool is_unknown = found != HW_TRIE_NONE && c->pieces[found].score == 0;
    return is_unknown ? found : (size_t)c->model.unknown;
}

static hw_status convert(hw_text_buffer *json, conversion *c, hw_text model, hw_error *err) {
    HW_TRY(hw_sentencepiece_read(&c->model, model, c->name, err));
    if (c->model.type != 1)
        return hw_fail(err, HW_ERROR_UNSUPPORTED, "%s: only unigram models are supported", c->name);
    HW_TRY(build_vocabulary(c, err));
    const size_t unknown = unknown_piece(c);
    if (unknown >= c->count)
        return hw_fail(err, HW_ERROR_FORMAT, "%s: no piece for unknown characters", c->name);
    HW_TRY(collect_added(c, err));
    append(json, "{\"version\":\"1.0\",\"truncation\":null,\"padding\":null,");
    append_added(json, c);
    append_normalizer(json, c);
    append_pre_tokenizer(json, c);
    append_template(json, c);
    append_model(json, c, unknown);
    return json->failed ? hw_fail_memory(err, json->length) : HW_OK;
}

hw_status hw_sentencepiece_convert(hw_text_buffer *json, hw_text model,
                                   hw_sentencepiece_family family, hw_sentencepiece_options options,
                                   const char *name, hw_error *err) {
    conversion c = { .family = family, .options = options, .name = name };
    const hw_status status = convert(json, &c, model, err);
    hw_sentencepiece_model_free(&c.model);
    hw_trie_free(&c.ids);
    hw_free(c.pieces);
    hw_free(c.added);
    return status;
}

/* ---- Folders ------------------------------------------------------------------ */

/* An option that the file has; others stay as they are. */
static void read_option(bool *option, const json_t *config, const char *key) {
    const json_t *value = json_object_get(config, key);
    if (json_is_boolean(value)) *option = json_is_true(value);
}

static hw_status read_options(hw_sentencepiece_options *options, const char *path, hw_error *err) {
    if (!hw_file_exists(path)) return HW_OK;
    hw_mapping file;
    HW_TRY(hw_file_map(&file, path, FILE_LIMIT, err));
    json_t *config =
        hw_json_parse((const char *)file.data, file.size, JSON_DECODE_INT_AS_REAL, path, err);
    hw_file_unmap(&file);
    if (!config) return err ? err->status : HW_ERROR_FORMAT;
    read_option(&options->lower_case, config, "do_lower_case");
    read_option(&options->keep_accents, config, "keep_accents");
    read_option(&options->split_by_punct, config, "split_by_punct");
    json_decref(config);
    return HW_OK;
}

static hw_status convert_file(hw_text_buffer *json, const char *path, const char *config,
                              hw_sentencepiece_family family, hw_error *err) {
    hw_sentencepiece_options options = { .lower_case = family == HW_SENTENCEPIECE_ALBERT };
    HW_TRY(read_options(&options, config, err));
    hw_mapping file;
    HW_TRY(hw_file_map(&file, path, FILE_LIMIT, err));
    const hw_text model = { (const char *)file.data, file.size };
    const hw_status status = hw_sentencepiece_convert(json, model, family, options, path, err);
    hw_file_unmap(&file);
    return status;
}

hw_status hw_sentencepiece_open(hw_text_buffer *json, const char *folder, hw_error *err) {
    char *config = hw_path_join(folder, "tokenizer_config.json", err);
    if (!config) return HW_ERROR_MEMORY;
    hw_status status =
        hw_fail(err, HW_ERROR_IO, "%s has no SentencePiece model that is known", folder);
    for (int family = 0; family < FAMILIES; ++family) {
        char *path = hw_path_join(folder, families[family].file, err);
        const bool is_there = path && hw_file_exists(path);
        if (is_there)
            status = convert_file(json, path, config, (hw_sentencepiece_family)family, err);
        if (!path) status = HW_ERROR_MEMORY;
        hw_free(path);
        if (is_there || !path) break;
    }
    hw_free(config);
    return status;
}
