/* hw_compare against hw_evaluate, hw_classify and counts by hand. */
#include "statistics/tests.h"
#include "toy_data.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { ROWS = 150, LABELS = 3, LINE_BYTES = 256 };

/* The lines of one file, last first, so that labels appear in another order. */
static void reverse_lines(const char *to, const char *from) {
    static char lines[ROWS][LINE_BYTES];
    size_t count = 0;
    FILE *file = fopen(from, "r");
    assert_non_null(file);
    while (count < ROWS && fgets(lines[count], LINE_BYTES, file)) count++;
    fclose(file);
    file = fopen(to, "w");
    assert_non_null(file);
    while (count-- > 0) fputs(lines[count], file);
    assert_int_equal(fclose(file), 0);
}

typedef struct pair {
    hw_classifier *model[2];
} pair;

/* The second multi-label model with a threshold of its own for every label. */
static void calibrate_second(pair *models) {
    hw_classifier *calibrated = hw_classifier_calibrate(models->model[1], "test", NULL, NULL);
    assert_non_null(calibrated);
    hw_classifier_close(models->model[1]);
    models->model[1] = calibrated;
    const float *thresholds = hw_classifier_thresholds(calibrated);
    assert_true(thresholds[0] != thresholds[1] && thresholds[1] != thresholds[2]);
}

/* Trained on different texts, the second with its labels in another order. "test" is what they are
 * compared on: two labels in three fit their texts. */
static pair make_pair(bool multi_label) {
    toy_write("one", (toy_shape){ .rows = 40, .labels = LABELS, .multi_label = multi_label });
    toy_write("two",
              (toy_shape){ .rows = 32, .labels = LABELS, .multi_label = multi_label, .seed = 8 });
    reverse_lines("owt", "two");
    toy_write("fitting",
              (toy_shape){
                  .rows = 2 * ROWS / 3, .labels = LABELS, .multi_label = multi_label, .seed = 5 });
    toy_write("noise", (toy_shape){ .rows = ROWS / 3,
                                    .labels = LABELS,
                                    .multi_label = multi_label,
                                    .noise = true,
                                    .seed = 6 });
    assert_int_equal(system("cat fitting noise >test"), 0);
    hw_train_options options = toy_options("one");
    options.loss = multi_label ? HW_LOSS_OVA : HW_LOSS_AUTO;
    pair models = { { toy_train(&options) } };
    options.input = "owt";
    options.arch = HW_ARCH_BAG;
    models.model[1] = toy_train(&options);
    if (multi_label) calibrate_second(&models);
    assert_string_not_equal(hw_classifier_label(models.model[0], 0),
                            hw_classifier_label(models.model[1], 0));
    return models;
}

static void close_pair(pair models) {
    hw_classifier_close(models.model[0]);
    hw_classifier_close(models.model[1]);
}

static hw_comparison *compare(pair models, int32_t threads) {
    hw_error err;
    hw_comparison *c =
        hw_compare(models.model[0], models.model[1], "test", NULL, NULL, threads, &err);
    if (!c) fail_msg("%s", err.message);
    return c;
}

static void assert_same(double value, double expected) {
    if (isnan(expected))
        assert_true(isnan(value));
    else
        assert_true(fabs(value - expected) < 1e-12);
}

/* ---- Scores ------------------------------------------------------------------------------- */

static void check_scores(const hw_comparison *c, int side, pair models) {
    const hw_classifier *model = models.model[side];
    hw_metrics *m = hw_evaluate(model, "test", NULL, NULL, 1, NULL);
    assert_non_null(m);
    assert_same(c->accuracy.score[side], m->accuracy);
    assert_same(c->micro_f1.score[side], m->micro_f1);
    assert_int_equal(c->unknown_labels, m->unknown_labels);
    for (int32_t i = 0; i < LABELS; i++) {
        const hw_text name = hw_text_of(hw_classifier_label(models.model[0], i));
        const hw_label_metrics *label = &m->per_label[hw_classifier_find_label(model, name)];
        assert_same(c->per_label[i].f1[side], label->f1);
        assert_int_equal(c->per_label[i].support, label->support);
    }
    hw_metrics_free(m);
}

