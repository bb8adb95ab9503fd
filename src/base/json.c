/* jansson's own json_dumps returns memory of jansson's allocator, which the host program may
 * have replaced; a callback leaves the memory to us. */
#include "base/json.h"

static int append(const char *bytes, size_t length, void *buffer) {
    hw_text_append(buffer, bytes, length);
    return ((hw_text_buffer *)buffer)->failed ? -1 : 0;
}

hw_status hw_json_append(hw_text_buffer *text, json_t *value, hw_error *err) {
    const size_t flags = JSON_COMPACT | JSON_SORT_KEYS | JSON_REAL_PRECISION(17);
    const bool ok = value && json_dump_callback(value, append, text, flags) == 0;
    json_decref(value);
    return ok ? HW_OK : hw_fail_memory(err, text->length);
}
