/* Files: mapping one to read it, and replacing one whole or not at all. */
#ifndef HW_BASE_FILE_H
#define HW_BASE_FILE_H

#include "base/error.h"

typedef struct hw_mapping {
    const unsigned char *data; /* page aligned; NULL for an empty file */
    size_t size;
} hw_mapping;

/* Maps a regular file read-only. Anything else (a directory, a FIFO) and a file of
 * more than limit bytes is refused with a message that names it. */
hw_status hw_file_map(hw_mapping *mapping, const char *path, size_t limit, hw_error *err);
void hw_file_unmap(hw_mapping *mapping);
/* What was read of the file need not stay in memory; it is read again when it is used again. */
void hw_file_release(const hw_mapping *mapping);

typedef struct hw_chunk {
    const void *data;
    size_t size;
} hw_chunk;

/* Writes the chunks one after the other to a temporary file beside path (O_EXCL,
 * O_NOFOLLOW, random suffix), syncs it, checks every return, renames it over path and
 * syncs the folder. On failure the temporary file is removed and path is as it was (or,
 * if only the folder could not be synced, new already). Temporary files of earlier,
 * killed writers of the same path are removed first. path must be a regular file or not
 * exist: a link, a folder or a device is refused. The permissions stay. */
hw_status hw_file_replace(const char *path, const hw_chunk *chunks, size_t count, hw_error *err);

bool hw_file_exists(const char *path);

/* The I/O calls themselves, with EINTR and short counts handled; -1 and errno on
 * failure. Tests make them fail through base/fault.h. */
int hw_io_open(const char *path, int flags, int mode);
ptrdiff_t hw_io_read(int fd, void *buffer, size_t bytes);  /* up to bytes; 0 at the end */
int hw_io_write(int fd, const void *buffer, size_t bytes); /* all of them, or -1 */
int hw_io_fsync(int fd);
int hw_io_close(int fd);
int hw_io_rename(const char *from, const char *to);
int hw_io_mkdir(const char *path);

#endif
