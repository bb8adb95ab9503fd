/* tensor/safetensors: what is saved can be opened, and nothing else can: every bit flip,
 * truncation and extension of a file of ours, hostile headers, failing allocations. */
#include "base/checksum.h"
#include "base/fault.h"
#include "base/memory.h"
#include "tensor/safetensors.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

static char path[] = "/tmp/headwise-test-safetensors-XXXXXX";

static const float weights[3] = { 1.5f, -2, 0.25f };
static const uint8_t bytes[5] = { 1, 2, 3, 4, 5 };
static const double scalar = 3.25;

static const hw_tensor saved_tensors[] = {
    { .name = "tower.0.\"weight\"\n\\",
      .dtype = HW_F32,
      .dims = 2,
      .shape = { 3, 1, 1, 1 },
      .data = weights,
      .bytes = sizeof weights },
    { .name = "empty", .dtype = HW_I32, .dims = 1, .shape = { 0, 1, 1, 1 }, .data = weights },
    { .name = "字节",
      .dtype = HW_U8,
      .dims = 1,
      .shape = { 5, 1, 1, 1 },
      .data = bytes,
      .bytes = sizeof bytes },
    { .name = "scalar",
      .dtype = HW_F64,
      .dims = 0,
      .shape = { 1, 1, 1, 1 },
      .data = &scalar,
      .bytes = sizeof scalar },
};
enum { SAVED = sizeof saved_tensors / sizeof saved_tensors[0] };

static const hw_metadata saved_metadata[] = {
    { "config", "{\"width\": 64, \"note\": \"tab\there\"}" },
    { "标签", "正面\n负面\x01" },
};

/* A file's bytes in memory as the parser wants them. */
typedef struct image {
    unsigned char *data;
    size_t size;
} image;

static image image_of_size(size_t size) {
    image made = { hw_malloc(size + 128), size };
    assert_non_null(made.data);
    return made;
}

static image save_and_load(void) {
    assert_int_equal(hw_safetensors_save(path, saved_tensors, SAVED, saved_metadata, 2, NULL),
                     HW_OK);
    hw_mapping mapping;
    assert_int_equal(hw_file_map(&mapping, path, 1 << 20, NULL), HW_OK);
    image loaded = image_of_size(mapping.size);
    memcpy(loaded.data, mapping.data, mapping.size);
    hw_file_unmap(&mapping);
    return loaded;
}

static bool opens(image file, bool strict) {
    hw_error err = { 0 };
    hw_safetensors *opened = hw_safetensors_parse(file.data, file.size, strict, "image", &err);
    if (!opened) assert_int_equal(strncmp(err.message, "image: ", 7), 0);
    hw_safetensors_close(opened);
    return opened != NULL;
}

static int make_path(void **state) {
    (void)state;
    const int fd = mkstemp(path);
    return fd < 0 ? -1 : close(fd);
}

static int remove_path(void **state) {
    (void)state;
    return unlink(path);
}

/* ---- Files of ours ---- */

static void test_saved_file_opens_with_the_same_content(void **state) {
    (void)state;
    image file = save_and_load();
    hw_free(file.data);
    hw_error err = { 0 };
    hw_safetensors *opened = hw_safetensors_open(path, true, &err);
    assert_non_null(opened);
    assert_int_equal(hw_safetensors_bytes(opened), file.size);
    assert_int_equal(hw_safetensors_count(opened), SAVED);
    for (size_t i = 0; i < SAVED; i++) {
        const hw_tensor *expected = &saved_tensors[i];
        const hw_tensor *tensor = hw_safetensors_find(opened, expected->name);
        assert_non_null(tensor);
        assert_int_equal(tensor->dtype, expected->dtype);
        assert_int_equal(tensor->dims, expected->dims);
        assert_memory_equal(tensor->shape, expected->shape, sizeof tensor->shape);
        assert_int_equal(tensor->bytes, expected->bytes);
        if (tensor->bytes > 0) {
            assert_memory_equal(tensor->data, expected->data, tensor->bytes);
            assert_int_equal((uintptr_t)tensor->data % 64, 0);
        }
    }
    for (size_t i = 0; i < 2; i++) {
        const char *value = hw_safetensors_metadata(opened, saved_metadata[i].key);
        assert_string_equal(value, saved_metadata[i].value);
    }
    assert_null(hw_safetensors_metadata(opened, "none"));
    assert_null(hw_safetensors_find(opened, "padding.0"));
    assert_null(hw_safetensors_at(opened, SAVED));
    hw_safetensors_close(opened);
}

