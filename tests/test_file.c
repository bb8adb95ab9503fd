/* base/file: mapping, and replacing a file whole or not at all when any I/O call fails or
 * the process is killed at it. */
#include "base/fault.h"
#include "base/file.h"
#include "base/memory.h"

#include <dirent.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static char folder[64];

static const char old_text[] = "the old content";
static const char new_text[] = "the new content, which is longer";

static const char *in_folder(const char *name) {
    static char paths[4][512];
    static int next;
    char *path = paths[next++ % 4];
    snprintf(path, sizeof paths[0], "%s/%s", folder, name);
    return path;
}

static void put(const char *path, const char *text) {
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    assert_int_equal(fclose(file), 0);
}

static bool holds(const char *path, const char *text) {
    char content[256] = "";
    FILE *file = fopen(path, "r");
    if (!file) return false;
    const size_t length = fread(content, 1, sizeof content - 1, file);
    fclose(file);
    return length == strlen(text) && memcmp(content, text, length) == 0;
}

/* Files of the folder whose name starts with the prefix. */
static int count_files(const char *prefix) {
    int count = 0;
    DIR *entries = opendir(folder);
    assert_non_null(entries);
    for (struct dirent *entry; (entry = readdir(entries));) {
        const bool is_self = strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0;
        if (!is_self && strncmp(entry->d_name, prefix, strlen(prefix)) == 0) count++;
    }
    closedir(entries);
    return count;
}

/* The new text, in three chunks of which one is empty. */
static hw_status replace_by_new(const char *path, hw_error *err) {
    const hw_chunk chunks[3] = { { new_text, 10 },
                                 { NULL, 0 },
                                 { new_text + 10, strlen(new_text) - 10 } };
    return hw_file_replace(path, chunks, 3, err);
}

static int make_folder(void **state) {
    (void)state;
    strcpy(folder, "/tmp/headwise-test-file-XXXXXX");
    return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state) {
    (void)state;
    hw_fault_arm(HW_FAULT_IO, 0, false);
    hw_fault_arm(HW_FAULT_MEMORY, 0, false);
    DIR *entries = opendir(folder);
    for (struct dirent *entry; (entry = readdir(entries));) unlink(in_folder(entry->d_name));
    closedir(entries);
    rmdir(in_folder("sub"));
    return rmdir(folder);
}

/* ---- Replacing ---- */

static void test_replace_writes_new_and_old_files(void **state) {
    (void)state;
    const char *path = in_folder("model");
    assert_int_equal(replace_by_new(path, NULL), HW_OK);
    assert_true(holds(path, new_text));
    put(path, old_text);
    assert_int_equal(replace_by_new(path, NULL), HW_OK);
    assert_true(holds(path, new_text));
    assert_int_equal(hw_file_replace(path, NULL, 0, NULL), HW_OK);
    assert_true(holds(path, ""));
    assert_int_equal(count_files(""), 1);
}

static void test_replace_works_in_the_working_folder(void **state) {
    (void)state;
    char before[4096];
    assert_non_null(getcwd(before, sizeof before));
    assert_int_equal(chdir(folder), 0);
    const hw_status status = replace_by_new("model", NULL);
    assert_int_equal(chdir(before), 0);
    assert_int_equal(status, HW_OK);
    assert_true(holds(in_folder("model"), new_text));
}

static void test_replace_keeps_permissions(void **state) {
    (void)state;
    const char *path = in_folder("model");
    put(path, old_text);
    assert_int_equal(chmod(path, 0600), 0);
    assert_int_equal(replace_by_new(path, NULL), HW_OK);
    struct stat information;
    assert_int_equal(stat(path, &information), 0);
    assert_int_equal(information.st_mode & 0777, 0600);
}

static void test_replace_survives_every_failing_call(void **state) {
    (void)state;
    const char *path = in_folder("model");
    put(path, old_text);
    hw_fault_arm(HW_FAULT_IO, 0, false);
    assert_int_equal(replace_by_new(path, NULL), HW_OK);
    const uint64_t calls = hw_fault_calls(HW_FAULT_IO);
    assert_true(calls >= 8); /* open 2, write 2, fsync, rename, fsync, close */

    for (uint64_t at = 1; at <= calls; at++) {
        for (int persistent = 0; persistent < 2; persistent++) {
            put(path, old_text);
            hw_error err = { 0 };
            hw_fault_arm(HW_FAULT_IO, at, persistent);
            const hw_status status = replace_by_new(path, &err);
            hw_fault_arm(HW_FAULT_IO, 0, false);
            assert_int_equal(status, HW_ERROR_IO);
            assert_int_equal(err.status, HW_ERROR_IO);
            assert_non_null(strstr(err.message, path));
            assert_true(holds(path, old_text) || holds(path, new_text));
            assert_int_equal(count_files(""), 1);
        }
    }
}

