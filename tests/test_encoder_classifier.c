/* Classifiers with a pretrained encoder: folders of Hugging Face's and model files, whole and
 * damaged, and what is done with them. */
#include "base/fault.h"
#include "base/folder.h"
#include "base/memory.h"
#include "base/text_buffer.h"
#include "base/threads.h"
#include "classify/encoder_classifier.h"
#include "classify/token_windows.h"
#include "tiny_encoder.h"
#include "toy_data.h"

#include <dirent.h>
#include <jansson.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

enum { LABELS = 3, MOST_LABELS = 8, WINDOW = 32, ADDED = 2 };

static hw_error error;

/* ---- Files ------------------------------------------------------------------------------ */

static void remove_folder(const char *folder) {
    char command[300];
    snprintf(command, sizeof command, "rm -rf '%s'", folder);
    assert_int_equal(system(command), 0);
}

/* A new folder "f" with a classifier. */
static void make_folder(int32_t labels, bool multi_label) {
    remove_folder("f");
    tiny_encoder_write_classifier("f", labels, multi_label, 1);
}

static const char *path_in(const char *folder, const char *name) {
    static char path[300];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

static void write_file(const char *name, const char *text) {
    toy_write_text(path_in("f", name), text);
}

/* The file with the first `from` in it replaced; from NULL: with `to` as a whole; to NULL: removed.
 */
static void change_file(const char *name, const char *from, const char *to) {
    const char *path = path_in("f", name);
    if (!to) {
        assert_int_equal(unlink(path), 0);
        return;
    }
    if (!from) {
        toy_write_text(path, to);
        return;
    }
    size_t size;
    char *text = (char *)toy_read(path, &size);
    char *copy = calloc(size + strlen(to) + 1, 1);
    assert_non_null(copy);
    memcpy(copy, text, size);
    char *at = strstr(copy, from);
    if (!at) fail_msg("%s has no %s", name, from);
    const size_t rest = size - (size_t)(at - copy) - strlen(from);
    memmove(at + strlen(to), at + strlen(from), rest + 1);
    memcpy(at, to, strlen(to));
    toy_write_text(path, copy);
    free(copy);
    hw_free(text);
}

static hw_classifier *opened(const char *path) {
    hw_classifier *classifier = hw_classifier_open(path, &error);
    if (!classifier) fail_msg("%s", error.message);
    return classifier;
}

/* The folder "f" is refused with that status, and the message has all the words. */
static void assert_refused(hw_status status, const char *file, const char *words) {
    error = (hw_error){ 0 };
    hw_classifier *classifier = hw_classifier_open("f", &error);
    if (classifier) fail_msg("opens in spite of %s: %s", file, words);
    if (error.status != status || !strstr(error.message, words) || !strstr(error.message, file))
        fail_msg("%d, not %d with %s and \"%s\": %s", error.status, status, file, words,
                 error.message);
    assert_memory_equal(error.message, "f", 1);
}

/* ---- Running ------------------------------------------------------------------------------ */

static const char *const texts[] = {
    "the1 owna1 ownb2 and the2",
    "",
    "\xff ownc1",
    "owna0",
    "the1 the2 the3 the4 the5 the6 the7 the8 the9 the10 the11 the0 owna0 owna1 owna2 owna3 ownb0 "
    "ownb1 ownb2 ownb3 ownc0 ownc1 ownc2 ownc3 ownd0 ownd1 ownd2 ownd3 owne0 owne1 owne2 owne3 "
    "ownf0 ownf1 ownf2 ownf3 owng0 owng1 owng2 owng3",
};
enum { TEXTS = sizeof texts / sizeof *texts, LONG_TEXT = TEXTS - 1, LONG_TOKENS = 40 };

static void classify_with(float *p, const hw_classifier *classifier,
                          const hw_session_options *options, const char *const *strings,
                          size_t count, size_t *windows) {
    hw_text list[64];
    assert_true(count <= 64);
    for (size_t i = 0; i < count; i++) list[i] = hw_text_of(strings[i]);
    hw_session *session = hw_session_new(classifier, options, &error);
    if (!session) fail_msg("%s", error.message);
    if (hw_classify(session, list, count, p, &error) != HW_OK) fail_msg("%s", error.message);
    for (size_t i = 0; windows && i < count; i++) windows[i] = hw_session_windows(session, i);
    hw_session_free(session);
}

static void classify(float *p, const hw_classifier *classifier) {
    classify_with(p, classifier, NULL, texts, TEXTS, NULL);
}

static void assert_same_probabilities(const hw_classifier *a, const hw_classifier *b) {
    float p[TEXTS * MOST_LABELS], q[TEXTS * MOST_LABELS];
    const size_t labels = (size_t)hw_classifier_summary(a)->labels;
    assert_int_equal(labels, hw_classifier_summary(b)->labels);
    classify(p, a);
    classify(q, b);
    assert_memory_equal(p, q, TEXTS * labels * sizeof *p);
}

/* ---- Opening ------------------------------------------------------------------------------ */

static void test_a_folder_tells_what_it_is(void **state) {
    (void)state;
    make_folder(LABELS, false);
    hw_classifier *classifier = opened("f");
    const hw_summary *s = hw_classifier_summary(classifier);
    assert_int_equal(s->arch, HW_ARCH_ENCODER);
    assert_string_equal(s->family, "bert");
    assert_int_equal(s->labels, LABELS);
    assert_int_equal(s->layers, 2);
    assert_int_equal(s->heads, 2);
    assert_int_equal(s->head_dim, 16);
    assert_int_equal(s->width, 32);
    assert_int_equal(s->inner_width, 48);
    assert_int_equal(s->vocabulary, TINY_ENCODER_WORDS);
    assert_int_equal(s->window, WINDOW);
    assert_true(s->temperature == 1.5);
    assert_true(s->held_back_score == 0.75);
    assert_false(s->quantized);
    assert_false(s->multi_label);
    assert_in_range(s->file_bytes, 4 * s->parameters, 4 * s->parameters + 8192);
    assert_string_equal(hw_classifier_label(classifier, 2), "c");
    assert_string_equal(hw_classifier_training(classifier), "{\"seed\":1}");
    assert_null(hw_classifier_thresholds(classifier));
    hw_classifier_close(classifier);
}

static void test_a_multi_label_folder_has_its_thresholds(void **state) {
    (void)state;
    make_folder(LABELS, true);
    hw_classifier *classifier = opened("f");
    assert_true(hw_classifier_summary(classifier)->multi_label);
    assert_true(hw_classifier_thresholds(classifier)[1] == 0.25f + 0.01f);
    hw_classifier_close(classifier);
    change_file("headwise.json", NULL, NULL);
    classifier = opened("f");
    assert_true(hw_classifier_thresholds(classifier)[1] == 0.5f);
    assert_true(hw_classifier_summary(classifier)->temperature == 1);
    hw_classifier_close(classifier);
}

static void test_file_and_folder_are_the_same_model(void **state) {
    (void)state;
    for (int multi_label = 0; multi_label < 2; multi_label++) {
        make_folder(LABELS, multi_label);
        hw_classifier *folder = opened("f");
        assert_int_equal(hw_classifier_save(folder, "m", &error), HW_OK);
        hw_classifier *file = opened("m");
        assert_same_probabilities(folder, file);
        assert_int_equal(toy_fingerprint(folder), toy_fingerprint(file));
        remove_folder("g");
        assert_int_equal(hw_classifier_export(file, "g", false, "## More\n", &error), HW_OK);
        hw_classifier *again = opened("g");
        assert_same_probabilities(folder, again);
        hw_classifier_close(folder);
        hw_classifier_close(file);
        hw_classifier_close(again);
    }
}

static void test_folded_temperature_keeps_the_probabilities(void **state) {
    (void)state;
    make_folder(LABELS, false);
    hw_classifier *folder = opened("f");
    remove_folder("g");
    assert_int_equal(hw_classifier_export(folder, "g", true, NULL, &error), HW_OK);
    hw_classifier *folded = opened("g");
    assert_true(hw_classifier_summary(folded)->temperature == 1);
    float p[TEXTS * LABELS], q[TEXTS * LABELS];
    classify(p, folder);
    classify(q, folded);
    for (size_t i = 0; i < TEXTS * LABELS; i++) assert_true(fabsf(p[i] - q[i]) < 1e-6f);
    hw_classifier_close(folder);
    hw_classifier_close(folded);
}

/* ---- The task ------------------------------------------------------------------------------ */

static void test_the_task_is_what_transformers_takes_it_for(void **state) {
    (void)state;
    static const struct {
        int32_t labels;
        const char *type;
        bool multi_label;
    } cases[] = {
        { 3, "null", false },
        { 1, "null", true },
        { 3, "\"single_label_classification\"", false },
        { 1, "\"single_label_classification\"", true },
        { 3, "\"multi_label_classification\"", true },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        make_folder(cases[i].labels, false);
        change_file("headwise.json", NULL, NULL);
        change_file("config.json", "\"single_label_classification\"", cases[i].type);
        hw_classifier *classifier = opened("f");
        assert_int_equal(hw_classifier_summary(classifier)->multi_label, cases[i].multi_label);
        float p[TEXTS * LABELS];
        classify(p, classifier);
        if (!cases[i].multi_label) assert_true(fabsf(p[0] + p[1] + p[2] - 1) < 1e-5f);
        if (cases[i].labels == 1) assert_true(p[0] != 1);
        hw_classifier_close(classifier);
    }
}

static void test_labels_without_names_are_numbered(void **state) {
    (void)state;
    make_folder(2, false);
    change_file("config.json", "\"id2label\"", "\"other\"");
    change_file("config.json", "\"num_labels\"", "\"more\"");
    hw_classifier *classifier = opened("f");
    assert_string_equal(hw_classifier_label(classifier, 1), "LABEL_1");
    hw_classifier_close(classifier);
}

static void test_an_encoder_without_labels_is_a_base(void **state) {
    (void)state;
    remove_folder("f");
    tiny_encoder_write("f", 1);
    hw_classifier *base = opened("f");
    assert_int_equal(hw_classifier_summary(base)->labels, 0);
    hw_session *session = hw_session_new(base, NULL, &error);
    assert_non_null(session);
    const hw_text text = hw_text_of("the1");
    float p;
    assert_int_equal(hw_classify(session, &text, 1, &p, &error), HW_ERROR_UNSUPPORTED);
    assert_non_null(strstr(error.message, "headwise train -input FILE -output MODEL -base"));
    assert_null(hw_evaluate(base, "data", NULL, NULL, 1, &error));
    assert_non_null(strstr(error.message, "-base"));
    assert_int_equal(hw_classifier_export(base, "g", false, NULL, &error), HW_ERROR_UNSUPPORTED);
    hw_token tokens[4];
    size_t count;
    assert_int_equal(hw_tokenize(session, text, tokens, 4, &count, &error), HW_OK);
    assert_int_equal(count, 3);
    hw_session_free(session);
    assert_int_equal(hw_classifier_save(base, "m", &error), HW_OK);
    hw_classifier_close(base);
    base = opened("m");
    assert_int_equal(hw_classifier_summary(base)->labels, 0);
    hw_classifier_close(base);
}

/* ---- Folders that are refused --------------------------------------------------------------- */

typedef struct damage {
    const char *file, *from, *to; /* as of change_file */
    hw_status status;
    const char *words;
} damage;

static const damage damages[] = {
    { "config.json", NULL, NULL, HW_ERROR_IO, "No such file" },
    { "config.json", NULL, "", HW_ERROR_FORMAT, "empty" },
    { "config.json", NULL, "[]", HW_ERROR_FORMAT, "object" },
    { "config.json", NULL, "{\"a\": 1,\n\"a\": 2}", HW_ERROR_FORMAT, "config.json:2: duplicate" },
    { "config.json", NULL, "{\n\n x", HW_ERROR_FORMAT, "config.json:3:" },
    { "config.json", "\"bert\"", "\"gpt2\"", HW_ERROR_UNSUPPORTED, "modernbert" },
    { "config.json", "\"model_type\"", "\"other\"", HW_ERROR_FORMAT, "model_type" },
    { "config.json", "\"hidden_size\": 32", "\"hidden_size\": 31", HW_ERROR_FORMAT, "" },
    { "config.json", "\"hidden_size\": 32", "\"hidden_size\": 9223372036854775807", HW_ERROR_FORMAT,
      "hidden_size" },
    { "config.json", "\"hidden_size\": 32", "\"hidden_size\": -1", HW_ERROR_FORMAT, "width" },
    { "config.json", "\"num_hidden_layers\": 2", "\"num_hidden_layers\": 0", HW_ERROR_FORMAT, "" },
    { "config.json", "\"num_attention_heads\": 2", "\"num_attention_heads\": 0", HW_ERROR_FORMAT,
      "" },
    { "config.json", "\"single_label_classification\"", "\"regression\"", HW_ERROR_UNSUPPORTED,
      "regression" },
    { "config.json", "\"single_label_classification\"", "\"something\"", HW_ERROR_FORMAT,
      "problem_type" },
    { "config.json", "\"single_label_classification\"", "7", HW_ERROR_FORMAT, "problem_type" },
    { "config.json", "\"0\": \"a\"", "\"3\": \"a\"", HW_ERROR_FORMAT,
      "id2label has no name for 0" },
    { "config.json", "\"0\": \"a\"", "\"0\": 5", HW_ERROR_FORMAT, "id2label" },
    { "config.json", "\"0\": \"a\"", "\"0\": \"b\"", HW_ERROR_FORMAT, "\"b\" twice" },
    { "config.json", "\"0\": \"a\"", "\"0\": \"\"", HW_ERROR_FORMAT, "labels[0]" },
    { "config.json", "\"0\": \"a\"", "\"0\": \"a\", \"3\": \"d\"", HW_ERROR_FORMAT,
      "classifier.weight" },
    { "config.json", "\"vocab_size\": 120", "\"vocab_size\": 119", HW_ERROR_FORMAT, "119 rows" },
    { "config.json", "\"vocab_size\": 120", "\"vocab_size\": 121", HW_ERROR_FORMAT,
      "word_embeddings" },
    { "config.json", "\"max_position_embeddings\": 32", "\"max_position_embeddings\": 2",
      HW_ERROR_FORMAT, "room for text" },
    { "config.json", "\"intermediate_size\": 48", "\"intermediate_size\": 64", HW_ERROR_FORMAT,
      "intermediate" },
    { "headwise.json", NULL, "{\"temperature\": 0}", HW_ERROR_FORMAT, "temperature" },
    { "headwise.json", NULL, "{\"temperature\": \"warm\"}", HW_ERROR_FORMAT, "temperature" },
    { "headwise.json", NULL, "{\"max_tokens\": 1e9}", HW_ERROR_FORMAT, "max_tokens" },
    { "headwise.json", NULL, "{\"max_tokens\": 33}", HW_ERROR_FORMAT, "max_tokens" },
    { "headwise.json", NULL, "{\"max_tokens\": 2}", HW_ERROR_FORMAT, "max_tokens" },
    { "headwise.json", NULL, "{\"multi_label\": true}", HW_ERROR_FORMAT, "multi_label" },
    { "headwise.json", NULL, "{", HW_ERROR_FORMAT, "headwise.json:1:" },
    { "tokenizer_config.json", NULL, "[]", HW_ERROR_FORMAT, "object" },
    { "tokenizer.json", NULL, NULL, HW_ERROR_IO, "" },
    { "tokenizer.json", NULL, "{}", HW_ERROR_FORMAT, "" },
    { "tokenizer.json", "\"the0\": 4", "\"the0\": 400", HW_ERROR_FORMAT, "token 400" },
    { "model.safetensors", NULL, NULL, HW_ERROR_FORMAT, "there is no model.safetensors" },
    { "model.safetensors", NULL, "", HW_ERROR_FORMAT, "model.safetensors" },
    { "model.safetensors", NULL, "gzip or pickle or GGUF", HW_ERROR_FORMAT, "model.safetensors" },
};

/* Whose messages name the folder or the tensor, not the file. */
static const char *place_of(const damage *d) {
    return strncmp(d->file, "tokenizer.json", 14) == 0 || strstr(d->words, "word") ||
                   strstr(d->words, "labels[") || strstr(d->words, "twice") ||
                   strstr(d->words, "rows") || strstr(d->words, "room") ||
                   strstr(d->words, "classifier") || strstr(d->words, "intermediate") ||
                   strcmp(d->words, "max_tokens") == 0 || strstr(d->words, "there is no")
               ? ""
               : d->file;
}

static void test_damaged_folders_are_refused_by_name(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof damages / sizeof *damages; i++) {
        make_folder(LABELS, false);
        change_file(damages[i].file, damages[i].from, damages[i].to);
        assert_refused(damages[i].status, place_of(&damages[i]), damages[i].words);
    }
}