static void test_saving_twice_gives_the_same_bytes(void **state) {
    (void)state;
    image first = save_and_load(), second = save_and_load();
    assert_int_equal(first.size, second.size);
    assert_memory_equal(first.data, second.data, first.size);
    hw_free(first.data);
    hw_free(second.data);
}

static void test_file_without_tensors_opens(void **state) {
    (void)state;
    assert_int_equal(hw_safetensors_save(path, NULL, 0, NULL, 0, NULL), HW_OK);
    hw_safetensors *opened = hw_safetensors_open(path, true, NULL);
    assert_non_null(opened);
    assert_int_equal(hw_safetensors_count(opened), 0);
    hw_safetensors_close(opened);
}

static void test_every_flipped_bit_is_refused(void **state) {
    (void)state;
    image file = save_and_load();
    assert_true(opens(file, true));
    for (size_t bit = 0; bit < file.size * 8; bit++) {
        const unsigned char mask = (unsigned char)(1u << (bit % 8));
        file.data[bit / 8] ^= mask;
        if (opens(file, true)) fail_msg("bit %zu of byte %zu", bit % 8, bit / 8);
        opens(file, false); /* must only not crash */
        file.data[bit / 8] ^= mask;
    }
    assert_true(opens(file, true));
    hw_free(file.data);
}

static void test_every_truncation_is_refused(void **state) {
    (void)state;
    image file = save_and_load();
    for (size_t size = 0; size < file.size; size++) {
        image cut = image_of_size(size);
        memcpy(cut.data, file.data, size);
        assert_false(opens(cut, true));
        assert_false(opens(cut, false));
        hw_free(cut.data);
    }
    hw_free(file.data);
}

static void test_every_extension_is_refused(void **state) {
    (void)state;
    image file = save_and_load();
    static const unsigned char fills[] = { 0, ' ', 0xff };
    for (size_t fill = 0; fill < sizeof fills; fill++) {
        image longer = image_of_size(file.size + 64);
        memcpy(longer.data, file.data, file.size);
        memset(longer.data + file.size, fills[fill], 64);
        for (size_t more = 1; more <= 64; more++) {
            longer.size = file.size + more;
            assert_false(opens(longer, true));
            assert_false(opens(longer, false));
        }
        hw_free(longer.data);
    }
    hw_free(file.data);
}

