/* Fine-tuning a tiny encoder: it learns, in the same bytes for any number of threads and after a
 * resumption; what is frozen does not change; failures are reported. */
#include "base/fault.h"
#include "base/memory.h"
#include "classify/classifier.h"
#include "tiny_encoder.h"
#include "toy_data.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

enum { LABELS = 3 };

static hw_error error;

static int enter(void **state) {
    if (toy_enter_folder(state) != 0) return -1;
    tiny_encoder_write("base", 1);
    toy_write("train", (toy_shape){ .rows = 150, .labels = LABELS, .seed = 1 });
    toy_write("valid", (toy_shape){ .rows = 40, .labels = LABELS, .seed = 2 });
    toy_write("multi",
              (toy_shape){ .rows = 150, .labels = LABELS, .multi_label = true, .seed = 3 });
    return 0;
}

static hw_train_options options_of(const char *input) {
    return (hw_train_options){ .input = input,
                               .base = "base",
                               .epochs = 4,
                               .batch = 8,
                               .learning_rate = 0.003,
                               .threads = 1,
                               .seed = 5 };
}

static double score_on(const hw_classifier *classifier, const char *path) {
    hw_metrics *metrics = hw_evaluate(classifier, path, NULL, NULL, 1, &error);
    if (!metrics) fail_msg("%s", error.message);
    const double score = metrics->micro_f1; /* with one label a text, the accuracy */
    hw_metrics_free(metrics);
    return score;
}

static double trained_score(const hw_train_options *options, const char *path) {
    hw_classifier *classifier = toy_train(options);
    const double score = score_on(classifier, path);
    hw_classifier_close(classifier);
    return score;
}

/* ---- Learning ---------------------------------------------------------------------------- */

static void test_all_layers_learn(void **state) {
    (void)state;
    hw_train_options options = options_of("train");
    hw_classifier *classifier = toy_train(&options);
    const hw_summary *summary = hw_classifier_summary(classifier);
    assert_int_equal(summary->arch, HW_ARCH_ENCODER);
    assert_int_equal(summary->labels, LABELS);
    assert_true(summary->held_back_score > 0.95);
    assert_true(score_on(classifier, "train") > 0.99);
    assert_true(score_on(classifier, "valid") > 0.95);
    hw_classifier_close(classifier);
}

static void test_several_labels_are_learned(void **state) {
    (void)state;
    hw_train_options options = options_of("multi");
    options.class_weight = "balanced";
    options.epochs = 20;
    hw_classifier *classifier = toy_train(&options);
    assert_true(hw_classifier_summary(classifier)->multi_label);
    assert_non_null(hw_classifier_thresholds(classifier));
    assert_true(score_on(classifier, "multi") > 0.95);
    hw_classifier_close(classifier);
}

static void test_a_readout_learns_on_cached_features(void **state) {
    (void)state;
    hw_train_options options = options_of("train");
    options.freeze = "all";
    assert_true(trained_score(&options, "train") > 0.99);
    options.valid = "valid";
    assert_true(trained_score(&options, "train") > 0.99);
    options = options_of("multi");
    options.freeze = "all";
    assert_true(trained_score(&options, "multi") > 0.9);
}

/* What the regression said of the held-back texts is what the encoder says of them. */
static void test_the_frozen_encoder_gives_the_logits_of_the_regression(void **state) {
    (void)state;
    toy_write("noise", (toy_shape){ .rows = 90, .labels = LABELS, .seed = 4, .noise = true });
    hw_train_options options = options_of("train");
    options.freeze = "all";
    options.valid = "noise";
    hw_classifier *classifier = toy_train(&options);
    const double held_back = hw_classifier_summary(classifier)->held_back_score;
    assert_true(held_back > 0 && held_back < 0.9);
    assert_true(fabs(score_on(classifier, "noise") - held_back) < 0.02);
    hw_classifier_close(classifier);
}

