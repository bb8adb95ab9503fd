/* Replacing a file whole or not at all.
 * Invariants. path names the old file or the new one at every moment, and the new one is
 * on the disk before it takes the name. A writer holds a lock (flock) on its temporary
 * file from before the first byte until after the rename: a temporary file that can be
 * locked belongs to nobody and is removed by the next writer. */
#include "base/file.h"

#include "base/memory.h"
#include "base/text_buffer.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SUFFIX_DIGITS = 8, ATTEMPTS = 100 };

typedef struct replacement {
    const char *path;
    const char *name;         /* of path, after its last slash */
    int mode;                 /* permissions of the new file: those of the old one */
    int folder;               /* open, or -1 */
    int file;                 /* the temporary file, open and locked, or -1 */
    hw_text_buffer temporary; /* its path */
} replacement;

static hw_status fail_io(const replacement *work, hw_error *err) {
    return hw_fail(err, HW_ERROR_IO, "%s: %s", work->path, strerror(errno));
}

static hw_status check_target(replacement *work, hw_error *err) {
    struct stat old;
    work->mode = 0666;
    if (*work->name == '\0') return hw_fail(err, HW_ERROR_IO, "%s: names no file", work->path);
    if (lstat(work->path, &old) < 0) return HW_OK; /* what is wrong shows when it is opened */
    if (S_ISDIR(old.st_mode)) return hw_fail(err, HW_ERROR_IO, "%s: is a folder", work->path);
    if (S_ISLNK(old.st_mode)) {
        return hw_fail(err, HW_ERROR_IO, "%s: is a symbolic link; name the file itself",
                       work->path);
    }
    if (!S_ISREG(old.st_mode)) {
        return hw_fail(err, HW_ERROR_IO, "%s: is not a regular file", work->path);
    }
    work->mode = (int)(old.st_mode & 0777);
    return HW_OK;
}

static hw_status open_folder(replacement *work, hw_error *err) {
    const size_t length = (size_t)(work->name - work->path);
    char *folder = length > 0 ? hw_strndup(work->path, length) : hw_strndup(".", 1);
    if (!folder) return hw_fail_memory(err, length + 1);

    hw_status status = HW_OK;
    work->folder = hw_io_open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
    if (work->folder < 0) {
        status =
            hw_fail(err, HW_ERROR_IO, "%s: folder %s: %s", work->path, folder, strerror(errno));
    }
    hw_free(folder);
    return status;
}

/* Is entry ".<name>.tmp-" and eight hexadecimal digits? */
static bool is_temporary_of(const char *entry, const char *name) {
    static const char middle[] = ".tmp-";
    const size_t length = strlen(name);
    if (*entry++ != '.' || strncmp(entry, name, length) != 0) return false;
    entry += length;
    if (strncmp(entry, middle, strlen(middle)) != 0) return false;
    entry += strlen(middle);
    return strspn(entry, "0123456789abcdef") == SUFFIX_DIGITS && entry[SUFFIX_DIGITS] == '\0';
}

static void remove_if_abandoned(int folder, const char *entry) {
    const int fd = openat(folder, entry, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0) return;
    if (flock(fd, LOCK_EX | LOCK_NB) == 0) unlinkat(folder, entry, 0);
    close(fd);
}

/* Whatever fails here leaves a file too many, which the next writer tries again. */
static void remove_abandoned(const replacement *work) {
    const int listed = openat(work->folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (listed < 0) return;
    DIR *entries = fdopendir(listed);
    if (!entries) {
        close(listed);
        return;
    }
    for (struct dirent *entry; (entry = readdir(entries));) {
        if (is_temporary_of(entry->d_name, work->name)) {
            remove_if_abandoned(work->folder, entry->d_name);
        }
    }
    closedir(entries);
}

/* False if another writer removed the file between its creation and its lock. A file
 * system without locks gives none to that writer either. */
static bool lock_and_keep(int fd) {
    while (flock(fd, LOCK_EX) < 0 && errno == EINTR) continue;
    struct stat information;
    return fstat(fd, &information) == 0 && information.st_nlink > 0;
}

static hw_status name_temporary(replacement *work, hw_error *err) {
    uint32_t suffix;
    if (getrandom(&suffix, sizeof suffix, 0) != sizeof suffix) return fail_io(work, err);

    const size_t length = (size_t)(work->name - work->path);
    work->temporary.length = 0;
    hw_text_append(&work->temporary, work->path, length);
    hw_text_printf(&work->temporary, ".%s.tmp-%0*x", work->name, SUFFIX_DIGITS, suffix);
    return work->temporary.failed ? hw_fail_memory(err, length) : HW_OK;
}

static hw_status create_temporary(replacement *work, hw_error *err) {
    const int flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
    for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
        HW_TRY(name_temporary(work, err));
        work->file = hw_io_open(work->temporary.bytes, flags, work->mode);
        if (work->file < 0 && errno == EEXIST) continue;
        if (work->file < 0) return fail_io(work, err);
        if (lock_and_keep(work->file)) return HW_OK;
        close(work->file);
        work->file = -1;
    }
    return hw_fail(err, HW_ERROR_IO, "%s: no temporary file could be made", work->path);
}

static hw_status write_and_rename(const replacement *work, const hw_chunk *chunks, size_t count,
                                  hw_error *err) {
    for (size_t i = 0; i < count; i++) {
        if (chunks[i].size == 0) continue;
        if (hw_io_write(work->file, chunks[i].data, chunks[i].size) < 0) {
            return fail_io(work, err);
        }
    }
    if (hw_io_fsync(work->file) < 0) return fail_io(work, err);
    if (hw_io_rename(work->temporary.bytes, work->path) < 0) return fail_io(work, err);
    return HW_OK;
}

/* Not every file system can sync a folder (EINVAL): then there is nothing to do. */
static hw_status finish(replacement *work, hw_error *err) {
    hw_status status = HW_OK;
    if (hw_io_fsync(work->folder) < 0 && errno != EINVAL) status = fail_io(work, err);
    if (hw_io_close(work->file) < 0) status = fail_io(work, err);
    work->file = -1;
    return status;
}

static hw_status replace(replacement *work, const hw_chunk *chunks, size_t count, hw_error *err) {
    HW_TRY(check_target(work, err));
    HW_TRY(open_folder(work, err));
    remove_abandoned(work);
    HW_TRY(create_temporary(work, err));

    const hw_status status = write_and_rename(work, chunks, count, err);
    if (status == HW_OK) return finish(work, err);
    unlink(work->temporary.bytes);
    return status;
}

hw_status hw_file_replace(const char *path, const hw_chunk *chunks, size_t count, hw_error *err) {
    const char *slash = strrchr(path, '/');
    replacement work = { .path = path, .name = slash ? slash + 1 : path, .folder = -1, .file = -1 };
    const hw_status status = replace(&work, chunks, count, err);
    if (work.file >= 0) close(work.file);
    if (work.folder >= 0) close(work.folder);
    hw_text_buffer_free(&work.temporary);
    return status;
}
