/* hw_train from file to model: the same bytes for any number of threads and for a training
 * that was killed and resumed; whatever the data and whenever it is stopped, a usable model
 * or a clear refusal. */
#include "base/memory.h"
#include "base/random.h"
#include "toy_data.h"

#include <math.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static hw_error error;

/* ---- Helpers -------------------------------------------------------------------------- */

/* Every probability is finite and in [0, 1]; those of a single-label text sum to 1. */
static void assert_usable(const hw_classifier *classifier) {
    static const char *const texts[] = { "", "the1 owna1 ownb2", "\xff\xfe unseen 字", "the0" };
    const hw_summary *summary = hw_classifier_summary(classifier);
    const size_t labels = (size_t)summary->labels;
    hw_session *session = hw_session_new(classifier, NULL, &error);
    float *probabilities = calloc(labels, sizeof *probabilities);
    assert_non_null(session);
    assert_non_null(probabilities);
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        const hw_text text = hw_text_of(texts[i]);
        assert_int_equal(hw_classify(session, &text, 1, probabilities, &error), HW_OK);
        double sum = 0;
        for (size_t label = 0; label < labels; label++) {
            const double p = (double)probabilities[label];
            assert_true(isfinite(p) && p >= 0 && p <= 1);
            sum += p;
        }
        if (!summary->multi_label) assert_true(fabs(sum - 1) < 1e-5);
    }
    free(probabilities);
    hw_session_free(session);
}

static void assert_trains(const hw_train_options *options) {
    hw_classifier *classifier = toy_train(options);
    assert_usable(classifier);
    hw_classifier_close(classifier);
}

static void assert_refused(const hw_train_options *options, hw_status status, const char *why) {
    hw_classifier *classifier = hw_train(options, &error);
    if (classifier) fail_msg("trained, where \"%s\" was expected", why);
    assert_int_equal(error.status, status);
    if (!strstr(error.message, why)) fail_msg("\"%s\" is not in: %s", why, error.message);
}

static double accuracy_of(const hw_classifier *classifier, const char *path) {
    hw_metrics *metrics = hw_evaluate(classifier, path, &(hw_reader_options){ 0 }, NULL, 1, &error);
    assert_non_null(metrics);
    const double accuracy = metrics->accuracy;
    hw_metrics_free(metrics);
    return accuracy;
}

/* ---- Learning ---------------------------------------------------------------------------- */

static const hw_arch architectures[] = { HW_ARCH_HYBRID, HW_ARCH_ATTENTION, HW_ARCH_BAG,
                                         HW_ARCH_CAPSULE };
enum { ARCHITECTURES = sizeof architectures / sizeof *architectures };

static void test_training_learns(void **state) {
    (void)state;
    toy_write("train", (toy_shape){ .rows = 300, .labels = 3, .seed = 1 });
    toy_write("test", (toy_shape){ .rows = 90, .labels = 3, .seed = 2 });
    for (size_t i = 0; i < ARCHITECTURES; i++) {
        hw_train_options options = toy_options("train");
        options.arch = architectures[i];
        options.epochs = 20;
        options.learning_rate = 0.01;
        options.dropout = -1;
        hw_classifier *classifier = toy_train(&options);
        assert_usable(classifier);
        assert_true(accuracy_of(classifier, "test") > 0.95);
        assert_true(hw_classifier_summary(classifier)->held_back_score > 0.95);
        hw_classifier_close(classifier);
    }
}

static void test_threads_do_not_change_the_model(void **state) {
    (void)state;
    toy_write("single", (toy_shape){ .rows = 150, .labels = 5, .seed = 3 });
    toy_write("multi", (toy_shape){ .rows = 150, .labels = 5, .multi_label = true, .seed = 3 });
    for (size_t i = 0; i < 2 * ARCHITECTURES; i++) {
        hw_train_options options = toy_options(i % 2 ? "multi" : "single");
        options.arch = architectures[i / 2];
        options.towers = 3;
        options.epochs = 3;
        const uint64_t one = toy_train_fingerprint(&options);
        static const int32_t threads[] = { 2, 3, 8 };
        for (size_t j = 0; j < sizeof threads / sizeof *threads; j++) {
            options.threads = threads[j];
            assert_true(toy_train_fingerprint(&options) == one);
        }
        options.seed = 1;
        assert_true(toy_train_fingerprint(&options) != one);
    }
}

