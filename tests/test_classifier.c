/* Opening, checking, saving, quantizing and running classifiers, on a hand-made model. */
#include "base/fault.h"
#include "base/memory.h"
#include "classify/encoding.h"
#include "tiny_model.h"
#include "toy_data.h"

#include <glob.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <jansson.h>

static const tiny_options variants[] = {
    { 0 },
    { .multi_label = true, .labels = 5 },
    { .arch = HW_ARCH_ATTENTION, .towers = 1, .inner_width = 16 },
    { .arch = HW_ARCH_BAG, .labels = 2 },
    { .towers = -1 },
    { .attention = HW_ATTENTION_UNIFORM },
    { .attention = HW_ATTENTION_TALKING, .head_gates = HW_HEAD_GATES_L0 },
    { .attention = HW_ATTENTION_COLLABORATIVE, .head_gates = HW_HEAD_GATES_INPUT },
    { .arch = HW_ARCH_CAPSULE },
    { .arch = HW_ARCH_CAPSULE, .multi_label = true, .towers = 1, .inner_width = 16 },
};
enum { VARIANTS = sizeof variants / sizeof *variants };

static hw_error error;

static hw_classifier *made(tiny_options options) {
    hw_classifier *classifier = tiny_classifier(options, &error);
    if (!classifier) fail_msg("%s", error.message);
    return classifier;
}

static hw_session *session_of(const hw_classifier *classifier) {
    hw_session *session = hw_session_new(classifier, NULL, &error);
    assert_non_null(session);
    return session;
}

/* A file of this process, to be removed by the caller. */
static const char *temporary_path(void) {
    static char path[64];
    snprintf(path, sizeof path, "/tmp/headwise-test-%ld.safetensors", (long)getpid());
    return path;
}

/* 64-byte aligned; to be given to hw_free. */
static unsigned char *saved(const hw_classifier *classifier, size_t *size) {
    const char *path = temporary_path();
    if (hw_classifier_save(classifier, path, &error) != HW_OK) fail_msg("%s", error.message);
    unsigned char *bytes = toy_read(path, size);
    unlink(path);
    return bytes;
}

/* ---- Open and save ------------------------------------------------------------------ */

static void test_summary_tells_what_was_built(void **state) {
    (void)state;
    hw_classifier *classifier = made((tiny_options){ 0 });
    const hw_summary *summary = hw_classifier_summary(classifier);
    assert_int_equal(summary->arch, HW_ARCH_HYBRID);
    assert_int_equal(summary->labels, 3);
    assert_int_equal(summary->towers, 2);
    assert_int_equal(summary->vocabulary, 12); /* a quiet film . no at all, 3 hanzi, "," ! */
    assert_true(summary->ngrams > 20);
    assert_false(summary->quantized);
    assert_true(summary->temperature == 1.25);
    assert_true(summary->tower_weight == 0.5 / 1.25);
    assert_int_equal(summary->capsule_dim, 0);
    assert_int_equal(summary->routing, 0);
    assert_true(summary->held_back_score == 0.875);
    assert_true(isnan(summary->held_back_bag));
    assert_string_equal(hw_classifier_label(classifier, 1), "b");
    assert_int_equal(hw_classifier_find_label(classifier, hw_text_of("c")), 2);
    assert_int_equal(hw_classifier_find_label(classifier, hw_text_of("cc")), -1);
    assert_int_equal(hw_classifier_find_label(classifier, hw_text_of("")), -1);
    assert_string_equal(hw_classifier_training(classifier), "{}");
    hw_classifier_close(classifier);
}

static void test_summary_tells_of_capsules(void **state) {
    (void)state;
    hw_classifier *classifier = made((tiny_options){ .arch = HW_ARCH_CAPSULE });
    const hw_summary *summary = hw_classifier_summary(classifier);
    assert_int_equal(summary->arch, HW_ARCH_CAPSULE);
    assert_int_equal(summary->capsule_dim, 3);
    assert_int_equal(summary->routing, 2);
    assert_true(summary->tower_weight == 1);
    hw_classifier_close(classifier);
}

static void test_words_have_the_rows_of_their_ngrams(void **state) {
    (void)state;
    hw_classifier *classifier = made((tiny_options){ 0 });
    hw_words words = { 0 };
    size_t row = 0;
    for (int32_t i = 0; i < 12; i++) {
        const char *word = hw_classifier_word(classifier, i, &row);
        assert_int_equal(hw_words_split(&words, hw_text_of(word), &error), HW_OK);
        assert_int_equal(words.count, 1);
        assert_int_equal(row, hw_dictionary_find(&classifier->ngrams, words.items[0].hash));
    }
    hw_words_free(&words);
    assert_string_equal(hw_classifier_word(classifier, 1, NULL), "quiet");
    assert_null(hw_classifier_word(classifier, 12, NULL));
    assert_null(hw_classifier_word(classifier, -1, NULL));
    hw_classifier_close(classifier);
}

/* They have no checksums, so that a fuzzer reaches what is behind those. */
static void test_fuzz_seeds_are_models(void **state) {
    (void)state;
    glob_t seeds;
    assert_int_equal(glob("tests/fuzz/corpus/model/*", 0, NULL, &seeds), 0);
    for (size_t i = 0; i < seeds.gl_pathc; i++) {
        size_t size;
        unsigned char *bytes = toy_read(seeds.gl_pathv[i], &size);
        hw_bundle *bundle = hw_bundle_parse(bytes, size, false, seeds.gl_pathv[i], &error);
        hw_classifier *classifier =
            bundle ? hw_classifier_from_bundle(bundle, seeds.gl_pathv[i], &error) : NULL;
        if (!classifier) fail_msg("%s", error.message);
        hw_classifier_close(classifier);
        hw_free(bytes);
    }
    globfree(&seeds);
}

static void test_hybrid_without_towers_is_its_ngrams(void **state) {
    (void)state;
    hw_classifier *classifier = made((tiny_options){ .towers = -1 });
    hw_session *session = session_of(classifier);
    const hw_text text = hw_text_of(tiny_sentences[0]);
    float bag[3], tower[3], p[3], expected[3];
    assert_int_equal(hw_classifier_summary(classifier)->towers, 0);
    assert_true(hw_classifier_summary(classifier)->tower_weight == 0);
    assert_int_equal(hw_session_run(session, &text, 1, p, bag, tower, &error), HW_OK);
    hw_classifier_join(classifier, expected, bag, NULL);
    assert_memory_equal(p, expected, sizeof p);
    for (size_t label = 0; label < 3; label++) assert_true(bag[label] != 0 && tower[label] == 0);
    hw_session_free(session);
    hw_classifier_close(classifier);
}

