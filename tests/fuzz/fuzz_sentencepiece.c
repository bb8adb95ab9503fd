/* Bytes as a SentencePiece model; the first chooses the family and its options. What is accepted
 * must be JSON whose model encodes a text from end to end, and whose table of replacements, unless
 * it is refused, tiles it. */
#include "base/memory.h"
#include "tokenizer/precompiled.h"
#include "tokenizer/sentencepiece.h"
#include "tokenizer/unigram.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char sample[] = "\xE2\x96\x81"
                             "A quiet film, \xE5\xA5\xBD e\xCC\x81 \xEF\xAC\x81 <s>!";

static void require(bool condition) {
    if (!condition) abort();
}

static void encode(const json_t *model) {
    hw_unigram *unigram = hw_unigram_new(model, "model", NULL);
    require(unigram != NULL);
    hw_tokens tokens = { 0 };
    hw_unigram_scratch scratch = { 0 };
    require(hw_unigram_encode(&tokens, unigram, &scratch, hw_text_of(sample), NULL) == HW_OK);
    uint32_t end = 0;
    for (size_t i = 0; i < tokens.count; i++) {
        require(tokens.items[i].begin == end && tokens.items[i].end > end);
        end = tokens.items[i].end;
    }
    require(end == strlen(sample));
    hw_free(tokens.items);
    hw_unigram_scratch_free(&scratch);
    hw_unigram_free(unigram);
}

static void normalize(const json_t *normalizer) {
    const json_t *charsmap = json_object_get(normalizer, "precompiled_charsmap");
    if (!charsmap) return;
    const hw_text base64 = { json_string_value(charsmap), json_string_length(charsmap) };
    hw_precompiled *table = hw_precompiled_new(base64, "charsmap", NULL);
    if (!table) return;
    hw_precompiled_walk walk = { .text = hw_text_of(sample) };
    size_t at = 0;
    for (hw_replacement piece; hw_precompiled_next(&piece, &walk, table); at = piece.end)
        require(piece.begin == at && piece.end > at);
    require(at == strlen(sample));
    hw_precompiled_free(table);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size == 0) return 0;
    const hw_sentencepiece_options options = { data[0] & 4, data[0] & 8, data[0] & 16 };
    const hw_text model = { (const char *)data + 1, size - 1 };
    hw_text_buffer text = { 0 };
    hw_error err = { 0 };
    const hw_sentencepiece_family family = (hw_sentencepiece_family)(data[0] & 3) % 3;
    if (hw_sentencepiece_convert(&text, model, family, options, "model", &err) == HW_OK) {
        json_t *json = json_loadb(text.bytes, text.length, JSON_ALLOW_NUL, NULL);
        require(json != NULL);
        encode(json_object_get(json, "model"));
        normalize(json_object_get(json, "normalizer"));
        json_decref(json);
    } else
        require(err.message[0] != '\0');
    hw_text_buffer_free(&text);
    return 0;
}