static void test_several_labels_make_a_multi_label_model(void **state) {
    (void)state;
    toy_write("multi", (toy_shape){ .rows = 200, .labels = 4, .multi_label = true, .seed = 4 });
    hw_train_options options = toy_options("multi");
    hw_classifier *classifier = toy_train(&options);
    assert_usable(classifier);
    assert_true(hw_classifier_summary(classifier)->multi_label);
    assert_non_null(hw_classifier_thresholds(classifier));
    hw_classifier_close(classifier);
    options.loss = HW_LOSS_SOFTMAX;
    assert_refused(&options, HW_ERROR_ARGUMENT, "several labels");
}

static void test_one_label_each_can_be_learned_as_multi_label(void **state) {
    (void)state;
    toy_write("train", (toy_shape){ .rows = 60, .labels = 2, .seed = 5 });
    hw_train_options options = toy_options("train");
    options.loss = HW_LOSS_OVA;
    hw_classifier *classifier = toy_train(&options);
    assert_usable(classifier);
    assert_true(hw_classifier_summary(classifier)->multi_label);
    hw_classifier_close(classifier);
}

static void test_validation_data_are_held_back(void **state) {
    (void)state;
    toy_write("train", (toy_shape){ .rows = 100, .labels = 3, .seed = 6 });
    toy_write("valid", (toy_shape){ .rows = 30, .labels = 4, .seed = 7 }); /* "d" is new */
    hw_train_options options = toy_options("train");
    options.valid = "valid";
    for (size_t i = 0; i < ARCHITECTURES; i++) {
        options.arch = architectures[i];
        hw_classifier *classifier = toy_train(&options);
        assert_usable(classifier);
        assert_int_equal(hw_classifier_summary(classifier)->labels, 3);
        assert_non_null(strstr(hw_classifier_training(classifier), "\"held_back\":23"));
        hw_classifier_close(classifier);
    }
    toy_write_text("valid", "x\tthe1\ny\tthe2\n");
    assert_refused(&options, HW_ERROR_FORMAT, "none of its labels");
    options.valid = "not-there";
    assert_refused(&options, HW_ERROR_IO, "not-there");
}

/* ---- Little and strange data ----------------------------------------------------------------- */

static void test_little_data_trains_or_is_refused(void **state) {
    (void)state;
    for (size_t i = 0; i < ARCHITECTURES; i++) {
        hw_train_options options = toy_options("train");
        options.arch = architectures[i];
        options.min_count = 1;
        toy_write_text("train", "a\tone\nb\ttwo\n");
        assert_trains(&options);
        toy_write_text("train", "a\tone\nb\ttwo\na\tone two\nc\tthree\na\tone one\n");
        assert_trains(&options);
        toy_write_text("train", "a|b\tone\nb\ttwo\n");
        assert_trains(&options);
        toy_write_text("train", "a\tone\na\ttwo\na\tthree\n");
        assert_refused(&options, HW_ERROR_FORMAT, "only one label");
        toy_write_text("train", "a\tone\n");
        assert_refused(&options, HW_ERROR_FORMAT, "only one label");
        toy_write_text("train", "");
        assert_refused(&options, HW_ERROR_FORMAT, "train");
    }
}

