/* Tokenizers: ids and places as `tokenizers` gives them (tests/golden/tokenizers.json), what holds
 * for any bytes, the older files, malformed files, and lack of memory. */
#include "base/fault.h"
#include "base/memory.h"
#include "base/random.h"
#include "base/text_buffer.h"
#include "tokenizer/tokenizer_parts.h"
#include "toy_data.h"

#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <cmocka.h>

enum { MOST_CASES = 200 };

typedef struct golden {
    json_t *root;
    const json_t *texts;
    json_t *cases;
    char *files[MOST_CASES]; /* the tokenizer.json of each case */
    size_t count;
} golden;

static golden all;

static int read_golden(void **state) {
    (void)state;
    all.root = json_load_file("tests/golden/tokenizers.json", JSON_ALLOW_NUL, NULL);
    if (!all.root) return -1;
    all.texts = json_object_get(all.root, "texts");
    all.cases = json_object_get(all.root, "cases");
    all.count = json_array_size(all.cases);
    assert_in_range(all.count, 50, MOST_CASES);
    for (size_t i = 0; i < all.count; ++i) {
        const json_t *one = json_array_get(all.cases, i);
        json_t *file = json_copy(json_object_get(one, "tokenizer"));
        const char *model = json_string_value(json_object_get(one, "model"));
        json_object_set(file, "model", json_object_get(json_object_get(all.root, "models"), model));
        all.files[i] = json_dumps(file, JSON_COMPACT);
        json_decref(file);
    }
    return toy_enter_folder(state);
}

static int free_golden(void **state) {
    for (size_t i = 0; i < all.count; ++i) free(all.files[i]);
    json_decref(all.root);
    return toy_leave_folder(state);
}

static const char *name_of(size_t i) {
    return json_string_value(json_object_get(json_array_get(all.cases, i), "name"));
}

/* The file of the case with this name. */
static const char *file_of(const char *name) {
    for (size_t i = 0; i < all.count; ++i)
        if (strcmp(name_of(i), name) == 0) return all.files[i];
    fail_msg("no case \"%s\"", name);
    return NULL;
}

static hw_text text_at(size_t i) {
    const json_t *text = json_array_get(all.texts, i);
    return (hw_text){ json_string_value(text), json_string_length(text) };
}

/* A tokenizer with what a thread needs to use it. */
typedef struct user {
    hw_tokenizer *tokenizer;
    hw_tokenizer_scratch *scratch;
    hw_tokens tokens;
} user;

static user use(hw_tokenizer *tokenizer, const hw_error *err) {
    if (!tokenizer) fail_msg("%s", err->message);
    user made = { .tokenizer = tokenizer };
    made.scratch = hw_tokenizer_scratch_new(tokenizer, NULL);
    assert_non_null(made.scratch);
    return made;
}

static user parse(const char *json) {
    hw_error err;
    return use(hw_tokenizer_parse(json, strlen(json), "tokenizer.json", &err), &err);
}

static void done(user *own) {
    hw_tokenizer_scratch_free(own->scratch);
    hw_tokenizer_free(own->tokenizer);
    hw_free(own->tokens.items);
}

static void encode(user *own, hw_text text) {
    hw_error err;
    if (hw_tokenizer_encode(&own->tokens, own->scratch, text, &err) != HW_OK)
        fail_msg("%s", err.message);
}

static void append_tokens(hw_text_buffer *to, const hw_tokens *tokens) {
    for (size_t i = 0; i < tokens->count; ++i)
        hw_text_printf(to, "%u,%u,%u ", tokens->items[i].id, tokens->items[i].begin,
                       tokens->items[i].end);
    hw_text_append(to, "", 0);
}

