/* The order of the tests is from the surest sign to the least sure one. */
#include "text/format.h"

#include "text/jsonl.h"

bool hw_is_header(const hw_fields *fields, const hw_naming *naming) {
    return hw_fields_find(fields, naming->text_names) != HW_NO_COLUMN &&
           hw_fields_find(fields, naming->label_names) != HW_NO_COLUMN;
}

static hw_status is_csv_header(bool *is_header, hw_fields *fields, hw_text line,
                               const hw_naming *naming, hw_error *err) {
    *is_header = false;
    hw_csv_scan scan = { 0 };
    if (hw_csv_scan_line(&scan, line) != HW_CSV_COMPLETE) return HW_OK;
    HW_TRY(hw_fields_split_csv(fields, line, err));
    *is_header = hw_is_header(fields, naming);
    return HW_OK;
}

static bool starts_with(hw_text line, const char *prefix) {
    const size_t length = strlen(prefix);
    return line.length >= length && memcmp(line.bytes, prefix, length) == 0;
}

hw_status hw_format_recognize(hw_format *format, hw_fields *fields, hw_text line,
                              const hw_naming *naming, hw_error *err) {
    bool is_header;
    if (starts_with(line, naming->prefix)) {
        *format = HW_FORMAT_FASTTEXT;
    } else if (hw_is_json_object(line)) {
        *format = HW_FORMAT_JSONL;
    } else if (memchr(line.bytes, '\t', line.length)) {
        *format = HW_FORMAT_TSV;
    } else {
        HW_TRY(is_csv_header(&is_header, fields, line, naming, err));
        const bool must_be = naming->text_is_given || naming->label_is_given;
        *format = is_header || must_be ? HW_FORMAT_CSV : HW_FORMAT_TEXT;
    }
    return HW_OK;
}