/* Without held-back rows there is nothing to stop the towers by: they learn all the same. */
static void test_two_texts_are_learned_by_the_towers(void **state) {
    (void)state;
    toy_write_text("train", "a\tone\nb\ttwo\n");
    hw_train_options options = toy_options("train");
    options.arch = HW_ARCH_ATTENTION;
    options.min_count = 1;
    options.epochs = 100;
    options.learning_rate = 0.02;
    hw_classifier *classifier = toy_train(&options);
    assert_true(accuracy_of(classifier, "train") == 1);
    hw_session *session = hw_session_new(classifier, NULL, &error);
    const hw_text text = hw_text_of("one");
    float probability[2];
    assert_int_equal(hw_classify(session, &text, 1, probability, &error), HW_OK);
    assert_true(probability[0] > 0.6f);
    hw_session_free(session);
    hw_classifier_close(classifier);
}

static void test_rare_labels_are_dropped_on_request(void **state) {
    (void)state;
    toy_write("train", (toy_shape){ .rows = 60, .labels = 3, .seed = 8 });
    FILE *file = fopen("train", "a");
    fputs("rare\tthe1 strange\nrare\tthe2 strange\n", file);
    fclose(file);
    hw_train_options options = toy_options("train");
    options.min_count_label = 3;
    hw_classifier *classifier = toy_train(&options);
    assert_int_equal(hw_classifier_summary(classifier)->labels, 3);
    assert_int_equal(hw_classifier_find_label(classifier, hw_text_of("rare")), -1);
    hw_classifier_close(classifier);
    options.min_count_label = 2;
    classifier = toy_train(&options);
    assert_int_equal(hw_classifier_summary(classifier)->labels, 4);
    hw_classifier_close(classifier);
    options.min_count_label = 1000;
    assert_refused(&options, HW_ERROR_FORMAT, "no label is left");
}

static void test_texts_without_a_known_word_train(void **state) {
    (void)state;
    for (size_t i = 0; i < ARCHITECTURES; i++) {
        hw_train_options options = toy_options("train");
        options.arch = architectures[i];
        toy_write_text("train", "a\t\nb\t\na\t\nb\t\na\t\nb\t\n");
        assert_trains(&options);
        toy_write_text("train", "a\tsame\nb\tsame\na\tsame\nb\tsame\nb\tsame\n");
        assert_trains(&options);
        options.min_count = 100; /* an empty dictionary */
        assert_trains(&options);
    }
}

/* A weight that is 0 as a float takes its text out. */
static void test_tiny_weights_take_texts_out(void **state) {
    (void)state;
    static const char *const unusable =
        "{\"text\": \"one\", \"label\": \"a\", \"weight\": 1e-300}\n"
        "{\"text\": \"two\", \"label\": \"b\", \"weight\": 1e-300}\n";
    for (size_t i = 0; i < ARCHITECTURES; i++) {
        hw_train_options options = toy_options("train");
        options.arch = architectures[i];
        options.min_count = 1;
        toy_write_text("train", unusable);
        assert_refused(&options, HW_ERROR_FORMAT, "too few texts");
        FILE *file = fopen("train", "a");
        for (int row = 0; row < 4; row++)
            fprintf(file, "{\"text\": \"one two\", \"label\": \"%c\"}\n", 'a' + row % 2);
        fclose(file);
        assert_trains(&options);
        toy_write_text("valid", unusable);
        options.valid = "valid";
        assert_refused(&options, HW_ERROR_FORMAT, "valid");
    }
}

/* As many labels as there may be, two texts each. */
static void test_very_many_labels_train(void **state) {
    (void)state;
    enum { MANY = 65536 };
    FILE *file = fopen("train", "w");
    for (int row = 0; row < 2 * MANY; row++) fprintf(file, "label%d\tone\n", row % MANY);
    fclose(file);
    hw_train_options options = toy_options("train");
    options.arch = HW_ARCH_ATTENTION;
    options.min_count_label = 3;
    assert_refused(&options, HW_ERROR_FORMAT, "no label is left");
    file = fopen("train", "a");
    for (int row = 0; row < 4; row++) fprintf(file, "label%d\tone two\n", row % 2);
    fclose(file);
    assert_trains(&options);
    file = fopen("train", "a");
    fputs("one too many\tone\n", file);
    fclose(file);
    assert_refused(&options, HW_ERROR_UNSUPPORTED, "65536");
}

