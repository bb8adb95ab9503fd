/* A training that writes checkpoints and then a model is killed (SIGKILL) just before each of
 * its I/O calls in turn: the model file is the old one or the new one, the training can be
 * resumed and ends with the new one, and then nothing else is left. */
#include "base/fault.h"
#include "base/memory.h"
#include "toy_data.h"

#include <dirent.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

typedef struct model {
    unsigned char *bytes;
    size_t size;
} model;

static bool train_and_save(const hw_train_options *options) {
    hw_classifier *classifier = hw_train(options, NULL);
    const bool saved = classifier && hw_classifier_save(classifier, "model", NULL) == HW_OK;
    hw_classifier_close(classifier);
    return saved;
}

static model model_of(hw_train_options options) {
    options.checkpoint = NULL;
    options.resume = false;
    assert_true(train_and_save(&options));
    model made;
    made.bytes = toy_read("model", &made.size);
    return made;
}

static void put(const model *m) {
    FILE *file = fopen("model", "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(m->bytes, 1, m->size, file), m->size);
    fclose(file);
}

static bool is_there(const model *m) {
    size_t size;
    unsigned char *bytes = toy_read("model", &size);
    const bool same = size == m->size && memcmp(bytes, m->bytes, size) == 0;
    hw_free(bytes);
    return same;
}

/* False when there is no at-th call any more. */
static bool killed_at(uint64_t at, const hw_train_options *options) {
    const pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        hw_fault_arm(HW_FAULT_KILL, at, false);
        _exit(train_and_save(options) ? 0 : 1);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    if (WIFSIGNALED(status)) return true;
    assert_int_equal(status, 0);
    return false;
}

static int files_of(const char *name) {
    int count = 0;
    DIR *folder = opendir(".");
    assert_non_null(folder);
    for (struct dirent *entry; (entry = readdir(folder));)
        count += strstr(entry->d_name, name) != NULL;
    closedir(folder);
    return count;
}

static void kill_at_every_call(hw_train_options options, uint64_t least) {
    const model new = model_of(options);
    options.seed++;
    const model old = model_of(options);
    options.seed--;
    assert_false(is_there(&new));
    uint64_t at = 1;
    for (;; at++) {
        unlink("checkpoint");
        put(&old);
        if (!killed_at(at, &options)) break;
        assert_true(is_there(&old) || is_there(&new));
        hw_error err;
        hw_classifier *classifier = hw_classifier_open("model", &err);
        assert_non_null(classifier);
        hw_classifier_close(classifier);
        assert_true(train_and_save(&options)); /* resumed */
        assert_true(is_there(&new));
        assert_int_equal(files_of("model"), 1);
        assert_true(files_of("checkpoint") <= 1);
    }
    assert_true(at > least);
    hw_free(new.bytes);
    hw_free(old.bytes);
}

static hw_train_options options_of(hw_arch arch) {
    hw_train_options options = toy_options("train");
    options.arch = arch;
    options.checkpoint = "checkpoint";
    options.save_steps = 1;
    options.resume = true;
    return options;
}

static void test_a_training_killed_at_any_call_is_resumed(void **state) {
    (void)state;
    toy_write("train", (toy_shape){ .rows = 64, .labels = 2, .seed = 1 });
    kill_at_every_call(options_of(HW_ARCH_ATTENTION), 80);
}

static void test_a_save_killed_at_any_call_leaves_a_model(void **state) {
    (void)state;
    toy_write("train", (toy_shape){ .rows = 24, .labels = 3, .multi_label = true, .seed = 2 });
    kill_at_every_call(options_of(HW_ARCH_BAG), 8);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_training_killed_at_any_call_is_resumed),
        cmocka_unit_test(test_a_save_killed_at_any_call_leaves_a_model),
    };
    return cmocka_run_group_tests(tests, toy_enter_folder, toy_leave_folder);
}
