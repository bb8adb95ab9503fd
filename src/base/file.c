/* The I/O calls, and mapping a file to read it. Invariant: a call that a signal broke off
 * is taken up again, and errno is set whenever -1 is returned. */
#include "base/file.h"

#include "base/fault.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static bool fails_on_purpose(void) {
    if (hw_fault_hits(HW_FAULT_KILL)) raise(SIGKILL);
    if (!hw_fault_hits(HW_FAULT_IO)) return false;
    errno = EIO;
    return true;
}

int hw_io_open(const char *path, int flags, int mode) {
    if (fails_on_purpose()) return -1;

    int fd;
    do {
        fd = open(path, flags, (mode_t)mode);
    } while (fd < 0 && errno == EINTR);
    return fd;
}

ptrdiff_t hw_io_read(int fd, void *buffer, size_t bytes) {
    if (fails_on_purpose()) return -1;

    ssize_t got;
    do {
        got = read(fd, buffer, bytes);
    } while (got < 0 && errno == EINTR);
    return got;
}

int hw_io_write(int fd, const void *buffer, size_t bytes) {
    if (fails_on_purpose()) return -1;

    const char *rest = buffer;
    while (bytes > 0) {
        const ssize_t written = write(fd, rest, bytes);
        if (written < 0 && errno == EINTR) continue;
        if (written == 0) errno = ENOSPC;
        if (written <= 0) return -1;
        rest += written;
        bytes -= (size_t)written;
    }
    return 0;
}

int hw_io_fsync(int fd) {
    if (fails_on_purpose()) return -1;

    int result;
    do {
        result = fsync(fd);
    } while (result < 0 && errno == EINTR);
    return result;
}

/* The descriptor is gone whatever close() returns: POSIX leaves it open after EINTR,
 * Linux does not. */
int hw_io_close(int fd) {
    const bool fails = fails_on_purpose();
    const int result = close(fd);
    if (fails) errno = EIO;
    return fails || (result < 0 && errno != EINTR) ? -1 : 0;
}

int hw_io_rename(const char *from, const char *to) {
    return fails_on_purpose() ? -1 : rename(from, to);
}

int hw_io_mkdir(const char *path) {
    return fails_on_purpose() ? -1 : mkdir(path, 0777);
}

bool hw_file_exists(const char *path) {
    struct stat information;
    return stat(path, &information) == 0;
}

static hw_status map_descriptor(hw_mapping *mapping, int fd, const char *path, size_t limit,
                                hw_error *err) {
    struct stat information;
    if (fails_on_purpose() || fstat(fd, &information) < 0) {
        return hw_fail(err, HW_ERROR_IO, "%s: %s", path, strerror(errno));
    }
    if (S_ISDIR(information.st_mode)) return hw_fail(err, HW_ERROR_IO, "%s: is a folder", path);
    if (!S_ISREG(information.st_mode)) {
        return hw_fail(err, HW_ERROR_IO, "%s: is not a regular file", path);
    }
    if ((uintmax_t)information.st_size > limit) {
        return hw_fail(err, HW_ERROR_UNSUPPORTED, "%s: %jd bytes are more than the limit of %zu",
                       path, (intmax_t)information.st_size, limit);
    }
    const size_t size = (size_t)information.st_size;
    if (size == 0) return HW_OK;

    void *data = MAP_FAILED;
    if (!fails_on_purpose()) data = mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (data == MAP_FAILED) return hw_fail(err, HW_ERROR_IO, "%s: %s", path, strerror(errno));
    *mapping = (hw_mapping){ .data = data, .size = size };
    return HW_OK;
}

hw_status hw_file_map(hw_mapping *mapping, const char *path, size_t limit, hw_error *err) {
    *mapping = (hw_mapping){ 0 };
    /* O_NONBLOCK: opening a FIFO would wait for its writer. */
    const int fd = hw_io_open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, 0);
    if (fd < 0) return hw_fail(err, HW_ERROR_IO, "%s: %s", path, strerror(errno));

    const hw_status status = map_descriptor(mapping, fd, path, limit, err);
    hw_io_close(fd); /* read-only: nothing can be lost */
    return status;
}

void hw_file_release(const hw_mapping *mapping) {
    if (mapping->data) madvise((void *)(uintptr_t)mapping->data, mapping->size, MADV_DONTNEED);
}

void hw_file_unmap(hw_mapping *mapping) {
    if (mapping->data) munmap((void *)(uintptr_t)mapping->data, mapping->size);
    *mapping = (hw_mapping){ 0 };
}
