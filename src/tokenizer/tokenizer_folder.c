/* A folder of Hugging Face's: its tokenizer.json or, from the older files, the one that
 * `transformers` makes of them. Invariant: whatever the files are, the tokenizer comes out of
 * hw_tokenizer_parse, so that there is one reader and hw_tokenizer_json has an answer. */
#include "base/file.h"
#include "base/json.h"
#include "base/memory.h"
#include "tokenizer/sentencepiece.h"
#include "tokenizer/tokenizer.h"

#include <stdio.h>

enum { FILE_LIMIT = 1 << 28, PATH_ROOM = 4096 };

typedef struct path {
    char text[PATH_ROOM];
} path;

static path path_of(const char *folder, const char *file) {
    path whole;
    const int length = snprintf(whole.text, sizeof whole.text, "%s/%s", folder, file);
    if (length < 0 || (size_t)length >= sizeof whole.text) whole.text[0] = '\0';
    return whole;
}

static bool has_file(const char *folder, const char *file) {
    return hw_file_exists(path_of(folder, file).text);
}

/* flags: jansson's. NULL on failure. */
static json_t *load(const char *folder, const char *file, size_t flags, hw_error *err) {
    const path from = path_of(folder, file);
    hw_mapping mapping;
    if (hw_file_map(&mapping, from.text, FILE_LIMIT, err) != HW_OK) return NULL;
    json_error_t problem;
    json_t *json = json_loadb((const char *)mapping.data, mapping.size, flags, &problem);
    hw_file_unmap(&mapping);
    if (!json && hw_json_lacked_memory(&problem))
        hw_fail_memory(err, mapping.size);
    else if (!json)
        hw_fail(err, HW_ERROR_FORMAT, "%s:%d: %s", from.text, problem.line, problem.text);
    return json;
}

/* The next line of a text, without its end; false after the last one. */
static bool next_line(hw_text *line, hw_text *rest) {
    if (rest->length == 0) return false;
    const char *end = memchr(rest->bytes, '\n', rest->length);
    const size_t length = end ? (size_t)(end - rest->bytes) : rest->length;
    const size_t taken = end ? length + 1 : length;
    *line = (hw_text){ rest->bytes, length };
    if (length > 0 && line->bytes[length - 1] == '\r') --line->length;
    rest->bytes += taken;
    rest->length -= taken;
    return true;
}

/* Puts the lines of a file into a JSON value, one after the other. */
typedef bool add_line(json_t *to, hw_text line, size_t number);

static bool add_to_vocabulary(json_t *to, hw_text line, size_t number) {
    return json_object_setn_new(to, line.bytes, line.length, json_integer((json_int_t)number)) == 0;
}

static bool add_to_merges(json_t *to, hw_text line, size_t number) {
    (void)number;
    static const char version[] = "#version";
    const size_t length = sizeof version - 1;
    if (line.length == 0) return true;
    if (line.length >= length && memcmp(line.bytes, version, length) == 0) return true;
    return json_array_append_new(to, json_stringn(line.bytes, line.length)) == 0;
}

/* Takes the reference to `to`. NULL on failure. */
static json_t *load_lines(json_t *to, const char *folder, const char *file, add_line *add,
                          hw_error *err) {
    const path from = path_of(folder, file);
    hw_mapping mapping;
    if (hw_file_map(&mapping, from.text, FILE_LIMIT, err) != HW_OK) {
        json_decref(to);
        return NULL;
    }
    hw_text rest = { (const char *)mapping.data, mapping.size }, line;
    hw_status status = to ? HW_OK : hw_fail_memory(err, mapping.size);
    for (size_t number = 0; status == HW_OK && next_line(&line, &rest); ++number) {
        /* jansson refuses bad UTF-8 and lack of memory alike */
        if (!add(to, line, number))
            status =
                hw_fail(err, HW_ERROR_FORMAT, "%s:%zu: no line of UTF-8", from.text, number + 1);
    }
    hw_file_unmap(&mapping);
    if (status == HW_OK) return to;
    json_decref(to);
    return NULL;
}

/* ---- Options ---------------------------------------------------------------------------- */

/* The tokens that have a role, by the names of tokenizer_config.json. */
typedef enum token_role { CLS, SEP, UNK, PAD, MASK, BOS, EOS, ROLES } token_role;

