/* Weights are drawn by the library, and written as any encoder is. */
#include "tiny_encoder.h"

#include "base/text_buffer.h"
#include "classify/encoder_classifier.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

hw_encoder_config tiny_encoder_config(void) {
    static const char text[] =
        "{\"model_type\": \"bert\", \"vocab_size\": 120, \"hidden_size\": 32,"
        " \"num_hidden_layers\": 2, \"num_attention_heads\": 2, \"intermediate_size\": 48,"
        " \"max_position_embeddings\": 32, \"type_vocab_size\": 2, \"hidden_act\": \"gelu\","
        " \"layer_norm_eps\": 1e-12, \"initializer_range\": 0.1, \"hidden_dropout_prob\": 0.1,"
        " \"attention_probs_dropout_prob\": 0.1, \"pad_token_id\": 0,"
        " \"architectures\": [\"BertModel\"]}";
    hw_encoder_config config;
    hw_error err;
    json_t *json = json_loads(text, 0, NULL);
    if (hw_encoder_config_load(&config, json, "tiny", &err) != HW_OK) fail_msg("%s", err.message);
    json_decref(json);
    assert_int_equal(config.vocabulary, TINY_ENCODER_WORDS);
    return config;
}

static void append_words(hw_text_buffer *text) {
    int id = 4;
    for (int i = 0; i < 12; i++) hw_text_printf(text, ", \"the%d\": %d", i, id++);
    for (int label = 0; label < 26; label++)
        for (int i = 0; i < 4; i++) hw_text_printf(text, ", \"own%c%d\": %d", 'a' + label, i, id++);
    assert_int_equal(id, TINY_ENCODER_WORDS);
}

static hw_tokenizer *make_tokenizer(void) {
    static const char *const specials[] = { "[PAD]", "[UNK]", "[CLS]", "[SEP]" };
    hw_text_buffer text = { 0 };
    hw_text_printf(&text, "{\"version\": \"1.0\", \"added_tokens\": [");
    for (int i = 0; i < 4; i++)
        hw_text_printf(&text,
                       "%s{\"id\": %d, \"content\": \"%s\", \"single_word\": false, \"lstrip\": "
                       "false, \"rstrip\": false, \"normalized\": false, \"special\": true}",
                       i ? ", " : "", i, specials[i]);
    hw_text_printf(
        &text, "], \"normalizer\": null, \"pre_tokenizer\": {\"type\": \"BertPreTokenizer\"},"
               " \"post_processor\": {\"type\": \"BertProcessing\", \"sep\": [\"[SEP]\", 3],"
               " \"cls\": [\"[CLS]\", 2]}, \"decoder\": null, \"model\": {\"type\": \"WordPiece\","
               " \"unk_token\": \"[UNK]\", \"continuing_subword_prefix\": \"##\","
               " \"max_input_chars_per_word\": 100, \"vocab\": {\"[PAD]\": 0, \"[UNK]\": 1,"
               " \"[CLS]\": 2, \"[SEP]\": 3");
    append_words(&text);
    hw_text_printf(&text, "}}}");
    assert_false(text.failed);
    hw_error err;
    hw_tokenizer *tokenizer = hw_tokenizer_parse(text.bytes, text.length, "tiny", &err);
    if (!tokenizer) fail_msg("%s", err.message);
    hw_text_buffer_free(&text);
    return tokenizer;
}

void tiny_encoder_write(const char *folder, uint64_t seed) {
    const hw_encoder_config config = tiny_encoder_config();
    hw_tokenizer *tokenizer = make_tokenizer();
    hw_error err;
    hw_encoder *encoder = hw_encoder_init(&config, seed, &err);
    assert_non_null(encoder);
    const hw_encoder_folder parts = { .encoder = encoder, .tokenizer = tokenizer, .card = "" };
    if (hw_encoder_folder_save(folder, &parts, &err) != HW_OK) fail_msg("%s", err.message);
    hw_encoder_free(encoder);
    hw_tokenizer_free(tokenizer);
}

void tiny_encoder_write_classifier(const char *folder, int32_t labels, bool multi_label,
                                   uint64_t seed) {
    enum { MOST = 26 };
    char text[MOST][2], *names[MOST];
    float thresholds[MOST];
    for (int32_t label = 0; label < labels; label++) {
        text[label][0] = (char)('a' + label);
        text[label][1] = '\0';
        names[label] = text[label];
        thresholds[label] = 0.25f + 0.01f * (float)label;
    }
    hw_encoder_config config = tiny_encoder_config();
    config.readout = HW_ENCODER_LABELS;
    config.labels = labels;
    hw_error err;
    hw_tokenizer *tokenizer = make_tokenizer();
    hw_encoder *encoder = hw_encoder_init(&config, seed, &err);
    assert_non_null(encoder);
    const hw_fine_tuned parts = { .encoder = encoder,
                                  .tokenizer = tokenizer,
                                  .labels = names,
                                  .label_count = (size_t)labels,
                                  .multi_label = multi_label,
                                  .thresholds = thresholds,
                                  .temperature = 1.5,
                                  .max_tokens = config.max_tokens,
                                  .held_back_score = 0.75,
                                  .held_back_examples = 8,
                                  .training = "{\"seed\":1}" };
    hw_classifier *classifier = hw_classifier_of_encoder(&parts, &err);
    if (!classifier) fail_msg("%s", err.message);
    if (hw_classifier_export(classifier, folder, false, NULL, &err) != HW_OK)
        fail_msg("%s", err.message);
    hw_classifier_close(classifier);
    hw_encoder_free(encoder);
    hw_tokenizer_free(tokenizer);
}