/* What training makes of data in which no n-gram is frequent enough. */
static void test_model_without_any_ngram_works(void **state) {
    (void)state;
    static const char *const without[] = { "ngram.slots", "ngram.words", "ngram.idf", "ngram.table",
                                           "tower.0.embedding" };
    hw_classifier *classifier = made((tiny_options){ .towers = 1 });
    hw_bundle *bundle = hw_bundle_copy(classifier->bundle, without, 5, &error);
    assert_non_null(bundle);
    assert_non_null(hw_bundle_add(bundle, "tower.0.embedding", HW_F32, 16, 0, &error));
    hw_config config = classifier->config;
    config.ngrams = 0;
    config.tower.vocabulary = 1;
    assert_int_equal(hw_config_save(&config, classifier->labels, 3, bundle, &error), HW_OK);
    hw_classifier *empty = hw_classifier_from_bundle(bundle, "empty", &error);
    if (!empty) fail_msg("%s", error.message);
    assert_int_equal(hw_classifier_summary(empty)->ngrams, 0);
    assert_null(hw_classifier_word(empty, 0, NULL));
    assert_null(hw_classifier_quantize(empty, HW_QUANTIZED_INT8, &error));
    hw_session *session = session_of(empty);
    const hw_text texts[] = { hw_text_of("a quiet film"), hw_text_of("no at all") };
    float p[6], bag[6];
    assert_int_equal(hw_session_run(session, texts, 2, p, bag, NULL, &error), HW_OK);
    assert_memory_equal(bag, empty->bag_bias, 3 * sizeof *bag);
    assert_memory_equal(bag + 3, empty->bag_bias, 3 * sizeof *bag);
    assert_memory_equal(p, p + 3, 3 * sizeof *p);
    hw_session_free(session);
    hw_classifier_close(empty);
    hw_classifier_close(classifier);
}

static void test_matrices_are_listed_once(void **state) {
    (void)state;
    hw_classifier *classifier = made((tiny_options){ 0 });
    const hw_summary *summary = hw_classifier_summary(classifier);
    hw_matrix matrix;
    size_t count = 0, parameters = 0;
    bool table = false;
    for (; hw_classifier_matrix(classifier, count, &matrix); count++) {
        if (strcmp(matrix.name, "ngram.words") == 0) assert_null(matrix.values);
        if (strncmp(matrix.name, "tower.", 6) == 0) parameters += matrix.rows * matrix.columns;
        if (strcmp(matrix.name, "ngram.table") != 0) continue;
        assert_false(table);
        table = true;
        assert_int_equal(matrix.rows, summary->ngrams);
        assert_int_equal(matrix.columns, summary->labels);
        assert_ptr_equal(matrix.values, classifier->table);
        parameters += (matrix.rows + 1) * matrix.columns;
    }
    assert_true(table);
    assert_int_equal(parameters, summary->parameters);
    hw_classifier_close(classifier);
}

static void test_saving_twice_gives_the_same_bytes(void **state) {
    (void)state;
    for (size_t v = 0; v < VARIANTS; v++) {
        hw_classifier *classifier = made(variants[v]);
        size_t size, again_size;
        unsigned char *bytes = saved(classifier, &size);
        hw_bundle *bundle = hw_bundle_parse(bytes, size, true, "tiny", &error);
        assert_non_null(bundle);
        hw_classifier *reopened = hw_classifier_from_bundle(bundle, "tiny", &error);
        if (!reopened) fail_msg("%s", error.message);
        assert_int_equal(hw_classifier_summary(reopened)->file_bytes, size);
        unsigned char *again = saved(reopened, &again_size);
        assert_int_equal(size, again_size);
        assert_memory_equal(bytes, again, size);
        hw_free(again);
        hw_classifier_close(reopened);
        hw_free(bytes);
        hw_classifier_close(classifier);
    }
}

static void test_opening_a_file_gives_the_same_probabilities(void **state) {
    (void)state;
    hw_classifier *classifier = made((tiny_options){ 0 });
    assert_int_equal(hw_classifier_save(classifier, temporary_path(), &error), HW_OK);
    hw_classifier *opened = hw_classifier_open(temporary_path(), &error);
    unlink(temporary_path());
    if (!opened) fail_msg("%s", error.message);
    float p[3], q[3];
    const hw_text text = hw_text_of("a quiet film, no?");
    hw_session *session = session_of(classifier), *other = session_of(opened);
    assert_int_equal(hw_classify(session, &text, 1, p, &error), HW_OK);
    assert_int_equal(hw_classify(other, &text, 1, q, &error), HW_OK);
    assert_memory_equal(p, q, sizeof p);
    hw_session_free(session);
    hw_session_free(other);
    hw_classifier_close(opened);
    hw_classifier_close(classifier);
}

/* A model with nothing new in it is the file that it always was. */
static void test_what_is_usual_is_not_in_the_file(void **state) {
    (void)state;
    static const tiny_options usual = { 0 }, tied = { .attention = HW_ATTENTION_TIED };
    hw_bundle *bundle = tiny_bundle(usual, &error);
    assert_null(strstr(hw_bundle_metadata(bundle, "headwise"), "attention"));
    assert_null(strstr(hw_bundle_metadata(bundle, "headwise"), "shared_dim"));
    assert_null(strstr(hw_bundle_metadata(bundle, "headwise"), "head_gates"));
    hw_bundle_free(bundle);
    bundle = tiny_bundle(tied, &error);
    assert_non_null(strstr(hw_bundle_metadata(bundle, "headwise"), "\"attention\":\"tied\""));
    hw_bundle_free(bundle);
}

static void test_missing_file_is_named(void **state) {
    (void)state;
    assert_null(hw_classifier_open("/nowhere/model.safetensors", &error));
    assert_int_equal(error.status, HW_ERROR_IO);
    assert_non_null(strstr(error.message, "/nowhere/model.safetensors"));
    assert_null(hw_classifier_open("/nowhere/model.safetensors", NULL));
}