static void assert_encoding(const hw_tokens *tokens, const json_t *expected, const char *name,
                            hw_text text) {
    hw_text_buffer is = { 0 }, should = { 0 };
    append_tokens(&is, tokens);
    for (size_t i = 0; i < json_array_size(expected); ++i)
        hw_text_printf(&should, "%d%c", (int)json_integer_value(json_array_get(expected, i)),
                       i % 3 == 2 ? ' ' : ',');
    hw_text_append(&should, "", 0);
    if (strcmp(is.bytes, should.bytes) != 0)
        fail_msg("%s: \"%.*s\":\n  %s\nis not\n  %s", name, (int)text.length, text.bytes, is.bytes,
                 should.bytes);
    hw_text_buffer_free(&is);
    hw_text_buffer_free(&should);
}

/* ---- What `tokenizers` does --------------------------------------------------------------- */

static void test_ids_and_places_are_those_of_tokenizers(void **state) {
    (void)state;
    for (size_t i = 0; i < all.count; ++i) {
        user own = parse(all.files[i]);
        const json_t *encodings = json_object_get(json_array_get(all.cases, i), "encodings");
        for (int again = 0; again < 2; ++again) { /* from the cache */
            for (size_t text = 0; text < json_array_size(all.texts); ++text) {
                encode(&own, text_at(text));
                assert_encoding(&own.tokens, json_array_get(encodings, text), name_of(i),
                                text_at(text));
            }
        }
        done(&own);
    }
}

static void assert_ids(const uint32_t *ids, size_t count, const json_t *expected) {
    assert_int_equal(count, json_array_size(expected));
    for (size_t i = 0; i < count; ++i)
        assert_int_equal(ids[i], json_integer_value(json_array_get(expected, i)));
}

static void test_templates_are_those_of_tokenizers(void **state) {
    (void)state;
    size_t most = 0;
    for (size_t i = 0; i < all.count; ++i) {
        user own = parse(all.files[i]);
        const json_t *one = json_array_get(all.cases, i);
        size_t count;
        const uint32_t *ids = hw_tokenizer_before(own.tokenizer, &count);
        assert_ids(ids, count, json_object_get(one, "before"));
        ids = hw_tokenizer_after(own.tokenizer, &count);
        assert_ids(ids, count, json_object_get(one, "after"));
        most = count > most ? count : most;
        done(&own);
    }
    assert_int_equal(most, 1);
}

static void test_strings_and_ids_belong_together(void **state) {
    (void)state;
    user own = parse(file_of("added tokens"));
    const hw_tokenizer *tokenizer = own.tokenizer;
    assert_int_equal(hw_tokenizer_find(tokenizer, "[CLS]"), 2);
    assert_string_equal(hw_tokenizer_string(tokenizer, 2), "[CLS]");
    assert_true(hw_tokenizer_is_special(tokenizer, 2));
    assert_int_equal(hw_tokenizer_find(tokenizer, "nowhere"), HW_NO_TOKEN);

    const uint32_t added = hw_tokenizer_find(tokenizer, "  "); /* not in the vocabulary */
    assert_in_range(added, 330, hw_tokenizer_size(tokenizer) - 1);
    assert_string_equal(hw_tokenizer_string(tokenizer, added), "  ");
    assert_false(hw_tokenizer_is_special(tokenizer, added));
    for (uint32_t id = 0; id < hw_tokenizer_size(tokenizer); ++id) {
        assert_non_null(hw_tokenizer_string(tokenizer, id));
        assert_int_equal(hw_tokenizer_find(tokenizer, hw_tokenizer_string(tokenizer, id)), id);
    }
    assert_null(hw_tokenizer_string(tokenizer, (uint32_t)hw_tokenizer_size(tokenizer)));
    assert_null(hw_tokenizer_string(tokenizer, HW_NO_TOKEN));
    assert_false(hw_tokenizer_is_special(tokenizer, HW_NO_TOKEN));
    done(&own);
}

/* ---- Any bytes ------------------------------------------------------------------------------ */

static void assert_same_ids(const hw_tokens *a, const hw_tokens *b) {
    assert_int_equal(a->count, b->count);
    for (size_t i = 0; i < a->count; ++i) assert_int_equal(a->items[i].id, b->items[i].id);
}