static void test_save_refuses_names_it_could_not_read_again(void **state) {
    (void)state;
    static const struct {
        const char *tensor, *key;
    } cases[] = {
        { "padding.0", "key" },
        { "a", "crc32c:b" },
        { "a", "header_crc32c" },
        { "__metadata__", "key" },
        { "b", "key" },
        { "a", "twice" },
        { "not \xff UTF-8", "key" },
        { "a", "not \xc3 UTF-8" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        hw_tensor tensors[2] = { saved_tensors[0], saved_tensors[0] };
        tensors[0].name = cases[i].tensor;
        tensors[1].name = "b";
        const hw_metadata metadata[2] = { { cases[i].key, "value" }, { "twice", "value" } };
        hw_error err = { 0 };
        assert_int_equal(hw_safetensors_save(path, tensors, 2, metadata, 2, &err),
                         HW_ERROR_ARGUMENT);
        assert_int_equal(strncmp(err.message, path, strlen(path)), 0);
    }
}

static void test_save_refuses_bytes_that_are_not_the_shape(void **state) {
    (void)state;
    hw_tensor tensor = saved_tensors[0];
    tensor.bytes--;
    assert_int_equal(hw_safetensors_save(path, &tensor, 1, NULL, 0, NULL), HW_ERROR_ARGUMENT);
    tensor = saved_tensors[0];
    tensor.shape[1] = SIZE_MAX / 2;
    assert_int_equal(hw_safetensors_save(path, &tensor, 1, NULL, 0, NULL), HW_ERROR_ARGUMENT);
    tensor.dims = 5;
    assert_int_equal(hw_safetensors_save(path, &tensor, 1, NULL, 0, NULL), HW_ERROR_ARGUMENT);
}

/* ---- Files of others ---- */

/* Length, header and zeros, as another program would write them. */
static image image_of_header(const char *header, size_t data_bytes) {
    const uint64_t length = strlen(header);
    image file = image_of_size(8 + (size_t)length + data_bytes);
    memset(file.data, 0, file.size);
    memcpy(file.data, &length, 8);
    memcpy(file.data + 8, header, (size_t)length);
    return file;
}

static void test_plain_file_opens_unless_strict(void **state) {
    (void)state;
    /* In any order; the data starts at byte 8 + 120. */
    image file =
        image_of_header("{\"b\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[4,12]},"
                        "\"a\":{\"dtype\":\"I8\",\"shape\":[2,2],\"data_offsets\":[0,4]}}   ",
                        12);
    assert_int_equal((file.size - 12) % 4, 0);
    assert_false(opens(file, true));
    hw_safetensors *opened = hw_safetensors_parse(file.data, file.size, false, "image", NULL);
    assert_non_null(opened);
    assert_string_equal(hw_safetensors_at(opened, 0)->name, "a");
    assert_string_equal(hw_safetensors_at(opened, 1)->name, "b");
    assert_int_equal(hw_safetensors_find(opened, "b")->shape[0], 2);
    hw_safetensors_close(opened);
    hw_free(file.data);
}

static void test_checksums_of_plain_files_are_checked_if_present(void **state) {
    (void)state;
    char header[256];
    static const char form[] = "{\"a\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[0,4]},"
                               "\"__metadata__\":{\"crc32c:a\":\"%08x\"}}";
    snprintf(header, sizeof header, form, hw_crc32c(0, "\0\0\0", 4));
    image file = image_of_header(header, 4);
    assert_true(opens(file, false));
    file.data[file.size - 1] ^= 1;
    assert_false(opens(file, false));
    hw_free(file.data);
}

#define TENSOR(name, dtype, shape, offsets) \
    "\"" name "\":{\"dtype\":\"" dtype "\",\"shape\":" shape ",\"data_offsets\":" offsets "}"
#define U8_4 TENSOR("a", "U8", "[4]", "[0,4]")

static const struct hostile {
    const char *header;
    size_t data_bytes;
    const char *reason; /* a part of the message */
} hostile_files[] = {
    { "", 0, "no safetensors file" },
    { "", 2, "no safetensors header" },
    { "  {}", 0, "no safetensors header" },
    { "[]", 0, "no safetensors header" },
    { "{}", 1, "1 bytes after the last tensor" },
    { "{", 4, "byte 9" },
    { "{\"a\":1}", 0, "dtype is not a string" },
    { "{\"a\":[]}", 0, "dtype is not a string" },
    { "{} {}", 0, "end of file expected" },
    { "{" U8_4 "," U8_4 "}", 4, "duplicate" },
    { "{\"a\":{\"dtype\":\"U8\",\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[0,4]}}", 4,
      "duplicate" },
    { "{\"a\\u0000\":{}}", 0, "\\u0000" },
    { "{\"\xff\":{}}", 0, "unable to decode" },
    { "{\"a\":[[[1]]]}", 0, "nests too deep" },
    { "{\"a\":{\"b\":{\"c\":{}}}}", 0, "nests too deep" },
    { "{\"__metadata__\":[]}", 0, "not an object" },
    { "{\"__metadata__\":{\"a\":1}}", 0, "metadata a is not a string" },
    { "{" TENSOR("a", "F31", "[1]", "[0,4]") "}", 4, "unknown dtype F31" },
    { "{" TENSOR("a", "U8", "4", "[0,4]") "}", 4, "impossible shape" },
    { "{" TENSOR("a", "U8", "[-4]", "[0,4]") "}", 4, "impossible shape" },
    { "{" TENSOR("a", "U8", "[4.0]", "[0,4]") "}", 4, "impossible shape" },
    { "{" TENSOR("a", "U8", "[\"4\"]", "[0,4]") "}", 4, "impossible shape" },
    { "{" TENSOR("a", "U8", "[1,1,1,1,4]", "[0,4]") "}", 4, "more than 4 dimensions" },
    { "{" TENSOR("a", "U8", "[4294967296,4294967296]", "[0,0]") "}", 4, "impossible shape" },
    { "{" TENSOR("a", "F64", "[2305843009213693952]", "[0,0]") "}", 0, "impossible shape" },
    { "{" TENSOR("a", "F32", "[4611686018427387905]", "[0,4]") "}", 4, "impossible shape" },
    { "{" TENSOR("a", "U8", "[18446744073709551616]", "[0,4]") "}", 4, "too big" },
    { "{" TENSOR("a", "U8", "[5]", "[0,4]") "}", 4, "needs 5" },
    { "{" TENSOR("a", "U8", "[4]", "[0,5]") "}", 4, "not in the file" },
    { "{" TENSOR("a", "U8", "[4]", "[4,0]") "}", 4, "not in the file" },
    { "{" TENSOR("a", "U8", "[4]", "[-4,0]") "}", 4, "not two sizes" },
    { "{" TENSOR("a", "U8", "[4]", "[4]") "}", 4, "not two sizes" },
    { "{" TENSOR("a", "U8", "[4]", "[0,4,4]") "}", 4, "not two sizes" },
    { "{" TENSOR("a", "U8", "[4]", "[9223372036854775803,9223372036854775807]") "}", 4,
      "not in the file" },
    { "{" TENSOR("a", "U8", "[4]", "[1,5]") "}", 5, "a gap or an overlap" },
    { "{" U8_4 "," TENSOR("b", "U8", "[4]", "[2,6]") "}", 6, "a gap or an overlap" },
    { "{" U8_4 "," TENSOR("b", "U8", "[4]", "[5,9]") "}", 9, "a gap or an overlap" },
    { "{" U8_4 "," TENSOR("b", "U8", "[4]", "[0,4]") "}", 4, "a gap or an overlap" },
    { "{" U8_4 "}", 5, "1 bytes after the last tensor" },
    { "{\"a\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[0,4],\"x\":1}}", 4,
      "unknown entries" },
    { "{" TENSOR("ab", "F32", "[1]", "[0,4]") "}", 4, "no multiple of 4" },
};

static void test_hostile_headers_are_refused_with_a_reason(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof hostile_files / sizeof hostile_files[0]; i++) {
        const struct hostile *hostile = &hostile_files[i];
        image file = image_of_header(hostile->header, hostile->data_bytes);
        hw_error err = { 0 };
        hw_safetensors *opened = hw_safetensors_parse(file.data, file.size, false, "image", &err);
        hw_free(file.data);
        if (opened) fail_msg("accepted: %s", hostile->header);
        if (!strstr(err.message, hostile->reason)) {
            fail_msg("%s\n  gives \"%s\"\n  not \"%s\"", hostile->header, err.message,
                     hostile->reason);
        }
    }
}