/* ---- Damage -------------------------------------------------------------------------- */

static bool opens(const unsigned char *bytes, size_t size) {
    hw_bundle *bundle = hw_bundle_parse(bytes, size, true, "damaged", NULL);
    hw_classifier *classifier = bundle ? hw_classifier_from_bundle(bundle, "damaged", NULL) : NULL;
    hw_classifier_close(classifier);
    return classifier != NULL;
}

static void test_every_flipped_bit_is_refused(void **state) {
    (void)state;
    hw_classifier *classifier = made((tiny_options){ .arch = HW_ARCH_BAG, .labels = 2 });
    size_t size;
    unsigned char *bytes = saved(classifier, &size);
    assert_true(opens(bytes, size));
    for (size_t bit = 0; bit < 8 * size; bit++) {
        bytes[bit / 8] ^= (unsigned char)(1 << bit % 8);
        if (opens(bytes, size)) fail_msg("bit %zu of %zu", bit, 8 * size);
        bytes[bit / 8] ^= (unsigned char)(1 << bit % 8);
    }
    hw_free(bytes);
    hw_classifier_close(classifier);
}

static void test_every_truncation_is_refused(void **state) {
    (void)state;
    hw_classifier *classifier = made((tiny_options){ .labels = 2, .towers = 1 });
    size_t size;
    unsigned char *bytes = saved(classifier, &size);
    for (size_t length = 0; length < size; length++) {
        void *cut; /* of exactly this size, so that a sanitizer sees a read past it */
        assert_int_equal(posix_memalign(&cut, 64, length), 0);
        memcpy(cut, bytes, length);
        if (opens(cut, length)) fail_msg("the first %zu of %zu bytes", length, size);
        free(cut);
    }
    hw_free(bytes);
    hw_classifier_close(classifier);
}

/* Takes the bundle, and expects a refusal that names the file and what is wrong. */
static void assert_refused(hw_bundle *bundle, const char *field) {
    error = (hw_error){ 0 };
    hw_classifier *classifier = hw_classifier_from_bundle(bundle, "broken.safetensors", &error);
    if (classifier) fail_msg("%s was accepted", field);
    if (error.status != HW_ERROR_FORMAT && error.status != HW_ERROR_UNSUPPORTED)
        fail_msg("%s: status %d", field, error.status);
    if (strncmp(error.message, "broken.safetensors: ", 20) != 0 || !strstr(error.message, field))
        fail_msg("%s is not in \"%s\"", field, error.message);
}

/* The bundle with headwise.<path> (a dot between section and key) set to a JSON value. */
static hw_bundle *with_field(tiny_options options, const char *path, const char *value) {
    hw_bundle *bundle = tiny_bundle(options, &error);
    assert_non_null(bundle);
    json_t *root = json_loads(hw_bundle_metadata(bundle, "headwise"), 0, NULL);
    json_t *new_value = value ? json_loads(value, JSON_DECODE_ANY, NULL) : NULL;
    const char *dot = strchr(path, '.');
    json_t *object = root;
    if (dot) {
        char *section = strndup(path, (size_t)(dot - path));
        object = json_object_get(root, section);
        free(section);
    }
    const char *key = dot ? dot + 1 : path;
    assert_true(new_value || json_object_get(object, key));
    if (new_value)
        json_object_set_new(object, key, new_value);
    else
        json_object_del(object, key);
    char *text = json_dumps(root, 0);
    assert_int_equal(hw_bundle_set(bundle, "headwise", text, &error), HW_OK);
    free(text);
    json_decref(root);
    return bundle;
}