static void test_invalid_bytes_count_as_replacement_characters(void **state) {
    (void)state;
    static const char *const pairs[][2] = {
        { "the\xFF fox", "the\xEF\xBF\xBD fox" },
        { "\x80\x80[MASK]\xE4\xB8", "\xEF\xBF\xBD\xEF\xBF\xBD[MASK]\xEF\xBF\xBD" },
        { "a\xF0\x9F\x98 b\xC3", "a\xEF\xBF\xBD b\xEF\xBF\xBD" },
        { "\xED\xA0\x80 see\x80 <mask>",
          "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD see\xEF\xBF\xBD <mask>" },
    };
    for (size_t i = 0; i < all.count; ++i) {
        user invalid = parse(all.files[i]), valid = parse(all.files[i]);
        for (size_t pair = 0; pair < sizeof pairs / sizeof *pairs; ++pair) {
            encode(&invalid, hw_text_of(pairs[pair][0]));
            encode(&valid, hw_text_of(pairs[pair][1]));
            assert_same_ids(&invalid.tokens, &valid.tokens);
        }
        done(&invalid);
        done(&valid);
    }
}

static void test_places_are_those_of_the_invalid_bytes(void **state) {
    (void)state;
    user own = parse(file_of("none unigram"));
    encode(&own, hw_text_of("a\xE4\xB8z"));
    assert_int_equal(own.tokens.count, 3);
    assert_int_equal(own.tokens.items[1].begin, 1);
    assert_int_equal(own.tokens.items[1].end, 3);
    assert_int_equal(own.tokens.items[2].begin, 3);
    done(&own);
}

/* ---- Segments ----------------------------------------------------------------------------- */

/* The case's tokenizer, which never cuts a text into segments. */
static user parse_whole(const char *json) {
    user made = parse(json);
    made.tokenizer->segmentation.kind = HW_SEGMENTS_NONE;
    return made;
}

static void assert_same_tokens(const hw_tokens *a, const hw_tokens *b, const char *name,
                               hw_text text) {
    hw_text_buffer is = { 0 }, should = { 0 };
    append_tokens(&is, a);
    append_tokens(&should, b);
    if (strcmp(is.bytes, should.bytes) != 0)
        fail_msg("%s: \"%.*s\":\n  %s\nis not\n  %s", name, (int)text.length, text.bytes, is.bytes,
                 should.bytes);
    hw_text_buffer_free(&is);
    hw_text_buffer_free(&should);
}

/* Fragments that meet in every order: what joins, is cut, is replaced or stripped at a border. */
static void make_text(hw_text_buffer *text, uint64_t seed, size_t number) {
    static const char *const fragments[] = { " ",
                                             "  ",
                                             "the",
                                             "Fox",
                                             "'s",
                                             "''",
                                             "``",
                                             "\n",
                                             "\t ",
                                             "12",
                                             "e",
                                             ".",
                                             "_",
                                             "\xCC\x81",
                                             "\xE4\xB8\xAD",
                                             "a b",
                                             " \xC2\xA0",
                                             "\xE2\x96\x81",
                                             "\x7F",
                                             "!",
                                             "<s>",
                                             "[MASK]",
                                             "\xCC",
                                             "\xF0\x9F\x98\x80",
                                             "\xE2\x80\x8D",
                                             "\xD8\x80",
                                             "\r\n",
                                             "x " };
    enum { COUNT = sizeof fragments / sizeof *fragments, LENGTH = 12 };
    text->length = 0;
    for (uint64_t i = 0; i < LENGTH; ++i) {
        const char *fragment = fragments[hw_random_bits(seed, number, i) % COUNT];
        hw_text_append(text, fragment, strlen(fragment));
    }
}

