/* A real model, small enough for every damage: each of its bits flipped, the file cut at each
 * length, and bytes put behind it. All of it is refused, with a message. */
#include "base/memory.h"
#include "classify/classifier.h"
#include "toy_data.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { LARGEST = 20000, EXTENSION = 64 };

static unsigned char *bytes; /* with room for EXTENSION more */
static size_t size;

static int train_small_model(void **state) {
    if (toy_enter_folder(state)) return -1;
    toy_write("train", (toy_shape){ .rows = 30, .labels = 2, .seed = 1 });
    hw_train_options options = toy_options("train");
    options.arch = HW_ARCH_ATTENTION; /* so that the tower is in it, whatever it is worth */
    options.head_dim = 4;
    options.min_count = 6;
    hw_classifier *classifier = toy_train(&options);
    hw_error err;
    if (hw_classifier_save(classifier, "model", &err) != HW_OK) return -1;
    hw_classifier_close(classifier);
    unsigned char *file = toy_read("model", &size);
    bytes = hw_calloc(size + EXTENSION, 1);
    if (!bytes) return -1;
    memcpy(bytes, file, size);
    hw_free(file);
    return 0;
}

static int free_model(void **state) {
    hw_free(bytes);
    return toy_leave_folder(state);
}

/* As hw_classifier_open goes about it, without a file. */
static bool opens(size_t length, hw_error *err) {
    hw_bundle *bundle = hw_bundle_parse(bytes, length, true, "model", err);
    hw_classifier *classifier = bundle ? hw_classifier_from_bundle(bundle, "model", err) : NULL;
    hw_classifier_close(classifier);
    return classifier;
}

static void assert_refused(size_t length) {
    hw_error err = { 0 };
    if (opens(length, &err)) fail_msg("opens, of %zu bytes", length);
    assert_true(err.status == HW_ERROR_FORMAT || err.status == HW_ERROR_UNSUPPORTED);
    assert_memory_equal(err.message, "model", 5);
}

static void test_the_whole_model_opens(void **state) {
    (void)state;
    hw_error err = { 0 };
    if (!opens(size, &err)) fail_msg("%s", err.message);
    assert_in_range(size, 1000, LARGEST);
}

static void test_every_flipped_bit_is_refused(void **state) {
    (void)state;
    for (size_t bit = 0; bit < 8 * size; bit++) {
        bytes[bit / 8] ^= (unsigned char)(1 << bit % 8);
        assert_refused(size);
        bytes[bit / 8] ^= (unsigned char)(1 << bit % 8);
    }
}

static void test_every_shorter_file_is_refused(void **state) {
    (void)state;
    for (size_t length = 0; length < size; length++) assert_refused(length);
}

static void test_every_longer_file_is_refused(void **state) {
    (void)state;
    for (size_t more = 1; more <= EXTENSION; more++) assert_refused(size + more);
    memset(bytes + size, ' ', EXTENSION);
    for (size_t more = 1; more <= EXTENSION; more++) assert_refused(size + more);
}

/* The same through files: a sample, since each is written to the disk. */
static void test_damaged_files_are_refused(void **state) {
    (void)state;
    for (size_t at = 0; at < size; at += size / 100) {
        bytes[at] ^= 0x10;
        FILE *file = fopen("damaged", "wb");
        assert_non_null(file);
        fwrite(bytes, 1, at % 2 ? size : at, file);
        fclose(file);
        bytes[at] ^= 0x10;
        hw_error err = { 0 };
        assert_null(hw_classifier_open("damaged", &err));
        assert_true(err.status == HW_ERROR_FORMAT || err.status == HW_ERROR_UNSUPPORTED);
        assert_non_null(strstr(err.message, "damaged"));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_whole_model_opens),
        cmocka_unit_test(test_every_flipped_bit_is_refused),
        cmocka_unit_test(test_every_shorter_file_is_refused),
        cmocka_unit_test(test_every_longer_file_is_refused),
        cmocka_unit_test(test_damaged_files_are_refused),
    };
    return cmocka_run_group_tests(tests, train_small_model, free_model);
}