static void test_few_texts_are_learned_by_contrasts(void **state) {
    (void)state;
    toy_write("few", (toy_shape){ .rows = 60, .labels = LABELS, .seed = 7 });
    hw_train_options options = options_of("few");
    options.few_shot = true;
    assert_true(trained_score(&options, "valid") > 0.9);
}

static void test_longer_texts_are_cut(void **state) {
    (void)state;
    hw_train_options options = options_of("train");
    options.max_tokens = 4; /* two words, neither of which tells the label */
    assert_true(trained_score(&options, "train") < 0.9);
}

/* ---- Determinism --------------------------------------------------------------------------- */

static void set_way(hw_train_options *options, int way) {
    options->epochs = 1;
    options->freeze = way == 1 ? "all" : way == 2 ? "embeddings" : NULL;
    options->few_shot = way == 3;
}

static void test_threads_do_not_matter(void **state) {
    (void)state;
    for (int way = 0; way < 4; way++) {
        hw_train_options options = options_of(way == 2 ? "multi" : "train");
        set_way(&options, way);
        const uint64_t alone = toy_train_fingerprint(&options);
        for (options.threads = 2; options.threads <= 3; options.threads++)
            assert_true(toy_train_fingerprint(&options) == alone);
        options.seed++;
        if (way != 1) assert_true(toy_train_fingerprint(&options) != alone);
    }
}

/* Stops after some reports of learning. */
typedef struct stopper {
    int left;
} stopper;

static bool stop(void *user, const hw_progress *progress) {
    stopper *s = user;
    return strcmp(progress->stage, "fine-tune") != 0 || s->left-- > 0;
}

static void test_a_stopped_training_resumes_to_the_same_bytes(void **state) {
    (void)state;
    hw_train_options options = options_of("train");
    options.epochs = 3;
    const uint64_t whole = toy_train_fingerprint(&options);
    options.checkpoint = "checkpoint";
    options.resume = true;
    for (int32_t save_steps = 0; save_steps <= 7; save_steps += 7) {
        int rounds = 0;
        hw_classifier *classifier = NULL;
        options.save_steps = save_steps;
        for (bool stopped = true; stopped; rounds++) {
            stopper s = { .left = 1 };
            options.progress = stop;
            options.user = &s;
            hw_classifier_close(classifier);
            classifier = hw_train(&options, &error);
            stopped = s.left < 0;
            if (!classifier) assert_int_equal(error.status, HW_ERROR_STOPPED);
        }
        assert_true(rounds > 2);
        assert_true(toy_fingerprint(classifier) == whole);
        hw_classifier_close(classifier);
        unlink("checkpoint");
    }
}

static void test_a_checkpoint_of_other_options_is_refused(void **state) {
    (void)state;
    hw_train_options options = options_of("train");
    options.epochs = 1;
    options.checkpoint = "checkpoint";
    options.resume = true;
    hw_classifier_close(toy_train(&options));
    options.weight_decay = 0.5;
    assert_null(hw_train(&options, &error));
    assert_int_equal(error.status, HW_ERROR_ARGUMENT);
    assert_non_null(strstr(error.message, "checkpoint"));
    unlink("checkpoint");
}

static bool stop_after_an_epoch(void *user, const hw_progress *progress) {
    (void)user;
    return isnan(progress->valid_score);
}

static void test_stopping_gives_the_best_so_far(void **state) {
    (void)state;
    hw_train_options options = options_of("train"), one_epoch = options;
    options.progress = stop_after_an_epoch;
    hw_classifier *classifier = toy_train(&options);
    assert_non_null(strstr(hw_classifier_training(classifier), "\"best_epoch\":1,"));
    hw_classifier_close(classifier);
    stopper s = { .left = 0 };
    one_epoch.progress = stop;
    one_epoch.user = &s;
    assert_null(hw_train(&one_epoch, &error));
    assert_int_equal(error.status, HW_ERROR_STOPPED);
}

static bool count_epochs(void *user, const hw_progress *progress) {
    if (strcmp(progress->stage, "fine-tune") == 0 && !isnan(progress->valid_score))
        *(uint64_t *)user = progress->done;
    return true;
}

