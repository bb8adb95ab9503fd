/* Data sets: labels, counts, checksum, bad lines, limits and faults. */
#include "text/dataset.h"

#include "base/fault.h"
#include "base/file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

static char path[] = "/tmp/headwise-dataset-XXXXXX";

static int make_file(void **state) {
    (void)state;
    const int fd = mkstemp(path);
    return fd < 0 ? -1 : close(fd);
}

static int remove_file(void **state) {
    (void)state;
    return unlink(path);
}

static void write_text(const char *text) {
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, strlen(text), file), strlen(text));
    assert_int_equal(fclose(file), 0);
}

static hw_dataset *load(const char *text) {
    hw_error err;
    write_text(text);
    hw_dataset *dataset = hw_dataset_load(path, NULL, &err);
    if (!dataset) fail_msg("%s", err.message);
    return dataset;
}

/* The message of a file that cannot be loaded, without its path. */
static const char *refusal_of(const char *text, hw_error *err) {
    write_text(text);
    assert_null(hw_dataset_load(path, NULL, err));
    assert_memory_equal(err->message, path, strlen(path));
    return err->message + strlen(path);
}

static void test_labels_are_numbered_by_first_appearance(void **state) {
    (void)state;
    hw_dataset *dataset = load("b|a\tx\na\ty\nc|b|c|a\tz\n");
    static const char *const names[] = { "b", "a", "c" };
    static const uint32_t examples[] = { 2, 3, 1 };
    static const uint32_t index[] = { 0, 1, 1, 0, 1, 2 }; /* ascending, without repeats */
    assert_int_equal(dataset->label_count, 3);
    for (size_t i = 0; i < 3; ++i) {
        assert_string_equal(dataset->label_names[i], names[i]);
        assert_int_equal(dataset->label_examples[i], examples[i]);
        assert_int_equal(hw_dataset_find_label(dataset, hw_text_of(names[i])), i);
    }
    assert_int_equal(hw_dataset_find_label(dataset, hw_text_of("d")), -1);
    assert_int_equal(hw_dataset_find_label(dataset, hw_text_of("")), -1);
    assert_memory_equal(dataset->label_index, index, sizeof index);
    assert_int_equal(dataset->count, 3);
    assert_int_equal(dataset->examples[2].first_label, 3);
    assert_int_equal(dataset->examples[2].labels, 3);
    assert_int_equal(dataset->examples[2].line, 3);
    assert_true(dataset->multi_label);
    assert_int_equal(dataset->format, HW_FORMAT_TSV);
    hw_dataset_free(dataset);
}

static void test_texts_are_kept_as_they_are(void **state) {
    (void)state;
    hw_dataset *dataset = load("a\t one \xFF\na\t\n");
    assert_int_equal(dataset->examples[0].text.length, 6);
    assert_memory_equal(dataset->examples[0].text.bytes, " one \xFF", 6);
    assert_int_equal(dataset->examples[1].text.length, 0);
    assert_false(dataset->multi_label);
    hw_dataset_free(dataset);
}

static void test_a_label_named_twice_is_not_multi_label(void **state) {
    (void)state;
    hw_dataset *dataset = load("a|a\tx\n");
    assert_int_equal(dataset->examples[0].labels, 1);
    assert_false(dataset->multi_label);
    hw_dataset_free(dataset);
}

static void test_weights_are_read(void **state) {
    (void)state;
    hw_dataset *dataset =
        load("{\"text\":\"x\",\"label\":\"a\",\"weight\":2.5}\n{\"text\":\"y\",\"label\":\"b\"}\n");
    assert_true(dataset->examples[0].weight == 2.5f);
    assert_true(dataset->examples[1].weight == 1.0f);
    hw_dataset_free(dataset);
}

static uint32_t checksum_of(const char *text) {
    hw_dataset *dataset = load(text);
    const uint32_t checksum = dataset->checksum;
    hw_dataset_free(dataset);
    return checksum;
}

static void test_checksum_is_of_the_content_alone(void **state) {
    (void)state;
    const uint32_t checksum = checksum_of("a|b\tx y\nc\tz\n");
    assert_int_equal(checksum_of("text,label\r\nx y,a|b\r\n\r\nz,c\r\n"), checksum);
    assert_int_equal(checksum_of("{\"text\":\"x y\",\"labels\":[\"a\",\"b\"]}\n"
                                 "{\"text\":\"z\",\"label\":\"c\",\"weight\":1}\n"),
                     checksum);
    assert_true(checksum_of("c\tz\na|b\tx y\n") != checksum);
    assert_true(checksum_of("ab\tx y\nc\tz\n") != checksum);
    assert_true(checksum_of("a|b\tx y \nc\tz\n") != checksum);
    assert_true(checksum_of("{\"text\":\"x y\",\"labels\":[\"a\",\"b\"]}\n"
                            "{\"text\":\"z\",\"label\":\"c\",\"weight\":2}\n") != checksum);
}

