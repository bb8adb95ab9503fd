/* Turns the name of a model into the path of its file. */
#include "model_path.h"

#include "console.h"

#include "base/error.h"

#include <string.h>
#include <sys/stat.h>

static const char ending[] = ".safetensors";

bool path_ends_with(const char *path, const char *end) {
    const size_t length = strlen(path), size = strlen(end);
    return length > size && strcmp(path + length - size, end) == 0;
}

bool path_is_folder(const char *path) {
    struct stat status;
    return stat(path, &status) == 0 && S_ISDIR(status.st_mode);
}

static bool is_file(const char *path) {
    struct stat status;
    return stat(path, &status) == 0 && !S_ISDIR(status.st_mode);
}

/* path = the first `length` bytes of name and then the ending. */
static bool join(char path[MODEL_PATH], const char *name, size_t length) {
    const int written = snprintf(path, MODEL_PATH, "%.*s%s", (int)length, name, ending);
    return written > 0 && written < MODEL_PATH;
}

bool model_path_to_write(char path[MODEL_PATH], const char *name) {
    const size_t length = strlen(name);
    if (length >= MODEL_PATH - sizeof ending) return false;
    if (!path_ends_with(name, ending)) return join(path, name, length);
    memcpy(path, name, length + 1);
    return true;
}

static bool is_fasttext(const char *name) {
    return path_ends_with(name, ".bin") || path_ends_with(name, ".ftz");
}

static bool is_model_folder(const char *name) {
    char config[MODEL_PATH + 16];
    snprintf(config, sizeof config, "%s/config.json", name);
    return path_is_folder(name) && is_file(config);
}

static bool find(char path[MODEL_PATH], const char *name) {
    const size_t length = strlen(name);
    if ((is_file(name) && !is_fasttext(name)) || is_model_folder(name)) {
        memcpy(path, name, length + 1);
        return true;
    }
    if (join(path, name, length) && is_file(path)) return true;
    if (!is_fasttext(name) || !join(path, name, length - strlen(".bin")) || !is_file(path))
        return false;
    console_note("%s is a name of fastText's; %s is used", name, path);
    return true;
}

hw_status model_find(char path[MODEL_PATH], const char *name, hw_error *err) {
    if (strlen(name) >= MODEL_PATH - sizeof ending)
        return hw_fail(err, HW_ERROR_ARGUMENT, "%.40s...: the name of the model is too long", name);
    if (find(path, name)) return HW_OK;
    if (is_file(name))
        return hw_fail(err, HW_ERROR_UNSUPPORTED,
                       "%.300s: a model of fastText cannot be read; train one with headwise train",
                       name);
    return hw_fail(err, HW_ERROR_IO, "%.200s: there is no such model; also tried %.200s%s", name,
                   name, ending);
}

hw_classifier *model_open(const char *name, char path[MODEL_PATH], hw_error *err) {
    char own[MODEL_PATH];
    if (!path) path = own;
    return model_find(path, name, err) == HW_OK ? hw_classifier_open(path, err) : NULL;
}

hw_classifier *model_open_with_labels(const char *name, char path[MODEL_PATH], hw_error *err) {
    hw_classifier *classifier = model_open(name, path, err);
    if (!classifier || hw_classifier_summary(classifier)->labels) return classifier;
    hw_classifier_close(classifier);
    hw_fail(err, HW_ERROR_UNSUPPORTED,
            "%.200s: a pretrained encoder without labels; fine-tune it: headwise train -input FILE "
            "-output MODEL -base %.200s",
            name, name);
    return NULL;
}