static void test_deep_and_wide_json_is_refused(void **state) {
    (void)state;
    static char text[1 << 22];
    make_folder(LABELS, false);
    memset(text, '[', sizeof text - 1);
    write_file("config.json", text);
    assert_refused(HW_ERROR_FORMAT, "config.json", "deeper");
    memset(text, ',', sizeof text - 1);
    write_file("config.json", text);
    assert_refused(HW_ERROR_UNSUPPORTED, "config.json", "values");
}

static void test_thresholds_are_checked(void **state) {
    (void)state;
    static const char *const wrong[] = { "[0.5]", "[0.5, 0.5, 2]", "[0.5, 0.5, \"x\"]", "7" };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        char text[100];
        make_folder(LABELS, true);
        snprintf(text, sizeof text, "{\"thresholds\": %s}", wrong[i]);
        write_file("headwise.json", text);
        assert_refused(HW_ERROR_FORMAT, "headwise.json", "thresholds");
    }
}

static void test_other_weights_get_a_hint(void **state) {
    (void)state;
    make_folder(LABELS, false);
    change_file("model.safetensors", NULL, NULL);
    write_file("pytorch_model.bin", "x");
    assert_refused(HW_ERROR_UNSUPPORTED, "pytorch_model.bin", "convert");
}

static void test_a_weight_that_is_no_number_is_refused(void **state) {
    (void)state;
    make_folder(LABELS, false);
    const char *path = path_in("f", "model.safetensors");
    size_t size;
    unsigned char *bytes = toy_read(path, &size);
    memset(bytes + size - 4, 0xff, 4);
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    fwrite(bytes, 1, size, file);
    fclose(file);
    hw_free(bytes);
    assert_refused(HW_ERROR_FORMAT, "f", "finite");
}

