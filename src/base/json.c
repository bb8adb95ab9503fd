/* jansson's own json_dumps returns memory of jansson's allocator, which the host program may
 * have replaced; a callback leaves the memory to us. Invariant: a parser runs only over a document
 * whose depth and number of values are bounded. */
#include "base/json.h"

static int append(const char *bytes, size_t length, void *buffer) {
    hw_text_append(buffer, bytes, length);
    return ((hw_text_buffer *)buffer)->failed ? -1 : 0;
}

static hw_status append_value(hw_text_buffer *text, json_t *value, size_t flags, hw_error *err) {
    const bool ok = value && json_dump_callback(value, append, text, flags) == 0;
    json_decref(value);
    return ok ? HW_OK : hw_fail_memory(err, text->length);
}

hw_status hw_json_append(hw_text_buffer *text, json_t *value, hw_error *err) {
    return append_value(text, value, JSON_COMPACT | JSON_SORT_KEYS | JSON_REAL_PRECISION(17), err);
}

hw_status hw_json_append_indented(hw_text_buffer *text, json_t *value, hw_error *err) {
    HW_TRY(append_value(text, value, JSON_INDENT(2) | JSON_REAL_PRECISION(15), err));
    hw_text_append(text, "\n", 1);
    return text->failed ? hw_fail_memory(err, text->length) : HW_OK;
}

hw_status hw_json_update(json_t *object, json_t *more, hw_error *err) {
    const bool ok = more && json_object_update(object, more) == 0;
    json_decref(more);
    return ok ? HW_OK : hw_fail_memory(err, 0);
}

json_t *hw_json_numbers(const double *numbers, size_t count) {
    json_t *list = json_array();
    bool ok = list != NULL;
    for (size_t i = 0; i < count && ok; i++)
        ok = json_array_append_new(list, json_real(numbers[i])) == 0;
    if (ok) return list;
    json_decref(list);
    return NULL;
}

enum { DEPTH_LIMIT = 64, VALUES_LIMIT = 1 << 20 };

/* What the document would cost a parser, whether it is JSON or not. */
static hw_status check_complexity(const char *text, size_t length, const char *name,
                                  hw_error *err) {
    size_t depth = 0, values = 0;
    bool in_string = false;
    for (size_t i = 0; i < length; i++) {
        const char c = text[i];
        if (in_string && c == '\\') i++;
        if (c == '"') in_string = !in_string;
        if (in_string) continue;
        if (c == '{' || c == '[') depth++;
        if ((c == '}' || c == ']') && depth > 0) depth--;
        if (c == '{' || c == '[' || c == ',') values++;
        if (depth > DEPTH_LIMIT)
            return hw_fail(err, HW_ERROR_FORMAT, "%s: byte %zu: nests deeper than %d", name, i,
                           (int)DEPTH_LIMIT);
    }
    if (values <= VALUES_LIMIT) return HW_OK;
    return hw_fail(err, HW_ERROR_UNSUPPORTED, "%s: more than %d values", name, (int)VALUES_LIMIT);
}

json_t *hw_json_parse(const char *text, size_t length, size_t flags, const char *name,
                      hw_error *err) {
    if (length == 0) hw_fail(err, HW_ERROR_FORMAT, "%s: is empty", name);
    if (length == 0 || check_complexity(text, length, name, err) != HW_OK) return NULL;
    json_error_t problem;
    json_t *root = json_loadb(text, length, flags | JSON_REJECT_DUPLICATES, &problem);
    if (root) return root;
    if (hw_json_lacked_memory(&problem))
        hw_fail_memory(err, length);
    else
        hw_fail(err, HW_ERROR_FORMAT, "%s:%d: %s", name, problem.line, problem.text);
    return NULL;
}