/* From 40,000 rows on. */
static hw_train_options many_rows(const char *path) {
    toy_write(path, (toy_shape){ .rows = 40000, .labels = 2, .seed = 23 });
    hw_train_options options = toy_options(path);
    options.towers = 2;
    options.batch = 256;
    return options;
}

static void test_many_texts_are_learned_once(void **state) {
    (void)state;
    hw_train_options options = many_rows("train");
    hw_classifier *classifier = toy_train(&options);
    const hw_summary *summary = hw_classifier_summary(classifier);
    assert_usable(classifier);
    assert_int_equal(summary->towers, 2);
    assert_true(summary->held_back_score > 0.95);
    const char *training = hw_classifier_training(classifier);
    assert_non_null(strstr(training, "\"held_back\":4000"));
    assert_non_null(strstr(training, "\"lr\":0.016"));
    const uint64_t whole = toy_fingerprint(classifier);
    hw_classifier_close(classifier);
    options.threads = 2;
    assert_true(toy_train_fingerprint(&options) == whole);
    options.learning_rate = 0.001;
    assert_true(toy_train_fingerprint(&options) != whole);
    options.arch = HW_ARCH_ATTENTION;
    classifier = toy_train(&options);
    assert_int_equal(hw_classifier_summary(classifier)->towers, 2);
    assert_usable(classifier);
    hw_classifier_close(classifier);
}

/* One word of a mebibyte, and as many words as fit in one. */
static void test_long_texts_train(void **state) {
    (void)state;
    enum { LENGTH = 1 << 20 };
    FILE *file = fopen("train", "w");
    for (int row = 0; row < 4; row++) {
        fprintf(file, "%c\t", 'a' + row % 2);
        for (int i = 0; i < LENGTH; i++) fputc(row < 2 ? 'x' : "ab c"[i % 4], file);
        fputc('\n', file);
    }
    fclose(file);
    hw_train_options options = toy_options("train");
    options.char_min = 2;
    options.char_max = 3;
    options.min_count = 1;
    assert_trains(&options);
}

static void test_noise_is_survived(void **state) {
    (void)state;
    toy_write("train", (toy_shape){ .rows = 100, .labels = 2, .seed = 9, .noise = true });
    hw_train_options options = toy_options("train");
    options.epochs = 5;
    hw_classifier *classifier = toy_train(&options);
    assert_usable(classifier);
    const hw_summary *summary = hw_classifier_summary(classifier);
    assert_true(summary->held_back_score >= summary->held_back_bag);
    hw_classifier_close(classifier);
}

static void test_highest_rate_gives_a_usable_model_or_none(void **state) {
    (void)state;
    toy_write("train", (toy_shape){ .rows = 80, .labels = 2, .seed = 10 });
    for (int i = 0; i < 4; i++) {
        hw_train_options options = toy_options("train");
        options.arch = i % 2 ? HW_ARCH_ATTENTION : HW_ARCH_HYBRID;
        options.learning_rate = 1;
        options.epochs = 5;
        options.width = i < 2 ? 16 : 64;
        options.layers = i < 2 ? 1 : 2;
        options.regularization = 1e6;
        options.dropout = -1;
        hw_classifier *classifier = hw_train(&options, &error);
        if (classifier) assert_usable(classifier);
        if (!classifier) assert_int_equal(error.status, HW_ERROR_DIVERGED);
        hw_classifier_close(classifier);
    }
}