typedef struct token_family {
    const char *tokens[ROLES]; /* NULL: the family has none */
} token_family;

static const token_family bert = { { "[CLS]", "[SEP]", "[UNK]", "[PAD]", "[MASK]", NULL, NULL } };
static const token_family roberta = { { "<s>", "</s>", "<unk>", "<pad>", "<mask>", "<s>",
                                        "</s>" } };

static const char *const role_names[ROLES] = { "cls_token",  "sep_token", "unk_token", "pad_token",
                                               "mask_token", "bos_token", "eos_token" };

/* The token of a role: a string, or an object with "content". */
static const char *token_of(const json_t *config, const token_family *family, token_role role) {
    const json_t *given = json_object_get(config, role_names[role]);
    if (json_is_object(given)) given = json_object_get(given, "content");
    return json_is_string(given) ? json_string_value(given) : family->tokens[role];
}

static int flag_of(const json_t *config, const char *key, bool otherwise) {
    const json_t *given = json_object_get(config, key);
    return json_is_boolean(given) ? json_is_true(given) : otherwise;
}

/* tokenizer_config.json, or no options. Its model_max_length may be 10^30, which is no integer of
 * jansson's. NULL on failure. */
static json_t *load_config(const char *folder, hw_error *err) {
    if (has_file(folder, "tokenizer_config.json"))
        return load(folder, "tokenizer_config.json", JSON_DECODE_INT_AS_REAL, err);
    json_t *nothing = json_object();
    if (!nothing) hw_fail_memory(err, 0);
    return nothing;
}

static json_t *added_token(const char *content, json_int_t id, bool lstrip) {
    return json_pack("{s:I, s:s, s:b, s:b, s:b, s:b, s:b}", "id", id, "content", content,
                     "single_word", 0, "lstrip", lstrip, "rstrip", 0, "normalized", 0, "special",
                     1);
}

/* The tokens with a role that the vocabulary has. One takes the spaces before it if the options say
 * so of it, as transformers 5 has it. NULL if memory was too short. */
static json_t *added_tokens(const json_t *config, const json_t *vocabulary,
                            const token_family *family) {
    json_t *all = json_array();
    for (token_role role = 0; all && role < ROLES; ++role) {
        const char *token = token_of(config, family, role);
        const json_t *id = token ? json_object_get(vocabulary, token) : NULL;
        if (!json_is_integer(id)) continue;
        const json_t *given = json_object_get(config, role_names[role]);
        const bool lstrip = flag_of(given, "lstrip", false);
        if (json_array_append_new(all, added_token(token, json_integer_value(id), lstrip)) == 0)
            continue;
        json_decref(all);
        all = NULL;
    }
    return all;
}

/* ["[CLS]", 101] for BertProcessing and RobertaProcessing. */
static json_t *template_pair(const json_t *config, const json_t *vocabulary,
                             const token_family *family, token_role role) {
    const char *token = token_of(config, family, role);
    return json_pack("[s, I]", token, json_integer_value(json_object_get(vocabulary, token)));
}

static hw_status check_roles(const json_t *config, const json_t *vocabulary,
                             const token_family *family, const char *folder, hw_error *err) {
    static const token_role needed[] = { CLS, SEP, UNK };
    for (size_t i = 0; i < sizeof needed / sizeof *needed; ++i) {
        const char *token = token_of(config, family, needed[i]);
        if (!json_is_integer(json_object_get(vocabulary, token)))
            return hw_fail(err, HW_ERROR_FORMAT, "%s: the vocabulary has no %s \"%.100s\"", folder,
                           role_names[needed[i]], token);
    }
    return HW_OK;
}

/* ---- Families --------------------------------------------------------------------------- */

/* As BertTokenizer is converted. Takes the reference to vocabulary. */
static json_t *bert_json(const json_t *config, json_t *vocabulary) {
    json_t *strip_accents = json_object_get(config, "strip_accents");
    return json_pack("{s:s, s:o, s:{s:s, s:b, s:b, s:O*, s:b}, s:{s:s}, s:{s:s, s:o, s:o},"
                     " s:{s:s, s:s, s:s, s:i, s:o}}",
                     "version", "1.0", "added_tokens", added_tokens(config, vocabulary, &bert),
                     "normalizer", "type", "BertNormalizer", "clean_text", 1,
                     "handle_chinese_chars", flag_of(config, "tokenize_chinese_chars", true),
                     "strip_accents", strip_accents, "lowercase",
                     flag_of(config, "do_lower_case", true), "pre_tokenizer", "type",
                     "BertPreTokenizer", "post_processor", "type", "BertProcessing", "cls",
                     template_pair(config, vocabulary, &bert, CLS), "sep",
                     template_pair(config, vocabulary, &bert, SEP), "model", "type", "WordPiece",
                     "unk_token", token_of(config, &bert, UNK), "continuing_subword_prefix", "##",
                     "max_input_chars_per_word", 100, "vocab", vocabulary);
}

