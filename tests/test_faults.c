/* Every allocation and every I/O call of training, loading, predicting and saving fails in
 * turn, once and from then on: each time there is the right status and a message, nothing leaks
 * (under the address sanitizer), and the model file is the old one or the new one. */
#include "base/fault.h"
#include "base/memory.h"
#include "toy_data.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

enum { EVERY_ONE_UP_TO = 300, THEN_EVERY = 7 };

/* What is done with a fault armed; err has been cleared. */
typedef hw_status scenario(void *context, hw_error *err);

/* Called after each failure, with no fault armed. */
typedef void check(void *context);

static void nothing(void *context) {
    (void)context;
}

static uint64_t calls_of(hw_fault kind, scenario *work, void *context) {
    hw_error err = { 0 };
    hw_fault_arm(kind, 0, false);
    if (work(context, &err) != HW_OK) fail_msg("without a fault: %s", err.message);
    return hw_fault_calls(kind);
}

/* least: calls that there are at least, so that a sweep cannot become empty unseen. Closing
 * what was only read may fail without consequences; that is less than half of the I/O. */
static void sweep(hw_fault kind, hw_status expected, scenario *work, check *afterwards,
                  void *context, uint64_t least) {
    assert_true(calls_of(kind, work, context) >= least);
    for (int persistent = 0; persistent < 2; persistent++) {
        uint64_t tried = 0, harmless = 0;
        for (uint64_t at = 1;; at += at < EVERY_ONE_UP_TO ? 1 : THEN_EVERY) {
            hw_error err = { 0 };
            hw_fault_arm(kind, at, persistent);
            const hw_status status = work(context, &err);
            const uint64_t calls = hw_fault_calls(kind);
            hw_fault_arm(kind, 0, false);
            if (calls < at) {
                assert_int_equal(status, HW_OK);
                break;
            }
            tried++;
            if (kind == HW_FAULT_IO && status == HW_OK)
                harmless++;
            else if (status != expected || err.status != expected || !*err.message)
                fail_msg("call %d of %d (%s): status %d, error %d: \"%s\"", (int)at, (int)calls,
                         persistent ? "persistent" : "once", status, err.status, err.message);
            afterwards(context);
        }
        assert_true(harmless <= tried / 2);
    }
}

/* ---- Training ------------------------------------------------------------------------- */

static hw_status train(void *context, hw_error *err) {
    hw_classifier *classifier = hw_train(context, err);
    hw_classifier_close(classifier);
    return classifier ? HW_OK : err->status;
}

static void test_allocations_of_training(void **state) {
    (void)state;
    toy_write("single", (toy_shape){ .rows = 24, .labels = 2, .seed = 1 });
    toy_write("multi", (toy_shape){ .rows = 24, .labels = 3, .multi_label = true, .seed = 1 });
    for (int i = 0; i < 3; i++) {
        hw_train_options options = toy_options(i ? "multi" : "single");
        options.valid = i == 2 ? "multi" : NULL;
        options.class_weight = i ? "balanced" : NULL;
        options.threads = i + 1;
        options.layers = i + 1;
        sweep(HW_FAULT_MEMORY, HW_ERROR_MEMORY, train, nothing, &options, 100);
    }
}

static void test_io_of_training(void **state) {
    (void)state;
    toy_write("train", (toy_shape){ .rows = 24, .labels = 2, .seed = 2 });
    toy_write("valid", (toy_shape){ .rows = 9, .labels = 2, .seed = 3 });
    toy_write_text("weights.json", "{\"a\": 2}");
    hw_train_options options = toy_options("train");
    options.valid = "valid";
    options.class_weight = "weights.json";
    sweep(HW_FAULT_IO, HW_ERROR_IO, train, nothing, &options, 5);
}

/* Resumed from the same checkpoint each time, and going on to write it anew. */
static hw_status resume(void *context, hw_error *err) {
    assert_int_equal(link("kept", "checkpoint") == 0 || access("checkpoint", F_OK) == 0, 1);
    const hw_status status = train(context, err);
    unlink("checkpoint");
    return status;
}

static bool stop_late(void *user, const hw_progress *progress) {
    (void)user;
    return strncmp(progress->stage, "towers", 6) != 0;
}

static hw_train_options options_to_resume(void) {
    toy_write("train", (toy_shape){ .rows = 24, .labels = 2, .seed = 4 });
    hw_train_options options = toy_options("train");
    options.arch = HW_ARCH_ATTENTION; /* so that both phases train towers */
    options.epochs = 2;
    options.checkpoint = "kept";
    options.save_steps = 1;
    options.resume = true;
    options.progress = stop_late;
    hw_error err;
    hw_classifier_close(hw_train(&options, &err));
    assert_int_equal(access("kept", R_OK), 0);
    options.checkpoint = "checkpoint";
    options.progress = NULL;
    return options;
}