/* ---- Shards ---------------------------------------------------------------------------------- */

/* The folder's tensors in two files; tensors[i] is of part[i]. `left_out`: in no file. */
static void split_weights(const char *index, size_t left_out) {
    const char *path = path_in("f", "model.safetensors");
    hw_safetensors *file = hw_safetensors_open(path, false, &error);
    assert_non_null(file);
    const size_t count = hw_safetensors_count(file), half = count / 2;
    hw_tensor *list = calloc(count, sizeof *list);
    hw_text_buffer map = { 0 };
    assert_non_null(list);
    hw_text_printf(&map, "{\"metadata\": {}, \"weight_map\": {");
    size_t kept = 0, first = 0;
    for (size_t i = 0; i < count; i++) {
        const hw_tensor *tensor = hw_safetensors_at(file, i);
        hw_text_printf(&map, "%s\"%s\": \"%s.safetensors\"", i ? ", " : "", tensor->name,
                       i < half ? "one" : "two");
        if (i != left_out) list[kept++] = *tensor;
        if (i + 1 == half) first = kept;
    }
    hw_text_printf(&map, "}}");
    assert_int_equal(hw_safetensors_save_plain("f/one.safetensors", list, first, NULL, 0, &error),
                     HW_OK);
    assert_int_equal(
        hw_safetensors_save_plain("f/two.safetensors", list + first, kept - first, NULL, 0, &error),
        HW_OK);
    hw_safetensors_close(file);
    free(list);
    write_file("model.safetensors.index.json", index ? index : map.bytes);
    hw_text_buffer_free(&map);
    change_file("model.safetensors", NULL, NULL);
}

