/* hw_cross_validate: rows in input order, each scored by a classifier of the others, which is
 * the one that hw_train makes of them. */
#include "base/fault.h"
#include "toy_data.h"

#include "text/dataset.h"
#include "train/folds.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

enum { FOLDS = 3 };

static hw_error error;

typedef struct validated {
    double scores[FOLDS];
    float *probabilities;
    size_t examples;
    int32_t labels;
} validated;

static validated validate(const hw_train_options *options) {
    validated v = { 0 };
    if (hw_cross_validate(options, FOLDS, v.scores, &v.probabilities, &v.examples, &v.labels,
                          &error) != HW_OK)
        fail_msg("%s", error.message);
    return v;
}

static void assert_refused(const hw_train_options *options, int32_t folds, hw_status status,
                           const char *why) {
    double scores[FOLDS];
    float *probabilities;
    size_t examples;
    int32_t labels;
    assert_int_equal(
        hw_cross_validate(options, folds, scores, &probabilities, &examples, &labels, &error),
        status);
    assert_null(probabilities);
    if (!strstr(error.message, why)) fail_msg("\"%s\" is not in: %s", why, error.message);
}

static hw_dataset *loaded(const char *path) {
    hw_dataset *dataset = hw_dataset_load(path, &(hw_reader_options){ 0 }, &error);
    assert_non_null(dataset);
    return dataset;
}

static void write_row(FILE *file, const hw_dataset *dataset, size_t row) {
    const hw_example *example = &dataset->examples[row];
    for (uint32_t i = 0; i < example->labels; i++)
        fprintf(file, "%s%s", i ? "|" : "",
                dataset->label_names[dataset->label_index[example->first_label + i]]);
    fprintf(file, "\t%.*s\n", (int)example->text.length, example->text.bytes);
}

/* Sorts a file by label, texts of several labels last: then labels have the same numbers in
 * every part, which the solvers' random numbers depend on. */
static void sort_rows(const char *path) {
    hw_dataset *dataset = loaded(path);
    FILE *file = fopen(path, "w");
    for (size_t label = 0; label <= dataset->label_count; label++)
        for (size_t row = 0; row < dataset->count; row++) {
            const hw_example *example = &dataset->examples[row];
            const size_t place = example->labels > 1 ? dataset->label_count
                                                     : dataset->label_index[example->first_label];
            if (place == label) write_row(file, dataset, row);
        }
    fclose(file);
    hw_dataset_free(dataset);
}

/* Trains on a file of the rows outside a fold, and compares its rows. */
static void compare_fold(const hw_train_options *options, const validated *v,
                         const hw_dataset *dataset, const uint32_t *fold, uint32_t which) {
    FILE *train = fopen("others", "w"), *test = fopen("fold", "w");
    for (size_t row = 0; row < dataset->count; row++)
        write_row(fold[row] == which ? test : train, dataset, row);
    fclose(train);
    fclose(test);
    hw_train_options others = *options;
    others.input = "others";
    hw_classifier *classifier = toy_train(&others);
    hw_session *session = hw_session_new(classifier, NULL, &error);
    float own[26];
    for (size_t row = 0; row < dataset->count; row++) {
        if (fold[row] != which) continue;
        hw_classify(session, &dataset->examples[row].text, 1, own, &error);
        for (int32_t i = 0; i < v->labels; i++) {
            const hw_text name = hw_text_of(dataset->label_names[i]);
            const int32_t column = hw_classifier_find_label(classifier, name);
            const float p = v->probabilities[row * (size_t)v->labels + (size_t)i];
            assert_true(column < 0 ? p == 0 : p == own[column]);
        }
    }
    hw_metrics *metrics = hw_evaluate(classifier, "fold", &options->reader, NULL, 1, &error);
    assert_non_null(metrics);
    const bool multi_label = hw_classifier_summary(classifier)->multi_label;
    assert_true(v->scores[which] == (multi_label ? metrics->micro_f1 : metrics->accuracy));
    hw_metrics_free(metrics);
    hw_session_free(session);
    hw_classifier_close(classifier);
}