/* At no rate to speak of, nothing gets better after the first epoch. */
static uint64_t epochs_learned(int32_t epochs) {
    hw_train_options options = options_of("train");
    uint64_t done = 0;
    options.epochs = epochs;
    options.learning_rate = 1e-30;
    options.progress = count_epochs;
    options.user = &done;
    hw_classifier_close(toy_train(&options));
    return done * (uint64_t)epochs / 1000;
}

static void test_patience_is_longer_where_there_are_many_epochs(void **state) {
    (void)state;
    assert_int_equal(epochs_learned(40), 1 + 10);
    assert_int_equal(epochs_learned(10), 1 + 3);
}

/* ---- Freezing, and what the base brings ------------------------------------------------- */

static hw_matrix matrix_of(const hw_classifier *classifier, const char *name) {
    hw_matrix matrix;
    for (size_t i = 0; hw_classifier_matrix(classifier, i, &matrix); i++)
        if (strcmp(matrix.name, name) == 0) return matrix;
    fail_msg("no tensor %s", name);
    return matrix;
}

static bool same(const hw_classifier *a, const hw_classifier *b, const char *name) {
    const hw_matrix x = matrix_of(a, name), y = matrix_of(b, name);
    return memcmp(x.values, y.values, x.rows * x.columns * sizeof(float)) == 0;
}

#define WORDS "bert.embeddings.word_embeddings.weight"
#define POSITIONS "bert.embeddings.position_embeddings.weight"
#define FIRST "bert.encoder.layer.0.intermediate.dense.weight"
#define SECOND "bert.encoder.layer.1.attention.self.query.weight"

static void test_what_is_frozen_does_not_change(void **state) {
    (void)state;
    hw_train_options options = options_of("train");
    options.epochs = 1;
    options.freeze = "all";
    hw_classifier *base = toy_train(&options);
    assert_true(trained_score(&options, "train") > 0);
    static const char *const freezes[] = { NULL, "embeddings", "1", "2" };
    for (int i = 0; i < 4; i++) {
        options.freeze = freezes[i];
        hw_classifier *tuned = toy_train(&options);
        assert_int_equal(same(base, tuned, WORDS), i > 0);
        assert_int_equal(same(base, tuned, POSITIONS), i > 0);
        assert_int_equal(same(base, tuned, FIRST), i > 1);
        assert_int_equal(same(base, tuned, SECOND), i > 2);
        hw_classifier_close(tuned);
    }
    hw_classifier_close(base);
}

/* With a rate that changes nothing, the readout of the base is what there was. */
static void test_a_readout_of_the_same_labels_is_kept(void **state) {
    (void)state;
    hw_train_options options = options_of("train");
    hw_classifier *tuned = toy_train(&options);
    assert_int_equal(hw_classifier_save(tuned, "tuned", &error), HW_OK);
    const double score = score_on(tuned, "valid");
    hw_classifier_close(tuned);
    /* The same rows, but labels appear in another order. */
    FILE *from = fopen("train", "r"), *to = fopen("turned", "w");
    char first[256], line[256];
    assert_non_null(fgets(first, sizeof first, from));
    while (fgets(line, sizeof line, from)) fputs(line, to);
    fputs(first, to);
    fclose(from);
    fclose(to);
    options = options_of("turned");
    options.base = "tuned";
    options.epochs = 1;
    options.learning_rate = 1e-12;
    hw_classifier *again = toy_train(&options);
    assert_string_equal(hw_classifier_label(again, 0), "b");
    assert_true(score_on(again, "valid") == score);
    hw_classifier_close(again);

    toy_write("other", (toy_shape){ .rows = 40, .labels = 2, .seed = 1 });
    options.input = "other";
    again = toy_train(&options);
    assert_int_equal(hw_classifier_summary(again)->labels, 2);
    hw_classifier_close(again);
}

/* ---- What cannot be done -------------------------------------------------------------------- */