static void test_impossible_header_lengths_are_refused(void **state) {
    (void)state;
    image file = image_of_header("{" U8_4 "}", 4);
    const uint64_t right = file.size - 12;
    const uint64_t wrong[] = { 0,          1,          right - 1, right + 1,        right + 5,
                               UINT32_MAX, UINT64_MAX, INT64_MAX, (uint64_t)1 << 63 };
    assert_true(opens(file, false));
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        memcpy(file.data, &wrong[i], 8);
        assert_false(opens(file, false));
    }
    hw_free(file.data);
}

/* Fails with a message that holds the reason. */
static void expect_refusal(image file, const char *reason) {
    hw_error err = { 0 };
    assert_null(hw_safetensors_parse(file.data, file.size, false, "image", &err));
    if (!strstr(err.message, reason)) fail_msg("\"%s\", not \"%s\"", err.message, reason);
}

static void test_large_headers_are_refused_before_they_are_parsed(void **state) {
    (void)state;
    const size_t limit = (size_t)64 << 20;
    image file = image_of_size(8 + limit + 1);
    memset(file.data + 8, ' ', limit + 1);
    memcpy(file.data + 8, "{}", 2);
    uint64_t length = limit + 1;
    memcpy(file.data, &length, 8);
    expect_refusal(file, "larger than the limit");

    file.size = 8 + limit;
    length = limit;
    memcpy(file.data, &length, 8);
    assert_true(opens(file, false));
    for (size_t i = 9; i < file.size; i++) file.data[i] = '[';
    expect_refusal(file, "nests too deep");
    memcpy(file.data + 8, "{\"a\":[", 6);
    for (size_t i = 14; i < file.size; i++) file.data[i] = i % 2 ? '1' : ',';
    expect_refusal(file, "more than 131072 values");
    hw_free(file.data);
}

/* As many empty tensors, by hand. */
static image image_of_tensors(int count) {
    char *header = calloc((size_t)count + 1, 64);
    assert_non_null(header);
    char *end = header;
    for (int i = 0; i < count; i++) {
        end += sprintf(end, "%s\"%d\":{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[0,0]}",
                       i > 0 ? "," : "{", i);
    }
    strcpy(end, "}");
    image file = image_of_header(header, 0);
    free(header);
    return file;
}

