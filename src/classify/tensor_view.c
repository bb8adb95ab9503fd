/* Finds a bundle's tensors and checks them. */
#include "classify/tensor_view.h"

#include <string.h>

/* True if no float is NaN, infinite or beyond the limit. Positive floats are ordered as
 * their bits are, so limit - magnitude borrows into the sign bit for one that is too large;
 * the or over all of them needs no branch. */
static bool are_weights(const float *values, size_t count) {
    enum { BLOCK = 64 };
    const float limit_value = HW_WEIGHT_LIMIT;
    uint32_t limit, excess = 0, bits[BLOCK];
    memcpy(&limit, &limit_value, sizeof limit);
    for (; count >= BLOCK; count -= BLOCK, values += BLOCK) {
        memcpy(bits, values, sizeof bits);
        for (size_t i = 0; i < BLOCK; i++) excess |= limit - (bits[i] & 0x7fffffffu);
    }
    memset(bits, 0, sizeof bits);
    if (count) memcpy(bits, values, count * sizeof *values);
    for (size_t i = 0; i < BLOCK; i++) excess |= limit - (bits[i] & 0x7fffffffu);
    return !(excess >> 31);
}

const hw_tensor *hw_view_find(const hw_source *source, const char *name, hw_dtype dtype,
                              hw_error *err) {
    const hw_tensor *tensor = hw_bundle_find(source->bundle, name);
    const char *problem = NULL;
    if (!tensor)
        problem = "is missing";
    else if (tensor->dtype != dtype)
        problem = "has the wrong type";
    else if ((uintptr_t)tensor->data % hw_dtype_bytes(dtype))
        problem = "is not aligned";
    if (!problem) return tensor;
    hw_fail(err, HW_ERROR_FORMAT, "%s: tensor %s %s", source->name, name, problem);
    return NULL;
}

const void *hw_view_tensor(const hw_source *source, const char *name, hw_dtype dtype, size_t rows,
                           size_t columns, hw_error *err) {
    const hw_tensor *tensor = hw_view_find(source, name, dtype, err);
    if (!tensor) return NULL;
    if (tensor->dims != (columns ? 2 : 1) || tensor->shape[0] != rows ||
        (columns && tensor->shape[1] != columns)) {
        hw_fail(err, HW_ERROR_FORMAT, "%s: tensor %s has not the shape [%zu, %zu]", source->name,
                name, rows, columns);
        return NULL;
    }
    if (dtype == HW_F32 && !are_weights(tensor->data, tensor->bytes / sizeof(float))) {
        hw_fail(err, HW_ERROR_FORMAT, "%s: tensor %s has a value that is no number or beyond %g",
                source->name, name, (double)HW_WEIGHT_LIMIT);
        return NULL;
    }
    return tensor->data;
}

hw_status hw_view_dictionary(hw_dictionary *dictionary, const hw_source *source, const char *name,
                             size_t members, hw_error *err) {
    *dictionary = (hw_dictionary){ 0 };
    if (!members) return HW_OK;
    const hw_tensor *tensor = hw_view_find(source, name, HW_U32, err);
    if (!tensor) return HW_ERROR_FORMAT;
    if (tensor->dims != 2 || tensor->shape[1] != 2)
        return hw_fail(err, HW_ERROR_FORMAT, "%s: tensor %s has not two columns", source->name,
                       name);
    *dictionary = (hw_dictionary){ tensor->data, tensor->shape[0] };
    hw_error cause;
    const hw_status status = hw_dictionary_check(dictionary, members, &cause);
    if (status == HW_OK) return HW_OK;
    return hw_fail(err, status, "%s: tensor %s: %s", source->name, name, cause.message);
}