static void assert_refused(hw_train_options options, const char *what) {
    assert_null(hw_train(&options, &error));
    assert_int_equal(error.status, HW_ERROR_ARGUMENT);
    if (!strstr(error.message, what)) fail_msg("\"%s\" lacks \"%s\"", error.message, what);
}

static void test_impossible_options_are_refused(void **state) {
    (void)state;
    static const char *const freezes[] = { "some", "3", "-1", "1x", "" };
    hw_train_options options = options_of("train");
    for (size_t i = 0; i < sizeof freezes / sizeof *freezes; i++) {
        options.freeze = freezes[i];
        assert_refused(options, "freeze");
    }
    options = options_of("train");
    options.max_tokens = 2;
    assert_refused(options, "max_tokens");
    options = options_of("train");
    options.warmup = 1;
    assert_refused(options, "warmup");
    options = options_of("train");
    options.layer_decay = 1.5;
    assert_refused(options, "layer_decay");
    options = options_of("train");
    options.weight_decay = NAN;
    assert_refused(options, "finite");
    options = options_of("train");
    options.few_shot = true;
    options.freeze = "all";
    assert_refused(options, "few_shot");
    options = options_of("train");
    options.base = "nowhere";
    assert_null(hw_train(&options, &error));
    assert_non_null(strstr(error.message, "nowhere"));
}

static void test_a_huge_rate_diverges(void **state) {
    (void)state;
    hw_train_options options = options_of("train");
    options.learning_rate = 1;
    options.weight_decay = 10;
    options.epochs = 40;
    options.dropout = -1;
    hw_classifier *classifier = hw_train(&options, &error);
    if (!classifier) assert_int_equal(error.status, HW_ERROR_DIVERGED);
    hw_classifier_close(classifier);
}

/* Every allocation fails once: an error of memory each time, and nothing leaks. */
static void test_allocations_fail_cleanly(void **state) {
    (void)state;
    toy_write("small", (toy_shape){ .rows = 24, .labels = 2, .seed = 1 });
    hw_train_options options = options_of("small");
    options.batch = 24;
    for (int way = 0; way < 4; way++) {
        set_way(&options, way == 3 ? 1 : way);
        options.checkpoint = way == 0 ? "checkpoint" : NULL;
        for (uint64_t at = 1, step = 1;; at += step, step += at / 100) {
            hw_fault_arm(HW_FAULT_MEMORY, at, false);
            hw_classifier *classifier = hw_train(&options, &error);
            const bool hit = hw_fault_calls(HW_FAULT_MEMORY) >= at;
            hw_fault_arm(HW_FAULT_MEMORY, 0, false);
            assert_int_equal(classifier == NULL, hit);
            hw_classifier_close(classifier);
            if (!hit) break;
            if (error.status != HW_ERROR_MEMORY) fail_msg("call %d: %s", (int)at, error.message);
        }
    }
    unlink("checkpoint");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_layers_learn),
        cmocka_unit_test(test_several_labels_are_learned),
        cmocka_unit_test(test_a_readout_learns_on_cached_features),
        cmocka_unit_test(test_the_frozen_encoder_gives_the_logits_of_the_regression),
        cmocka_unit_test(test_few_texts_are_learned_by_contrasts),
        cmocka_unit_test(test_longer_texts_are_cut),
        cmocka_unit_test(test_threads_do_not_matter),
        cmocka_unit_test(test_a_stopped_training_resumes_to_the_same_bytes),
        cmocka_unit_test(test_a_checkpoint_of_other_options_is_refused),
        cmocka_unit_test(test_stopping_gives_the_best_so_far),
        cmocka_unit_test(test_patience_is_longer_where_there_are_many_epochs),
        cmocka_unit_test(test_what_is_frozen_does_not_change),
        cmocka_unit_test(test_a_readout_of_the_same_labels_is_kept),
        cmocka_unit_test(test_impossible_options_are_refused),
        cmocka_unit_test(test_a_huge_rate_diverges),
        cmocka_unit_test(test_allocations_fail_cleanly),
    };
    return cmocka_run_group_tests(tests, enter, toy_leave_folder);
}
