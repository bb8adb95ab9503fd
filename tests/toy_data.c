/* Toy data: a text has some words that every label shares and some of its own labels. */
#include "toy_data.h"

#include "base/checksum.h"
#include "base/memory.h"
#include "base/random.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

enum { COMMON_WORDS = 12, OWN_WORDS = 4 };

static char folder[64];
static char *home;

int toy_enter_folder(void **state) {
    (void)state;
    home = getcwd(NULL, 0);
    /* In memory if possible: the tests sync many files. */
    const char *parent = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
    snprintf(folder, sizeof folder, "%s/headwise-toy-XXXXXX", parent);
    return home && mkdtemp(folder) && chdir(folder) == 0 ? 0 : -1;
}

int toy_leave_folder(void **state) {
    (void)state;
    char command[80];
    snprintf(command, sizeof command, "rm -rf %s", folder);
    const int left = chdir(home);
    free(home);
    return left == 0 && system(command) == 0 ? 0 : -1;
}

static bool carries(toy_shape shape, uint64_t row, int32_t label) {
    const int32_t labels = shape.labels;
    if ((int32_t)(row % (uint64_t)labels) == label) return true;
    return shape.multi_label && hw_random_below(shape.seed, 1, row, 2) == 0 &&
           (int32_t)((row / 3) % (uint64_t)labels) == label;
}

void toy_write(const char *path, toy_shape shape) {
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    for (uint64_t row = 0; row < (uint64_t)shape.rows; row++) {
        const char *separator = "";
        for (int32_t label = 0; label < shape.labels; label++) {
            if (!carries(shape, row, label)) continue;
            fprintf(file, "%s%c", separator, 'a' + label);
            separator = "|";
        }
        fputc('\t', file);
        for (uint64_t i = 0; i < 4; i++)
            fprintf(file, "the%d ", (int)hw_random_below(shape.seed, 2 + i, row, COMMON_WORDS));
        const uint64_t seen = shape.noise ? hw_random_bits(shape.seed, 9, row) : row;
        for (int32_t label = 0; label < shape.labels; label++)
            if (carries(shape, seen, label))
                fprintf(file, "own%c%d ", 'a' + label,
                        (int)hw_random_below(shape.seed, 16, row, OWN_WORDS));
        fputc('\n', file);
    }
    assert_int_equal(fclose(file), 0);
}

void toy_write_text(const char *path, const char *text) {
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

hw_train_options toy_options(const char *input) {
    return (hw_train_options){ .input = input,
                               .width = 16,
                               .heads = 2,
                               .towers = 1,
                               .epochs = 1,
                               .batch = 8,
                               .word_ngrams = 1,
                               .char_min = -1,
                               .threads = 1 };
}

hw_classifier *toy_train(const hw_train_options *options) {
    hw_error err = { 0 };
    hw_classifier *classifier = hw_train(options, &err);
    if (!classifier) fail_msg("%s", err.message);
    return classifier;
}

static hw_metrics *metrics_without(const hw_classifier *classifier, const char *path,
                                   const hw_head_id *heads, size_t count) {
    const hw_session_options options = { .masked_heads = heads, .masked_head_count = count };
    hw_error err;
    hw_metrics *metrics =
        hw_evaluate(classifier, path, &(hw_reader_options){ 0 }, &options, 1, &err);
    if (!metrics) fail_msg("%s", err.message);
    return metrics;
}

double toy_score_without(const hw_classifier *classifier, const char *path, const hw_head_id *heads,
                         size_t count) {
    hw_metrics *metrics = metrics_without(classifier, path, heads, count);
    const bool multi_label = hw_classifier_summary(classifier)->multi_label;
    const double score = multi_label ? metrics->micro_f1 : metrics->accuracy;
    hw_metrics_free(metrics);
    return score;
}

double toy_loss_without(const hw_classifier *classifier, const char *path, const hw_head_id *heads,
                        size_t count) {
    hw_metrics *metrics = metrics_without(classifier, path, heads, count);
    const double loss = metrics->log_loss;
    hw_metrics_free(metrics);
    return loss;
}

unsigned char *toy_read(const char *path, size_t *size) {
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    fseek(file, 0, SEEK_END);
    *size = (size_t)ftell(file);
    rewind(file);
    unsigned char *bytes = hw_malloc(*size);
    assert_non_null(bytes);
    assert_int_equal(fread(bytes, 1, *size, file), *size);
    fclose(file);
    return bytes;
}

uint64_t toy_fingerprint(const hw_classifier *classifier) {
    hw_error err;
    if (hw_classifier_save(classifier, "fingerprint", &err) != HW_OK) fail_msg("%s", err.message);
    size_t size;
    unsigned char *bytes = toy_read("fingerprint", &size);
    const uint32_t crc = hw_crc32c(0, bytes, size);
    hw_free(bytes);
    unlink("fingerprint");
    return (uint64_t)size << 32 | crc;
}

uint64_t toy_train_fingerprint(const hw_train_options *options) {
    hw_classifier *classifier = toy_train(options);
    const uint64_t fingerprint = toy_fingerprint(classifier);
    hw_classifier_close(classifier);
    return fingerprint;
}