static void test_number_of_tensors_is_limited(void **state) {
    (void)state;
    enum { LIMIT = 4096 };
    hw_tensor *tensors = calloc(LIMIT + 1, sizeof *tensors);
    char(*names)[8] = calloc(LIMIT + 1, sizeof *names);
    for (int i = 0; i <= LIMIT; i++) {
        snprintf(names[i], sizeof names[i], "%d", i);
        tensors[i] = saved_tensors[2];
        tensors[i].name = names[i];
    }
    hw_error err = { 0 };
    assert_int_equal(hw_safetensors_save(path, tensors, LIMIT + 1, NULL, 0, &err),
                     HW_ERROR_ARGUMENT);
    assert_int_equal(hw_safetensors_save(path, tensors, LIMIT, NULL, 0, &err), HW_OK);
    hw_safetensors *opened = hw_safetensors_open(path, true, &err);
    assert_non_null(opened);
    assert_int_equal(hw_safetensors_count(opened), LIMIT);
    hw_safetensors_close(opened);
    free(tensors);
    free(names);

    image file = image_of_tensors(LIMIT);
    assert_true(opens(file, false));
    hw_free(file.data);
    file = image_of_tensors(LIMIT + 1);
    expect_refusal(file, "more than 4096 tensors");
    hw_free(file.data);
}

/* ---- Failing calls ---- */

/* Only ours: jansson 2.14 itself drops characters of a string when it runs out of memory
 * (its issue 362), so its own allocations are not made to fail. */
static void test_every_failing_allocation_is_reported(void **state) {
    (void)state;
    image file = save_and_load();
    for (int persistent = 0; persistent < 2; persistent++) {
        uint64_t failures = 0;
        for (uint64_t at = 1;; at++, failures++) {
            hw_error err = { 0 };
            hw_fault_arm(HW_FAULT_MEMORY, at, persistent);
            hw_safetensors *opened =
                hw_safetensors_parse(file.data, file.size, true, "image", &err);
            const uint64_t calls = hw_fault_calls(HW_FAULT_MEMORY);
            hw_fault_arm(HW_FAULT_MEMORY, 0, false);
            hw_safetensors_close(opened);
            if (calls < at) break;
            assert_null(opened);
            assert_int_equal(err.status, HW_ERROR_MEMORY);
        }
        assert_true(failures >= 2 + SAVED);

        for (uint64_t at = 1;; at++) {
            hw_error err = { 0 };
            hw_fault_arm(HW_FAULT_MEMORY, at, persistent);
            const hw_status status =
                hw_safetensors_save(path, saved_tensors, SAVED, saved_metadata, 2, &err);
            const uint64_t calls = hw_fault_calls(HW_FAULT_MEMORY);
            hw_fault_arm(HW_FAULT_MEMORY, 0, false);
            if (calls < at) break;
            assert_int_equal(status, HW_ERROR_MEMORY);
            assert_int_equal(err.status, HW_ERROR_MEMORY);
        }
    }
    hw_free(file.data);
}

static void test_every_failing_read_is_reported(void **state) {
    (void)state;
    image file = save_and_load();
    hw_free(file.data);
    for (uint64_t at = 1; at <= 3; at++) {
        hw_error err = { 0 };
        hw_fault_arm(HW_FAULT_IO, at, false);
        assert_null(hw_safetensors_open(path, true, &err));
        hw_fault_arm(HW_FAULT_IO, 0, false);
        assert_int_equal(err.status, HW_ERROR_IO);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_saved_file_opens_with_the_same_content),
        cmocka_unit_test(test_saving_twice_gives_the_same_bytes),
        cmocka_unit_test(test_file_without_tensors_opens),
        cmocka_unit_test(test_every_flipped_bit_is_refused),
        cmocka_unit_test(test_every_truncation_is_refused),
        cmocka_unit_test(test_every_extension_is_refused),
        cmocka_unit_test(test_save_refuses_names_it_could_not_read_again),
        cmocka_unit_test(test_save_refuses_bytes_that_are_not_the_shape),
        cmocka_unit_test(test_plain_file_opens_unless_strict),
        cmocka_unit_test(test_checksums_of_plain_files_are_checked_if_present),
        cmocka_unit_test(test_hostile_headers_are_refused_with_a_reason),
        cmocka_unit_test(test_impossible_header_lengths_are_refused),
        cmocka_unit_test(test_large_headers_are_refused_before_they_are_parsed),
        cmocka_unit_test(test_number_of_tensors_is_limited),
        cmocka_unit_test(test_every_failing_allocation_is_reported),
        cmocka_unit_test(test_every_failing_read_is_reported),
    };
    return cmocka_run_group_tests(tests, make_path, remove_path);
}