static void test_replace_survives_every_failing_allocation(void **state) {
    (void)state;
    const char *path = in_folder("model");
    uint64_t failures = 0;
    for (uint64_t at = 1;; at++) {
        put(path, old_text);
        hw_error err = { 0 };
        hw_fault_arm(HW_FAULT_MEMORY, at, false);
        const hw_status status = replace_by_new(path, &err);
        hw_fault_arm(HW_FAULT_MEMORY, 0, false);
        if (status == HW_OK) break;
        assert_int_equal(status, HW_ERROR_MEMORY);
        assert_true(holds(path, old_text));
        assert_int_equal(count_files(""), 1);
        failures++;
    }
    assert_true(failures >= 2);
}

/* False once the save has fewer than `at` I/O calls and so was not killed. */
static bool kill_at(const char *path, uint64_t at) {
    const pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        hw_fault_arm(HW_FAULT_KILL, at, false);
        _exit(replace_by_new(path, NULL) == HW_OK ? 0 : 1);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    if (WIFEXITED(status)) assert_int_equal(WEXITSTATUS(status), 0);
    return WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
}

static void test_replace_survives_being_killed_at_every_call(void **state) {
    (void)state;
    const char *path = in_folder("model");
    int left = 0;
    uint64_t at = 1;
    for (;; at++) {
        put(path, old_text);
        if (!kill_at(path, at)) break;
        assert_true(holds(path, old_text) || holds(path, new_text));
        left += count_files(".model.tmp-");

        assert_int_equal(replace_by_new(path, NULL), HW_OK);
        assert_true(holds(path, new_text));
        assert_int_equal(count_files(""), 1);
    }
    assert_true(at > 7);
    assert_true(left > 0); /* or the removal was not tested */
}

static void test_replace_spares_files_of_others(void **state) {
    (void)state;
    static const char *const others[] = { ".model.tmp-1234567",  ".model.tmp-123456789",
                                          ".model.tmp-1234567g", ".model2.tmp-12345678",
                                          "model.tmp-12345678",  ".mode.tmp-12345678" };
    enum { OTHERS = sizeof others / sizeof others[0] };
    for (int i = 0; i < OTHERS; i++) put(in_folder(others[i]), "x");
    put(in_folder(".model.tmp-89abcdef"), "abandoned");
    put(in_folder(".model.tmp-01234567"), "of a living writer");
    const int fd = open(in_folder(".model.tmp-01234567"), O_RDONLY | O_CLOEXEC);
    assert_int_equal(flock(fd, LOCK_EX), 0);

    assert_int_equal(replace_by_new(in_folder("model"), NULL), HW_OK);
    for (int i = 0; i < OTHERS; i++) assert_true(hw_file_exists(in_folder(others[i])));
    assert_false(hw_file_exists(in_folder(".model.tmp-89abcdef")));
    assert_true(hw_file_exists(in_folder(".model.tmp-01234567")));

    close(fd);
    assert_int_equal(replace_by_new(in_folder("model"), NULL), HW_OK);
    assert_false(hw_file_exists(in_folder(".model.tmp-01234567")));
}

/* Writers in several processes: each save succeeds and none disturbs another. */
static void test_replace_races_without_loss(void **state) {
    (void)state;
    enum { WRITERS = 4, SAVES = 50 };
    const char *path = in_folder("model");
    put(path, old_text);
    pid_t children[WRITERS];
    for (int i = 0; i < WRITERS; i++) {
        children[i] = fork();
        assert_true(children[i] >= 0);
        if (children[i] != 0) continue;
        int failures = 0;
        for (int j = 0; j < SAVES; j++) {
            failures += replace_by_new(path, NULL) != HW_OK || !holds(path, new_text);
        }
        _exit(failures);
    }
    for (int i = 0; i < WRITERS; i++) {
        int status = -1;
        assert_int_equal(waitpid(children[i], &status, 0), children[i]);
        assert_int_equal(status, 0);
    }
    assert_int_equal(count_files(""), 1);
}

static void test_replace_follows_no_link(void **state) {
    (void)state;
    put(in_folder("victim"), old_text);
    assert_int_equal(symlink(in_folder("victim"), in_folder(".model.tmp-00000000")), 0);
    assert_int_equal(symlink(in_folder("victim"), in_folder("link")), 0);
    assert_int_equal(replace_by_new(in_folder("model"), NULL), HW_OK);
    assert_true(holds(in_folder("victim"), old_text));

    hw_error err = { 0 };
    assert_int_equal(replace_by_new(in_folder("link"), &err), HW_ERROR_IO);
    assert_non_null(strstr(err.message, "symbolic link"));
    assert_true(holds(in_folder("victim"), old_text));
}

static void expect_refusal(const char *path, const char *reason) {
    hw_error err = { 0 };
    assert_int_equal(replace_by_new(path, &err), HW_ERROR_IO);
    assert_int_equal(strncmp(err.message, path, strlen(path)), 0);
    assert_non_null(strstr(err.message, reason));
}

static void test_replace_names_what_is_wrong_with_the_path(void **state) {
    (void)state;
    assert_int_equal(mkdir(in_folder("sub"), 0755), 0);
    assert_int_equal(mkfifo(in_folder("fifo"), 0644), 0);
    expect_refusal(in_folder("sub"), "is a folder");
    expect_refusal(in_folder("fifo"), "is not a regular file");
    expect_refusal(in_folder("missing/model"), "No such file or directory");
    expect_refusal(in_folder("missing/"), "names no file");
    expect_refusal("", "names no file");
    assert_int_equal(count_files(""), 2);
}