static void compare_with_single_trainings(const hw_train_options *options) {
    sort_rows(options->input);
    const validated v = validate(options);
    hw_dataset *dataset = loaded(options->input);
    assert_int_equal(v.examples, dataset->count);
    assert_int_equal(v.labels, dataset->label_count);
    uint32_t *fold = calloc(dataset->count, sizeof *fold);
    assert_int_equal(hw_folds_deal(fold, dataset, FOLDS, options->seed, &error), HW_OK);
    for (uint32_t which = 0; which < FOLDS; which++)
        compare_fold(options, &v, dataset, fold, which);
    free(fold);
    hw_dataset_free(dataset);
    hw_buffer_free(v.probabilities);
}

static void test_folds_are_trainings_on_the_other_rows(void **state) {
    (void)state;
    toy_write("train", (toy_shape){ .rows = 100, .labels = 3, .seed = 1 });
    hw_train_options options = toy_options("train");
    options.seed = 5;
    compare_with_single_trainings(&options);
    options.class_weight = "balanced";
    options.arch = HW_ARCH_BAG;
    compare_with_single_trainings(&options);
}

static void test_multi_label_folds_are_trainings_on_the_other_rows(void **state) {
    (void)state;
    toy_write("multi", (toy_shape){ .rows = 100, .labels = 4, .multi_label = true, .seed = 2 });
    const hw_train_options options = toy_options("multi");
    compare_with_single_trainings(&options);
}

static void test_a_label_of_one_text_is_never_predicted(void **state) {
    (void)state;
    toy_write_text("train", "a\tone\nb\ttwo\nonly\tthree\na\tone\nb\ttwo\na\tone\nb\ttwo\n");
    hw_train_options options = toy_options("train");
    options.arch = HW_ARCH_BAG;
    options.min_count = 1;
    compare_with_single_trainings(&options);
    const validated v = validate(&options);
    assert_int_equal(v.labels, 3);
    assert_true(v.probabilities[6 * 3 + 2] == 0);
    hw_buffer_free(v.probabilities);
}

static void test_validation_data_serve_every_fold(void **state) {
    (void)state;
    toy_write("train", (toy_shape){ .rows = 60, .labels = 3, .seed = 3 });
    toy_write("valid", (toy_shape){ .rows = 30, .labels = 3, .seed = 4 });
    hw_train_options options = toy_options("train");
    options.valid = "valid";
    compare_with_single_trainings(&options);
}

static void test_rare_labels_have_no_column_and_count_as_wrong(void **state) {
    (void)state;
    toy_write_text("train", "a\tone\nb\ttwo\na\tone\nrare\tthree\nb\ttwo\na\tone\nb\ttwo\n"
                            "a\tone\nb\ttwo\n");
    hw_train_options options = toy_options("train");
    options.arch = HW_ARCH_BAG;
    options.min_count = 1;
    options.min_count_label = 4; /* in the whole; each fold's others have fewer */
    const validated v = validate(&options);
    assert_int_equal(v.examples, 9);
    assert_int_equal(v.labels, 2);
    double sum = 0;
    for (int i = 0; i < FOLDS; i++) sum += v.scores[i];
    assert_true(fabs(sum - (FOLDS - 1.0 / 3)) < 1e-12);
    hw_buffer_free(v.probabilities);
}

static void test_results_do_not_depend_on_threads_or_checkpoints(void **state) {
    (void)state;
    toy_write("train", (toy_shape){ .rows = 90, .labels = 3, .seed = 5 });
    hw_train_options options = toy_options("train");
    options.towers = 2;
    const validated one = validate(&options);
    options.threads = 3;
    options.checkpoint = "checkpoint";
    options.resume = true;
    options.save_steps = 1;
    const validated three = validate(&options);
    assert_int_not_equal(access("checkpoint", F_OK), 0);
    assert_memory_equal(one.scores, three.scores, sizeof one.scores);
    assert_memory_equal(one.probabilities, three.probabilities,
                        one.examples * (size_t)one.labels * sizeof(float));
    hw_buffer_free(one.probabilities);
    hw_buffer_free(three.probabilities);
}

