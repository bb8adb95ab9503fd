/* Heads that a session does without: as if what reads them had no weights, in towers and in
 * encoders, and named when they are not there. */
#include "base/fault.h"
#include "tiny_encoder.h"
#include "tiny_model.h"
#include "toy_data.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { LABELS = 3 };

static hw_error error;

/* [TINY_SENTENCES][LABELS] of the towers alone; false if it fails. */
static bool run(float *logits, const hw_classifier *classifier, const hw_head_id *heads,
                size_t count) {
    const hw_session_options options = { .masked_heads = heads, .masked_head_count = count };
    hw_text texts[TINY_SENTENCES];
    for (size_t i = 0; i < TINY_SENTENCES; i++) texts[i] = hw_text_of(tiny_sentences[i]);
    hw_session *session = hw_session_new(classifier, &options, &error);
    const bool done = session && hw_session_run(session, texts, TINY_SENTENCES, NULL, NULL, logits,
                                                &error) == HW_OK;
    hw_session_free(session);
    return done;
}

static hw_classifier *made(void) {
    hw_classifier *classifier = tiny_classifier((tiny_options){ .labels = LABELS }, &error);
    if (!classifier) fail_msg("%s", error.message);
    return classifier;
}

/* Rows of the towers' output that read a head of the first layer become 0. */
static void cut_head(const hw_classifier *classifier, int32_t head) {
    const hw_tower_config *config = &classifier->config.tower;
    const size_t floats = (size_t)config->head_dim * (size_t)config->width;
    for (int32_t tower = 0; tower < classifier->config.towers; tower++)
        memset(classifier->towers[tower].layer[0].output + (size_t)head * floats, 0,
               floats * sizeof(float));
}

static void test_a_head_that_is_off_writes_nothing(void **state) {
    (void)state;
    float all[TINY_SENTENCES * LABELS], masked[TINY_SENTENCES * LABELS];
    float cut[TINY_SENTENCES * LABELS];
    hw_classifier *classifier = made();
    const int32_t heads = hw_classifier_summary(classifier)->heads;
    assert_true(run(all, classifier, NULL, 0));
    for (int32_t head = 0; head < heads; head++) {
        hw_classifier *other = made();
        cut_head(other, head);
        assert_true(run(masked, classifier, &(hw_head_id){ 0, head }, 1));
        assert_true(run(cut, other, NULL, 0));
        for (size_t i = 0; i < TINY_SENTENCES * LABELS; i++) assert_true(masked[i] == cut[i]);
        assert_memory_not_equal(masked, all, sizeof all);
        hw_classifier_close(other);
    }
    hw_classifier_close(classifier);
}

static void test_several_heads_are_switched_off(void **state) {
    (void)state;
    float masked[TINY_SENTENCES * LABELS], cut[TINY_SENTENCES * LABELS];
    static const hw_head_id both[] = { { 0, 1 }, { 0, 0 }, { 0, 1 } };
    hw_classifier *classifier = made(), *other = made();
    cut_head(other, 0);
    cut_head(other, 1);
    assert_true(run(masked, classifier, both, 3));
    assert_true(run(cut, other, NULL, 0));
    for (size_t i = 0; i < TINY_SENTENCES * LABELS; i++) assert_true(masked[i] == cut[i]);
    hw_classifier_close(other);
    hw_classifier_close(classifier);
}

static void assert_not_there(const hw_classifier *classifier, hw_head_id id, const char *message) {
    float logits[TINY_SENTENCES * LABELS];
    assert_false(run(logits, classifier, &id, 1));
    assert_int_equal(error.status, HW_ERROR_ARGUMENT);
    assert_string_equal(error.message, message);
}

static void test_a_head_that_is_not_there_is_named(void **state) {
    (void)state;
    hw_classifier *classifier = made();
    assert_not_there(classifier, (hw_head_id){ 0, 2 },
                     "head 0.2 is not there: the model has 0.0 to 0.1");
    assert_not_there(classifier, (hw_head_id){ 1, 0 },
                     "head 1.0 is not there: the model has 0.0 to 0.1");
    assert_not_there(classifier, (hw_head_id){ -1, 0 },
                     "head -1.0 is not there: the model has 0.0 to 0.1");
    hw_classifier_close(classifier);
    classifier = tiny_classifier((tiny_options){ .arch = HW_ARCH_BAG }, &error);
    assert_not_there(classifier, (hw_head_id){ 0, 0 },
                     "head 0.0: the model has no attention heads");
    hw_classifier_close(classifier);
}

static void test_heads_of_an_encoder_are_switched_off(void **state) {
    (void)state;
    float all[TINY_SENTENCES * LABELS], masked[TINY_SENTENCES * LABELS];
    tiny_encoder_write_classifier("encoder", LABELS, false, 1);
    hw_classifier *classifier = hw_classifier_open("encoder", &error);
    assert_non_null(classifier);
    assert_true(run(all, classifier, NULL, 0));
    assert_true(run(masked, classifier, &(hw_head_id){ 1, 1 }, 1));
    assert_memory_not_equal(masked, all, sizeof all);
    assert_not_there(classifier, (hw_head_id){ 2, 0 },
                     "head 2.0 is not there: the model has 0.0 to 1.1");
    hw_classifier_close(classifier);
}

#ifdef HW_FAULTS

static void test_every_failing_allocation_is_survived(void **state) {
    (void)state;
    float logits[TINY_SENTENCES * LABELS];
    hw_classifier *classifier = made();
    bool done = false;
    uint64_t at = 0;
    while (!done) {
        hw_fault_arm(HW_FAULT_MEMORY, ++at, false);
        done = run(logits, classifier, &(hw_head_id){ 0, 1 }, 1);
        hw_fault_arm(HW_FAULT_MEMORY, 0, false);
        if (!done) assert_int_equal(error.status, HW_ERROR_MEMORY);
    }
    assert_true(at > 8);
    hw_classifier_close(classifier);
}

#endif

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_head_that_is_off_writes_nothing),
        cmocka_unit_test(test_several_heads_are_switched_off),
        cmocka_unit_test(test_a_head_that_is_not_there_is_named),
        cmocka_unit_test(test_heads_of_an_encoder_are_switched_off),
#ifdef HW_FAULTS
        cmocka_unit_test(test_every_failing_allocation_is_survived),
#endif
    };
    return cmocka_run_group_tests(tests, toy_enter_folder, toy_leave_folder);
}