static void test_options_out_of_range_are_named(void **state) {
    (void)state;
    toy_write("train", (toy_shape){ .rows = 20, .labels = 2, .seed = 11 });
#define WRONG(field, value, name)                            \
    do {                                                     \
        hw_train_options options = toy_options("train");     \
        options.field = (value);                             \
        assert_refused(&options, HW_ERROR_ARGUMENT, (name)); \
    } while (0)
    WRONG(learning_rate, 1.5, "lr");
    WRONG(learning_rate, NAN, "finite");
    WRONG(dropout, 1, "dropout");
    WRONG(regularization, INFINITY, "finite");
    WRONG(regularization, -1, "regularization");
    WRONG(valid_split, 0.75, "valid_split");
    WRONG(width, 20, "dim");
    WRONG(heads, 10000, "heads");
    WRONG(layers, 65, "layers");
    WRONG(capsule_dim, 65, "capsule_dim");
    WRONG(routing, 17, "routing");
    WRONG(towers, 17, "towers");
    WRONG(epochs, INT32_MAX, "epoch");
    WRONG(batch, -5, "batch");
    WRONG(word_ngrams, 17, "wordNgrams");
    WRONG(char_max, 17, "maxn");
    WRONG(min_count, -1, "minCount");
    WRONG(attention, HW_ATTENTION_COLLABORATIVE + 1, "attention");
    WRONG(shared_dim, -1, "shared_dim");
    WRONG(head_gates, HW_HEAD_GATES_INPUT + 1, "head_gates");
    WRONG(gate_penalty, NAN, "gate_penalty");
    WRONG(drop_head, 1, "drop_head");
    WRONG(drop_head, NAN, "finite");
    WRONG(disagreement, -1, "disagreement");
    WRONG(orthogonality, 1001, "orthogonality");
#undef WRONG
}

static void test_tiny_splits_hold_back_at_least_what_they_can(void **state) {
    (void)state;
    toy_write("train", (toy_shape){ .rows = 40, .labels = 2, .seed = 12 });
    static const double splits[] = { 1e-300, 1e-9, 0.01, 0.5 };
    for (size_t i = 0; i < sizeof splits / sizeof *splits; i++) {
        hw_train_options options = toy_options("train");
        options.valid_split = splits[i];
        assert_trains(&options);
    }
}

/* ---- Class weights ---------------------------------------------------------------------- */

static void test_class_weights_shift_the_model(void **state) {
    (void)state;
    toy_write_text("train", "a\tone\na\tone\na\tone\na\tone two\nb\tone\nb\ttwo\n");
    toy_write_text("weights.json", "{\"b\": 100}");
    hw_train_options options = toy_options("train");
    options.arch = HW_ARCH_BAG;
    options.min_count = 1;
    static const char *const choices[] = { NULL, "balanced", "weights.json" };
    float before = 0;
    for (size_t i = 0; i < sizeof choices / sizeof *choices; i++) {
        options.class_weight = choices[i];
        hw_classifier *classifier = toy_train(&options);
        hw_session *session = hw_session_new(classifier, NULL, &error);
        const hw_text text = hw_text_of("one");
        float probability[2];
        assert_int_equal(hw_classify(session, &text, 1, probability, &error), HW_OK);
        assert_true(probability[1] > before);
        before = probability[1];
        hw_session_free(session);
        hw_classifier_close(classifier);
    }
}

static void test_multi_label_class_weights_train(void **state) {
    (void)state;
    toy_write("multi", (toy_shape){ .rows = 60, .labels = 3, .multi_label = true, .seed = 13 });
    toy_write_text("weights.json", "{\"a\": 3, \"b\": 0.25}");
    hw_train_options options = toy_options("multi");
    const uint64_t plain = toy_train_fingerprint(&options);
    options.class_weight = "balanced";
    const uint64_t balanced = toy_train_fingerprint(&options);
    options.class_weight = "weights.json";
    const uint64_t weighted = toy_train_fingerprint(&options);
    assert_true(plain != balanced && plain != weighted && balanced != weighted);
}