/* A stored model names the checksum of its data: the value may never change. */
static void test_checksum_is_fixed(void **state) {
    (void)state;
    assert_int_equal(checksum_of("a\tx\n"), 0x68ae7627u);
}

static void test_bad_lines_are_counted_and_the_first_kept(void **state) {
    (void)state;
    hw_dataset *dataset = load("__label__a x\nnone\n__label__ y\n\n__label__b z\n");
    assert_int_equal(dataset->count, 2);
    assert_int_equal(dataset->bad_lines, 2);
    assert_memory_equal(dataset->first_bad, path, strlen(path));
    assert_string_equal(dataset->first_bad + strlen(path),
                        ":2: no label (lines start with \"__label__\"; see --label)");
    hw_dataset_free(dataset);
}

static void test_records_without_label_are_bad_lines(void **state) {
    (void)state;
    hw_dataset *dataset = load("{\"text\":\"x\"}\n{\"text\":\"y\",\"label\":\"a\"}\n");
    assert_int_equal(dataset->count, 1);
    assert_int_equal(dataset->bad_lines, 1);
    assert_string_equal(dataset->first_bad + strlen(path), ":1: no label; see --label-column");
    hw_dataset_free(dataset);
}

static void test_files_without_labels_are_refused(void **state) {
    (void)state;
    hw_error err;
    assert_string_equal(refusal_of("", &err), ": no labelled text in it");
    assert_int_equal(err.status, HW_ERROR_FORMAT);
    assert_string_equal(refusal_of("\n\n", &err), ": no labelled text in it");
    assert_string_equal(refusal_of("text,label\n", &err), ": no labelled text in it");
    assert_non_null(
        strstr(refusal_of("\njust a text\n", &err), ":2: no label; known formats are "));
    assert_int_equal(err.status, HW_ERROR_FORMAT);
    assert_string_equal(refusal_of("\tx\n\ty\n", &err), ":1: empty label (so with all 2 records)");
    assert_int_equal(err.status, HW_ERROR_FORMAT);
}

static void test_missing_file_is_named(void **state) {
    (void)state;
    hw_error err;
    assert_null(hw_dataset_load("/nonexistent/x.tsv", NULL, &err));
    assert_int_equal(err.status, HW_ERROR_IO);
    assert_string_equal(err.message, "/nonexistent/x.tsv: No such file or directory");
}

/* 65,536 labels are allowed, one more is not. */
static void test_label_limit_holds(void **state) {
    (void)state;
    for (int labels = HW_LABEL_LIMIT; labels <= HW_LABEL_LIMIT + 1; ++labels) {
        FILE *file = fopen(path, "wb");
        assert_non_null(file);
        for (int i = 0; i < labels; ++i) fprintf(file, "%s%d", i ? "|" : "", i);
        fprintf(file, "\tx\n");
        assert_int_equal(fclose(file), 0);
        hw_error err;
        hw_dataset *dataset = hw_dataset_load(path, NULL, &err);
        if (labels <= HW_LABEL_LIMIT) {
            assert_non_null(dataset);
            assert_int_equal(dataset->label_count, HW_LABEL_LIMIT);
            assert_int_equal(hw_dataset_find_label(dataset, hw_text_of("65535")), 65535);
        } else {
            assert_null(dataset);
            assert_non_null(strstr(err.message, ": more than 65536 different labels"));
        }
        hw_dataset_free(dataset);
    }
}

static void test_texts_of_all_sizes_are_kept(void **state) {
    (void)state;
    static const size_t lengths[] = { 1, 3 << 20, 1 << 20, (1 << 20) + 1, 0, 100 };
    enum { COUNT = sizeof lengths / sizeof *lengths };
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    for (size_t i = 0; i < COUNT; ++i) {
        fprintf(file, "a\t");
        for (size_t j = 0; j < lengths[i]; ++j) fputc('0' + (int)i, file);
        fputc('\n', file);
    }
    assert_int_equal(fclose(file), 0);
    hw_dataset *dataset = hw_dataset_load(path, NULL, NULL);
    assert_non_null(dataset);
    for (size_t i = 0; i < COUNT; ++i) {
        const hw_text text = dataset->examples[i].text;
        assert_int_equal(text.length, lengths[i]);
        for (size_t j = 0; j < text.length; ++j) assert_int_equal(text.bytes[j], '0' + (int)i);
    }
    hw_dataset_free(dataset);
}