static void test_probabilities_can_be_left_out(void **state) {
    (void)state;
    toy_write("train", (toy_shape){ .rows = 30, .labels = 2, .seed = 6 });
    const hw_train_options options = toy_options("train");
    double scores[FOLDS];
    assert_int_equal(hw_cross_validate(&options, FOLDS, scores, NULL, NULL, NULL, NULL), HW_OK);
    const validated v = validate(&options);
    assert_memory_equal(scores, v.scores, sizeof scores);
    hw_buffer_free(v.probabilities);
}

static void test_wrong_folds_and_data_are_refused(void **state) {
    (void)state;
    toy_write_text("train", "a\tone\nb\ttwo\n");
    toy_write_text("same", "a\tone\na\ttwo\na\tthree\n");
    hw_train_options options = toy_options("train");
    assert_refused(&options, 1, HW_ERROR_ARGUMENT, "2");
    assert_refused(&options, -5, HW_ERROR_ARGUMENT, "2");
    assert_refused(&options, 3, HW_ERROR_ARGUMENT, "2 texts");
    assert_refused(&options, 2, HW_ERROR_FORMAT, "only one label");
    options.input = "same";
    assert_refused(&options, 3, HW_ERROR_FORMAT, "only one label");
    options.min_count_label = 9;
    assert_refused(&options, 3, HW_ERROR_FORMAT, "no label is left");
    options.input = "not-there";
    assert_refused(&options, 3, HW_ERROR_IO, "not-there");
}

typedef struct watcher {
    int calls, stop_at, folds;
    double overall;
} watcher;

static bool watch(void *user, const hw_progress *progress) {
    watcher *w = user;
    assert_true(progress->overall >= w->overall && progress->overall <= 1);
    w->overall = progress->overall;
    w->folds += strcmp(progress->stage, "fold") == 0;
    return ++w->calls != w->stop_at;
}

static void test_progress_covers_all_folds(void **state) {
    (void)state;
    toy_write("train", (toy_shape){ .rows = 60, .labels = 2, .seed = 7 });
    watcher w = { 0 };
    hw_train_options options = toy_options("train");
    options.progress = watch;
    options.user = &w;
    const validated v = validate(&options);
    hw_buffer_free(v.probabilities);
    assert_int_equal(w.folds, FOLDS);
    assert_true(w.overall == 1);
    for (int at = 1, calls = w.calls; at <= calls; at++) {
        w = (watcher){ .stop_at = at };
        assert_refused(&options, FOLDS, HW_ERROR_STOPPED, "stopped");
        assert_int_equal(w.calls, at);
    }
}

static void test_failing_allocations_are_reported(void **state) {
    (void)state;
    toy_write("train", (toy_shape){ .rows = 24, .labels = 2, .seed = 8 });
    hw_train_options options = toy_options("train");
    options.arch = HW_ARCH_BAG;
    bool failed = true;
    for (uint64_t at = 1; failed; at += 1 + at / 100) {
        double scores[FOLDS];
        float *probabilities;
        size_t examples;
        int32_t labels;
        hw_fault_arm(HW_FAULT_MEMORY, at, false);
        const hw_status status =
            hw_cross_validate(&options, FOLDS, scores, &probabilities, &examples, &labels, &error);
        failed = hw_fault_calls(HW_FAULT_MEMORY) >= at;
        hw_fault_arm(HW_FAULT_MEMORY, 0, false);
        assert_int_equal(status, failed ? HW_ERROR_MEMORY : HW_OK);
        hw_buffer_free(probabilities);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_folds_are_trainings_on_the_other_rows),
        cmocka_unit_test(test_multi_label_folds_are_trainings_on_the_other_rows),
        cmocka_unit_test(test_a_label_of_one_text_is_never_predicted),
        cmocka_unit_test(test_validation_data_serve_every_fold),
        cmocka_unit_test(test_rare_labels_have_no_column_and_count_as_wrong),
        cmocka_unit_test(test_results_do_not_depend_on_threads_or_checkpoints),
        cmocka_unit_test(test_probabilities_can_be_left_out),
        cmocka_unit_test(test_wrong_folds_and_data_are_refused),
        cmocka_unit_test(test_progress_covers_all_folds),
        cmocka_unit_test(test_failing_allocations_are_reported),
    };
    return cmocka_run_group_tests(tests, toy_enter_folder, toy_leave_folder);
}
