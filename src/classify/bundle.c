/* Named tensors and metadata. Invariants: a tensor is a view into one of the files, or its name and
 * data are the bundle's own; names are unique; metadata is that of a model file that was opened, or
 * the bundle's own. */
#include "classify/bundle.h"

#include "base/memory.h"

#include <assert.h>
#include <string.h>

const char *const hw_bundle_keys[HW_BUNDLE_KEYS] = { "headwise", "labels", "training", "config",
                                                     "format" };

typedef struct entry {
    hw_tensor tensor;
    bool is_own;
} entry;

struct hw_bundle {
    hw_safetensors **files; /* [file_count] owned */
    size_t file_count, file_capacity;
    const hw_safetensors *metadata; /* one of the files, or NULL: values */
    entry *entries;                 /* [count] */
    size_t count, capacity;
    char *values[HW_BUNDLE_KEYS]; /* of hw_bundle_keys, NULL if not set */
};

hw_bundle *hw_bundle_new(hw_error *err) {
    hw_bundle *bundle = hw_calloc(1, sizeof *bundle);
    if (!bundle) hw_fail_memory(err, sizeof *bundle);
    return bundle;
}

static hw_status reserve_entries(hw_bundle *bundle, size_t more, hw_error *err) {
    const size_t needed = bundle->count + more;
    if (hw_grow((void **)&bundle->entries, &bundle->capacity, needed, sizeof *bundle->entries))
        return HW_OK;
    return hw_fail_memory(err, needed * sizeof *bundle->entries);
}

static hw_status view_tensors(hw_bundle *bundle, const hw_safetensors *file, const char *name,
                              hw_error *err) {
    const size_t before = bundle->count, added = hw_safetensors_count(file);
    HW_TRY(reserve_entries(bundle, added, err));
    for (size_t i = 0; i < added; i++) {
        const hw_tensor *tensor = hw_safetensors_at(file, i);
        if (before && hw_bundle_find(bundle, tensor->name))
            return hw_fail(err, HW_ERROR_FORMAT, "%s: tensor %s is also in another file", name,
                           tensor->name);
        bundle->entries[bundle->count++] = (entry){ .tensor = *tensor };
    }
    return HW_OK;
}

hw_status hw_bundle_attach(hw_bundle *bundle, hw_safetensors *file, const char *name,
                           hw_error *err) {
    const size_t needed = bundle->file_count + 1;
    if (!hw_grow((void **)&bundle->files, &bundle->file_capacity, needed, sizeof file)) {
        hw_safetensors_close(file);
        return hw_fail_memory(err, needed * sizeof file);
    }
    bundle->files[bundle->file_count++] = file;
    return view_tensors(bundle, file, name, err);
}

/* Takes the file, also on failure; NULL was a failure already. */
static hw_bundle *bundle_of_file(hw_safetensors *file, const char *name, hw_error *err) {
    if (!file) return NULL;
    hw_bundle *bundle = hw_bundle_new(err);
    if (!bundle) {
        hw_safetensors_close(file);
        return NULL;
    }
    bundle->metadata = file;
    if (hw_bundle_attach(bundle, file, name, err) == HW_OK) return bundle;
    hw_bundle_free(bundle);
    return NULL;
}

hw_bundle *hw_bundle_open(const char *path, hw_error *err) {
    return bundle_of_file(hw_safetensors_open(path, true, err), path, err);
}

hw_bundle *hw_bundle_parse(const void *data, size_t size, bool strict, const char *name,
                           hw_error *err) {
    return bundle_of_file(hw_safetensors_parse(data, size, strict, name, err), name, err);
}

void hw_bundle_free(hw_bundle *bundle) {
    if (!bundle) return;
    for (size_t i = 0; i < bundle->count; i++) {
        if (!bundle->entries[i].is_own) continue;
        hw_free((void *)bundle->entries[i].tensor.name);
        hw_free((void *)bundle->entries[i].tensor.data);
    }
    hw_free(bundle->entries);
    for (size_t i = 0; i < bundle->file_count; i++) hw_safetensors_close(bundle->files[i]);
    hw_free(bundle->files);
    for (size_t key = 0; key < HW_BUNDLE_KEYS; key++) hw_free(bundle->values[key]);
    hw_free(bundle);
}

/* Adds a tensor of the shape and type of *like, zeroed. */
static void *add_tensor(hw_bundle *bundle, const char *name, const hw_tensor *like, hw_error *err) {
    assert(!hw_bundle_find(bundle, name));
    hw_tensor tensor = *like;
    if (reserve_entries(bundle, 1, err) != HW_OK) return NULL;
    void *data = hw_calloc(tensor.bytes ? tensor.bytes : 1, 1);
    char *own_name = hw_strndup(name, strlen(name));
    if (!data || !own_name) {
        hw_free(data);
        hw_free(own_name);
        hw_fail_memory(err, tensor.bytes);
        return NULL;
    }
    tensor.name = own_name;
    tensor.data = data;
    bundle->entries[bundle->count++] = (entry){ tensor, true };
    return data;
}