static void test_wrong_class_weights_are_refused(void **state) {
    (void)state;
    toy_write("train", (toy_shape){ .rows = 20, .labels = 2, .seed = 14 });
    hw_train_options options = toy_options("train");
    options.class_weight = "weights.json";
    unlink("weights.json");
    assert_refused(&options, HW_ERROR_IO, "weights.json");
    static const char *const wrong[] = { "{\"misspelt\": 2}",
                                         "",
                                         "{",
                                         "[1]",
                                         "{\"a\": 0}",
                                         "{\"a\": -1}",
                                         "{\"a\": \"x\"}",
                                         "{\"a\": 1e9}",
                                         "{\"a\":1,\"a\":2}" };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        toy_write_text("weights.json", wrong[i]);
        assert_refused(&options, HW_ERROR_FORMAT, "weights.json");
    }
}

/* ---- Stopping --------------------------------------------------------------------------- */

typedef struct watcher {
    int calls, stop_at;
    double overall;
} watcher;

static bool watch(void *user, const hw_progress *progress) {
    watcher *w = user;
    assert_true(progress->overall >= w->overall && progress->overall <= 1);
    assert_non_null(progress->stage);
    w->overall = progress->overall;
    return ++w->calls != w->stop_at;
}

static void test_progress_goes_from_start_to_end(void **state) {
    (void)state;
    toy_write("train", (toy_shape){ .rows = 80, .labels = 3, .seed = 15 });
    for (size_t i = 0; i < ARCHITECTURES; i++) {
        watcher w = { 0 };
        hw_train_options options = toy_options("train");
        options.arch = architectures[i];
        options.epochs = 3;
        options.progress = watch;
        options.user = &w;
        assert_trains(&options);
        assert_true(w.calls > 2);
        assert_true(w.overall > 0.6);
    }
}

static void test_stopping_at_any_call_leaves_a_model_or_says_so(void **state) {
    (void)state;
    toy_write("train", (toy_shape){ .rows = 160, .labels = 3, .seed = 16 });
    for (size_t i = 0; i < ARCHITECTURES; i++) {
        hw_train_options options = toy_options("train");
        options.arch = architectures[i];
        options.epochs = 12;
        options.progress = watch;
        int models = 0, refusals = 0;
        for (int at = 1;; at++) {
            watcher w = { .stop_at = at };
            options.user = &w;
            hw_classifier *classifier = hw_train(&options, &error);
            if (w.calls < at) {
                hw_classifier_close(classifier);
                break;
            }
            assert_int_equal(w.calls, at); /* not asked again */
            if (classifier) assert_usable(classifier);
            if (!classifier) assert_int_equal(error.status, HW_ERROR_STOPPED);
            models += classifier != NULL;
            refusals += classifier == NULL;
            hw_classifier_close(classifier);
        }
        assert_true(models > 0 && refusals > 0);
    }
}

/* ---- Checkpoints ------------------------------------------------------------------------ */

static hw_train_options with_checkpoint(const char *input) {
    hw_train_options options = toy_options(input);
    options.towers = 2;
    options.threads = 2;
    options.epochs = 12;
    options.checkpoint = "checkpoint";
    options.save_steps = 1;
    options.resume = true;
    return options;
}

static bool stop_when_asked(void *user, const hw_progress *progress) {
    int *reports = user;
    *reports -= strstr(progress->stage, "towers") != NULL;
    return *reports > 0;
}

/* Leaves the checkpoint of a training that was stopped at a report of its towers. */
static void leave_checkpoint(hw_train_options options, int report) {
    unlink("checkpoint");
    options.progress = stop_when_asked;
    options.user = &report;
    hw_classifier_close(hw_train(&options, &error));
    assert_int_equal(access("checkpoint", R_OK), 0);
}