enum { NOTHING = 1 << 20 };
static const char index_name[] = "model.safetensors.index.json";

static void test_shards_are_one_model(void **state) {
    (void)state;
    make_folder(LABELS, false);
    hw_classifier *whole = opened("f");
    assert_int_equal(hw_classifier_save(whole, "m", &error), HW_OK);
    hw_classifier_close(whole);
    split_weights(NULL, NOTHING);
    hw_classifier *file = opened("m"), *shards = opened("f");
    assert_same_probabilities(file, shards);
    assert_int_equal(hw_classifier_save(shards, "n", &error), HW_OK);
    hw_classifier_close(file);
    hw_classifier_close(shards);
}

static void test_wrong_indexes_are_refused_by_name(void **state) {
    (void)state;
    static const damage wrong[] = {
        { index_name, NULL, "{}", HW_ERROR_FORMAT, "weight_map" },
        { index_name, NULL, "{\"weight_map\": []}", HW_ERROR_FORMAT, "weight_map" },
        { index_name, NULL, "{\"weight_map\": {}}", HW_ERROR_FORMAT, "weight_map" },
        { index_name, NULL, "{\"weight_map\": {\"a\": 1}}", HW_ERROR_FORMAT, "a is no file name" },
        { index_name, "one.safetensors", "../one.safetensors", HW_ERROR_FORMAT, "../one" },
        { index_name, "one.safetensors", "/etc/one.safetensors", HW_ERROR_FORMAT, "/etc/one" },
        { index_name, "one.safetensors", "..", HW_ERROR_FORMAT, ".." },
        { index_name, "one.safetensors", ".safetensors", HW_ERROR_FORMAT, "no name" },
        { index_name, "one.safetensors", "config.json", HW_ERROR_FORMAT, "config.json" },
        { index_name, "one.safetensors", "three.safetensors", HW_ERROR_IO, "three.safetensors" },
        { index_name, "one.safetensors", "two.safetensors", HW_ERROR_FORMAT, "tensor" },
        { index_name, "\"bert.", "\"bart.", HW_ERROR_FORMAT, "is not in" },
        { index_name, "{\"bert.", "{\"x\": \"one.safetensors\", \"bert.", HW_ERROR_FORMAT,
          "tensor x" },
        { index_name, "}}", ", \"x\": \"one.safetensors\", \"x\": \"one.safetensors\"}}",
          HW_ERROR_FORMAT, "duplicate" },
        { "two.safetensors", NULL, NULL, HW_ERROR_IO, "two.safetensors" },
        { "two.safetensors", NULL, "", HW_ERROR_FORMAT, "two.safetensors" },
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        make_folder(LABELS, false);
        split_weights(NULL, NOTHING);
        change_file(wrong[i].file, wrong[i].from, wrong[i].to);
        assert_refused(wrong[i].status, "f/", wrong[i].words);
    }
}

static void test_a_missing_tensor_is_named(void **state) {
    (void)state;
    make_folder(LABELS, false);
    split_weights(NULL, 3);
    assert_refused(HW_ERROR_FORMAT, "one.safetensors", "missing");
}

static void test_a_tensor_in_two_shards_is_named(void **state) {
    (void)state;
    make_folder(LABELS, false);
    split_weights(NULL, NOTHING);
    remove_folder("f/two.safetensors");
    assert_int_equal(link("f/one.safetensors", "f/two.safetensors"), 0);
    assert_refused(HW_ERROR_FORMAT, "two.safetensors", "tensor");
}

/* ---- Model files ------------------------------------------------------------------------ */

static void test_wrong_metadata_is_refused(void **state) {
    (void)state;
    static const struct {
        const char *key, *value, *words;
    } wrong[] = {
        { "config", "{", "config" },
        { "config", "{\"model_type\": \"gpt2\"}", "gpt2" },
        { "config", "{\"model_type\": \"bert\"}", "" },
        { "labels", "[\"a\", \"b\"]", "labels" },
        { "labels", "[]", "labels" },
        { "headwise", "{\"version\": 1, \"arch\": \"encoder\"}", "multi_label" },
        { "headwise", "{\"version\": 1, \"arch\": \"bag\"}", "" },
        { "training", "7", "training" },
    };
    make_folder(LABELS, false);
    hw_classifier *classifier = opened("f");
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        hw_bundle *copy = hw_bundle_copy(classifier->bundle, NULL, 0, &error);
        assert_non_null(copy);
        assert_int_equal(hw_bundle_set(copy, wrong[i].key, wrong[i].value, &error), HW_OK);
        assert_null(hw_classifier_from_bundle(copy, "model", &error));
        assert_memory_equal(error.message, "model", 5);
        if (!strstr(error.message, wrong[i].words)) fail_msg("%s", error.message);
    }
    hw_classifier_close(classifier);
}

/* A copy with that text for its tokenizer; NULL: none. */
static hw_bundle *with_tokenizer(const hw_bundle *bundle, hw_dtype dtype, const char *text) {
    hw_bundle *copy = hw_bundle_copy(bundle, (const char *[]){ "tokenizer" }, 1, &error);
    assert_non_null(copy);
    if (!text) return copy;
    void *bytes =
        hw_bundle_add(copy, "tokenizer", dtype, strlen(text) / hw_dtype_bytes(dtype), 0, &error);
    assert_non_null(bytes);
    memcpy(bytes, text, strlen(text));
    return copy;
}

