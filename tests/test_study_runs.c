/* Trainings of a study: one is the same however many run beside it and once it was stored, a stored
 * one of something else is not taken, and arms are as large as they say. */
#include "study/runs.h"

#include "base/fault.h"
#include "base/memory.h"
#include "study_case.h"
#include "toy_data.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static hw_error error;

/* ---- Jobs and runs ------------------------------------------------------------------------ */

static hw_parts load_parts(void) {
    hw_parts parts = { 0 };
    const hw_study_options options = { .input = "data" };
    if (hw_parts_load(&parts, &options, &error) != HW_OK) fail_msg("%s", error.message);
    return parts;
}

static hw_job job_of(hw_arm arm, uint64_t seed) {
    return (hw_job){ .arm = arm, .heads = 8, .rate = 1, .dropout = 0.5, .seed = seed };
}

/* The runs of jobs, kept in a folder. */
static hw_runs *do_jobs(const hw_parts *parts, const char *folder, int32_t threads,
                        const hw_job *jobs, size_t count) {
    mkdir(folder, 0777);
    const hw_runs_options options = { .parts = parts, .folder = folder, .threads = threads };
    hw_runs *runs = hw_runs_new(&options, &error);
    assert_non_null(runs);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(hw_runs_want(runs, &jobs[i], &error), HW_OK);
    if (hw_runs_do(runs, "testing", 0, 1, &error) != HW_OK) fail_msg("%s", error.message);
    return runs;
}

static json_t *without_seconds(const json_t *run) {
    json_t *copy = json_deep_copy(run);
    json_object_del(copy, "seconds");
    return copy;
}

static void assert_same_run(const json_t *a, const json_t *b) {
    json_t *first = without_seconds(a), *second = without_seconds(b);
    hw_text_buffer left = { 0 }, right = { 0 };
    assert_int_equal(hw_json_append(&left, first, &error), HW_OK);
    assert_int_equal(hw_json_append(&right, second, &error), HW_OK);
    assert_string_equal(left.bytes, right.bytes);
    hw_text_buffer_free(&left);
    hw_text_buffer_free(&right);
}

static void test_a_run_is_the_same_beside_others_and_read_back(void **state) {
    (void)state;
    enum { JOBS = 6 };
    hw_job jobs[JOBS] = { job_of(HW_ARM_MH, 1), job_of(HW_ARM_SH_A, 1), job_of(HW_ARM_SH_C, 2),
                          job_of(HW_ARM_MH, 1), job_of(HW_ARM_MH, 3),   job_of(HW_ARM_MH_GATE, 1) };
    jobs[0].probes = HW_PROBE_CORRUPTION | HW_PROBE_EXPLANATIONS;
    jobs[3].variant = HW_VARIANT_NOISE;
    jobs[3].level = 20;
    jobs[4].variant = HW_VARIANT_PAIRS;
    jobs[5].probes = HW_PROBE_GATES;
    hw_parts parts = load_parts();
    hw_runs *alone = do_jobs(&parts, "alone", 1, jobs, JOBS);
    hw_runs *beside = do_jobs(&parts, "beside", 3, jobs, JOBS);
    hw_runs *stored = do_jobs(&parts, "alone", 2, jobs, JOBS);
    for (size_t i = 0; i < JOBS; i++) {
        const json_t *run = hw_runs_get(alone, &jobs[i]);
        assert_non_null(run);
        assert_same_run(run, hw_runs_get(beside, &jobs[i]));
        assert_true(json_equal(run, hw_runs_get(stored, &jobs[i]))); /* seconds, too */
    }
    hw_runs_free(alone);
    hw_runs_free(beside);
    hw_runs_free(stored);
    hw_parts_free(&parts);
}

