/* Gates that depend on the text: with a text's own the answer is the classifier's, with others it
 * is that of a classifier whose gates are those; and what gates say, counted by hand. */
#include "base/fault.h"
#include "study/gate_measures.h"
#include "study/gates.h"
#include "tiny_model.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

enum { LABELS = 3, MOST_GATES = 64 };

static hw_error error;

static hw_classifier *gated_classifier(void) {
    const tiny_options options = {
        .arch = HW_ARCH_ATTENTION, .labels = LABELS, .towers = 1, .head_gates = HW_HEAD_GATES_INPUT
    };
    hw_classifier *classifier = tiny_classifier(options, &error);
    if (!classifier) fail_msg("%s", error.message);
    return classifier;
}

static void assert_alike(const float *a, const float *b, bool alike) {
    double most = 0;
    for (size_t i = 0; i < LABELS; i++) most = fmax(most, fabs((double)a[i] - (double)b[i]));
    if ((most < 1e-5) != alike) fail_msg("they differ by %g", most);
}

static void test_a_text_with_its_own_gates_is_as_it_is(void **state) {
    (void)state;
    hw_classifier *classifier = gated_classifier();
    hw_session *session = hw_session_new(classifier, NULL, &error);
    hw_gates *gates = hw_gates_new(classifier, &error);
    assert_non_null(session);
    assert_non_null(gates);
    const size_t count = hw_gates_count(gates);
    assert_true(count > 0 && count <= MOST_GATES);
    for (size_t i = 0; i <= TINY_SENTENCES; i++) { /* the last one is empty */
        const hw_text text = hw_text_of(i < TINY_SENTENCES ? tiny_sentences[i] : "");
        float own[MOST_GATES], plain[LABELS], asked[LABELS];
        assert_int_equal(hw_classify(session, &text, 1, plain, &error), HW_OK);
        assert_int_equal(hw_gates_read(own, gates, text, &error), HW_OK);
        for (size_t gate = 0; gate < count; gate++) assert_true(own[gate] > 0 && own[gate] < 1);
        assert_int_equal(hw_gates_classify(asked, gates, text, own, &error), HW_OK);
        assert_alike(plain, asked, true);
        if (i == TINY_SENTENCES) continue;
        for (size_t gate = 0; gate < count; gate++) own[gate] = 1 - own[gate];
        assert_int_equal(hw_gates_classify(asked, gates, text, own, &error), HW_OK);
        assert_alike(plain, asked, false);
    }
    hw_gates_free(gates);
    hw_session_free(session);
    hw_classifier_close(classifier);
}

/* With gates of 0 nothing is left of the heads, as if a session had them switched off. */
static void test_gates_of_0_are_heads_that_are_off(void **state) {
    (void)state;
    hw_classifier *classifier = gated_classifier();
    const hw_summary *summary = hw_classifier_summary(classifier);
    hw_head_id heads[MOST_GATES];
    size_t count = 0;
    for (int32_t layer = 0; layer < summary->layers; layer++)
        for (int32_t head = 0; head < summary->heads; head++)
            heads[count++] = (hw_head_id){ layer, head };
    const hw_session_options options = { .masked_heads = heads, .masked_head_count = count };
    hw_session *session = hw_session_new(classifier, &options, &error);
    hw_gates *gates = hw_gates_new(classifier, &error);
    assert_non_null(session);
    assert_non_null(gates);
    static const float none[MOST_GATES];
    for (size_t i = 0; i < TINY_SENTENCES; i++) {
        const hw_text text = hw_text_of(tiny_sentences[i]);
        float off[LABELS], asked[LABELS];
        assert_int_equal(hw_classify(session, &text, 1, off, &error), HW_OK);
        assert_int_equal(hw_gates_classify(asked, gates, text, none, &error), HW_OK);
        assert_alike(off, asked, true);
    }
    hw_gates_free(gates);
    hw_session_free(session);
    hw_classifier_close(classifier);
}

static void test_lack_of_memory_is_told(void **state) {
    (void)state;
    hw_classifier *classifier = gated_classifier();
    float own[MOST_GATES];
    int failed = 0;
    for (uint64_t at = 1;; at++) {
        hw_fault_arm(HW_FAULT_MEMORY, at, false);
        hw_gates *gates = hw_gates_new(classifier, &error);
        const hw_status status =
            gates ? hw_gates_read(own, gates, hw_text_of(tiny_sentences[0]), &error) : error.status;
        const uint64_t calls = hw_fault_calls(HW_FAULT_MEMORY);
        hw_fault_arm(HW_FAULT_MEMORY, 0, false);
        hw_gates_free(gates);
        if (calls < at) break;
        assert_int_equal(status, HW_ERROR_MEMORY);
        failed++;
    }
    assert_true(failed > 8);
    hw_classifier_close(classifier);
}

/* ---- Measures ------------------------------------------------------------------------------ */

static void assert_near(double value, double expected) {
    if (!(fabs(value - expected) <= 1e-7)) fail_msg("%.9g, expected %.9g", value, expected);
}

/* The first gate is 0.2 0.4 0.6, whose deviation is 0.2; the second does not change. */
static void test_deviation_is_over_texts(void **state) {
    (void)state;
    static const float gates[] = { 0.2f, 0.5f, 0.4f, 0.5f, 0.6f, 0.5f };
    assert_near(hw_gates_deviation(gates, 3, 2), (0.2 + 0) / 2);
}

/* Alike: 1. Shares 1/4 and 3/4: 0.8112781 bits of 1. */
static void test_entropy_is_over_heads(void **state) {
    (void)state;
    static const float gates[] = { 0.7f, 0.7f, 0.25f, 0.75f };
    assert_near(hw_gates_entropy(gates, 1, 2), 1);
    assert_near(hw_gates_entropy(gates, 2, 2), (1 + 0.8112781245) / 2);
}

/* Six texts of three classes. The first gate's thirds are the classes: log2 3 bits. The second
 * gate's thirds have two classes each, alike: 3 * 2 * 1/6 log2(1/6 / (1/3 * 1/3)) = log2 3/2. Less
 * the (3 - 1)(3 - 1) / (2 * 6 ln 2) that chance shows. */
static void test_information_is_counted_in_thirds(void **state) {
    (void)state;
    static const float gates[] = { 0.1f, 0.1f, 0.2f, 0.3f, 0.4f, 0.4f,
                                   0.5f, 0.6f, 0.8f, 0.8f, 0.9f, 0.2f };
    static const uint32_t classes[] = { 0, 0, 2, 2, 1, 1 };
    const double chance = 4 / (12 * log(2));
    double bits;
    assert_int_equal(hw_gates_information(&bits, gates, 6, 2, classes, 4, &error), HW_OK);
    assert_near(bits, (log2(3) + log2(1.5)) / 2 - chance);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_text_with_its_own_gates_is_as_it_is),
        cmocka_unit_test(test_gates_of_0_are_heads_that_are_off),
        cmocka_unit_test(test_lack_of_memory_is_told),
        cmocka_unit_test(test_deviation_is_over_texts),
        cmocka_unit_test(test_entropy_is_over_heads),
        cmocka_unit_test(test_information_is_counted_in_thirds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