static void fail_in_turn(hw_fault kind, hw_status expected, bool persistent) {
    uint64_t at = 1;
    for (;; ++at) {
        hw_error err = { .status = HW_OK };
        hw_fault_arm(kind, at, persistent);
        hw_dataset *dataset = hw_dataset_load(path, NULL, &err);
        hw_fault_arm(kind, 0, false);
        if (dataset) {
            assert_int_equal(dataset->count, 40);
            assert_int_equal(dataset->bad_lines, 0);
            hw_dataset_free(dataset);
            break;
        }
        assert_int_equal(err.status, expected);
        assert_true(err.message[0] != '\0');
    }
    assert_true(at > (kind == HW_FAULT_MEMORY ? 20 : 2));
}

static void test_every_failing_call_is_reported(void **state) {
    (void)state;
    static const char *const rows[][2] = { { "a", "|b\ttext\n" },
                                           { "__label__a", " x __label__b y\n" },
                                           { "{\"text\":\"x\",\"labels\":[", ",\"b\"]}\n" } };
    for (size_t format = 0; format < sizeof rows / sizeof *rows; ++format) {
        FILE *file = fopen(path, "wb");
        assert_non_null(file);
        for (int i = 0; i < 40; ++i) fprintf(file, "%s%d%s", rows[format][0], i, rows[format][1]);
        assert_int_equal(fclose(file), 0);
        fail_in_turn(HW_FAULT_MEMORY, HW_ERROR_MEMORY, false);
        fail_in_turn(HW_FAULT_MEMORY, HW_ERROR_MEMORY, true);
        fail_in_turn(HW_FAULT_IO, HW_ERROR_IO, true);
    }
}

/* ---- Public data ------------------------------------------------------------------- */

typedef struct known_set {
    const char *name;
    size_t examples, labels;
    bool multi_label;
} known_set;

static void test_public_data_is_read_whole(void **state) {
    (void)state;
    static const known_set sets[] = { { "trec6/train.tsv", 5452, 6, false },
                                      { "agnews/train.tsv.gz", 4999, 4, false },
                                      { "reuters90/train.tsv.gz", 7770, 90, true },
                                      { "smp2020/train.tsv", 4011, 91, false },
                                      { "online_shopping/test.tsv.gz", 6277, 12, true } };
    const char *folder = getenv("HEADWISE_DATA");
    if (!folder) folder = "../shared/data";
    if (!hw_file_exists(folder)) skip();
    for (size_t i = 0; i < sizeof sets / sizeof *sets; ++i) {
        char file[1024];
        snprintf(file, sizeof file, "%s/%s", folder, sets[i].name);
        hw_dataset *dataset = hw_dataset_load(file, NULL, NULL);
        assert_non_null(dataset);
        assert_int_equal(dataset->count, sets[i].examples);
        assert_int_equal(dataset->label_count, sets[i].labels);
        assert_int_equal(dataset->multi_label, sets[i].multi_label);
        assert_int_equal(dataset->bad_lines, 0);
        hw_dataset_free(dataset);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_labels_are_numbered_by_first_appearance),
        cmocka_unit_test(test_texts_are_kept_as_they_are),
        cmocka_unit_test(test_a_label_named_twice_is_not_multi_label),
        cmocka_unit_test(test_weights_are_read),
        cmocka_unit_test(test_checksum_is_of_the_content_alone),
        cmocka_unit_test(test_checksum_is_fixed),
        cmocka_unit_test(test_bad_lines_are_counted_and_the_first_kept),
        cmocka_unit_test(test_records_without_label_are_bad_lines),
        cmocka_unit_test(test_files_without_labels_are_refused),
        cmocka_unit_test(test_missing_file_is_named),
        cmocka_unit_test(test_label_limit_holds),
        cmocka_unit_test(test_texts_of_all_sizes_are_kept),
        cmocka_unit_test(test_every_failing_call_is_reported),
        cmocka_unit_test(test_public_data_is_read_whole),
    };
    return cmocka_run_group_tests(tests, make_file, remove_file);
}