static void test_scores_are_those_of_evaluate(void **state) {
    (void)state;
    for (int multi_label = 0; multi_label < 2; multi_label++) {
        const pair models = make_pair(multi_label);
        hw_comparison *c = compare(models, 1);
        assert_int_equal(c->multi_label, multi_label);
        assert_int_equal(c->examples, ROWS);
        assert_int_equal(c->labels, LABELS);
        for (int side = 0; side < 2; side++) check_scores(c, side, models);
        assert_same(c->accuracy.change, c->accuracy.score[1] - c->accuracy.score[0]);
        hw_comparison_free(c);
        close_pair(models);
    }
}

/* The interval of a difference of shares is close to the normal one. */
static void test_interval_is_of_paired_texts(void **state) {
    (void)state;
    const pair models = make_pair(false);
    hw_comparison *c = compare(models, 1);
    const double only[] = { (double)c->only_right[0], (double)c->only_right[1] };
    assert_true(only[0] + only[1] > 15);
    const double mean = (only[1] - only[0]) / ROWS;
    const double error = sqrt(((only[0] + only[1]) / ROWS - mean * mean) / ROWS);
    assert_true(fabs(c->accuracy.interval.low - (mean - 1.96 * error)) < 0.15 * error);
    assert_true(fabs(c->accuracy.interval.high - (mean + 1.96 * error)) < 0.15 * error);
    hw_comparison_free(c);
    close_pair(models);
}

/* ---- Texts and labels, counted from the probabilities --------------------------------------- */

/* predicted[label of the first model] */
static void predict(bool predicted[LABELS], const hw_classifier *model, const hw_classifier *first,
                    hw_text text) {
    float p[LABELS];
    hw_session *session = hw_session_new(model, NULL, NULL);
    assert_int_equal(hw_classify(session, &text, 1, p, NULL), HW_OK);
    hw_session_free(session);
    const float *thresholds = hw_classifier_thresholds(model);
    for (int32_t i = 0; i < LABELS; i++) {
        const int32_t label =
            hw_classifier_find_label(model, hw_text_of(hw_classifier_label(first, i)));
        predicted[i] = thresholds ? p[label] >= thresholds[label]
                                  : p[label] >= p[0] && p[label] >= p[1] && p[label] >= p[2];
    }
}

typedef struct counts {
    uint64_t flips, only_right[2], label_only_right[LABELS][2];
} counts;

static void count_text(counts *n, const hw_record *record, pair models) {
    bool truth[LABELS] = { 0 }, predicted[2][LABELS], right[2];
    for (size_t i = 0; i < record->label_count; i++)
        truth[hw_classifier_find_label(models.model[0], record->labels[i])] = true;
    for (int side = 0; side < 2; side++) {
        predict(predicted[side], models.model[side], models.model[0], record->text);
        right[side] = memcmp(truth, predicted[side], sizeof truth) == 0;
    }
    n->flips += memcmp(predicted[0], predicted[1], sizeof truth) != 0;
    for (int side = 0; side < 2; side++) {
        n->only_right[side] += right[side] && !right[1 - side];
        for (int label = 0; label < LABELS; label++)
            n->label_only_right[label][side] += predicted[side][label] == truth[label] &&
                                                predicted[1 - side][label] != truth[label];
    }
}

static counts count_all(pair models) {
    counts n = { 0 };
    hw_reader *reader = hw_reader_open("test", NULL, NULL);
    hw_record record;
    for (bool more = true; hw_reader_next(reader, &record, &more, NULL) == HW_OK && more;)
        count_text(&n, &record, models);
    hw_reader_close(reader);
    return n;
}

static void test_counts_are_those_of_the_predictions(void **state) {
    (void)state;
    for (int multi_label = 0; multi_label < 2; multi_label++) {
        const pair models = make_pair(multi_label);
        hw_comparison *c = compare(models, 1);
        const counts n = count_all(models);
        assert_true(n.flips > 10);
        assert_int_equal(c->flips, n.flips);
        assert_memory_equal(c->only_right, n.only_right, sizeof n.only_right);
        assert_int_equal(c->both_right + c->both_wrong + n.only_right[0] + n.only_right[1], ROWS);
        assert_same(c->p, hw_mcnemar_exact(n.only_right[0], n.only_right[1]));
        for (int label = 0; label < LABELS; label++) {
            const hw_label_change *l = &c->per_label[label];
            assert_memory_equal(l->only_right, n.label_only_right[label], sizeof l->only_right);
            assert_same(l->p, hw_mcnemar_exact(l->only_right[0], l->only_right[1]));
            assert_true(l->p_holm >= l->p && l->p_holm <= 1);
        }
        hw_comparison_free(c);
        close_pair(models);
    }
}