static void test_segments_change_nothing(void **state) {
    (void)state;
    bool seen[HW_SEGMENTS_BLANKS + 1] = { false };
    hw_text_buffer buffer = { 0 };
    for (size_t i = 0; i < all.count; ++i) {
        user own = parse(all.files[i]), whole = parse_whole(all.files[i]);
        seen[own.tokenizer->segmentation.kind] = true;
        for (size_t number = 0; number < 500; ++number) {
            make_text(&buffer, i, number);
            const hw_text text = { buffer.bytes, buffer.length };
            encode(&whole, text);
            for (int round = 0; round < 2; ++round) { /* the second finds what the first kept */
                encode(&own, text);
                assert_same_tokens(&own.tokens, &whole.tokens, name_of(i), text);
            }
        }
        done(&own);
        done(&whole);
    }
    for (size_t kind = 0; kind <= HW_SEGMENTS_BLANKS; ++kind)
        if (!seen[kind]) fail_msg("no case has segments of kind %zu", kind);
    hw_text_buffer_free(&buffer);
}

/* The template spares the blank of the first token alone, which a cache must not spread. */
static void test_the_first_token_keeps_a_place_of_its_own(void **state) {
    (void)state;
    static const char json[] =
        "{\"pre_tokenizer\":{\"type\":\"ByteLevel\",\"add_prefix_space\":false,\"trim_offsets\":"
        "true,"
        "\"use_regex\":true},\"post_processor\":{\"type\":\"RobertaProcessing\",\"cls\":[\"a\",0],"
        "\"sep\":[\"b\",1],\"trim_offsets\":true,\"add_prefix_space\":true},\"model\":{\"type\":"
        "\"BPE\",\"vocab\":{\"a\":0,\"b\":1,\"\xC4\xA0\":2,\"\xC4\xA0\x61\":3},\"merges\":["
        "\"\xC4\xA0 a\"]}}";
    user own = parse(json), whole = parse_whole(json);
    assert_int_equal(own.tokenizer->segmentation.kind, HW_SEGMENTS_BYTE_LEVEL);
    const hw_text text = hw_text_of(" a a b");
    encode(&whole, text);
    encode(&own, text);
    assert_same_tokens(&own.tokens, &whole.tokens, "first", text);
    assert_int_equal(own.tokens.items[0].begin, 0);
    assert_int_equal(own.tokens.items[1].begin, 3);
    done(&own);
    done(&whole);
}

/* More different words than the cache holds, some of them again and again. */
static void test_a_full_cache_changes_nothing(void **state) {
    (void)state;
    static const char *const names[] = { "bert", "Roberta True True" };
    for (size_t i = 0; i < sizeof names / sizeof *names; ++i) {
        user used = parse(file_of(names[i]));
        for (unsigned word = 0; word < 150000; ++word) {
            char text[40];
            snprintf(text, sizeof text, "w%x %u the sea", word, word % 1000);
            encode(&used, hw_text_of(text));
            if (word % 5000 != 0) continue;
            user fresh = parse(file_of(names[i]));
            encode(&fresh, hw_text_of(text));
            assert_same_ids(&used.tokens, &fresh.tokens);
            done(&fresh);
        }
        done(&used);
    }
}

static void test_long_words_are_unknown(void **state) {
    (void)state;
    user own = parse(file_of("bert")); /* max_input_chars_per_word is 40 */
    char word[200];
    for (int length = 39; length <= 41; ++length) {
        memset(word, 'a', sizeof word);
        encode(&own, (hw_text){ word, (size_t)length });
        assert_int_equal(own.tokens.count == 1, length == 41);
    }
    for (size_t i = 0; i < sizeof word; i += 2) memcpy(word + i, "\xC3\xA9", 2); /* é: becomes e */
    encode(&own, (hw_text){ word, 80 });
    assert_true(own.tokens.count > 1);
    encode(&own, (hw_text){ word, 82 });
    assert_int_equal(own.tokens.count, 1);
    assert_int_equal(own.tokens.items[0].end, 82);
    done(&own);
}

/* ---- Files ---------------------------------------------------------------------------------- */

static void test_its_own_json_gives_the_same_tokenizer(void **state) {
    (void)state;
    for (size_t i = 0; i < all.count; ++i) {
        user first = parse(all.files[i]);
        assert_string_equal(hw_tokenizer_json(first.tokenizer), all.files[i]);
        user second = parse(hw_tokenizer_json(first.tokenizer));
        assert_int_equal(hw_tokenizer_size(first.tokenizer), hw_tokenizer_size(second.tokenizer));
        done(&first);
        done(&second);
    }
}