static void test_a_wrong_tokenizer_is_refused(void **state) {
    (void)state;
    static const struct {
        const char *text;
        hw_dtype dtype;
    } wrong[] = {
        { NULL, HW_U8 }, { "", HW_U8 }, { "{}", HW_U8 }, { "{\"a", HW_U8 }, { "{}  ", HW_I32 }
    };
    make_folder(LABELS, false);
    hw_classifier *classifier = opened("f");
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        hw_bundle *copy = with_tokenizer(classifier->bundle, wrong[i].dtype, wrong[i].text);
        assert_null(hw_classifier_from_bundle(copy, "model", &error));
        assert_non_null(strstr(error.message, "model"));
        assert_non_null(strstr(error.message, "tokenizer"));
    }
    hw_classifier_close(classifier);
}

static void test_a_model_file_may_be_the_weights_of_a_folder(void **state) {
    (void)state;
    make_folder(LABELS, false);
    hw_classifier *folder = opened("f");
    assert_int_equal(hw_classifier_save(folder, "m", &error), HW_OK);
    hw_classifier_close(folder);
    assert_int_equal(rename("m", "f/model.safetensors"), 0);
    hw_classifier *again = opened("f");
    assert_int_equal(hw_classifier_save(again, "m", &error), HW_OK);
    hw_classifier *file = opened("m");
    assert_same_probabilities(again, file);
    hw_classifier_close(again);
    hw_classifier_close(file);
    change_file("tokenizer.json", "{", "{ ");
    assert_refused(HW_ERROR_FORMAT, "f", "tensor tokenizer");
}

static void test_damaged_model_files_are_refused(void **state) {
    (void)state;
    make_folder(LABELS, false);
    hw_classifier *classifier = opened("f");
    assert_int_equal(hw_classifier_save(classifier, "m", &error), HW_OK);
    hw_classifier_close(classifier);
    size_t size;
    unsigned char *bytes = toy_read("m", &size);
    for (size_t at = 0; at < size; at += 101) {
        bytes[at] ^= (unsigned char)(1 << at % 8);
        hw_bundle *bundle = hw_bundle_parse(bytes, size, true, "m", &error);
        if (bundle) fail_msg("byte %zu", at);
        bytes[at] ^= (unsigned char)(1 << at % 8);
        assert_null(hw_bundle_parse(bytes, at, true, "m", &error));
    }
    hw_free(bytes);
}

/* ---- Windows ---------------------------------------------------------------------------- */

static void test_windows_cover_every_token(void **state) {
    (void)state;
    for (size_t room = 1; room < 9; room++)
        for (size_t stride = 0; stride < room; stride++)
            for (size_t tokens = 0; tokens < 40; tokens++) {
                const hw_window_plan plan = { room, stride };
                const size_t count = hw_window_count(plan, tokens);
                size_t covered = 0, before = 0;
                for (size_t w = 0; w < count; w++) {
                    size_t begin, end;
                    hw_window_bounds(&begin, &end, plan, tokens, w);
                    assert_true(w == 0 ? begin == 0 : begin > before && begin + stride <= covered);
                    assert_true(end > covered || tokens == 0);
                    assert_true(end - begin == (tokens < room ? tokens : room));
                    before = begin;
                    covered = end;
                }
                assert_int_equal(covered, tokens);
            }
}

static void test_a_text_does_not_depend_on_its_batch(void **state) {
    (void)state;
    make_folder(LABELS, false);
    hw_classifier *classifier = opened("f");
    float together[TEXTS * LABELS], alone[LABELS];
    classify(together, classifier);
    for (size_t i = 0; i < TEXTS; i++) {
        classify_with(alone, classifier, NULL, &texts[i], 1, NULL);
        assert_memory_equal(alone, together + i * LABELS, sizeof alone);
    }
    const char *many[64];
    float p[64 * LABELS];
    for (size_t i = 0; i < 64; i++) many[i] = texts[i * i % TEXTS];
    classify_with(p, classifier, NULL, many, 64, NULL);
    for (size_t i = 0; i < 64; i++)
        assert_memory_equal(p + i * LABELS, together + i * i % TEXTS * LABELS, LABELS * sizeof *p);
    hw_classifier_close(classifier);
}

static void check_threads(const hw_classifier *classifier) {
    float alone[TEXTS * LABELS], shared[TEXTS * LABELS];
    classify(alone, classifier);
    for (int32_t threads = 2; threads <= 5; threads += 3) {
        const hw_session_options options = { .threads = threads };
        classify_with(shared, classifier, &options, texts, TEXTS, NULL);
        assert_memory_equal(shared, alone, sizeof alone);
        classify_with(shared, classifier, &options, &texts[LONG_TEXT], 1, NULL);
        assert_memory_equal(shared, alone + LONG_TEXT * LABELS, LABELS * sizeof *alone);
    }
}

typedef struct caller {
    const hw_classifier *classifier;
    float p[TEXTS * LABELS];
} caller;

static void call(void *context, size_t task, int32_t worker) {
    (void)worker;
    caller *c = (caller *)context + task;
    classify(c->p, c->classifier);
}

/* Its weights are packed while some of them are in the middle of a pass. */
static void test_threads_that_share_a_new_classifier_change_no_bit(void **state) {
    (void)state;
    enum { CALLERS = 6 };
    make_folder(LABELS, false);
    hw_classifier *classifier = opened("f");
    hw_pool *pool = hw_pool_new(3, &error);
    assert_non_null(pool);
    caller callers[CALLERS];
    for (size_t i = 0; i < CALLERS; i++) callers[i].classifier = classifier;
    hw_pool_run(pool, CALLERS, call, callers);
    for (size_t i = 1; i < CALLERS; i++)
        assert_memory_equal(callers[i].p, callers[0].p, sizeof callers[0].p);
    hw_pool_free(pool);
    hw_classifier_close(classifier);
}

static void test_threads_that_share_a_text_change_no_bit(void **state) {
    (void)state;
    make_folder(LABELS, false);
    hw_classifier *classifier = opened("f");
    check_threads(classifier);
    for (hw_quantization to = HW_QUANTIZED_INT8; to <= HW_QUANTIZED_BF16; to++) {
        hw_classifier *small = hw_classifier_quantize(classifier, to, &error);
        assert_non_null(small);
        check_threads(small);
        hw_classifier_close(small);
    }
    hw_classifier_close(classifier);
}