static void test_a_job_that_is_wanted_again_for_more_is_done_again(void **state) {
    (void)state;
    hw_parts parts = load_parts();
    hw_job job = job_of(HW_ARM_MH, 7);
    hw_runs *runs = do_jobs(&parts, "more", 1, &job, 1);
    assert_null(json_object_get(hw_runs_get(runs, &job), "corrupted"));
    job.probes = HW_PROBE_CORRUPTION;
    assert_int_equal(hw_runs_want(runs, &job, &error), HW_OK);
    assert_int_equal(hw_runs_want(runs, &job, &error), HW_OK);
    assert_int_equal(hw_runs_count(runs), 1);
    assert_int_equal(hw_runs_do(runs, "testing", 0, 1, &error), HW_OK);
    const json_t *corrupted = json_object_get(hw_runs_get(runs, &job), "corrupted");
    assert_int_equal(json_array_size(corrupted), parts.test->count);
    job.probes = 0; /* one with more will do */
    hw_runs *fewer = do_jobs(&parts, "more", 1, &job, 1);
    assert_true(json_equal(hw_runs_get(fewer, &job), hw_runs_get(runs, &job)));
    hw_runs_free(fewer);
    hw_runs_free(runs);
    hw_parts_free(&parts);
}

static const char stored_path[] = "stored/MH-h8-rate1-dropout0.5-plain0-seed9.json";

/* Whether the stored run, whose accuracy is a lie, is believed. */
static bool is_believed(const hw_parts *parts) {
    const hw_job job = job_of(HW_ARM_MH, 9);
    hw_runs *runs = do_jobs(parts, "stored", 1, &job, 1);
    const double accuracy = study_number(hw_runs_get(runs, &job), "accuracy");
    hw_runs_free(runs);
    return accuracy == 42;
}

/* key: of the origin; NULL: nothing is changed but the accuracy. */
static void lie(const char *key, json_t *value) {
    json_t *stored = study_read_json(stored_path);
    json_object_set_new(json_object_get(stored, "run"), "accuracy", json_real(42));
    if (key) json_object_set_new(json_object_get(stored, "origin"), key, value);
    study_write_json(stored_path, stored);
}

static void test_a_stored_run_of_something_else_is_not_taken(void **state) {
    (void)state;
    hw_parts parts = load_parts();
    assert_false(is_believed(&parts));
    lie(NULL, NULL);
    assert_true(is_believed(&parts));
    lie("version", json_string("0.0.1"));
    assert_false(is_believed(&parts));
    lie("data", json_integer(1));
    assert_false(is_believed(&parts));
    const hw_job other = job_of(HW_ARM_MH, 10);
    lie("job", hw_job_json(&other));
    assert_false(is_believed(&parts));
    lie(NULL, NULL);
    parts.dev->checksum++;
    assert_false(is_believed(&parts));
    hw_parts_free(&parts);
}

static void test_a_damaged_file_is_not_taken(void **state) {
    (void)state;
    hw_parts parts = load_parts();
    static const char *const damaged[] = { "", "{", "[]", "{\"origin\": 1, \"run\": {}}", "\xFF" };
    for (size_t i = 0; i < sizeof damaged / sizeof *damaged; i++) {
        is_believed(&parts);
        lie(NULL, NULL);
        toy_write_text(stored_path, damaged[i]);
        assert_false(is_believed(&parts));
    }
    lie(NULL, NULL);
    size_t size;
    unsigned char *bytes = toy_read(stored_path, &size);
    hw_free(bytes);
    assert_int_equal(truncate(stored_path, (off_t)size / 2), 0);
    assert_false(is_believed(&parts));
    hw_parts_free(&parts);
}

/* ---- Arms --------------------------------------------------------------------------------- */

typedef struct arm_size {
    double parameters, operations; /* without the embedding; of a text */
} arm_size;

static arm_size size_of(const hw_parts *parts, hw_arm arm, int32_t heads) {
    hw_job job = job_of(arm, 1);
    job.heads = heads;
    hw_runs *runs = do_jobs(parts, "arms", 1, &job, 1);
    const json_t *run = hw_runs_get(runs, &job);
    const arm_size size = { study_number(run, "dense_parameters"),
                            study_number(run, "operations") };
    hw_runs_free(runs);
    return size;
}