static user open_folder(void) {
    hw_error err;
    return use(hw_tokenizer_open("folder", &err), &err);
}

static void assert_same_tokenizer(user *a, user *b) {
    for (size_t i = 0; i < json_array_size(all.texts); ++i) {
        encode(a, text_at(i));
        encode(b, text_at(i));
        hw_text_buffer left = { 0 }, right = { 0 };
        append_tokens(&left, &a->tokens);
        append_tokens(&right, &b->tokens);
        assert_string_equal(left.bytes, right.bytes);
        hw_text_buffer_free(&left);
        hw_text_buffer_free(&right);
    }
    size_t left, right;
    assert_int_equal(*hw_tokenizer_before(a->tokenizer, &left),
                     *hw_tokenizer_before(b->tokenizer, &right));
    assert_int_equal(left, right);
    assert_int_equal(*hw_tokenizer_after(a->tokenizer, &left),
                     *hw_tokenizer_after(b->tokenizer, &right));
    assert_int_equal(left, right);
}

static void write_vocab_txt(const user *from) {
    hw_text_buffer text = { 0 };
    const size_t size = hw_tokenizer_size(from->tokenizer);
    for (uint32_t id = 0; id < size; ++id)
        hw_text_printf(&text, "%s%s", hw_tokenizer_string(from->tokenizer, id),
                       id % 2 ? "\r\n" : "\n");
    toy_write_text("folder/vocab.txt", text.bytes);
    hw_text_buffer_free(&text);
}

static void empty_folder(void) {
    static const char *const files[] = { "tokenizer.json", "vocab.txt",  "tokenizer_config.json",
                                         "vocab.json",     "merges.txt", "spiece.model" };
    mkdir("folder", 0777);
    for (size_t i = 0; i < sizeof files / sizeof *files; ++i) {
        char path[100];
        snprintf(path, sizeof path, "folder/%s", files[i]);
        remove(path);
    }
}

static void test_vocab_txt_is_read_as_bert(void **state) {
    (void)state;
    static const struct {
        const char *config, *name;
    } pairs[] = {
        { "{}", "bert" },
        { "{\"model_max_length\": 1000000000000000019884624838656}", "bert" },
        { "{\"do_lower_case\": false, \"strip_accents\": true}", "bert cased accents" },
        { "{\"do_lower_case\": false, \"unk_token\": {\"content\": \"[UNK]\"}}",
          "bert lowercase False" },
        { "{\"tokenize_chinese_chars\": false}", "bert handle_chinese_chars False" },
        { "{\"strip_accents\": false}", "bert strip_accents False" },
    };
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; ++i) {
        json_t *file = json_loads(file_of(pairs[i].name), 0, NULL);
        json_object_set_new(json_object_get(file, "model"), "max_input_chars_per_word",
                            json_integer(100)); /* what vocab.txt means */
        if (!json_object_get(file, "post_processor")) {
            json_t *bert = json_loads(file_of("bert"), 0, NULL);
            json_object_set(file, "post_processor", json_object_get(bert, "post_processor"));
            json_decref(bert);
        }
        char *json = json_dumps(file, 0);
        user expected = parse(json);
        empty_folder();
        write_vocab_txt(&expected);
        toy_write_text("folder/tokenizer_config.json", pairs[i].config);
        user own = open_folder();
        assert_same_tokenizer(&own, &expected);
        done(&own);
        done(&expected);
        free(json);
        json_decref(file);
    }
}

#define MASK "\"mask_token\": {\"content\": \"<mask>\", \"lstrip\": true}"

