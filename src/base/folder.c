/* Making a folder whole or not at all. Invariant: until the rename, path is as it was; a temporary
 * folder holds only files, and none is left behind but by a process that was killed. */
#include "base/folder.h"

#include "base/memory.h"
#include "base/text_buffer.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

bool hw_is_folder(const char *path) {
    struct stat information;
    return stat(path, &information) == 0 && S_ISDIR(information.st_mode);
}

/* The buffer's text, or NULL and an error. */
static char *finished(hw_text_buffer *path, hw_error *err) {
    if (!path->failed) return path->bytes;
    hw_fail_memory(err, path->length);
    hw_text_buffer_free(path);
    return NULL;
}

char *hw_path_join(const char *folder, const char *name, hw_error *err) {
    hw_text_buffer path = { 0 };
    hw_text_printf(&path, "%s/%s", folder, name);
    return finished(&path, err);
}

static bool is_empty(const char *path) {
    DIR *entries = opendir(path);
    if (!entries) return false;
    size_t found = 0;
    for (struct dirent *entry; (entry = readdir(entries));)
        found += strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
    closedir(entries);
    return found == 0;
}

static hw_status check_target(const char *path, hw_error *err) {
    struct stat information;
    if (*path == '\0') return hw_fail(err, HW_ERROR_IO, "a folder's name must not be empty");
    if (lstat(path, &information) < 0) return HW_OK; /* what is wrong shows when it is made */
    if (!S_ISDIR(information.st_mode))
        return hw_fail(err, HW_ERROR_IO, "%s: is there and is no folder", path);
    if (!is_empty(path)) return hw_fail(err, HW_ERROR_IO, "%s: the folder is not empty", path);
    return HW_OK;
}

/* path without slashes at its end; "/" stays. */
static char *without_slashes(const char *path, hw_error *err) {
    size_t length = strlen(path);
    while (length > 1 && path[length - 1] == '/') length--;
    char *copy = hw_strndup(path, length);
    if (!copy) hw_fail_memory(err, length);
    return copy;
}

static char *name_temporary(const char *path, hw_error *err) {
    uint32_t suffix = 0;
    if (getrandom(&suffix, sizeof suffix, 0) != sizeof suffix) {
        hw_fail(err, HW_ERROR_IO, "%s: %s", path, strerror(errno));
        return NULL;
    }
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
    hw_text_buffer temporary = { 0 };
    hw_text_printf(&temporary, "%.*s.%s.tmp-%08x", (int)(name - path), path, name, suffix);
    return finished(&temporary, err);
}

hw_status hw_folder_begin(hw_new_folder *folder, const char *path, hw_error *err) {
    HW_TRY(check_target(path, err));
    folder->path = without_slashes(path, err);
    if (!folder->path) return HW_ERROR_MEMORY;
    char *temporary = name_temporary(folder->path, err);
    if (!temporary) return err->status;
    if (hw_io_mkdir(temporary) < 0) {
        hw_free(temporary);
        return hw_fail(err, HW_ERROR_IO, "%s: %s", path, strerror(errno));
    }
    folder->temporary = temporary;
    return HW_OK;
}

hw_status hw_folder_write(const hw_new_folder *folder, const char *name, const char *text,
                          hw_error *err) {
    char *path = hw_path_join(folder->temporary, name, err);
    if (!path) return HW_ERROR_MEMORY;
    const hw_chunk chunk = { text, strlen(text) };
    const hw_status status = hw_file_replace(path, &chunk, 1, err);
    hw_free(path);
    return status;
}

hw_status hw_folder_write_json(const hw_new_folder *folder, const char *name, json_t *value,
                               hw_error *err) {
    hw_text_buffer text = { 0 };
    hw_status status = hw_json_append_indented(&text, value, err);
    if (status == HW_OK) status = hw_folder_write(folder, name, text.bytes, err);
    hw_text_buffer_free(&text);
    return status;
}

/* Syncs the folder that `path` is an entry of. Not every file system can (EINVAL). */
static hw_status sync_parent(const char *path, hw_error *err) {
    const char *slash = strrchr(path, '/');
    char *parent =
        !slash ? hw_strndup(".", 1) : hw_strndup(path, slash == path ? 1 : (size_t)(slash - path));
    if (!parent) return hw_fail_memory(err, strlen(path));
    const int fd = hw_io_open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
    const bool synced = fd >= 0 && (hw_io_fsync(fd) == 0 || errno == EINVAL);
    const hw_status status =
        synced ? HW_OK : hw_fail(err, HW_ERROR_IO, "%s: %s", parent, strerror(errno));
    if (fd >= 0) hw_io_close(fd); /* read-only: nothing can be lost */
    hw_free(parent);
    return status;
}

hw_status hw_folder_publish(hw_new_folder *folder, hw_error *err) {
    if (hw_io_rename(folder->temporary, folder->path) < 0)
        return hw_fail(err, HW_ERROR_IO, "%s: %s", folder->path, strerror(errno));
    hw_free(folder->temporary);
    folder->temporary = NULL;
    return sync_parent(folder->path, err);
}

static void remove_files(const char *path) {
    DIR *entries = opendir(path);
    if (!entries) return;
    for (struct dirent *entry; (entry = readdir(entries));)
        if (entry->d_name[0] != '.' || strlen(entry->d_name) > 2)
            unlinkat(dirfd(entries), entry->d_name, 0);
    closedir(entries);
}

void hw_folder_end(hw_new_folder *folder) {
    if (folder->temporary) {
        remove_files(folder->temporary);
        rmdir(folder->temporary);
    }
    hw_free(folder->path);
    hw_free(folder->temporary);
    *folder = (hw_new_folder){ 0 };
}

hw_status hw_folder_make(const char *path, hw_folder_writer *write, const void *context,
                         hw_error *err) {
    hw_error own;
    if (!err) err = &own;
    hw_new_folder made = { 0 };
    hw_status status = hw_folder_begin(&made, path, err);
    if (status == HW_OK) status = write(&made, context, err);
    if (status == HW_OK) status = hw_folder_publish(&made, err);
    hw_folder_end(&made);
    return status;
}
