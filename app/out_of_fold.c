/* Joins the rows of a cross-validation with the records of its input. */
#include "out_of_fold.h"

#include "json_text.h"
#include "label_table.h"

#include "base/error.h"

#include <errno.h>
#include <stdio.h>

/* Numbers the labels, and counts the records that have one. */
static hw_status read_labels(label_table *labels, size_t *examples, const char *input,
                             const hw_reader_options *options, hw_error *err) {
    hw_reader *reader = hw_reader_open(input, options, err);
    if (!reader) return err->status;
    hw_record record;
    hw_status status = HW_OK;
    for (bool more = true; more;) {
        status = hw_reader_next(reader, &record, &more, err);
        if (status == HW_ERROR_FORMAT) continue;
        if (status != HW_OK || !more) break;
        *examples += record.label_count > 0;
        for (size_t i = 0; i < record.label_count && status == HW_OK; i++)
            if (label_table_index(labels, record.labels[i]) == SIZE_MAX)
                status = hw_fail_memory(err, record.labels[i].length);
        if (status != HW_OK) break;
    }
    hw_reader_close(reader);
    return status;
}

static json_t *named_row(const out_of_fold *rows, size_t row, const label_table *labels,
                         const hw_record *record) {
    const float *probability = rows->probabilities + row * (size_t)rows->labels;
    json_t *gold = json_array(), *values = json_object();
    for (size_t i = 0; i < record->label_count; i++)
        json_array_append_new(gold, json_text(record->labels[i]));
    for (size_t i = 0; i < labels->count; i++)
        json_object_set_new(values, labels->entries[i].name, json_number((double)probability[i]));
    return json_pack("{s:I, s:I, s:o, s:o}", "index", (json_int_t)row, "line",
                     (json_int_t)record->line, "labels", gold, "probabilities", values);
}

static json_t *bare_row(const out_of_fold *rows, size_t row) {
    const float *probability = rows->probabilities + row * (size_t)rows->labels;
    json_t *values = json_array();
    for (int32_t i = 0; i < rows->labels; i++)
        json_array_append_new(values, json_number((double)probability[i]));
    return json_pack("{s:I, s:o}", "index", (json_int_t)row, "probabilities", values);
}

static bool write_object(FILE *file, json_t *object) {
    const bool is_written = object &&
                            json_dumpf(object, file, JSON_COMPACT | JSON_REAL_PRECISION(9)) == 0 &&
                            fputc('\n', file) != EOF;
    json_decref(object);
    return is_written;
}

static bool write_bare_rows(const out_of_fold *rows, FILE *file) {
    for (size_t row = 0; row < rows->examples; row++)
        if (!write_object(file, bare_row(rows, row))) return false;
    return true;
}

static bool write_named_rows(const out_of_fold *rows, FILE *file, const label_table *labels,
                             hw_reader *reader) {
    size_t row = 0;
    for (bool more = true; more && row < rows->examples;) {
        hw_record record;
        const hw_status status = hw_reader_next(reader, &record, &more, NULL);
        if (status == HW_ERROR_FORMAT) continue;
        if (status != HW_OK) return false;
        if (!more || record.label_count == 0) continue;
        if (!write_object(file, named_row(rows, row++, labels, &record))) return false;
    }
    return row == rows->examples;
}

static hw_status write_rows(const out_of_fold *rows, const char *path, hw_reader *reader,
                            const label_table *labels, hw_error *err) {
    FILE *file = fopen(path, "w");
    if (!file) return hw_fail(err, HW_ERROR_IO, "-output %.400s: %s", path, strerror(errno));
    const bool is_written =
        reader ? write_named_rows(rows, file, labels, reader) : write_bare_rows(rows, file);
    if (fclose(file) == 0 && is_written) return HW_OK;
    return hw_fail(err, HW_ERROR_IO, "-output %.400s: it could not be written", path);
}

hw_status out_of_fold_write(const out_of_fold *rows, const char *path, const char *input,
                            const hw_reader_options *options, hw_error *err) {
    label_table labels = { 0 };
    size_t examples = 0;
    hw_reader *reader = NULL;
    hw_status status = read_labels(&labels, &examples, input, options, err);
    if (status == HW_OK && examples == rows->examples && labels.count == (size_t)rows->labels) {
        reader = hw_reader_open(input, options, err);
        if (!reader) status = err->status;
    }
    if (status == HW_OK) status = write_rows(rows, path, reader, &labels, err);
    hw_reader_close(reader);
    label_table_free(&labels);
    return status;
}