static void assert_near(double value, double expected, double share) {
    if (fabs(value - expected) > share * expected)
        fail_msg("%g is not within %g %% of %g", value, 100 * share, expected);
}

static void test_arms_are_as_large_as_they_say(void **state) {
    (void)state;
    enum { BESIDE = 18 /* a head's 17 relative positions and its gate */ };
    hw_parts parts = load_parts();
    const arm_size none = size_of(&parts, HW_ARM_H0, 8);
    for (int32_t heads = 2; heads <= 8; heads *= 2) {
        const arm_size multi = size_of(&parts, HW_ARM_MH, heads);
        const arm_size single = size_of(&parts, HW_ARM_SH_A, heads);
        const arm_size narrow = size_of(&parts, HW_ARM_SH_B, heads);
        const arm_size spent = size_of(&parts, HW_ARM_SH_B_PLUS, heads);
        const arm_size deep = size_of(&parts, HW_ARM_SH_C, heads);
        const arm_size full = size_of(&parts, HW_ARM_MH_FULL, heads);
        assert_near(multi.parameters, single.parameters, 0.01);
        assert_true(multi.parameters == single.parameters + BESIDE * (heads - 1));
        assert_near(multi.operations, single.operations, 0.01);
        assert_near(deep.operations, multi.operations, 0.01);
        assert_true(deep.parameters ==
                    single.parameters + (3 * HW_STUDY_WIDTH + BESIDE) * (heads - 1));
        assert_near(spent.parameters, single.parameters, 0.05);
        assert_near(narrow.operations - none.operations,
                    (single.operations - none.operations) / heads, 0.05);
        assert_near(full.operations - none.operations,
                    (single.operations - none.operations) * heads, 0.05);
    }
    hw_parts_free(&parts);
}

/* ---- Faults ------------------------------------------------------------------------------- */

static bool never_stop(void *context, double share) {
    (void)context;
    (void)share;
    return true;
}

static void test_lack_of_memory_for_a_run_is_told(void **state) {
    (void)state;
    hw_parts parts = load_parts();
    hw_job job = job_of(HW_ARM_SH_A, 1);
    job.variant = HW_VARIANT_PAIRS;
    job.probes = HW_PROBE_CORRUPTION;
    json_set_alloc_funcs(hw_malloc, hw_free);
    uint64_t failed = 0;
    for (uint64_t at = 1;; at += 1 + at / 24) {
        hw_fault_arm(HW_FAULT_MEMORY, at, false);
        json_t *run = hw_job_run(&job, &parts, never_stop, NULL, &error);
        const uint64_t calls = hw_fault_calls(HW_FAULT_MEMORY);
        hw_fault_arm(HW_FAULT_MEMORY, 0, false);
        /* jansson does not always tell what it was. */
        if (!run && error.status != HW_ERROR_MEMORY && error.status != HW_ERROR_FORMAT)
            fail_msg("call %d: %s", (int)at, error.message);
        failed += !run;
        json_decref(run);
        if (calls < at) break;
    }
    json_set_alloc_funcs(malloc, free);
    assert_true(failed > 50);
    hw_parts_free(&parts);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_run_is_the_same_beside_others_and_read_back),
        cmocka_unit_test(test_a_job_that_is_wanted_again_for_more_is_done_again),
        cmocka_unit_test(test_a_stored_run_of_something_else_is_not_taken),
        cmocka_unit_test(test_a_damaged_file_is_not_taken),
        cmocka_unit_test(test_arms_are_as_large_as_they_say),
        cmocka_unit_test(test_lack_of_memory_for_a_run_is_told),
    };
    return cmocka_run_group_tests(tests, study_enter_folder, toy_leave_folder);
}