void *hw_bundle_add(hw_bundle *bundle, const char *name, hw_dtype dtype, size_t rows,
                    size_t columns, hw_error *err) {
    hw_tensor tensor = { .dtype = dtype,
                         .dims = columns ? 2 : 1,
                         .shape = { rows, columns ? columns : 1, 1, 1 } };
    if (!hw_mul_size(&tensor.bytes, rows, tensor.shape[1]) ||
        !hw_mul_size(&tensor.bytes, tensor.bytes, hw_dtype_bytes(dtype))) {
        hw_fail_memory(err, SIZE_MAX);
        return NULL;
    }
    return add_tensor(bundle, name, &tensor, err);
}

static size_t key_index(const char *key) {
    size_t i = 0;
    while (i < HW_BUNDLE_KEYS && strcmp(hw_bundle_keys[i], key) != 0) i++;
    return i;
}

hw_status hw_bundle_set(hw_bundle *bundle, const char *key, const char *value, hw_error *err) {
    const size_t i = key_index(key);
    assert(!bundle->metadata && i < HW_BUNDLE_KEYS);
    char *copy = hw_strndup(value, strlen(value));
    if (!copy) return hw_fail_memory(err, strlen(value) + 1);
    hw_free(bundle->values[i]);
    bundle->values[i] = copy;
    return HW_OK;
}

void hw_bundle_release(const hw_bundle *bundle) {
    for (size_t i = 0; i < bundle->file_count; i++) hw_safetensors_release(bundle->files[i]);
}

size_t hw_bundle_count(const hw_bundle *bundle) {
    return bundle->count;
}

const hw_tensor *hw_bundle_at(const hw_bundle *bundle, size_t i) {
    return &bundle->entries[i].tensor;
}

const hw_tensor *hw_bundle_find(const hw_bundle *bundle, const char *name) {
    for (size_t i = 0; i < bundle->count; i++)
        if (strcmp(bundle->entries[i].tensor.name, name) == 0) return &bundle->entries[i].tensor;
    return NULL;
}

const char *hw_bundle_metadata(const hw_bundle *bundle, const char *key) {
    if (bundle->metadata) return hw_safetensors_metadata(bundle->metadata, key);
    const size_t i = key_index(key);
    return i < HW_BUNDLE_KEYS ? bundle->values[i] : NULL;
}

size_t hw_bundle_bytes(const hw_bundle *bundle) {
    size_t bytes = 0;
    for (size_t i = 0; i < bundle->file_count; i++) bytes += hw_safetensors_bytes(bundle->files[i]);
    for (size_t i = 0; i < bundle->count; i++)
        if (bundle->entries[i].is_own) bytes += bundle->entries[i].tensor.bytes;
    return bytes;
}

static bool is_among(const char *name, const char *const *names, size_t count) {
    for (size_t i = 0; i < count; i++)
        if (strcmp(name, names[i]) == 0) return true;
    return false;
}

static hw_status copy_into(hw_bundle *copy, const hw_bundle *bundle, const char *const *without,
                           size_t count, hw_error *err) {
    for (size_t i = 0; i < hw_bundle_count(bundle); i++) {
        const hw_tensor *tensor = hw_bundle_at(bundle, i);
        if (is_among(tensor->name, without, count)) continue;
        void *data = add_tensor(copy, tensor->name, tensor, err);
        if (!data) return HW_ERROR_MEMORY;
        if (tensor->bytes) memcpy(data, tensor->data, tensor->bytes);
    }
    for (size_t key = 0; key < HW_BUNDLE_KEYS; key++) {
        const char *value = hw_bundle_metadata(bundle, hw_bundle_keys[key]);
        if (value) HW_TRY(hw_bundle_set(copy, hw_bundle_keys[key], value, err));
    }
    return HW_OK;
}

hw_bundle *hw_bundle_copy(const hw_bundle *bundle, const char *const *without, size_t count,
                          hw_error *err) {
    hw_bundle *copy = hw_bundle_new(err);
    if (!copy) return NULL;
    if (copy_into(copy, bundle, without, count, err) == HW_OK) return copy;
    hw_bundle_free(copy);
    return NULL;
}

hw_status hw_bundle_save(const hw_bundle *bundle, const char *path, hw_error *err) {
    const size_t count = hw_bundle_count(bundle);
    hw_tensor *tensors = hw_calloc(count + 1, sizeof *tensors);
    if (!tensors) return hw_fail_memory(err, (count + 1) * sizeof *tensors);
    for (size_t i = 0; i < count; i++) tensors[i] = *hw_bundle_at(bundle, i);

    hw_metadata metadata[HW_BUNDLE_KEYS];
    size_t entries = 0;
    for (size_t key = 0; key < HW_BUNDLE_KEYS; key++) {
        const char *value = hw_bundle_metadata(bundle, hw_bundle_keys[key]);
        if (value) metadata[entries++] = (hw_metadata){ hw_bundle_keys[key], value };
    }
    const hw_status status = hw_safetensors_save(path, tensors, count, metadata, entries, err);
    hw_free(tensors);
    return status;
}