static void test_replace_needs_a_writable_folder(void **state) {
    (void)state;
    if (geteuid() == 0) skip(); /* root may write anywhere */
    assert_int_equal(chmod(folder, 0500), 0);
    expect_refusal(in_folder("model"), "Permission denied");
    assert_int_equal(chmod(folder, 0700), 0);
}

/* ---- Mapping ---- */

static void test_map_shows_the_content(void **state) {
    (void)state;
    hw_mapping mapping;
    put(in_folder("data"), old_text);
    assert_int_equal(hw_file_map(&mapping, in_folder("data"), 100, NULL), HW_OK);
    assert_int_equal(mapping.size, strlen(old_text));
    assert_memory_equal(mapping.data, old_text, mapping.size);
    hw_file_unmap(&mapping);
    assert_null(mapping.data);

    put(in_folder("empty"), "");
    assert_int_equal(hw_file_map(&mapping, in_folder("empty"), 0, NULL), HW_OK);
    assert_null(mapping.data);
    assert_int_equal(mapping.size, 0);
    hw_file_unmap(&mapping);
}

static void test_map_refuses_what_is_no_file(void **state) {
    (void)state;
    hw_mapping mapping;
    hw_error err;
    put(in_folder("data"), old_text);
    assert_int_equal(mkfifo(in_folder("fifo"), 0644), 0);
    assert_int_equal(hw_file_map(&mapping, folder, 100, &err), HW_ERROR_IO);
    assert_non_null(strstr(err.message, "is a folder"));
    assert_int_equal(hw_file_map(&mapping, in_folder("fifo"), 100, &err), HW_ERROR_IO);
    assert_non_null(strstr(err.message, "is not a regular file"));
    assert_int_equal(hw_file_map(&mapping, "/dev/zero", 100, &err), HW_ERROR_IO);
    assert_int_equal(hw_file_map(&mapping, in_folder("none"), 100, &err), HW_ERROR_IO);
    assert_non_null(strstr(err.message, "No such file"));
    assert_int_equal(hw_file_map(&mapping, in_folder("data"), strlen(old_text) - 1, &err),
                     HW_ERROR_UNSUPPORTED);
    assert_int_equal(hw_file_map(&mapping, in_folder("data"), strlen(old_text), &err), HW_OK);
    hw_file_unmap(&mapping);
}

static void test_map_fails_cleanly_at_every_call(void **state) {
    (void)state;
    put(in_folder("data"), old_text);
    for (uint64_t at = 1; at <= 3; at++) { /* open, fstat, mmap; a failing close is harmless */
        hw_mapping mapping;
        hw_error err = { 0 };
        hw_fault_arm(HW_FAULT_IO, at, false);
        assert_int_equal(hw_file_map(&mapping, in_folder("data"), 100, &err), HW_ERROR_IO);
        hw_fault_arm(HW_FAULT_IO, 0, false);
        assert_null(mapping.data);
        assert_non_null(strstr(err.message, "data"));
    }
}

static void test_io_read_and_write_handle_short_counts(void **state) {
    (void)state;
    enum { BYTES = 300000 }; /* more than a pipe holds: write() comes back short or waits */
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    const pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        char *bytes = hw_calloc(BYTES, 1);
        close(ends[0]);
        _exit(bytes && hw_io_write(ends[1], bytes, BYTES) == 0 ? 0 : 1);
    }
    hw_io_close(ends[1]);
    size_t total = 0;
    char buffer[1000];
    for (ptrdiff_t got; (got = hw_io_read(ends[0], buffer, sizeof buffer)) > 0;) {
        total += (size_t)got;
    }
    int status = -1;
    waitpid(child, &status, 0);
    assert_int_equal(status, 0);
    assert_int_equal(total, BYTES);
    assert_int_equal(hw_io_close(ends[0]), 0);
    assert_int_equal(hw_io_close(ends[0]), -1);
}

#define in_own_folder(test) cmocka_unit_test_setup_teardown(test, make_folder, remove_folder)

int main(void) {
    const struct CMUnitTest tests[] = {
        in_own_folder(test_replace_writes_new_and_old_files),
        in_own_folder(test_replace_works_in_the_working_folder),
        in_own_folder(test_replace_keeps_permissions),
        in_own_folder(test_replace_survives_every_failing_call),
        in_own_folder(test_replace_survives_every_failing_allocation),
        in_own_folder(test_replace_survives_being_killed_at_every_call),
        in_own_folder(test_replace_spares_files_of_others),
        in_own_folder(test_replace_races_without_loss),
        in_own_folder(test_replace_follows_no_link),
        in_own_folder(test_replace_names_what_is_wrong_with_the_path),
        in_own_folder(test_replace_needs_a_writable_folder),
        in_own_folder(test_map_shows_the_content),
        in_own_folder(test_map_refuses_what_is_no_file),
        in_own_folder(test_map_fails_cleanly_at_every_call),
        in_own_folder(test_io_read_and_write_handle_short_counts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