static void test_allocations_of_resuming(void **state) {
    (void)state;
    hw_train_options options = options_to_resume();
    sweep(HW_FAULT_MEMORY, HW_ERROR_MEMORY, resume, nothing, &options, 100);
    unlink("kept");
}

static void test_io_of_resuming(void **state) {
    (void)state;
    hw_train_options options = options_to_resume();
    sweep(HW_FAULT_IO, HW_ERROR_IO, resume, nothing, &options, 10);
    unlink("kept");
}

/* ---- Using a model --------------------------------------------------------------------- */

static void make_model(const char *path, bool multi_label, uint64_t seed) {
    toy_write("train",
              (toy_shape){ .rows = 40, .labels = 3, .multi_label = multi_label, .seed = 5 });
    hw_train_options options = toy_options("train");
    options.seed = seed;
    hw_classifier *classifier = toy_train(&options);
    hw_error err;
    assert_int_equal(hw_classifier_save(classifier, path, &err), HW_OK);
    hw_classifier_close(classifier);
}

static hw_status classify(hw_session *session, hw_error *err) {
    const hw_text texts[] = { hw_text_of("the1 owna1 ownb2 and the2"), hw_text_of(""),
                              hw_text_of("\xff ownc1") };
    float probabilities[3 * 3];
    return hw_classify(session, texts, 3, probabilities, err);
}

static hw_status open_and_predict(void *context, hw_error *err) {
    hw_classifier *classifier = hw_classifier_open(context, err);
    if (!classifier) return err->status;
    hw_session *session = hw_session_new(classifier, NULL, err);
    const hw_status status = session ? classify(session, err) : err->status;
    hw_session_free(session);
    hw_classifier_close(classifier);
    return status;
}

static void test_faults_of_loading_and_predicting(void **state) {
    (void)state;
    make_model("single", false, 1);
    make_model("multi", true, 1);
    sweep(HW_FAULT_MEMORY, HW_ERROR_MEMORY, open_and_predict, nothing, "single", 20);
    sweep(HW_FAULT_MEMORY, HW_ERROR_MEMORY, open_and_predict, nothing, "multi", 20);
}

static hw_status only_open(void *context, hw_error *err) {
    hw_classifier *classifier = hw_classifier_open(context, err);
    hw_classifier_close(classifier);
    return classifier ? HW_OK : err->status;
}

/* open, fstat and mmap; closing what was only read cannot lose anything. */
static void test_io_of_loading(void **state) {
    (void)state;
    make_model("model", false, 1);
    for (uint64_t at = 1; at <= 3; at++) {
        hw_error err = { 0 };
        hw_fault_arm(HW_FAULT_IO, at, false);
        assert_int_equal(only_open("model", &err), HW_ERROR_IO);
        hw_fault_arm(HW_FAULT_IO, 0, false);
        assert_non_null(strstr(err.message, "model"));
    }
}

/* A session whose call failed can be used again, with the same result. */
static void test_a_session_survives_failures(void **state) {
    (void)state;
    make_model("model", false, 1);
    hw_error err = { 0 };
    hw_classifier *classifier = hw_classifier_open("model", &err);
    hw_session *fresh = hw_session_new(classifier, NULL, &err),
               *used = hw_session_new(classifier, NULL, &err);
    const hw_text text = hw_text_of("the1 owna1 ownb2 and the2");
    float expected[3], probabilities[3];
    hw_status status = HW_ERROR_MEMORY;
    for (uint64_t at = 1; status != HW_OK; at++) {
        hw_fault_arm(HW_FAULT_MEMORY, at, true);
        status = hw_classify(used, &text, 1, probabilities, &err);
        hw_fault_arm(HW_FAULT_MEMORY, 0, false);
        assert_true(status == HW_OK || status == HW_ERROR_MEMORY);
    }
    assert_int_equal(hw_classify(fresh, &text, 1, expected, &err), HW_OK);
    assert_memory_equal(expected, probabilities, sizeof expected);
    hw_session_free(fresh);
    hw_session_free(used);
    hw_classifier_close(classifier);
}

static hw_status evaluate(void *context, hw_error *err) {
    hw_metrics *metrics = hw_evaluate(context, "train", &(hw_reader_options){ 0 }, NULL, 2, err);
    hw_metrics_free(metrics);
    return metrics ? HW_OK : err->status;
}