static void test_killed_trainings_resume_to_the_same_model(void **state) {
    (void)state;
    static const hw_arch with_towers[] = { HW_ARCH_ATTENTION, HW_ARCH_HYBRID, HW_ARCH_CAPSULE };
    toy_write("single", (toy_shape){ .rows = 160, .labels = 3, .seed = 17 });
    toy_write("multi", (toy_shape){ .rows = 160, .labels = 3, .multi_label = true, .seed = 17 });
    int kills = 0;
    for (uint64_t run = 0; run < 6; run++) {
        hw_train_options options = with_checkpoint(run % 2 ? "multi" : "single");
        options.arch = with_towers[run % 3];
        unlink("checkpoint");
        hw_train_options alone = options;
        alone.checkpoint = NULL;
        const uint64_t whole = toy_train_fingerprint(&alone);
        for (uint64_t kill_number = 0; kill_number < 4; kill_number++) {
            const pid_t child = fork();
            assert_true(child >= 0);
            if (child == 0) {
                hw_classifier_close(hw_train(&options, NULL));
                _exit(0);
            }
            usleep((useconds_t)hw_random_below(18, run, kill_number, 60000));
            kill(child, SIGKILL);
            int status;
            assert_int_equal(waitpid(child, &status, 0), child);
            kills += WIFSIGNALED(status);
        }
        assert_true(toy_train_fingerprint(&options) == whole);
    }
    assert_true(kills > 3);
}

static void test_stopped_trainings_resume_to_the_same_model(void **state) {
    (void)state;
    toy_write("train", (toy_shape){ .rows = 160, .labels = 3, .seed = 19 });
    hw_train_options options = with_checkpoint("train");
    hw_train_options alone = options;
    alone.checkpoint = NULL;
    const uint64_t whole = toy_train_fingerprint(&alone);
    for (int report = 1; report < 25; report += 4) {
        leave_checkpoint(options, report);
        assert_true(toy_train_fingerprint(&options) == whole);
    }
}

/* Its towers are those of the trial, which is over when the n-grams of all rows are learned. */
static void test_stopped_trainings_of_many_texts_resume(void **state) {
    (void)state;
    hw_train_options options = many_rows("train");
    const uint64_t whole = toy_train_fingerprint(&options);
    options.checkpoint = "checkpoint";
    options.resume = true;
    options.save_steps = 1;
    for (int report = 1; report <= 10; report += 3) {
        leave_checkpoint(options, report);
        assert_true(toy_train_fingerprint(&options) == whole);
    }
}

static void test_checkpoints_of_other_trainings_are_refused(void **state) {
    (void)state;
    toy_write("train", (toy_shape){ .rows = 160, .labels = 3, .seed = 20 });
    toy_write("other", (toy_shape){ .rows = 160, .labels = 3, .seed = 21 });
    leave_checkpoint(with_checkpoint("train"), 6);
    assert_refused(
        &(hw_train_options){ .input = "train", .checkpoint = "checkpoint", .resume = true },
        HW_ERROR_ARGUMENT, "checkpoint");
#define OTHER(field, value)                                        \
    do {                                                           \
        hw_train_options options = with_checkpoint("train");       \
        options.field = (value);                                   \
        assert_refused(&options, HW_ERROR_ARGUMENT, "checkpoint"); \
    } while (0)
    OTHER(input, "other");
    OTHER(valid, "other");
    OTHER(valid_split, 0.2);
    OTHER(seed, 5);
    OTHER(epochs, 13);
    OTHER(batch, 16);
    OTHER(learning_rate, 0.003);
    OTHER(dropout, 0.25);
    OTHER(heads, 4);
    OTHER(towers, 1);
    OTHER(min_count, 20);
    OTHER(word_ngrams, 2);
    OTHER(class_weight, "balanced");
    OTHER(loss, HW_LOSS_OVA);
    OTHER(arch, HW_ARCH_ATTENTION);
    OTHER(attention, HW_ATTENTION_TIED);
    OTHER(head_gates, HW_HEAD_GATES_INPUT);
    OTHER(drop_head, 0.2);
    OTHER(drop_head_v, true);
    OTHER(disagreement, 0.1);
    OTHER(orthogonality, 0.1);
    OTHER(arch, HW_ARCH_CAPSULE);
#undef OTHER
    hw_train_options options = with_checkpoint("train"); /* and it is still a checkpoint */
    assert_trains(&options);
}