static void test_vocab_json_and_merges_are_read_as_roberta(void **state) {
    (void)state;
    for (int prefix = 0; prefix < 2; ++prefix) {
        const char *file = file_of(prefix ? "Roberta True True" : "Roberta False True");
        json_t *json = json_loads(file, 0, NULL);
        const json_t *model = json_object_get(json, "model");
        empty_folder();
        json_dump_file(json_object_get(model, "vocab"), "folder/vocab.json", 0);
        hw_text_buffer text = { 0 };
        hw_text_printf(&text, "#version: 0.2\n");
        const json_t *merges = json_object_get(model, "merges");
        for (size_t i = 0; i < json_array_size(merges); ++i) {
            const json_t *merge = json_array_get(merges, i);
            hw_text_printf(&text, "%s %s\n", json_string_value(json_array_get(merge, 0)),
                           json_string_value(json_array_get(merge, 1)));
        }
        toy_write_text("folder/merges.txt", text.bytes);
        toy_write_text("folder/tokenizer_config.json",
                       prefix ? "{\"add_prefix_space\": true," MASK "}" : "{" MASK "}");
        user own = open_folder(), expected = parse(file);
        assert_same_tokenizer(&own, &expected);
        done(&own);
        done(&expected);
        hw_text_buffer_free(&text);
        json_decref(json);
    }
}

static void test_tokenizer_json_comes_first(void **state) {
    (void)state;
    empty_folder();
    toy_write_text("folder/vocab.txt", "nothing of use\n");
    toy_write_text("folder/tokenizer.json", file_of("bert"));
    user own = open_folder();
    assert_string_equal(hw_tokenizer_json(own.tokenizer), file_of("bert"));
    done(&own);
}

static void test_a_folder_without_a_tokenizer_is_refused(void **state) {
    (void)state;
    hw_error err = { 0 };
    empty_folder();
    assert_null(hw_tokenizer_open("folder", &err));
    assert_true(err.status != HW_OK && err.message[0]);
    toy_write_text("folder/vocab.txt", "a\nb\n");
    assert_null(hw_tokenizer_open("folder", &err));
    assert_int_equal(err.status, HW_ERROR_FORMAT);
    assert_non_null(strstr(err.message, "cls_token"));
}

#define MODEL                                                            \
    "\"model\":{\"type\":\"WordPiece\",\"vocab\":{\"a\":0,\"[UNK]\":1}," \
    "\"unk_token\":\"[UNK]\",\"continuing_subword_prefix\":\"##\","      \
    "\"max_input_chars_per_word\":100}"

