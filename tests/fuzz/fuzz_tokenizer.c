/* Tokenizers and texts of any bytes. The first byte chooses: a tokenizer that is known to be valid,
 * with all the rest as text, or a tokenizer.json up to the first NUL and the text behind it. Tokens
 * lie within the text, have ids of the vocabulary, and repeat exactly; they are the same
 * whether or not the text is cut into segments first. */
#undef NDEBUG
#include "base/memory.h"
#include "tokenizer/tokenizer_parts.h"

#include <assert.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define ADDED(content, normalized)                                                             \
    "{\"id\":0,\"content\":\"" content "\",\"single_word\":false,\"lstrip\":false,\"rstrip\":" \
    "false,\"normalized\":" normalized ",\"special\":true}"
#define BERT                                                                                     \
    "\"normalizer\":{\"type\":\"BertNormalizer\",\"clean_text\":true,\"handle_chinese_chars\":"  \
    "true,\"strip_accents\":null,\"lowercase\":true},\"pre_tokenizer\":{\"type\":"               \
    "\"BertPreTokenizer\"},\"model\":{\"type\":\"WordPiece\",\"unk_token\":\"[UNK]\","           \
    "\"continuing_subword_prefix\":\"##\",\"max_input_chars_per_word\":20,\"vocab\":{\"[UNK]\":" \
    "0,\"[SEP]\":1,\"a\":2,\"##a\":3,\"b\":4,\"##b\":5,\"ab\":6,\"##abb\":7,\"e\":8,\"##e\":9,"  \
    "\"\xE4\xB8\xAD\":10,\"!\":11,\"1\":12,\"##1\":13}}"

static const char bert[] = "{\"added_tokens\":[" ADDED("[SEP]", "false") "]," BERT "}";
/* A normalized token keeps texts whole. */
static const char bert_whole[] =
    "{\"added_tokens\":[" ADDED("[SEP]", "false") "," ADDED("aaaabbbbaaaabbbb", "true") "]," BERT
                                                                                        "}";

static const char *const valid[] = {
    bert,
    "{\"normalizer\":{\"type\":\"Sequence\",\"normalizers\":[{\"type\":\"Nmt\"},{\"type\":\"NFKC\"}"
    ","
    "{\"type\":\"Replace\",\"pattern\":{\"Regex\":\" {2,}\"},\"content\":\" "
    "\"},{\"type\":\"Strip\","
    "\"strip_left\":true,\"strip_right\":true}]},\"pre_tokenizer\":{\"type\":\"Metaspace\","
    "\"replacement\":\"_\",\"prepend_scheme\":\"first\",\"split\":true},\"added_tokens\":["
    "{\"id\":0,\"content\":\"<m>\",\"single_word\":true,\"lstrip\":true,\"rstrip\":true,"
    "\"normalized\":true,\"special\":true}],\"model\":{\"type\":\"Unigram\",\"unk_id\":0,"
    "\"vocab\":[[\"<unk>\",0],[\"_\",-2],[\"a\",-3],[\"_a\",-3.5],[\"b\",-4],[\"ab\",-5]]}}",
    "{\"normalizer\":{\"type\":\"NFD\"},\"pre_tokenizer\":{\"type\":\"ByteLevel\","
    "\"add_prefix_space\":true,\"trim_offsets\":true,\"use_regex\":true},\"post_processor\":{"
    "\"type\":\"RobertaProcessing\",\"cls\":[\"a\",0],\"sep\":[\"b\",1],\"trim_offsets\":true,"
    "\"add_prefix_space\":true},\"model\":{\"type\":\"BPE\",\"vocab\":{\"a\":0,\"b\":1,"
    "\"\xC4\xA0\":2,\"\xC4\xA0\x61\":3,\"ab\":4},\"merges\":[\"\xC4\xA0 a\",\"a b\"]}}",
};
enum { VALID = sizeof valid / sizeof *valid };

