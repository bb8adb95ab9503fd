/* What all formats share: labels are checked here and nowhere else. */
#include "text/draft.h"

#include "base/memory.h"
#include "text/utf8.h"

#include <stdarg.h>
#include <stdio.h>

void hw_draft_begin(hw_draft *draft, size_t line) {
    draft->line = line;
    draft->text = (hw_text){ "", 0 };
    draft->label_count = 0;
    draft->weight = 1;
}

void hw_draft_free(hw_draft *draft) {
    hw_free(draft->labels);
    hw_free(draft->bytes);
    *draft = (hw_draft){ 0 };
}

hw_status hw_draft_fail(const hw_draft *draft, hw_error *err, const char *format, ...) {
    char what[sizeof err->message];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(what, sizeof what, format, arguments);
    va_end(arguments);
    return hw_fail(err, HW_ERROR_FORMAT, "%s:%zu: %s", draft->file, draft->line, what);
}

hw_text hw_trim(hw_text text) {
    while (text.length > 0 && hw_is_blank(text.bytes[0])) {
        ++text.bytes;
        --text.length;
    }
    while (text.length > 0 && hw_is_blank(text.bytes[text.length - 1])) --text.length;
    return text;
}

static bool has_control_character(hw_text name) {
    for (size_t i = 0; i < name.length; ++i)
        if ((unsigned char)name.bytes[i] < ' ' || name.bytes[i] == 0x7F) return true;
    return false;
}

hw_status hw_draft_add_label(hw_draft *draft, hw_text name, hw_error *err) {
    if (name.length == 0) return hw_draft_fail(draft, err, "empty label");
    if (name.length > HW_LABEL_BYTES)
        return hw_draft_fail(draft, err, "label of %zu bytes; at most %d are allowed", name.length,
                             HW_LABEL_BYTES);
    if (!hw_utf8_is_valid(name.bytes, name.length))
        return hw_draft_fail(draft, err, "label is not valid UTF-8");
    if (has_control_character(name))
        return hw_draft_fail(draft, err, "control character in a label");

    const size_t needed = draft->label_count + 1;
    if (!hw_grow((void **)&draft->labels, &draft->label_capacity, needed, sizeof(hw_text)))
        return hw_fail_memory(err, needed * sizeof(hw_text));
    draft->labels[draft->label_count++] = name;
    return HW_OK;
}

hw_status hw_draft_add_joined_labels(hw_draft *draft, hw_text names, hw_error *err) {
    for (;;) {
        const char *bar = names.length ? memchr(names.bytes, '|', names.length) : NULL;
        const size_t length = bar ? (size_t)(bar - names.bytes) : names.length;
        HW_TRY(hw_draft_add_label(draft, hw_trim((hw_text){ names.bytes, length }), err));
        if (!bar) return HW_OK;
        names = (hw_text){ bar + 1, names.length - length - 1 };
    }
}

hw_status hw_draft_reserve(hw_draft *draft, size_t length, hw_error *err) {
    if (!hw_grow((void **)&draft->bytes, &draft->byte_capacity, length, 1))
        return hw_fail_memory(err, length);
    return HW_OK;
}