static void test_flips_name_what_was_predicted(void **state) {
    (void)state;
    const pair models = make_pair(true);
    hw_comparison *c = compare(models, 1);
    for (size_t i = 0; i < c->flips; i++) {
        const hw_flip *flip = &c->flip[i];
        assert_true(flip->truths > 0 && (i == 0 || flip->line > flip[-1].line));
        for (int side = 0; side < 2; side++) {
            bool predicted[LABELS];
            size_t count = 0;
            predict(predicted, models.model[side], models.model[0], flip->text);
            for (int label = 0; label < LABELS; label++) count += predicted[label];
            assert_int_equal(flip->predictions[side], count);
            for (size_t at = 0; at < count; at++)
                assert_true(predicted[hw_classifier_find_label(
                    models.model[0], hw_text_of(flip->predicted[side][at]))]);
        }
    }
    hw_comparison_free(c);
    close_pair(models);
}

/* ---- The rest ----------------------------------------------------------------------------- */

static void test_a_model_is_no_different_from_itself(void **state) {
    (void)state;
    const pair models = make_pair(false);
    hw_comparison *c = compare((pair){ { models.model[0], models.model[0] } }, 1);
    assert_int_equal(c->flips, 0);
    assert_true(c->p == 1 && c->accuracy.change == 0);
    assert_true(c->accuracy.interval.low == 0 && c->accuracy.interval.high == 0);
    hw_comparison_free(c);
    close_pair(models);
}

static void test_threads_change_nothing(void **state) {
    (void)state;
    const pair models = make_pair(false);
    hw_comparison *one = compare(models, 1), *three = compare(models, 3);
    assert_memory_equal(one->per_label, three->per_label, LABELS * sizeof *one->per_label);
    assert_memory_equal(&one->accuracy, &three->accuracy, sizeof one->accuracy);
    assert_int_equal(one->flips, three->flips);
    hw_comparison_free(one);
    hw_comparison_free(three);
    close_pair(models);
}

static void assert_refused(const hw_classifier *first, const hw_classifier *second,
                           const char *expected) {
    hw_error err = { 0 };
    assert_null(hw_compare(first, second, "test", NULL, NULL, 1, &err));
    assert_int_equal(err.status, HW_ERROR_ARGUMENT);
    if (!strstr(err.message, expected)) fail_msg("\"%s\" is not in: %s", expected, err.message);
}

static void test_different_labels_are_refused(void **state) {
    (void)state;
    const pair models = make_pair(false);
    toy_write("fewer", (toy_shape){ .rows = 40, .labels = 2 });
    hw_train_options options = toy_options("fewer");
    hw_classifier *fewer = toy_train(&options);
    options.input = "one";
    options.loss = HW_LOSS_OVA;
    hw_classifier *multi = toy_train(&options);
    assert_refused(models.model[0], fewer, "only the first has \"c\"");
    assert_refused(fewer, models.model[0], "only the second has \"c\"");
    assert_refused(models.model[0], multi, "only the second classifier is multi-label");
    hw_classifier_close(fewer);
    hw_classifier_close(multi);
    close_pair(models);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_scores_are_those_of_evaluate),
        cmocka_unit_test(test_interval_is_of_paired_texts),
        cmocka_unit_test(test_counts_are_those_of_the_predictions),
        cmocka_unit_test(test_flips_name_what_was_predicted),
        cmocka_unit_test(test_a_model_is_no_different_from_itself),
        cmocka_unit_test(test_threads_change_nothing),
        cmocka_unit_test(test_different_labels_are_refused),
    };
    return cmocka_run_group_tests(tests, toy_enter_folder, toy_leave_folder);
}