static hw_status adapt(void *context, hw_error *err) {
    hw_classifier *small = hw_classifier_quantize(context, HW_QUANTIZED_INT8, err);
    if (!small) return err->status;
    hw_classifier *calibrated =
        hw_classifier_calibrate(small, "train", &(hw_reader_options){ 0 }, err);
    hw_classifier_close(small);
    hw_classifier_close(calibrated);
    return calibrated ? HW_OK : err->status;
}

/* With another model, so that there are flips to be stored. */
static hw_status compare(void *context, hw_error *err) {
    hw_classifier *other = hw_classifier_open("other", err);
    if (!other) return err->status;
    hw_comparison *comparison = hw_compare(context, other, "train", NULL, NULL, 2, err);
    hw_comparison_free(comparison);
    hw_classifier_close(other);
    return comparison ? HW_OK : err->status;
}

static void test_allocations_of_evaluating_and_adapting(void **state) {
    (void)state;
    for (int multi_label = 0; multi_label < 2; multi_label++) {
        make_model("other", multi_label, 2);
        make_model("model", multi_label, 1);
        hw_error err;
        hw_classifier *classifier = hw_classifier_open("model", &err);
        assert_non_null(classifier);
        sweep(HW_FAULT_MEMORY, HW_ERROR_MEMORY, compare, nothing, classifier, 20);
        sweep(HW_FAULT_MEMORY, HW_ERROR_MEMORY, evaluate, nothing, classifier, 20);
        sweep(HW_FAULT_MEMORY, HW_ERROR_MEMORY, adapt, nothing, classifier, 20);
        hw_classifier_close(classifier);
    }
}

/* ---- Saving -------------------------------------------------------------------------------- */

typedef struct saving {
    hw_train_options options;
    unsigned char *old, *new;
    size_t old_size, new_size;
} saving;

static hw_status train_and_save(void *context, hw_error *err) {
    const saving *s = context;
    hw_classifier *classifier = hw_train(&s->options, err);
    if (!classifier) return err->status;
    const hw_status status = hw_classifier_save(classifier, "model", err);
    hw_classifier_close(classifier);
    return status;
}

static bool is_file(const char *path, const unsigned char *bytes, size_t size) {
    size_t found;
    unsigned char *now = toy_read(path, &found);
    const bool same = found == size && memcmp(now, bytes, size) == 0;
    hw_free(now);
    return same;
}

static int temporary_files(void) {
    int count = 0;
    DIR *folder = opendir(".");
    assert_non_null(folder);
    for (struct dirent *entry; (entry = readdir(folder));)
        count += strstr(entry->d_name, ".tmp-") != NULL;
    closedir(folder);
    return count;
}

static void put_old_model(const saving *s) {
    FILE *file = fopen("model", "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(s->old, 1, s->old_size, file), s->old_size);
    fclose(file);
}

static void old_or_new_model(void *context) {
    const saving *s = context;
    assert_true(is_file("model", s->old, s->old_size) || is_file("model", s->new, s->new_size));
    assert_int_equal(temporary_files(), 0);
    hw_error err;
    hw_classifier *classifier = hw_classifier_open("model", &err);
    assert_non_null(classifier);
    hw_classifier_close(classifier);
    put_old_model(s);
}

static void test_faults_of_saving_leave_a_whole_model(void **state) {
    (void)state;
    saving s = { 0 };
    make_model("model", false, 1);
    s.old = toy_read("model", &s.old_size);
    make_model("model", false, 2);
    s.new = toy_read("model", &s.new_size);
    put_old_model(&s);
    s.options = toy_options("train");
    s.options.seed = 2;
    sweep(HW_FAULT_IO, HW_ERROR_IO, train_and_save, old_or_new_model, &s, 10);
    sweep(HW_FAULT_MEMORY, HW_ERROR_MEMORY, train_and_save, old_or_new_model, &s, 100);
    assert_int_equal(train_and_save(&s, NULL), HW_OK);
    assert_true(is_file("model", s.new, s.new_size));
    hw_free(s.old);
    hw_free(s.new);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_allocations_of_training),
        cmocka_unit_test(test_io_of_training),
        cmocka_unit_test(test_allocations_of_resuming),
        cmocka_unit_test(test_io_of_resuming),
        cmocka_unit_test(test_faults_of_loading_and_predicting),
        cmocka_unit_test(test_io_of_loading),
        cmocka_unit_test(test_a_session_survives_failures),
        cmocka_unit_test(test_allocations_of_evaluating_and_adapting),
        cmocka_unit_test(test_faults_of_saving_leave_a_whole_model),
    };
    return cmocka_run_group_tests(tests, toy_enter_folder, toy_leave_folder);
}