static void test_malformed_files_are_refused_by_place(void **state) {
    (void)state;
    static const struct {
        const char *json;
        hw_status status;
        const char *place;
    } files[] = {
        { "", HW_ERROR_FORMAT, "tokenizer.json" },
        { "[]", HW_ERROR_FORMAT, "an object is expected" },
        { "{\n\"model\"", HW_ERROR_FORMAT, "tokenizer.json:2" },
        { "{}", HW_ERROR_FORMAT, "model" },
        { "{\"model\":{\"type\":\"WordPiece\"}}", HW_ERROR_FORMAT, "model.vocab" },
        { "{\"model\":{\"type\":5,\"vocab\":{}}}", HW_ERROR_FORMAT, "model.type" },
        { "{\"model\":{\"type\":\"WordLevel\",\"vocab\":{}}}", HW_ERROR_UNSUPPORTED, "WordLevel" },
        { "{\"model\":{\"type\":\"WordPiece\",\"vocab\":{\"a\":-1}}}", HW_ERROR_FORMAT,
          "model.vocab: \"a\"" },
        { "{\"model\":{\"type\":\"WordPiece\",\"vocab\":{\"a\":16777216}}}", HW_ERROR_FORMAT,
          "model.vocab: \"a\"" },
        { "{\"model\":{\"type\":\"WordPiece\",\"vocab\":{\"a\":0.5}}}", HW_ERROR_FORMAT,
          "model.vocab: \"a\"" },
        { "{\"model\":{\"type\":\"WordPiece\",\"vocab\":{}}}", HW_ERROR_FORMAT,
          "max_input_chars_per_word" },
        { "{\"model\":{\"type\":\"WordPiece\",\"vocab\":{},\"max_input_chars_per_word\":9}}",
          HW_ERROR_FORMAT, "continuing_subword_prefix" },
        { "{\"model\":{\"vocab\":{},\"max_input_chars_per_word\":9,\"continuing_subword_prefix\":"
          "\"\",\"unk_token\":\"u\"}}",
          HW_ERROR_FORMAT, "unk_token" },
        { "{\"model\":{\"vocab\":{},\"max_input_chars_per_word\":99999}}", HW_ERROR_UNSUPPORTED,
          "max_input_chars_per_word" },
        { "{\"normalizer\":{\"type\":\"Sequence\"}," MODEL "}", HW_ERROR_FORMAT,
          "normalizer.normalizers" },
        { "{\"normalizer\":{\"type\":\"Rot13\"}," MODEL "}", HW_ERROR_UNSUPPORTED,
          "normalizer.type: \"Rot13\"" },
        { "{\"normalizer\":{\"type\":\"BertNormalizer\"}," MODEL "}", HW_ERROR_FORMAT,
          "normalizer.clean_text" },
        { "{\"normalizer\":{\"type\":\"Replace\",\"pattern\":{\"Regex\":\"a|b\"},\"content\":\"\"}"
          "," MODEL "}",
          HW_ERROR_UNSUPPORTED, "\"a|b\"" },
        { "{\"normalizer\":{\"type\":\"Replace\",\"pattern\":{\"String\":\"\"},\"content\":\"\"}"
          "," MODEL "}",
          HW_ERROR_UNSUPPORTED, "normalizer.pattern" },
        { "{\"normalizer\":[]," MODEL "}", HW_ERROR_FORMAT, "normalizer.type" },
        { "{\"pre_tokenizer\":{\"type\":\"Split\",\"pattern\":{\"String\":\"a\"},\"behavior\":"
          "\"Chop\",\"invert\":false}," MODEL "}",
          HW_ERROR_UNSUPPORTED, "Chop" },
        { "{\"pre_tokenizer\":{\"type\":\"Metaspace\",\"replacement\":\"ab\"}," MODEL "}",
          HW_ERROR_FORMAT, "one character" },
        { "{\"pre_tokenizer\":{\"type\":\"Metaspace\",\"replacement\":\"_\",\"add_prefix_space\":"
          "false,\"prepend_scheme\":\"always\"}," MODEL "}",
          HW_ERROR_FORMAT, "does not match" },
        { "{\"pre_tokenizer\":{\"type\":\"UnicodeScripts\"}," MODEL "}", HW_ERROR_UNSUPPORTED,
          "UnicodeScripts" },
        { "{\"post_processor\":{\"type\":\"BertProcessing\",\"cls\":[\"a\",0],\"sep\":[\"b\",7]}"
          "," MODEL "}",
          HW_ERROR_FORMAT, "id 7" },
        { "{\"post_processor\":{\"type\":\"BertProcessing\",\"cls\":\"a\"}," MODEL "}",
          HW_ERROR_FORMAT, "post_processor.cls" },
        { "{\"post_processor\":{\"type\":\"TemplateProcessing\",\"single\":[],\"special_tokens\":{}"
          "}," MODEL "}",
          HW_ERROR_UNSUPPORTED, "0 times" },
        { "{\"post_processor\":{\"type\":\"TemplateProcessing\",\"single\":[{\"SpecialToken\":{"
          "\"id\":\"x\"}}],\"special_tokens\":{}}," MODEL "}",
          HW_ERROR_FORMAT, "no ids of \"x\"" },
        { "{\"added_tokens\":{}," MODEL "}", HW_ERROR_FORMAT, "added_tokens" },
        { "{\"added_tokens\":[{}]," MODEL "}", HW_ERROR_FORMAT, "added_tokens.content" },
        { "{\"added_tokens\":[{\"content\":\"x\"}]," MODEL "}", HW_ERROR_FORMAT,
          "added_tokens.single_word" },
    };
    for (size_t i = 0; i < sizeof files / sizeof *files; ++i) {
        hw_error err = { 0 };
        const char *json = files[i].json;
        assert_null(hw_tokenizer_parse(json, strlen(json), "tokenizer.json", &err));
        if (err.status != files[i].status || !strstr(err.message, files[i].place))
            fail_msg("%s: status %d, \"%s\"", json, (int)err.status, err.message);
    }
    user plain = parse("{" MODEL "}");
    done(&plain);
}