static void test_long_texts_are_the_mean_of_their_windows(void **state) {
    (void)state;
    make_folder(LABELS, false);
    hw_classifier *classifier = opened("f");
    const hw_session_options options = { .max_tokens = 22, .stride = -1 };
    hw_session *session = hw_session_new(classifier, &options, &error);
    assert_non_null(session);
    /* Two windows of 20 of the 40 words. */
    const char *second = strstr(texts[LONG_TEXT], "ownc0");
    const hw_text all = hw_text_of(texts[LONG_TEXT]);
    const hw_text half[] = { { all.bytes, (size_t)(second - all.bytes) }, hw_text_of(second) };
    float logits[LABELS], parts[2 * LABELS];
    assert_int_equal(hw_session_run(session, half, 2, NULL, NULL, parts, &error), HW_OK);
    assert_int_equal(hw_session_windows(session, 1), 1);
    assert_int_equal(hw_session_run(session, &all, 1, NULL, NULL, logits, &error), HW_OK);
    assert_int_equal(hw_session_windows(session, 0), 2);
    for (size_t i = 0; i < LABELS; i++)
        assert_true(logits[i] == (float)(((double)parts[i] + (double)parts[LABELS + i]) / 2));
    hw_session_free(session);
    hw_classifier_close(classifier);
}

static void test_truncation_reads_the_first_window(void **state) {
    (void)state;
    make_folder(LABELS, false);
    hw_classifier *classifier = opened("f");
    float whole[TEXTS * LABELS], cut[TEXTS * LABELS], first[LABELS];
    size_t windows[TEXTS];
    const hw_session_options options = { .max_tokens = 22, .truncate = true };
    classify(whole, classifier);
    classify_with(cut, classifier, &options, texts, TEXTS, windows);
    assert_memory_equal(whole, cut, LONG_TEXT * LABELS * sizeof *cut);
    assert_memory_not_equal(whole + LONG_TEXT * LABELS, cut + LONG_TEXT * LABELS, sizeof first);
    assert_int_equal(windows[0], 1);
    assert_int_equal(windows[LONG_TEXT], 1 + (LONG_TOKENS - 20 + 14) / 15);
    char head[200];
    const char *second = strstr(texts[LONG_TEXT], "ownc0"), *heads[] = { head };
    snprintf(head, sizeof head, "%.*s", (int)(second - texts[LONG_TEXT]), texts[LONG_TEXT]);
    classify_with(first, classifier, NULL, heads, 1, NULL);
    assert_memory_equal(first, cut + LONG_TEXT * LABELS, sizeof first);
    hw_classifier_close(classifier);
}

static void test_session_options_are_checked(void **state) {
    (void)state;
    static const hw_session_options wrong[] = {
        { .max_tokens = WINDOW + 1 },     { .max_tokens = ADDED }, { .max_tokens = -1 },
        { .stride = WINDOW - ADDED },     { .threads = -1 },       { .threads = 1 << 20 },
        { .max_tokens = 10, .stride = 8 }
    };
    make_folder(LABELS, false);
    hw_classifier *classifier = opened("f");
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        assert_null(hw_session_new(classifier, &wrong[i], &error));
        assert_int_equal(error.status, HW_ERROR_ARGUMENT);
    }
    float p[TEXTS * LABELS];
    const hw_session_options smallest = { .max_tokens = ADDED + 1 };
    size_t windows[TEXTS];
    classify_with(p, classifier, &smallest, texts, TEXTS, windows);
    assert_int_equal(windows[LONG_TEXT], LONG_TOKENS);
    hw_classifier_close(classifier);
}

static void test_a_mebibyte_is_classified(void **state) {
    (void)state;
    make_folder(LABELS, false);
    hw_classifier *classifier = opened("f");
    char *text = malloc((1 << 18) + 1);
    assert_non_null(text);
    for (size_t i = 0; i < 1 << 18; i++) text[i] = "the1 "[i % 5];
    text[1 << 18] = '\0';
    const char *list[] = { text };
    float p[LABELS];
    size_t windows;
    classify_with(p, classifier, NULL, list, 1, &windows);
    assert_true(windows > 1000);
    assert_true(fabsf(p[0] + p[1] + p[2] - 1) < 1e-5f);
    free(text);
    hw_classifier_close(classifier);
}

/* ---- Tokens ----------------------------------------------------------------------------- */

static void test_tokens_have_their_places(void **state) {
    (void)state;
    make_folder(LABELS, false);
    hw_classifier *classifier = opened("f");
    hw_session *session = hw_session_new(classifier, NULL, &error);
    hw_token tokens[4];
    size_t count;
    const hw_text text = hw_text_of("the1  nobody");
    assert_int_equal(hw_tokenize(session, text, tokens, 4, &count, &error), HW_OK);
    assert_int_equal(count, 4);
    assert_string_equal(hw_token_string(classifier, tokens[0].id), "[CLS]");
    assert_string_equal(hw_token_string(classifier, tokens[1].id), "the1");
    assert_string_equal(hw_token_string(classifier, tokens[2].id), "[UNK]");
    assert_string_equal(hw_token_string(classifier, tokens[3].id), "[SEP]");
    assert_int_equal(tokens[0].begin, tokens[0].end);
    assert_int_equal(tokens[2].begin, 6);
    assert_int_equal(tokens[2].end, 12);
    assert_null(hw_token_string(classifier, TINY_ENCODER_WORDS));
    tokens[1].id = 77;
    assert_int_equal(hw_tokenize(session, text, tokens, 1, &count, &error), HW_OK);
    assert_int_equal(count, 4);
    assert_int_equal(tokens[1].id, 77);
    hw_session_free(session);
    hw_classifier_close(classifier);
}

/* ---- What is made of a classifier ------------------------------------------------------- */