static void check_tokens(const hw_tokenizer *tokenizer, const hw_tokens *tokens, size_t size) {
    for (size_t i = 0; i < tokens->count; ++i) {
        const hw_token *token = &tokens->items[i];
        assert(token->begin <= token->end && token->end <= size);
        assert(hw_tokenizer_string(tokenizer, token->id));
    }
}

static void check_equal(const hw_tokens *a, const hw_tokens *b) {
    assert(a->count == b->count);
    for (size_t i = 0; i < a->count; ++i) {
        assert(a->items[i].id == b->items[i].id && a->items[i].begin == b->items[i].begin);
        assert(a->items[i].end == b->items[i].end);
    }
}

/* Encodes twice, into first and second, then without segments, and checks. */
static void encode(hw_tokens *first, hw_tokens *second, hw_tokenizer *tokenizer,
                   hw_tokenizer_scratch *scratch, hw_text text) {
    if (hw_tokenizer_encode(first, scratch, text, NULL) != HW_OK) abort();
    if (hw_tokenizer_encode(second, scratch, text, NULL) != HW_OK) abort();
    check_tokens(tokenizer, first, text.length);
    check_equal(first, second);

    const hw_segmentation_kind kind = tokenizer->segmentation.kind;
    tokenizer->segmentation.kind = HW_SEGMENTS_NONE;
    if (hw_tokenizer_encode(second, scratch, text, NULL) != HW_OK) abort();
    tokenizer->segmentation.kind = kind;
    check_equal(first, second);
}

/* One of the valid tokenizers, or bert_whole; made once, since inputs are many. */
static void encode_with_valid(hw_tokens *first, hw_tokens *second, size_t choice, hw_text text) {
    static hw_tokenizer *tokenizers[VALID + 1];
    static hw_tokenizer_scratch *scratches[VALID + 1];
    if (!tokenizers[choice]) {
        const char *json = choice < VALID ? valid[choice] : bert_whole;
        tokenizers[choice] = hw_tokenizer_parse(json, strlen(json), "valid", NULL);
        scratches[choice] = hw_tokenizer_scratch_new(tokenizers[choice], NULL);
        assert(scratches[choice]);
    }
    encode(first, second, tokenizers[choice], scratches[choice], text);
}

static void encode_with_file(hw_tokens *first, hw_tokens *second, hw_text json, hw_text text) {
    hw_error err = { 0 };
    hw_tokenizer *tokenizer = hw_tokenizer_parse(json.bytes, json.length, "input", &err);
    assert(tokenizer || (err.status != HW_OK && err.message[0]));
    if (!tokenizer) return;
    hw_tokenizer_scratch *scratch = hw_tokenizer_scratch_new(tokenizer, NULL);
    assert(scratch);
    encode(first, second, tokenizer, scratch, text);
    hw_tokenizer_scratch_free(scratch);
    hw_tokenizer_free(tokenizer);
}

static void encode_both_ways(hw_tokens *first, hw_tokens *second, hw_text text) {
    hw_tokens whole = { 0 };
    encode_with_valid(first, second, VALID, text);
    encode_with_valid(&whole, second, 0, text);
    bool has_added = false; /* the token that keeps texts whole */
    for (size_t i = 0; i < first->count; ++i) has_added = has_added || first->items[i].id >= 14;
    if (!has_added) check_equal(first, &whole);
    hw_free(whole.items);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size == 0) return 0;
    const char *input = (const char *)data + 1;
    const hw_text rest = { input, size - 1 };
    const size_t choice = data[0] % 8;
    hw_tokens first = { 0 }, second = { 0 };
    if (choice < VALID) {
        encode_with_valid(&first, &second, choice, rest);
    } else if (choice == VALID) {
        encode_both_ways(&first, &second, rest);
    } else {
        const char *end = memchr(input, '\0', rest.length);
        const size_t length = end ? (size_t)(end - input) : rest.length;
        const size_t after = end ? length + 1 : length;
        encode_with_file(&first, &second, (hw_text){ input, length },
                         (hw_text){ input + after, rest.length - after });
    }
    hw_free(first.items);
    hw_free(second.items);
    return 0;
}