static void test_sequences_nest_only_so_deep(void **state) {
    (void)state;
    static const char open[] = "{\"type\":\"Sequence\",\"normalizers\":[";
    for (int depth = 10; depth <= 1000; depth *= 10) {
        hw_text_buffer text = { 0 };
        hw_text_printf(&text, "{\"normalizer\":");
        for (int i = 0; i < depth; ++i) hw_text_append(&text, open, strlen(open));
        for (int i = 0; i < depth; ++i) hw_text_append(&text, "]}", 2);
        hw_text_printf(&text, "," MODEL "}");
        hw_error err;
        hw_tokenizer *tokenizer = hw_tokenizer_parse(text.bytes, text.length, "x", &err);
        assert_int_equal(tokenizer != NULL, depth == 10);
        hw_tokenizer_free(tokenizer);
        hw_text_buffer_free(&text);
    }
}

/* ---- Lack of memory --------------------------------------------------------------------- */

/* Everything that is done with a tokenizer. */
static hw_status work(const char *json, hw_error *err) {
    hw_tokens tokens = { 0 };
    hw_tokenizer_scratch *scratch = NULL;
    hw_tokenizer *tokenizer = hw_tokenizer_parse(json, strlen(json), "tokenizer.json", err);
    if (tokenizer) scratch = hw_tokenizer_scratch_new(tokenizer, err);
    hw_status status = scratch ? HW_OK : HW_ERROR_MEMORY;
    for (size_t i = 0; status == HW_OK && i < json_array_size(all.texts); ++i)
        status = hw_tokenizer_encode(&tokens, scratch, text_at(i), err);
    hw_tokenizer_scratch_free(scratch);
    hw_tokenizer_free(tokenizer);
    hw_free(tokens.items);
    return status;
}

static void test_every_allocation_may_fail(void **state) {
    (void)state;
    static const char *const names[] = { "added tokens",         "Roberta True True",
                                         "Metaspace first True", "NFKC unigram",
                                         "Replace strings",      "Prepend" };
    for (size_t i = 0; i < sizeof names / sizeof *names; ++i) {
        for (uint64_t at = 1, calls = at; at <= calls; ++at) {
            hw_error err = { 0 };
            hw_fault_arm(HW_FAULT_MEMORY, at, false);
            const hw_status status = work(file_of(names[i]), &err);
            calls = hw_fault_calls(HW_FAULT_MEMORY);
            hw_fault_arm(HW_FAULT_MEMORY, 0, false);
            assert_int_equal(status, calls < at ? HW_OK : HW_ERROR_MEMORY);
            assert_int_equal(err.status, status);
            assert_true(at > 15 || status != HW_OK);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ids_and_places_are_those_of_tokenizers),
        cmocka_unit_test(test_templates_are_those_of_tokenizers),
        cmocka_unit_test(test_strings_and_ids_belong_together),
        cmocka_unit_test(test_invalid_bytes_count_as_replacement_characters),
        cmocka_unit_test(test_places_are_those_of_the_invalid_bytes),
        cmocka_unit_test(test_segments_change_nothing),
        cmocka_unit_test(test_the_first_token_keeps_a_place_of_its_own),
        cmocka_unit_test(test_a_full_cache_changes_nothing),
        cmocka_unit_test(test_long_words_are_unknown),
        cmocka_unit_test(test_its_own_json_gives_the_same_tokenizer),
        cmocka_unit_test(test_vocab_txt_is_read_as_bert),
        cmocka_unit_test(test_vocab_json_and_merges_are_read_as_roberta),
        cmocka_unit_test(test_tokenizer_json_comes_first),
        cmocka_unit_test(test_a_folder_without_a_tokenizer_is_refused),
        cmocka_unit_test(test_malformed_files_are_refused_by_place),
        cmocka_unit_test(test_sequences_nest_only_so_deep),
        cmocka_unit_test(test_every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, read_golden, free_golden);
}