/* A form that is stored, opened and quantised once more is the same; no other comes of it. */
static void check_quantised(hw_quantization to) {
    for (int multi_label = 0; multi_label < 2; multi_label++) {
        make_folder(LABELS, multi_label);
        hw_classifier *classifier = opened("f");
        hw_classifier *small = hw_classifier_quantize(classifier, to, &error);
        if (!small) fail_msg("%s", error.message);
        const hw_summary *a = hw_classifier_summary(classifier), *b = hw_classifier_summary(small);
        assert_int_equal(b->quantized, to);
        assert_true(b->file_bytes < a->file_bytes);
        assert_int_equal(a->parameters, b->parameters);
        assert_true(b->temperature == 1.5);
        float p[TEXTS * LABELS], q[TEXTS * LABELS];
        classify(p, classifier);
        classify(q, small);
        for (size_t i = 0; i < TEXTS * LABELS; i++) assert_true(fabsf(p[i] - q[i]) < 0.02f);
        assert_int_equal(hw_classifier_save(small, "m", &error), HW_OK);
        hw_classifier *file = opened("m"), *again = hw_classifier_quantize(file, to, &error);
        assert_non_null(again);
        assert_int_equal(hw_classifier_summary(file)->quantized, to);
        assert_null(hw_classifier_quantize(
            file, to == HW_QUANTIZED_INT8 ? HW_QUANTIZED_BF16 : HW_QUANTIZED_INT8, &error));
        assert_int_equal(error.status, HW_ERROR_ARGUMENT);
        assert_same_probabilities(small, file);
        assert_int_equal(toy_fingerprint(small), toy_fingerprint(again));
        assert_int_equal(hw_classifier_export(file, "g", false, NULL, &error),
                         HW_ERROR_UNSUPPORTED);
        assert_non_null(strstr(error.message, "quantised"));
        hw_classifier_close(classifier);
        hw_classifier_close(small);
        hw_classifier_close(file);
        hw_classifier_close(again);
    }
}

static void test_int8_is_smaller_and_nearly_the_same(void **state) {
    (void)state;
    check_quantised(HW_QUANTIZED_INT8);
}

static void test_bf16_is_smaller_and_nearly_the_same(void **state) {
    (void)state;
    check_quantised(HW_QUANTIZED_BF16);
}

static void test_calibrating_lowers_the_loss(void **state) {
    (void)state;
    for (int multi_label = 0; multi_label < 2; multi_label++) {
        make_folder(LABELS, multi_label);
        toy_write(
            "data",
            (toy_shape){ .rows = 60, .labels = LABELS, .multi_label = multi_label, .seed = 3 });
        hw_classifier *classifier = opened("f");
        hw_classifier *fitted = hw_classifier_calibrate(classifier, "data", NULL, &error);
        if (!fitted) fail_msg("%s", error.message);
        hw_metrics *before = hw_evaluate(classifier, "data", NULL, NULL, 1, &error);
        hw_metrics *after = hw_evaluate(fitted, "data", NULL, NULL, 3, &error);
        assert_true(before && after && after->log_loss < before->log_loss);
        assert_true(isnan(after->bag_score) && isfinite(after->tower_score));
        hw_metrics_free(before);
        hw_metrics_free(after);
        hw_classifier_close(classifier);
        hw_classifier_close(fitted);
    }
}

/* ---- Export ----------------------------------------------------------------------------- */

static char *text_of(const char *path) {
    size_t size;
    char *bytes = (char *)toy_read(path, &size), *text = calloc(size + 1, 1);
    assert_non_null(text);
    memcpy(text, bytes, size);
    hw_free(bytes);
    return text;
}

static void test_export_writes_what_transformers_reads(void **state) {
    (void)state;
    make_folder(LABELS, true);
    json_t *config = json_load_file("f/config.json", 0, NULL);
    assert_string_equal(json_string_value(json_object_get(config, "problem_type")),
                        "multi_label_classification");
    assert_string_equal(
        json_string_value(json_array_get(json_object_get(config, "architectures"), 0)),
        "BertForSequenceClassification");
    assert_int_equal(json_integer_value(json_object_get(json_object_get(config, "label2id"), "b")),
                     1);
    json_decref(config);
    json_t *tokenizer = json_load_file("f/tokenizer_config.json", 0, NULL);
    assert_string_equal(json_string_value(json_object_get(tokenizer, "pad_token")), "[PAD]");
    json_decref(tokenizer);
    hw_safetensors *file = hw_safetensors_open("f/model.safetensors", false, &error);
    assert_non_null(file);
    assert_string_equal(hw_safetensors_metadata(file, "format"), "pt");
    assert_non_null(hw_safetensors_find(file, "bert.embeddings.word_embeddings.weight"));
    assert_null(hw_safetensors_find(file, "thresholds"));
    hw_safetensors_close(file);
    size_t size;
    unsigned char *bytes = toy_read("f/model.safetensors", &size);
    assert_null(memmem(bytes, size, "padding.", 8));
    hw_free(bytes);
    char *card = text_of("f/README.md");
    assert_non_null(strstr(card, "\n* b\n"));
    assert_non_null(strstr(card, "{\"seed\":1}"));
    free(card);
}

static void test_export_needs_a_new_or_empty_folder(void **state) {
    (void)state;
    make_folder(LABELS, false);
    hw_classifier *classifier = opened("f");
    assert_int_equal(hw_classifier_export(classifier, "f", false, NULL, &error), HW_ERROR_IO);
    assert_non_null(strstr(error.message, "not empty"));
    toy_write_text("file", "x");
    assert_int_equal(hw_classifier_export(classifier, "file", false, NULL, &error), HW_ERROR_IO);
    assert_int_equal(hw_classifier_export(classifier, "no/such/g", false, NULL, &error),
                     HW_ERROR_IO);
    assert_int_equal(hw_classifier_export(classifier, "", false, NULL, &error), HW_ERROR_IO);
    remove_folder("g");
    assert_int_equal(mkdir("g", 0777), 0);
    assert_int_equal(hw_classifier_export(classifier, "g/", false, NULL, &error), HW_OK);
    hw_classifier_close(classifier);
    hw_classifier_close(opened("g"));
}

/* ---- Faults ----------------------------------------------------------------------------- */

#ifdef HW_FAULTS

typedef hw_status scenario(const char *path, hw_error *err);

static hw_status open_and_classify(const char *path, hw_error *err) {
    hw_classifier *classifier = hw_classifier_open(path, err);
    if (!classifier) return err->status;
    const hw_text list[] = { hw_text_of(texts[0]), hw_text_of(texts[LONG_TEXT]) };
    float p[2 * LABELS];
    hw_session *session = hw_session_new(classifier, NULL, err);
    hw_status status = session ? hw_classify(session, list, 2, p, err) : err->status;
    hw_session_free(session);
    for (hw_quantization to = HW_QUANTIZED_INT8; to <= HW_QUANTIZED_BF16; to++) {
        hw_classifier *small = status == HW_OK ? hw_classifier_quantize(classifier, to, err) : NULL;
        if (status == HW_OK && !small) status = err->status;
        hw_classifier_close(small);
    }
    hw_classifier_close(classifier);
    return status;
}

