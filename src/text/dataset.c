/* Reading labelled data into memory. Invariant: a line that cannot be read as data leaves no trace
 * but a count and, of the first of them, the message. */
#include "text/dataset.h"

#include "text/dataset_builder.h"

#include <stdio.h>

/* A file on its way into a data set. */
typedef struct loader {
    hw_dataset_builder builder;
    bool texts_alone; /* labels are not looked at */
} loader;

static void note_bad_line(hw_dataset *dataset, const char *message) {
    if (dataset->bad_lines++ > 0) return;
    memcpy(dataset->first_bad, message, strnlen(message, sizeof dataset->first_bad - 1));
}

static hw_status no_label(const loader *loading, hw_format format, size_t line, hw_error *err) {
    return hw_fail(err, HW_ERROR_FORMAT, "%s:%zu: no label; %s", loading->builder.name, line,
                   format == HW_FORMAT_TEXT
                       ? "known formats are lines __label__NAME TEXT or NAME<TAB>TEXT, CSV and "
                         "TSV with a header of \"text\" and \"label\", and JSON lines"
                       : "see --label-column");
}

/* A blank line between texts is no text. */
static bool is_wanted(const loader *loading, const hw_record *record) {
    return loading->texts_alone ? record->text.length > 0 : record->label_count > 0;
}

/* The next record that is an example. */
static hw_status next_example(loader *loading, hw_reader *reader, hw_record *record, bool *more,
                              hw_error *err) {
    for (;;) {
        hw_error bad;
        const hw_status status = hw_reader_next(reader, record, more, &bad);
        const hw_format format = hw_reader_format(reader);
        if (status != HW_OK && status != HW_ERROR_FORMAT)
            return hw_fail(err, status, "%s", bad.message);
        if (status == HW_OK) {
            if (!*more || is_wanted(loading, record)) return HW_OK;
            if (record->text.length == 0 && (loading->texts_alone || format == HW_FORMAT_TEXT))
                continue;
            no_label(loading, format, record->line, &bad);
            if (format == HW_FORMAT_TEXT) return hw_fail(err, bad.status, "%s", bad.message);
        }
        note_bad_line(loading->builder.dataset, bad.message);
    }
}

static hw_status load(loader *loading, hw_reader *reader, hw_error *err) {
    hw_dataset *dataset = loading->builder.dataset;
    for (;;) {
        hw_record record;
        bool more;
        HW_TRY(next_example(loading, reader, &record, &more, err));
        if (!more) break;
        if (loading->texts_alone) record.label_count = 0;
        HW_TRY(hw_dataset_add(&loading->builder, &record, err));
    }
    dataset->format = hw_reader_format(reader);
    if (dataset->count > 0) return HW_OK;
    if (dataset->bad_lines == 1) return hw_fail(err, HW_ERROR_FORMAT, "%s", dataset->first_bad);
    if (dataset->bad_lines > 1)
        return hw_fail(err, HW_ERROR_FORMAT, "%s (so with all %zu records)", dataset->first_bad,
                       dataset->bad_lines);
    return hw_fail(err, HW_ERROR_FORMAT, "%s: no %stext in it", loading->builder.name,
                   loading->texts_alone ? "" : "labelled ");
}

static hw_dataset *load_file(const char *path, const hw_reader_options *options, bool texts_alone,
                             hw_error *err) {
    hw_reader *reader = hw_reader_open(path, options, err);
    if (!reader) return NULL;
    loader loading = { .texts_alone = texts_alone };
    if (hw_dataset_begin(&loading.builder, path, err) == HW_OK &&
        load(&loading, reader, err) != HW_OK) {
        hw_dataset_free(loading.builder.dataset);
        loading.builder.dataset = NULL;
    }
    hw_reader_close(reader);
    return loading.builder.dataset;
}

hw_dataset *hw_dataset_load(const char *path, const hw_reader_options *options, hw_error *err) {
    return load_file(path, options, false, err);
}

hw_dataset *hw_dataset_load_texts(const char *path, const hw_reader_options *options,
                                  hw_error *err) {
    return load_file(path, options, true, err);
}
