/* Fields point into the line they come from; only a quoted field with a quote in it is
 * copied. Invariant: `unquoted` is as long as the record, so copies never move. */
#include "text/fields.h"

#include "base/memory.h"

void hw_fields_free(hw_fields *fields) {
    hw_free(fields->items);
    hw_free(fields->unquoted);
    *fields = (hw_fields){ 0 };
}

static hw_status add_field(hw_fields *fields, const char *bytes, size_t length, hw_error *err) {
    const size_t needed = fields->count + 1;
    if (!hw_grow((void **)&fields->items, &fields->capacity, needed, sizeof(hw_text)))
        return hw_fail_memory(err, needed * sizeof(hw_text));
    fields->items[fields->count++] = (hw_text){ bytes, length };
    return HW_OK;
}

/* The first separator, or the end. */
static const char *find_end(const char *at, const char *end, char separator) {
    const char *found = at < end ? memchr(at, separator, (size_t)(end - at)) : NULL;
    return found ? found : end;
}

hw_status hw_fields_split_tabs(hw_fields *fields, hw_text line, hw_error *err) {
    fields->count = 0;
    const char *const end = line.bytes + line.length;
    for (const char *at = line.bytes;; ++at) {
        const char *stop = find_end(at, end, '\t');
        HW_TRY(add_field(fields, at, (size_t)(stop - at), err));
        if (stop == end) return HW_OK;
        at = stop;
    }
}

hw_csv_end hw_csv_scan_line(hw_csv_scan *scan, hw_text record) {
    for (; scan->position < record.length; ++scan->position) {
        const char byte = record.bytes[scan->position];
        switch (scan->state) {
        case HW_CSV_FIELD_START:
            if (byte != ',') scan->state = byte == '"' ? HW_CSV_QUOTED : HW_CSV_PLAIN;
            break;
        case HW_CSV_PLAIN:
            if (byte == ',') scan->state = HW_CSV_FIELD_START;
            if (byte == '"') scan->stray = true;
            break;
        case HW_CSV_QUOTED:
            if (byte == '"') scan->state = HW_CSV_QUOTE_SEEN;
            break;
        case HW_CSV_QUOTE_SEEN:
            if (byte != '"' && byte != ',') return HW_CSV_BROKEN;
            scan->state = byte == '"' ? HW_CSV_QUOTED : HW_CSV_FIELD_START;
            break;
        }
    }
    if (scan->state != HW_CSV_QUOTED) return HW_CSV_COMPLETE;
    return scan->stray ? HW_CSV_UNCLOSED : HW_CSV_OPEN;
}

/* A quoted field's inside, at[0 .. the closing quote); *stop is after that quote. Copies
 * it to `out` if it has quotes in it, and returns the end of what was copied. */
static hw_status add_quoted(hw_fields *fields, const char **stop, char **out, const char *at,
                            const char *end, hw_error *err) {
    const char *quote = find_end(at, end, '"');
    if (quote + 1 >= end || quote[1] != '"') {
        *stop = quote < end ? quote + 1 : end;
        return add_field(fields, at, (size_t)(quote - at), err);
    }
    char *const start = *out;
    while (at < end) {
        if (*at == '"' && (at + 1 == end || at[1] != '"')) break;
        if (*at == '"') ++at;
        *(*out)++ = *at++;
    }
    *stop = at < end ? at + 1 : end;
    return add_field(fields, start, (size_t)(*out - start), err);
}

hw_status hw_fields_split_csv(hw_fields *fields, hw_text record, hw_error *err) {
    fields->count = 0;
    if (!hw_grow((void **)&fields->unquoted, &fields->unquoted_capacity, record.length, 1))
        return hw_fail_memory(err, record.length);
    char *out = fields->unquoted;
    const char *const end = record.bytes + record.length;
    for (const char *at = record.bytes;; ++at) {
        const char *stop;
        if (at < end && *at == '"') {
            HW_TRY(add_quoted(fields, &stop, &out, at + 1, end, err));
        } else {
            stop = find_end(at, end, ',');
            HW_TRY(add_field(fields, at, (size_t)(stop - at), err));
        }
        if (stop == end) return HW_OK;
        at = stop;
    }
}

static char lower(char byte) {
    return byte >= 'A' && byte <= 'Z' ? (char)(byte | 0x20) : byte;
}

static bool is_name(hw_text field, const char *name) {
    if (field.length != strlen(name)) return false;
    for (size_t i = 0; i < field.length; ++i)
        if (lower(field.bytes[i]) != lower(name[i])) return false;
    return true;
}

ptrdiff_t hw_fields_find(const hw_fields *fields, const char *const *names) {
    for (; *names; ++names)
        for (size_t i = 0; i < fields->count; ++i)
            if (is_name(fields->items[i], *names)) return (ptrdiff_t)i;
    return HW_NO_COLUMN;
}
