/* Runs a fuzz target once over each stored input: files, or the files of folders, in the order of
 * their names. Invariant: an input is in a block of exactly its size, so that a sanitizer sees a
 * read past its end. */
#include <dirent.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int is_visible(const struct dirent *entry) {
    return entry->d_name[0] != '.';
}

static int fail(const char *path) {
    fprintf(stderr, "%s: %s\n", path, strerror(errno));
    return -1;
}

/* The number of inputs that were run: 1, or -1 if the file cannot be read. */
static int replay_file(const char *path, size_t size) {
    FILE *file = fopen(path, "rb");
    if (!file) return fail(path);
    uint8_t *data = malloc(size ? size : 1);
    const int complete = data && fread(data, 1, size, file) == size;
    if (complete) LLVMFuzzerTestOneInput(data, size);
    free(data);
    fclose(file);
    return complete ? 1 : fail(path);
}

static int replay(const char *path);

static int replay_folder(const char *folder) {
    struct dirent **entries;
    const int count = scandir(folder, &entries, is_visible, alphasort);
    if (count < 0) return fail(folder);
    int total = 0;
    for (int i = 0; i < count; ++i) {
        char path[4096];
        snprintf(path, sizeof path, "%s/%s", folder, entries[i]->d_name);
        free(entries[i]);
        const int inputs = total < 0 ? 0 : replay(path);
        total = inputs < 0 ? -1 : total + inputs;
    }
    free(entries);
    return total;
}

static int replay(const char *path) {
    struct stat status;
    if (stat(path, &status) != 0) return fail(path);
    return S_ISDIR(status.st_mode) ? replay_folder(path)
                                   : replay_file(path, (size_t)status.st_size);
}

int main(int argc, char **argv) {
    int total = 0;
    for (int i = 1; i < argc; ++i) {
        const int inputs = replay(argv[i]);
        if (inputs < 0) return EXIT_FAILURE;
        total += inputs;
    }
    printf("%d inputs\n", total);
    return total > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