/* As RobertaTokenizer is converted. Takes the references to vocabulary and merges. */
static json_t *roberta_json(const json_t *config, json_t *vocabulary, json_t *merges) {
    const int has_prefix = flag_of(config, "add_prefix_space", false);
    return json_pack(
        "{s:s, s:o, s:{s:s, s:b, s:b}, s:{s:s, s:o, s:o, s:b, s:b}, s:{s:s, s:o, s:o}}", "version",
        "1.0", "added_tokens", added_tokens(config, vocabulary, &roberta), "pre_tokenizer", "type",
        "ByteLevel", "add_prefix_space", has_prefix, "trim_offsets",
        flag_of(config, "trim_offsets", true), "post_processor", "type", "RobertaProcessing", "cls",
        template_pair(config, vocabulary, &roberta, CLS), "sep",
        template_pair(config, vocabulary, &roberta, SEP), "trim_offsets",
        flag_of(config, "trim_offsets", true), "add_prefix_space", has_prefix, "model", "type",
        "BPE", "vocab", vocabulary, "merges", merges);
}

static hw_status convert_bert(hw_text_buffer *text, const char *folder, const json_t *config,
                              hw_error *err) {
    json_t *vocabulary = load_lines(json_object(), folder, "vocab.txt", add_to_vocabulary, err);
    if (!vocabulary) return HW_ERROR_FORMAT;
    const hw_status status = check_roles(config, vocabulary, &bert, folder, err);
    if (status == HW_OK) return hw_json_append(text, bert_json(config, vocabulary), err);
    json_decref(vocabulary);
    return status;
}

static hw_status convert_roberta(hw_text_buffer *text, const char *folder, const json_t *config,
                                 hw_error *err) {
    json_t *vocabulary = load(folder, "vocab.json", 0, err);
    if (!vocabulary) return HW_ERROR_FORMAT;
    json_t *merges = NULL;
    if (check_roles(config, vocabulary, &roberta, folder, err) == HW_OK)
        merges = load_lines(json_array(), folder, "merges.txt", add_to_merges, err);
    if (merges) return hw_json_append(text, roberta_json(config, vocabulary, merges), err);
    json_decref(vocabulary);
    return HW_ERROR_FORMAT;
}

static hw_status convert(hw_text_buffer *text, const char *folder, hw_error *err) {
    const bool is_bert = has_file(folder, "vocab.txt");
    if (!is_bert && !(has_file(folder, "vocab.json") && has_file(folder, "merges.txt")))
        return hw_sentencepiece_open(text, folder, err);

    json_t *config = load_config(folder, err);
    if (!config) return HW_ERROR_FORMAT;
    const hw_status status = (is_bert ? convert_bert : convert_roberta)(text, folder, config, err);
    json_decref(config);
    return status;
}

static hw_tokenizer *open_json(const char *folder, hw_error *err) {
    const path from = path_of(folder, "tokenizer.json");
    hw_mapping mapping;
    if (hw_file_map(&mapping, from.text, FILE_LIMIT, err) != HW_OK) return NULL;
    hw_tokenizer *tokenizer =
        hw_tokenizer_parse((const char *)mapping.data, mapping.size, from.text, err);
    hw_file_unmap(&mapping);
    return tokenizer;
}

hw_tokenizer *hw_tokenizer_open(const char *folder, hw_error *err) {
    if (has_file(folder, "tokenizer.json")) return open_json(folder, err);
    hw_text_buffer text = { 0 };
    hw_tokenizer *tokenizer = NULL;
    if (convert(&text, folder, err) == HW_OK)
        tokenizer = hw_tokenizer_parse(text.bytes, text.length, folder, err);
    hw_text_buffer_free(&text);
    return tokenizer;
}