static void test_bad_config_is_refused(void **state) {
    (void)state;
    /* NULL: the field is missing. */
    static const struct {
        const char *path, *values[6];
        size_t count;
    } bad[] = {
        { "version", { NULL, "0", "2", "\"1\"" }, 4 },
        { "arch", { NULL, "\"bog\"", "1", "\"bag\"", "\"\"" }, 5 }, /* bag: it has towers */
        { "multi_label", { NULL, "1", "null", "true" }, 4 },        /* true: no thresholds */
        { "ngrams", { NULL, "-1", "1", "16777217", "1.5" }, 5 },
        { "ngram_options", { NULL, "3" }, 2 },
        { "ngram_options.word_max", { NULL, "0", "17", "-1" }, 4 },
        { "ngram_options.cjk_max", { NULL, "0", "17" }, 3 },
        { "ngram_options.char_min", { NULL, "0", "4", "-2" }, 4 },
        { "ngram_options.char_max", { NULL, "1", "17" }, 3 },
        { "towers", { NULL, "3", "17", "-1" }, 4 },
        { "tower", { NULL, "[]" }, 2 },
        { "tower.vocabulary", { NULL, "0", "1", "12", "4294967297" }, 5 },
        { "tower.width", { NULL, "0", "15", "32", "1000000" }, 5 },
        { "tower.layers", { NULL, "-1", "2", "65", "0.5" }, 5 },
        { "tower.heads", { NULL, "0", "3", "257" }, 4 },
        { "tower.head_dim", { NULL, "0", "3", "2147483648" }, 4 },
        { "tower.inner_width", { NULL, "-16", "8", "16" }, 4 },
        { "tower.distance", { NULL, "-1", "3", "2147483647" }, 4 },
        { "tower.queries", { NULL, "-1", "2", "2147483647" }, 4 },
        { "tower.window", { NULL, "0", "-1", "2147483647" }, 4 },
        { "tower.attention", { "\"odd\"", "1", "null", "\"uniform\"", "\"talking\"" }, 5 },
        { "tower.head_gates", { "\"odd\"", "0", "null", "\"l0\"", "\"input\"" }, 5 },
        { "tower.shared_dim", { "-1", "1", "\"1\"", "null", "4294967296" }, 5 },
        { "join.bag", { NULL, "\"1\"", "1e7", "null" }, 4 },
        { "join.tower", { NULL, "-1e7" }, 2 },
        { "join.bias", { NULL, "1e300" }, 2 },
        { "temperature", { NULL, "0", "-1", "1e7", "1e-7" }, 5 },
        { "held_back_score", { NULL, "-0.1", "1.1", "false" }, 4 },
        { "held_back_bag", { NULL, "2" }, 2 },
        { "held_back_examples", { NULL, "-1", "0.5" }, 3 },
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        for (size_t v = 0; v < bad[i].count; v++) {
            hw_bundle *bundle = with_field((tiny_options){ 0 }, bad[i].path, bad[i].values[v]);
            hw_error ignored;
            hw_classifier *classifier = hw_classifier_from_bundle(bundle, "x", &ignored);
            if (classifier)
                fail_msg("%s: %s was accepted", bad[i].path,
                         bad[i].values[v] ? bad[i].values[v] : "none");
        }
}

static void test_bad_capsules_are_refused(void **state) {
    (void)state;
    static const char *const bad[][2] = {
        { "tower.capsule_dim", NULL }, { "tower.capsule_dim", "0" }, { "tower.capsule_dim", "65" },
        { "tower.capsule_dim", "4" },  { "tower.routing", NULL },    { "tower.routing", "0" },
        { "tower.routing", "17" },     { "tower.queries", "1" },     { "arch", "\"attention\"" },
    };
    const tiny_options capsules = { .arch = HW_ARCH_CAPSULE };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_refused(with_field(capsules, bad[i][0], bad[i][1]), "");
    assert_refused(with_field(capsules, "towers", "0"), "towers");
    assert_refused(with_field((tiny_options){ 0 }, "arch", "\"capsule\""), "capsule_dim");
}

static void test_bad_config_is_named(void **state) {
    (void)state;
    static const char *const named[][2] = {
        { "version", "9" },
        { "temperature", "0" },
        { "tower.width", "24" },
        { "join.bag", "\"1\"" },
        { "towers", "99" },
        { "ngram_options.word_max", "0" },
        { "tower.window", "0" },
        { "held_back_bag", "2" },
        { "ngram_options.cjk_max", "0" },
        { "arch", "\"forest\"" },
        { "multi_label", "null" },
        { "ngrams", "-5" },
        { "tower.attention", "\"odd\"" },
        { "tower.shared_dim", "1" },
    };
    for (size_t i = 0; i < sizeof named / sizeof *named; i++) {
        const char *dot = strchr(named[i][0], '.');
        assert_refused(with_field((tiny_options){ 0 }, named[i][0], named[i][1]),
                       dot ? dot + 1 : named[i][0]);
    }
}

static void test_attention_without_towers_is_refused(void **state) {
    (void)state;
    const tiny_options attention = { .arch = HW_ARCH_ATTENTION };
    assert_refused(with_field(attention, "towers", "0"), "towers");
}

static void test_bad_metadata_is_refused(void **state) {
    (void)state;
    static const char *const bad[][3] = {
        { "labels", "[]", "labels" },
        { "labels", "{}", "labels" },
        { "labels", "[\"a\",\"b\",\"a\"]", "\"a\" twice" },
        { "labels", "[\"a\",\"\",\"c\"]", "labels[1]" },
        { "labels", "[\"a\",\"b\",3]", "labels[2]" },
        { "labels", "[\"a\",\"b\",\"\\u0000\"]", "labels" },
        { "labels", "[\"a\",\"b\",\"\xff\"]", "labels" },
        { "labels", "[\"a\",\"b\"]", "shape" },
        { "labels", "[\"a\",\"b\",\"c\"", "labels" },
        { "headwise", "", "headwise" },
        { "headwise", "[]", "headwise" },
        { "headwise", "{\"version\":1,\"version\":1}", "headwise" },
        { "training", "[]", "training" },
        { "training", "{", "training" },
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        hw_bundle *bundle = tiny_bundle((tiny_options){ 0 }, &error);
        assert_int_equal(hw_bundle_set(bundle, bad[i][0], bad[i][1], &error), HW_OK);
        assert_refused(bundle, bad[i][2]);
    }
    char long_name[300];
    memset(long_name, 'x', sizeof long_name);
    memcpy(long_name, "[\"a\",\"b\",\"", 10);
    strcpy(long_name + 10 + 257, "\"]");
    hw_bundle *bundle = tiny_bundle((tiny_options){ 0 }, &error);
    assert_int_equal(hw_bundle_set(bundle, "labels", long_name, &error), HW_OK);
    assert_refused(bundle, "labels[2]");
}

/* Without it a model is only less easy to read. */
static bool is_optional(const char *tensor) {
    return strcmp(tensor, "ngram.words") == 0;
}

static void test_wrong_tensors_are_refused(void **state) {
    (void)state;
    hw_bundle *model = tiny_bundle((tiny_options){ .multi_label = true }, &error);
    for (size_t i = 0; i < hw_bundle_count(model); i++) {
        const hw_tensor *tensor = hw_bundle_at(model, i);
        const char *without[] = { tensor->name };
        const size_t rows = tensor->shape[0], columns = tensor->dims == 2 ? tensor->shape[1] : 0;
        const struct {
            hw_dtype dtype;
            size_t rows, columns;
        } wrong[] = { { tensor->dtype, rows + 1, columns },
                      { tensor->dtype, rows, columns + 1 },
                      { tensor->dtype, rows, columns ? 0 : 1 },
                      { HW_F64, rows, columns } };
        if (is_optional(tensor->name)) continue;
        assert_refused(hw_bundle_copy(model, without, 1, &error), tensor->name);
        for (size_t w = 0; w < sizeof wrong / sizeof *wrong; w++) {
            hw_bundle *bundle = hw_bundle_copy(model, without, 1, &error);
            void *data = hw_bundle_add(bundle, tensor->name, wrong[w].dtype, wrong[w].rows,
                                       wrong[w].columns, &error);
            assert_non_null(data);
            assert_refused(bundle, tensor->name);
        }
    }
    hw_bundle_free(model);
}

static void test_wrong_values_are_refused(void **state) {
    (void)state;
    const float bad[] = { NAN, -NAN, INFINITY, -INFINITY, 1.001e4f, -3e38f };
    hw_bundle *model = tiny_bundle((tiny_options){ .multi_label = true }, &error);
    for (size_t i = 0; i < hw_bundle_count(model); i++) {
        if (hw_bundle_at(model, i)->dtype != HW_F32) continue;
        const size_t count = hw_bundle_at(model, i)->bytes / sizeof(float);
        for (size_t b = 0; b < sizeof bad / sizeof *bad; b++) {
            hw_bundle *bundle = hw_bundle_copy(model, NULL, 0, &error);
            float *values = (float *)hw_bundle_at(bundle, i)->data;
            values[b % 2 ? count - 1 : count / 2] = bad[b];
            assert_refused(bundle, hw_bundle_at(model, i)->name);
        }
    }
    hw_bundle_free(model);
}

/* Sets byte `at` (from the end if negative) of a tensor of the tiny model. */
static hw_bundle *with_byte(const char *tensor, ptrdiff_t at, unsigned char value) {
    hw_bundle *bundle = tiny_bundle((tiny_options){ .multi_label = true }, &error);
    const hw_tensor *found = hw_bundle_find(bundle, tensor);
    unsigned char *bytes = (unsigned char *)found->data;
    bytes[at < 0 ? (ptrdiff_t)found->bytes + at : at] = value;
    return bundle;
}

static void test_wrong_dictionaries_are_refused(void **state) {
    (void)state;
    assert_refused(with_byte("ngram.slots", 7, 1), "ngram.slots"); /* an index beyond 2^24 */
    assert_refused(with_byte("ngram.words", -1, 'x'), "ngram.words");
    assert_refused(with_byte("ngram.words", 0, '\n'), "ngram.words");
    assert_refused(with_byte("ngram.words", 0, '\0'), "ngram.words");
    assert_refused(with_byte("ngram.words", 0, 0xff), "ngram.words");
    assert_refused(with_byte("ngram.words", 0, 'z'), "ngram.words[0]");  /* no member */
    assert_refused(with_byte("ngram.words", 4, '\n'), "ngram.words[1]"); /* qu, et */
    assert_refused(with_byte("thresholds", 3, 0x40), "thresholds[0]");   /* 2 */
    assert_refused(with_byte("thresholds", 3, 0xbf), "thresholds[0]");   /* -0.5 */
}

/* ---- Probabilities ------------------------------------------------------------------- */

enum { TEXTS = 70, LONG_WORDS = 5000 };

static char *repeated(const char *word, size_t count) {
    const size_t length = strlen(word);
    char *text = malloc(count * length + 1);
    assert_non_null(text);
    for (size_t i = 0; i < count; i++) memcpy(text + i * length, word, length);
    text[count * length] = '\0';
    return text;
}

static void fill_texts(hw_text *texts, const char *longest) {
    static const char *const some[] = { "",
                                        "film",
                                        " \t\n",
                                        "A quiet film. No film at all, quiet!",
                                        "\xff\xfe broken \xe5\xa5",
                                        "\xe5\xa5\xbd\xe7\x94\xb5\xe5\xbd\xb1",
                                        "something else altogether, unknown words only?" };
    for (size_t i = 0; i < TEXTS; i++) texts[i] = hw_text_of(some[i * i % 7]);
    texts[3] = texts[40] = hw_text_of(longest);
    texts[66].length = 3; /* not NUL-terminated */
}

static void test_a_text_does_not_depend_on_its_batch(void **state) {
    (void)state;
    char *longest = repeated("quiet film ", LONG_WORDS);
    hw_text texts[TEXTS];
    fill_texts(texts, longest);
    for (size_t v = 0; v < VARIANTS; v++) {
        hw_classifier *classifier = made(variants[v]);
        const size_t labels = (size_t)hw_classifier_summary(classifier)->labels;
        float together[TEXTS * 5], alone[5];
        hw_session *session = session_of(classifier), *fresh = session_of(classifier);
        assert_int_equal(hw_classify(session, texts, TEXTS, together, &error), HW_OK);
        for (size_t i = TEXTS; i-- > 0;) {
            assert_int_equal(hw_classify(fresh, &texts[i], 1, alone, &error), HW_OK);
            assert_memory_equal(alone, together + i * labels, labels * sizeof *alone);
        }
        float shifted[TEXTS * 5];
        assert_int_equal(hw_classify(session, texts + 5, TEXTS - 5, shifted, &error), HW_OK);
        assert_memory_equal(shifted, together + 5 * labels, (TEXTS - 5) * labels * sizeof *shifted);
        hw_session_free(session);
        hw_session_free(fresh);
        hw_classifier_close(classifier);
    }
    free(longest);
}

static void test_probabilities_sum_to_one(void **state) {
    (void)state;
    char *longest = repeated("quiet film ", LONG_WORDS);
    hw_text texts[TEXTS];
    fill_texts(texts, longest);
    for (size_t v = 0; v < VARIANTS; v++) {
        hw_classifier *classifier = made(variants[v]);
        const size_t labels = (size_t)hw_classifier_summary(classifier)->labels;
        hw_session *session = session_of(classifier);
        float p[TEXTS * 5];
        assert_int_equal(hw_classify(session, texts, TEXTS, p, &error), HW_OK);
        for (size_t i = 0; i < TEXTS; i++) {
            double sum = 0;
            for (size_t label = 0; label < labels; label++) {
                assert_true(p[i * labels + label] >= 0 && p[i * labels + label] <= 1);
                sum += (double)p[i * labels + label];
            }
            if (!variants[v].multi_label) assert_true(fabs(sum - 1) <= 1e-6);
        }
        hw_session_free(session);
        hw_classifier_close(classifier);
    }
    free(longest);
}

static void test_join_is_its_formula(void **state) {
    (void)state;
    for (size_t v = 0; v < 2; v++) {
        hw_classifier *classifier = made(variants[v]);
        const size_t labels = (size_t)hw_classifier_summary(classifier)->labels;
        hw_session *session = session_of(classifier);
        const hw_text text = hw_text_of(tiny_sentences[0]);
        float bag[5], tower[5], p[5];
        double z[5], sum = 0;
        assert_int_equal(hw_session_run(session, &text, 1, p, bag, tower, &error), HW_OK);
        assert_true(bag[0] != 0 && tower[0] != 0);
        for (size_t label = 0; label < labels; label++) {
            z[label] = (0.75 * (double)bag[label] + 0.5 * (double)tower[label] - 0.125) / 1.25;
            sum += exp(z[label]);
        }
        for (size_t label = 0; label < labels; label++) {
            const double expected =
                variants[v].multi_label ? 1 / (1 + exp(-z[label])) : exp(z[label]) / sum;
            assert_true(fabs((double)p[label] - expected) < 1e-6);
        }
        hw_session_free(session);
        hw_classifier_close(classifier);
    }
}

static void test_branches_are_their_definitions(void **state) {
    (void)state;
    hw_classifier *classifier = made((tiny_options){ 0 });
    hw_session *session = session_of(classifier);
    const hw_text text = hw_text_of("a film quiet film");
    float bag[3], tower[3], logits[2][16];
    assert_int_equal(hw_session_run(session, &text, 1, NULL, bag, tower, &error), HW_OK);

    hw_encoding encoding = { 0 };
    assert_int_equal(hw_encoding_make(&encoding, text, &classifier->config.ngram_options,
                                      &classifier->ngrams, &error),
                     HW_OK);
    assert_int_equal(
        hw_encoding_weigh(&encoding, classifier->config.ngrams, classifier->idf, &error), HW_OK);
    assert_int_equal(hw_encoding_sort(&encoding, &error), HW_OK);
    const hw_features *features = &encoding.features;
    assert_true(features->count > 5);
    for (size_t label = 0; label < 3; label++) {
        float sum = classifier->bag_bias[label];
        for (size_t i = 0; i < features->count; i++)
            sum +=
                features->items[i].value * classifier->table[features->items[i].index * 3 + label];
        assert_true(fabsf(sum - bag[label]) < 1e-5f);
    }

    const uint32_t offsets[] = { 0, 4 };
    const hw_batch batch = { encoding.token_ngrams, encoding.token_offsets, offsets, 1 };
    hw_tower_scratch *scratch =
        hw_tower_scratch_new(&classifier->config.tower, 1, 4, false, &error);
    assert_non_null(scratch);
    for (size_t i = 0; i < 2; i++)
        hw_tower_forward(logits[i], scratch, &classifier->config.tower, &classifier->towers[i],
                         hw_kernels_select(), batch, NULL);
    for (size_t label = 0; label < 3; label++)
        assert_true(fabsf((logits[0][label] + logits[1][label]) / 2 - tower[label]) < 1e-6f);
    hw_tower_scratch_free(scratch);
    hw_encoding_free(&encoding);
    hw_session_free(session);
    hw_classifier_close(classifier);
}

static void test_largest_weights_stay_finite(void **state) {
    (void)state;
    for (size_t v = 0; v < VARIANTS; v++) {
        hw_bundle *bundle = tiny_bundle(variants[v], &error);
        for (size_t i = 0; i < hw_bundle_count(bundle); i++) {
            const hw_tensor *tensor = hw_bundle_at(bundle, i);
            if (tensor->dtype != HW_F32 || strcmp(tensor->name, "thresholds") == 0) continue;
            float *values = (float *)tensor->data;
            for (size_t j = 0; j < tensor->bytes / sizeof *values; j++)
                values[j] = j % 3 ? HW_WEIGHT_LIMIT : -HW_WEIGHT_LIMIT;
        }
        hw_classifier *classifier = hw_classifier_from_bundle(bundle, "large", &error);
        if (!classifier) fail_msg("%s", error.message);
        hw_session *session = session_of(classifier);
        const hw_text text = hw_text_of("A quiet film, a quiet film.");
        float p[5], tower[5];
        assert_int_equal(hw_session_run(session, &text, 1, p, NULL, tower, &error), HW_OK);
        for (int32_t label = 0; label < hw_classifier_summary(classifier)->labels; label++) {
            assert_true(isfinite(p[label]) && p[label] >= 0 && p[label] <= 1);
            assert_true(isfinite(tower[label]));
        }
        hw_session_free(session);
        hw_classifier_close(classifier);
    }
}

static void test_join_survives_what_is_no_number(void **state) {
    (void)state;
    hw_classifier *classifier = made((tiny_options){ 0 });
    const float bag[3] = { 1, 2, 3 };
    const float towers[][3] = { { NAN, NAN, NAN },
                                { INFINITY, 0, 0 },
                                { -INFINITY, INFINITY, NAN } };
    for (size_t i = 0; i < 3; i++) {
        float p[3];
        hw_classifier_join(classifier, p, bag, towers[i]);
        assert_true(fabs((double)p[0] + (double)p[1] + (double)p[2] - 1) < 1e-6);
    }
    hw_classifier_close(classifier);
}

static void test_a_mebibyte_is_classified(void **state) {
    (void)state;
    char *text = repeated("! ", HW_TEXT_LIMIT / 2);
    hw_classifier *classifier = made((tiny_options){ 0 });
    hw_session *session = session_of(classifier);
    const hw_text texts[] = { hw_text_of(text), hw_text_of("film"), hw_text_of(text) };
    float p[9];
    assert_int_equal(hw_classify(session, texts, 3, p, &error), HW_OK);
    assert_memory_equal(p, p + 6, 3 * sizeof *p);
    hw_session_free(session);
    hw_classifier_close(classifier);
    free(text);
}

/* ---- Quantizing ---------------------------------------------------------------------- */

static void test_quantized_weights_are_within_half_a_step(void **state) {
    (void)state;
    hw_classifier *classifier = made((tiny_options){ 0 });
    hw_classifier *quantized = hw_classifier_quantize(classifier, HW_QUANTIZED_INT8, &error);
    if (!quantized) fail_msg("%s", error.message);
    assert_int_equal(hw_classifier_summary(quantized)->quantized, HW_QUANTIZED_INT8);
    assert_null(hw_classifier_quantize(classifier, HW_QUANTIZED_BF16, &error));
    int32_t largest[3] = { 0 };
    for (size_t i = 0; i < 3 * classifier->config.ngrams; i++) {
        const int32_t steps = abs(quantized->table_int8[i]);
        largest[i % 3] = steps > largest[i % 3] ? steps : largest[i % 3];
        const float step = quantized->table_scale[i % 3];
        const float weight = (float)quantized->table_int8[i] * step;
        assert_true(fabsf(weight - classifier->table[i]) <= 0.5001f * step);
    }
    for (size_t label = 0; label < 3; label++) assert_int_equal(largest[label], INT8_MAX);
    hw_classifier *again = hw_classifier_quantize(quantized, HW_QUANTIZED_INT8, &error);
    assert_non_null(again);
    assert_memory_equal(again->table_int8, quantized->table_int8, 3 * classifier->config.ngrams);
    hw_session *session = session_of(classifier), *other = session_of(again);
    const hw_text text = hw_text_of(tiny_sentences[0]);
    float p[3], q[3];
    assert_int_equal(hw_classify(session, &text, 1, p, &error), HW_OK);
    assert_int_equal(hw_classify(other, &text, 1, q, &error), HW_OK);
    for (size_t label = 0; label < 3; label++) assert_true(fabsf(p[label] - q[label]) < 0.01f);
    hw_session_free(session);
    hw_session_free(other);
    hw_classifier_close(again);
    hw_classifier_close(quantized);
    hw_classifier_close(classifier);
}

static void test_attention_alone_cannot_be_quantized(void **state) {
    (void)state;
    hw_classifier *classifier = made((tiny_options){ .arch = HW_ARCH_ATTENTION });
    assert_null(hw_classifier_quantize(classifier, HW_QUANTIZED_INT8, &error));
    assert_int_equal(error.status, HW_ERROR_ARGUMENT);
    hw_classifier_close(classifier);
}

/* ---- A labelled file ------------------------------------------------------------------ */

static const char *written(const char *content) {
    static char path[64];
    snprintf(path, sizeof path, "/tmp/headwise-test-%ld.tsv", (long)getpid());
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(content, file);
    fclose(file);
    return path;
}

static const char single[] = "a\tA quiet film.\nb\tNo film at all\nzebra\tquiet\nc\tquiet, "
                             "quiet!\nb\tfilm\na\tno\nc\tat all\n";
static const char multi[] = "a|b\tA quiet film.\nb|yak\tNo film at all\nzebra\tquiet\n"
                            "c\tquiet, quiet!\na|c\tat all\n";

static void test_evaluation_counts_what_the_model_predicts(void **state) {
    (void)state;
    hw_classifier *classifier = made((tiny_options){ 0 });
    const char *path = written(single);
    hw_metrics *metrics = hw_evaluate(classifier, path, NULL, NULL, 1, &error);
    if (!metrics) fail_msg("%s", error.message);
    static const char *const texts[] = { "A quiet film.", "No film at all", "quiet",
                                         "quiet, quiet!", "film",           "no",
                                         "at all" };
    static const int gold[] = { 0, 1, -1, 2, 1, 0, 2 };
    hw_session *session = session_of(classifier);
    int correct = 0;
    for (size_t i = 0; i < 7; i++) {
        const hw_text text = hw_text_of(texts[i]);
        float p[3];
        assert_int_equal(hw_classify(session, &text, 1, p, &error), HW_OK);
        const int best = p[1] > p[0] ? (p[2] > p[1] ? 2 : 1) : (p[2] > p[0] ? 2 : 0);
        correct += best == gold[i];
    }
    assert_int_equal(metrics->examples, 7);
    assert_int_equal(metrics->unknown_labels, 1);
    assert_true(metrics->accuracy == correct / 7.0);
    assert_true(metrics->bag_score >= 0 && metrics->tower_score >= 0);
    hw_session_free(session);
    hw_metrics_free(metrics);
    hw_classifier_close(classifier);
    unlink(path);
}

static void test_evaluation_does_not_depend_on_threads(void **state) {
    (void)state;
    hw_classifier *classifier = made((tiny_options){ .multi_label = true });
    hw_metrics *once = hw_evaluate(classifier, written(multi), NULL, NULL, 1, &error);
    if (!once) fail_msg("%s", error.message);
    char *content = repeated(multi, 100);
    const char *path = written(content);
    hw_metrics *one = hw_evaluate(classifier, path, NULL, NULL, 1, &error);
    hw_metrics *three = hw_evaluate(classifier, path, NULL, NULL, 3, &error);
    if (!one || !three) fail_msg("%s", error.message);
    assert_int_equal(one->unknown_labels, 200);
    assert_true(fabs(one->log_loss - once->log_loss) < 1e-9); /* 100 times the same texts */
    assert_true(fabs(one->micro_f1 - once->micro_f1) < 1e-9);
    hw_metrics_free(once);
    assert_null(one->confusion);
    assert_true(one->log_loss == three->log_loss && one->micro_f1 == three->micro_f1);
    assert_true(one->bag_score == three->bag_score && one->tower_score == three->tower_score);
    assert_memory_equal(&one->macro_f1_interval, &three->macro_f1_interval, sizeof(hw_interval));
    hw_metrics_free(one);
    hw_metrics_free(three);
    hw_classifier_close(classifier);
    unlink(path);
    free(content);
}

static void test_missing_branches_have_no_score(void **state) {
    (void)state;
    const char *path = written(single);
    hw_classifier *bag = made((tiny_options){ .arch = HW_ARCH_BAG });
    hw_classifier *attention = made((tiny_options){ .arch = HW_ARCH_ATTENTION });
    hw_classifier *hybrid = made((tiny_options){ .towers = -1 });
    hw_metrics *m = hw_evaluate(bag, path, NULL, NULL, 1, &error);
    hw_metrics *n = hw_evaluate(attention, path, NULL, NULL, 1, &error);
    hw_metrics *h = hw_evaluate(hybrid, path, NULL, NULL, 1, &error);
    assert_true(isnan(m->tower_score) && m->bag_score == m->accuracy);
    assert_true(isnan(n->bag_score) && n->tower_score == n->accuracy);
    assert_true(isnan(h->tower_score) && h->bag_score == h->accuracy);
    hw_metrics_free(m);
    hw_metrics_free(n);
    hw_metrics_free(h);
    hw_classifier_close(hybrid);
    hw_classifier_close(bag);
    hw_classifier_close(attention);
    unlink(path);
}

static void test_calibrating_lowers_the_loss(void **state) {
    (void)state;
    for (size_t v = 0; v < 2; v++) {
        const tiny_options options = { .multi_label = v == 1 };
        const char *path = written(v ? multi : single);
        hw_classifier *classifier = made(options);
        hw_classifier *calibrated = hw_classifier_calibrate(classifier, path, NULL, &error);
        if (!calibrated) fail_msg("%s", error.message);
        hw_metrics *before = hw_evaluate(classifier, path, NULL, NULL, 1, &error);
        hw_metrics *after = hw_evaluate(calibrated, path, NULL, NULL, 1, &error);
        assert_true(hw_classifier_summary(calibrated)->temperature != 1.25);
        assert_true(after->log_loss < before->log_loss);
        assert_true(v ? after->micro_f1 >= before->micro_f1 : after->accuracy == before->accuracy);
        hw_metrics_free(before);
        hw_metrics_free(after);
        hw_classifier_close(calibrated);
        hw_classifier_close(classifier);
        unlink(path);
    }
}

/* ---- Failing memory ------------------------------------------------------------------- */

#ifdef HW_FAULTS

/* Everything a program does with a model; false where memory ran out. */
static bool use_everything(hw_error *failure, const char *model, const char *data) {
    hw_error err = { 0 };
    hw_metrics *metrics = NULL;
    hw_session *session = NULL;
    hw_classifier *quantized = NULL, *calibrated = NULL;
    hw_classifier *classifier = hw_classifier_open(model, &err);
    float p[6];
    const hw_text texts[] = { hw_text_of(tiny_sentences[0]), hw_text_of(tiny_sentences[1]) };
    const bool done = classifier && (session = hw_session_new(classifier, NULL, &err)) &&
                      hw_classify(session, texts, 2, p, &err) == HW_OK &&
                      (metrics = hw_evaluate(classifier, data, NULL, NULL, 2, &err)) &&
                      (quantized = hw_classifier_quantize(classifier, HW_QUANTIZED_INT8, &err)) &&
                      (calibrated = hw_classifier_calibrate(classifier, data, NULL, &err)) &&
                      hw_classifier_save(calibrated, temporary_path(), &err) == HW_OK;
    *failure = err;
    hw_classifier_close(quantized);
    hw_classifier_close(calibrated);
    hw_metrics_free(metrics);
    hw_session_free(session);
    hw_classifier_close(classifier);
    return done;
}

/* Lets each allocation fail in turn; returns how many there are. */
static uint64_t fail_each_allocation(bool (*is_expected)(const hw_error *failure)) {
    char model[80];
    snprintf(model, sizeof model, "/tmp/headwise-test-%ld-model.safetensors", (long)getpid());
    hw_classifier *classifier = made((tiny_options){ .multi_label = true });
    assert_int_equal(hw_classifier_save(classifier, model, &error), HW_OK);
    const char *data = written(multi);
    uint64_t failures = 0;
    for (bool done = false; !done; failures++) {
        hw_error failure;
        hw_fault_arm(HW_FAULT_MEMORY, failures + 1, false);
        done = use_everything(&failure, model, data);
        hw_fault_arm(HW_FAULT_MEMORY, 0, false);
        if (!done && !is_expected(&failure))
            fail_msg("%s: %s", hw_status_text(failure.status), failure.message);
    }
    hw_classifier_close(classifier);
    unlink(model);
    unlink(data);
    unlink(temporary_path());
    return failures;
}

static bool is_about_memory(const hw_error *failure) {
    return failure->status == HW_ERROR_MEMORY;
}

static void test_every_failing_allocation_is_survived(void **state) {
    (void)state;
    assert_true(fail_each_allocation(is_about_memory) > 50);
}

/* jansson takes some of its own failing allocations for syntax errors. */
static bool is_failure(const hw_error *failure) {
    return failure->status != HW_OK;
}

static void test_every_failing_allocation_of_jansson_is_survived(void **state) {
    (void)state;
    json_set_alloc_funcs(hw_malloc, hw_free);
    const uint64_t failures = fail_each_allocation(is_failure);
    json_set_alloc_funcs(malloc, free);
    assert_true(failures > 500);
}

#endif

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_summary_tells_what_was_built),
        cmocka_unit_test(test_summary_tells_of_capsules),
        cmocka_unit_test(test_words_have_the_rows_of_their_ngrams),
        cmocka_unit_test(test_fuzz_seeds_are_models),
        cmocka_unit_test(test_hybrid_without_towers_is_its_ngrams),
        cmocka_unit_test(test_model_without_any_ngram_works),
        cmocka_unit_test(test_matrices_are_listed_once),
        cmocka_unit_test(test_saving_twice_gives_the_same_bytes),
        cmocka_unit_test(test_opening_a_file_gives_the_same_probabilities),
        cmocka_unit_test(test_what_is_usual_is_not_in_the_file),
        cmocka_unit_test(test_missing_file_is_named),
        cmocka_unit_test(test_every_flipped_bit_is_refused),
        cmocka_unit_test(test_every_truncation_is_refused),
        cmocka_unit_test(test_bad_config_is_refused),
        cmocka_unit_test(test_bad_capsules_are_refused),
        cmocka_unit_test(test_bad_config_is_named),
        cmocka_unit_test(test_attention_without_towers_is_refused),
        cmocka_unit_test(test_bad_metadata_is_refused),
        cmocka_unit_test(test_wrong_tensors_are_refused),
        cmocka_unit_test(test_wrong_values_are_refused),
        cmocka_unit_test(test_wrong_dictionaries_are_refused),
        cmocka_unit_test(test_a_text_does_not_depend_on_its_batch),
        cmocka_unit_test(test_probabilities_sum_to_one),
        cmocka_unit_test(test_join_is_its_formula),
        cmocka_unit_test(test_branches_are_their_definitions),
        cmocka_unit_test(test_largest_weights_stay_finite),
        cmocka_unit_test(test_join_survives_what_is_no_number),
        cmocka_unit_test(test_a_mebibyte_is_classified),
        cmocka_unit_test(test_quantized_weights_are_within_half_a_step),
        cmocka_unit_test(test_attention_alone_cannot_be_quantized),
        cmocka_unit_test(test_evaluation_counts_what_the_model_predicts),
        cmocka_unit_test(test_evaluation_does_not_depend_on_threads),
        cmocka_unit_test(test_missing_branches_have_no_score),
        cmocka_unit_test(test_calibrating_lowers_the_loss),
#ifdef HW_FAULTS
        cmocka_unit_test(test_every_failing_allocation_is_survived),
        cmocka_unit_test(test_every_failing_allocation_of_jansson_is_survived),
#endif
    };
    return cmocka_run_group_tests_name("classifier", tests, NULL, NULL);
}