static void test_checkpoints_of_other_capsules_are_refused(void **state) {
    (void)state;
    toy_write("train", (toy_shape){ .rows = 160, .labels = 3, .seed = 24 });
    hw_train_options options = with_checkpoint("train");
    options.arch = HW_ARCH_CAPSULE;
    leave_checkpoint(options, 6);
    options.routing = 2;
    assert_refused(&options, HW_ERROR_ARGUMENT, "checkpoint");
    options.routing = 0;
    options.capsule_dim = 8;
    assert_refused(&options, HW_ERROR_ARGUMENT, "checkpoint");
    options.capsule_dim = 0;
    assert_trains(&options);
}

static void test_damaged_checkpoints_are_refused(void **state) {
    (void)state;
    toy_write("train", (toy_shape){ .rows = 160, .labels = 3, .seed = 22 });
    const hw_train_options options = with_checkpoint("train");
    leave_checkpoint(options, 6);
    size_t size;
    unsigned char *bytes = toy_read("checkpoint", &size);
    for (uint64_t i = 0; i < 200; i++) {
        const bool cut = i % 4 == 0;
        const uint64_t bit = hw_random_below(23, 0, i, 8 * size);
        bytes[bit / 8] ^= (unsigned char)(1 << bit % 8);
        FILE *file = fopen("checkpoint", "wb");
        fwrite(bytes, 1, cut ? bit / 8 : size, file);
        fclose(file);
        bytes[bit / 8] ^= (unsigned char)(1 << bit % 8);
        hw_classifier *classifier = hw_train(&options, &error);
        assert_null(classifier);
        assert_true(error.status == HW_ERROR_FORMAT || error.status == HW_ERROR_UNSUPPORTED);
        assert_non_null(strstr(error.message, "checkpoint"));
    }
    hw_free(bytes);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_training_learns),
        cmocka_unit_test(test_threads_do_not_change_the_model),
        cmocka_unit_test(test_several_labels_make_a_multi_label_model),
        cmocka_unit_test(test_one_label_each_can_be_learned_as_multi_label),
        cmocka_unit_test(test_validation_data_are_held_back),
        cmocka_unit_test(test_little_data_trains_or_is_refused),
        cmocka_unit_test(test_two_texts_are_learned_by_the_towers),
        cmocka_unit_test(test_rare_labels_are_dropped_on_request),
        cmocka_unit_test(test_texts_without_a_known_word_train),
        cmocka_unit_test(test_tiny_weights_take_texts_out),
        cmocka_unit_test(test_very_many_labels_train),
        cmocka_unit_test(test_many_texts_are_learned_once),
        cmocka_unit_test(test_long_texts_train),
        cmocka_unit_test(test_noise_is_survived),
        cmocka_unit_test(test_highest_rate_gives_a_usable_model_or_none),
        cmocka_unit_test(test_options_out_of_range_are_named),
        cmocka_unit_test(test_tiny_splits_hold_back_at_least_what_they_can),
        cmocka_unit_test(test_class_weights_shift_the_model),
        cmocka_unit_test(test_multi_label_class_weights_train),
        cmocka_unit_test(test_wrong_class_weights_are_refused),
        cmocka_unit_test(test_progress_goes_from_start_to_end),
        cmocka_unit_test(test_stopping_at_any_call_leaves_a_model_or_says_so),
        cmocka_unit_test(test_killed_trainings_resume_to_the_same_model),
        cmocka_unit_test(test_stopped_trainings_resume_to_the_same_model),
        cmocka_unit_test(test_stopped_trainings_of_many_texts_resume),
        cmocka_unit_test(test_checkpoints_of_other_trainings_are_refused),
        cmocka_unit_test(test_checkpoints_of_other_capsules_are_refused),
        cmocka_unit_test(test_damaged_checkpoints_are_refused),
    };
    return cmocka_run_group_tests(tests, toy_enter_folder, toy_leave_folder);
}