static size_t entries_of(const char *path) {
    size_t count = 0;
    DIR *entries = opendir(path);
    assert_non_null(entries);
    while (readdir(entries)) count++;
    closedir(entries);
    return count;
}

/* The folder "g" is whole or not there, and nothing is left beside it. */
static hw_status export_whole(const char *path, hw_error *err) {
    remove_folder("g");
    hw_classifier *classifier = hw_classifier_open(path, err);
    if (!classifier) return err->status;
    const size_t before = entries_of(".");
    const hw_status status = hw_classifier_export(classifier, "g", true, "card", err);
    hw_classifier_close(classifier);
    assert_int_equal(entries_of("."), before + hw_is_folder("g"));
    if (status == HW_OK || hw_is_folder("g")) assert_int_equal(entries_of("g"), 2 + 7);
    return status;
}

/* Each call in turn fails, once and from then on. expected HW_OK: whatever comes of it, there is a
 * message if it is a failure. */
static void sweep(hw_fault kind, hw_status expected, scenario *work, const char *path,
                  uint64_t step) {
    uint64_t failures = 0, harmless = 0;
    for (int persistent = 0; persistent < 2; persistent++)
        for (uint64_t at = 1;; at += step) {
            hw_error err = { 0 };
            hw_fault_arm(kind, at, persistent);
            const hw_status status = work(path, &err);
            const uint64_t calls = hw_fault_calls(kind);
            hw_fault_arm(kind, 0, false);
            if (calls < at) {
                if (status != HW_OK) fail_msg("%s", err.message);
                break;
            }
            failures++;
            if (status == HW_OK && (kind == HW_FAULT_IO || expected == HW_OK))
                harmless++;
            else if ((expected != HW_OK && status != expected) || err.status != status ||
                     !*err.message)
                fail_msg("call %d of %d: status %d, error %d: \"%s\"", (int)at, (int)calls, status,
                         err.status, err.message);
        }
    assert_true(failures > 10 && harmless <= failures / 2);
}

static void test_every_failing_allocation_is_survived(void **state) {
    (void)state;
    make_folder(LABELS, true);
    sweep(HW_FAULT_MEMORY, HW_ERROR_MEMORY, open_and_classify, "f", 1);
    sweep(HW_FAULT_MEMORY, HW_ERROR_MEMORY, export_whole, "f", 1);
}

static void test_every_failing_allocation_of_jansson_is_survived(void **state) {
    (void)state;
    make_folder(LABELS, true);
    json_set_alloc_funcs(hw_malloc, hw_free); /* which does not always tell what it was */
    sweep(HW_FAULT_MEMORY, HW_OK, open_and_classify, "f", 13);
    sweep(HW_FAULT_MEMORY, HW_OK, export_whole, "f", 13);
    json_set_alloc_funcs(malloc, free);
}

static void test_export_is_whole_or_not_there(void **state) {
    (void)state;
    make_folder(LABELS, true);
    hw_classifier *classifier = opened("f");
    assert_int_equal(hw_classifier_save(classifier, "m", &error), HW_OK);
    hw_classifier_close(classifier);
    sweep(HW_FAULT_IO, HW_ERROR_IO, export_whole, "m", 1);
}

#endif

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_folder_tells_what_it_is),
        cmocka_unit_test(test_a_multi_label_folder_has_its_thresholds),
        cmocka_unit_test(test_file_and_folder_are_the_same_model),
        cmocka_unit_test(test_folded_temperature_keeps_the_probabilities),
        cmocka_unit_test(test_the_task_is_what_transformers_takes_it_for),
        cmocka_unit_test(test_labels_without_names_are_numbered),
        cmocka_unit_test(test_an_encoder_without_labels_is_a_base),
        cmocka_unit_test(test_damaged_folders_are_refused_by_name),
        cmocka_unit_test(test_deep_and_wide_json_is_refused),
        cmocka_unit_test(test_thresholds_are_checked),
        cmocka_unit_test(test_other_weights_get_a_hint),
        cmocka_unit_test(test_a_weight_that_is_no_number_is_refused),
        cmocka_unit_test(test_shards_are_one_model),
        cmocka_unit_test(test_wrong_indexes_are_refused_by_name),
        cmocka_unit_test(test_a_missing_tensor_is_named),
        cmocka_unit_test(test_a_tensor_in_two_shards_is_named),
        cmocka_unit_test(test_wrong_metadata_is_refused),
        cmocka_unit_test(test_a_wrong_tokenizer_is_refused),
        cmocka_unit_test(test_a_model_file_may_be_the_weights_of_a_folder),
        cmocka_unit_test(test_damaged_model_files_are_refused),
        cmocka_unit_test(test_windows_cover_every_token),
        cmocka_unit_test(test_a_text_does_not_depend_on_its_batch),
        cmocka_unit_test(test_threads_that_share_a_text_change_no_bit),
        cmocka_unit_test(test_threads_that_share_a_new_classifier_change_no_bit),
        cmocka_unit_test(test_long_texts_are_the_mean_of_their_windows),
        cmocka_unit_test(test_truncation_reads_the_first_window),
        cmocka_unit_test(test_session_options_are_checked),
        cmocka_unit_test(test_a_mebibyte_is_classified),
        cmocka_unit_test(test_tokens_have_their_places),
        cmocka_unit_test(test_int8_is_smaller_and_nearly_the_same),
        cmocka_unit_test(test_bf16_is_smaller_and_nearly_the_same),
        cmocka_unit_test(test_calibrating_lowers_the_loss),
        cmocka_unit_test(test_export_writes_what_transformers_reads),
        cmocka_unit_test(test_export_needs_a_new_or_empty_folder),
#ifdef HW_FAULTS
        cmocka_unit_test(test_every_failing_allocation_is_survived),
        cmocka_unit_test(test_every_failing_allocation_of_jansson_is_survived),
        cmocka_unit_test(test_export_is_whole_or_not_there),
#endif
    };
    return cmocka_run_group_tests(tests, toy_enter_folder, toy_leave_folder);
}
