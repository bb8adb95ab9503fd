/* SentencePiece models against the tokenizer.json that `transformers` converts them to
 * (tests/golden/make_subword_golden.py), and models that are damaged. */
#include "tokenizer/sentencepiece.h"

#include "base/fault.h"
#include "base/file.h"
#include "subword_golden.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define FOLDERS "tests/golden/subword/"
static const char albert_model[] = FOLDERS "albert/spiece.model";

static json_t *convert_folder(const char *name) {
    char folder[128];
    snprintf(folder, sizeof folder, FOLDERS "%s", name);
    hw_text_buffer text = { 0 };
    hw_error err;
    if (hw_sentencepiece_open(&text, folder, &err) != HW_OK) fail_msg("%s", err.message);
    json_error_t problem;
    json_t *json = json_loadb(text.bytes, text.length, JSON_ALLOW_NUL, &problem);
    if (!json) fail_msg("%s: %s at %d", name, problem.text, problem.position);
    hw_text_buffer_free(&text);
    return json;
}

static void check_section(const json_t *ours, const json_t *golden, const char *name,
                          const char *section) {
    const json_t *value = json_object_get(ours, section);
    if (!value || !json_equal(value, json_object_get(golden, section)))
        fail_msg("%s: another %s", name, section);
}

static void test_json_is_that_of_transformers(void **state) {
    (void)state;
    json_t *root = open_subword_golden();
    const json_t *cases = json_object_get(root, "sentencepiece");
    assert_int_equal(json_array_size(cases), 3);
    for (size_t i = 0; i < json_array_size(cases); i++) {
        const char *name = json_string_value(json_object_get(json_array_get(cases, i), "folder"));
        json_t *golden = json_object_get(json_array_get(cases, i), "tokenizer");
        json_t *ours = convert_folder(name);
        json_t *model = json_object_get(ours, "model");
        assert_true(json_is_true(json_object_get(model, "exact_scores")));
        json_object_del(model, "exact_scores");
        const char *section;
        json_t *value;
        json_object_foreach(golden, section, value) check_section(ours, golden, name, section);
        assert_int_equal(json_object_size(ours), json_object_size(golden));
        json_decref(ours);
    }
    json_decref(root);
}

static void test_folder_without_model_is_told(void **state) {
    (void)state;
    hw_text_buffer text = { 0 };
    hw_error err = { 0 };
    assert_int_equal(hw_sentencepiece_open(&text, "tests/golden", &err), HW_ERROR_IO);
    assert_non_null(strstr(err.message, "tests/golden"));
    hw_text_buffer_free(&text);
}

static hw_status convert(hw_text model, hw_error *err) {
    hw_text_buffer text = { 0 };
    const hw_sentencepiece_options options = { .lower_case = true };
    const hw_status status = hw_sentencepiece_convert(&text, model, HW_SENTENCEPIECE_ALBERT,
                                                      options, "spiece.model", err);
    hw_text_buffer_free(&text);
    return status;
}

static void test_models_of_other_kinds_are_refused(void **state) {
    (void)state;
    static const struct {
        hw_text model;
        hw_status status;
    } cases[] = {
        { { "", 0 }, HW_ERROR_FORMAT },
        { { "\x0A\x03\x0A\x01", 4 }, HW_ERROR_FORMAT },             /* a piece that is cut off */
        { { "\x0A\x04\x0A\x02\xC3\x28", 6 }, HW_ERROR_FORMAT },     /* not UTF-8 */
        { { "\x0A\x05\x15\x00\x00\x80\x7F", 7 }, HW_ERROR_FORMAT }, /* a score of infinity */
        { { "\x0A\x03\x0A\x01"
            "a",
            5 },
          HW_ERROR_FORMAT }, /* no second piece: <unk> */
        { { "\x0A\x03\x0A\x01"
            "a\x12\x02\x18\x02",
            9 },
          HW_ERROR_UNSUPPORTED }, /* BPE */
        { { "\x0A\x03\x0A\x01"
            "a\x0B",
            6 },
          HW_ERROR_FORMAT }, /* a group */
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        hw_error err = { 0 };
        assert_int_equal(convert(cases[i].model, &err), cases[i].status);
        assert_non_null(strstr(err.message, "spiece.model"));
    }
}

static hw_mapping map_model(void) {
    hw_mapping file;
    assert_int_equal(hw_file_map(&file, albert_model, 1 << 20, NULL), HW_OK);
    return file;
}

/* Each input is in a block of its size, so that a sanitizer sees a read past its end. */
static void test_model_cut_off_anywhere_is_harmless(void **state) {
    (void)state;
    hw_mapping file = map_model();
    size_t refused = 0;
    for (size_t length = 0; length < file.size; length++) {
        char *bytes = malloc(length > 0 ? length : 1);
        assert_non_null(bytes);
        memcpy(bytes, file.data, length);
        hw_error err = { 0 };
        if (convert((hw_text){ bytes, length }, &err) != HW_OK) refused++;
        free(bytes);
    }
    assert_true(refused > file.size / 2);
    hw_file_unmap(&file);
}

static void test_damaged_bytes_are_harmless(void **state) {
    (void)state;
    hw_mapping file = map_model();
    char *bytes = malloc(file.size);
    assert_non_null(bytes);
    memcpy(bytes, file.data, file.size);
    for (size_t at = 0; at < file.size; at++) {
        bytes[at] = (char)~bytes[at];
        hw_error err = { 0 };
        if (convert((hw_text){ bytes, file.size }, &err) != HW_OK)
            assert_true(err.message[0] != '\0');
        bytes[at] = (char)~bytes[at];
    }
    free(bytes);
    hw_file_unmap(&file);
}

/* Opens the folder with the at-th call of a kind failing; false if there were fewer calls. */
static bool open_with_fault(hw_status *status, hw_fault fault, uint64_t at) {
    hw_text_buffer text = { 0 };
    hw_fault_arm(fault, at, false);
    *status = hw_sentencepiece_open(&text, FOLDERS "albert", NULL);
    const uint64_t calls = hw_fault_calls(fault);
    hw_fault_arm(fault, 0, false);
    hw_text_buffer_free(&text);
    return calls >= at;
}

static void test_failed_allocations_are_reported(void **state) {
    (void)state;
    hw_status status;
    uint64_t at = 1;
    for (; open_with_fault(&status, HW_FAULT_MEMORY, at); at++)
        assert_int_equal(status, HW_ERROR_MEMORY);
    assert_int_equal(status, HW_OK);
    assert_true(at > 10);
}

/* A file that was only read may fail to close. */
static void test_failed_reads_are_reported(void **state) {
    (void)state;
    hw_status status;
    size_t failures = 0;
    for (uint64_t at = 1; open_with_fault(&status, HW_FAULT_IO, at); at++) {
        assert_true(status == HW_OK || status == HW_ERROR_IO);
        failures += status == HW_ERROR_IO;
    }
    assert_int_equal(status, HW_OK);
    assert_true(failures >= 2);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_json_is_that_of_transformers),
        cmocka_unit_test(test_folder_without_model_is_told),
        cmocka_unit_test(test_models_of_other_kinds_are_refused),
        cmocka_unit_test(test_model_cut_off_anywhere_is_harmless),
        cmocka_unit_test(test_damaged_bytes_are_harmless),
        cmocka_unit_test(test_failed_allocations_are_reported),
        cmocka_unit_test(test_failed_reads_are_reported),
    };
    return cmocka_run_group_tests_name("sentencepiece", tests, NULL, NULL);
}
