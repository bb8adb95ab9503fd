/* The reader of labelled data: lines, the format they are in, and a parser for each.
 * A record without label is an error where the label is part of the line's form
 * (fastText lines, label<TAB>text), and has label_count 0 where it is a column or member
 * that is not there (JSONL, CSV and TSV with a header). Invariant: HW_ERROR_FORMAT
 * concerns one record, and the next call goes on behind its first line; any other
 * failure is final and is returned again. */
#include "text/reader.h"

#include "base/memory.h"
#include "text/draft.h"
#include "text/fasttext.h"
#include "text/format.h"
#include "text/jsonl.h"
#include "text/lines.h"

struct hw_reader {
    hw_lines *lines;
    char *file, *text_column, *label_column, *prefix; /* copies; NULL: not given */
    hw_naming naming;
    hw_format format;
    bool has_begun;                   /* format and header are known */
    size_t blank_lines, blanks_given; /* before the first line that is not blank */
    bool has_header;
    ptrdiff_t text_index, label_index; /* of the header's columns */
    hw_fields fields;
    hw_draft draft;
    hw_json *json; /* of the present record, or NULL */
    hw_error failure;
};

static bool is_blank_line(const hw_line *line) {
    return !line->too_long && hw_trim(line->text).length == 0;
}

static hw_status next_full_line(hw_reader *reader, hw_line *line, bool *more, hw_error *err) {
    do {
        HW_TRY(hw_lines_next(reader->lines, line, more, err));
    } while (*more && is_blank_line(line));
    return HW_OK;
}

/* Makes the first line that is not blank the next one. */
static hw_status recognize(hw_reader *reader, hw_error *err) {
    hw_line line;
    bool more;
    HW_TRY(next_full_line(reader, &line, &more, err));
    hw_format format = HW_FORMAT_TEXT;
    if (more)
        HW_TRY(hw_format_recognize(&format, &reader->fields, line.text, &reader->naming, err));
    reader->blank_lines = hw_lines_rewind(reader->lines);
    reader->format = format;
    return HW_OK;
}

/* A record over as many lines as its quotes ask for, split. */
static hw_status read_csv_fields(hw_reader *reader, hw_line *line, hw_error *err) {
    hw_csv_scan scan = { 0 };
    hw_csv_end end = hw_csv_scan_line(&scan, line->text);
    bool more = true;
    while (end == HW_CSV_OPEN) {
        HW_TRY(hw_lines_join(reader->lines, line, &more, err));
        const bool goes_on = more && !line->too_long;
        end = goes_on ? hw_csv_scan_line(&scan, line->text) : HW_CSV_UNCLOSED;
    }
    if (end == HW_CSV_COMPLETE) return hw_fields_split_csv(&reader->fields, line->text, err);

    hw_lines_rewind(reader->lines);
    HW_TRY(hw_lines_next(reader->lines, line, &more, err));
    return hw_draft_fail(&reader->draft, err,
                         end == HW_CSV_BROKEN ? "text after a closing quote" : "unclosed quote");
}

static hw_status read_fields(hw_reader *reader, hw_line *line, hw_error *err) {
    return reader->format == HW_FORMAT_CSV ? read_csv_fields(reader, line, err)
                                           : hw_fields_split_tabs(&reader->fields, line->text, err);
}

static hw_status no_column(const hw_reader *reader, size_t line, const char *name,
                           const char *option, hw_error *err) {
    return hw_fail(err, HW_ERROR_UNSUPPORTED, "%s:%zu: no column \"%s\" in the header; see %s",
                   reader->file, line, name, option);
}

static hw_status find_columns(hw_reader *reader, size_t line, hw_error *err) {
    const hw_naming *naming = &reader->naming;
    reader->text_index = hw_fields_find(&reader->fields, naming->text_names);
    reader->label_index = hw_fields_find(&reader->fields, naming->label_names);
    if (reader->text_index == HW_NO_COLUMN)
        return no_column(reader, line, naming->text_names[0], "--text-column", err);
    if (reader->label_index == HW_NO_COLUMN && naming->label_is_given)
        return no_column(reader, line, naming->label_names[0], "--label-column", err);
    return HW_OK;
}

/* Finds the columns, or sees that the line is no header and leaves it to be read again. */
static hw_status read_header(hw_reader *reader, hw_error *err) {
    const hw_naming *naming = &reader->naming;
    hw_line line;
    bool more;
    HW_TRY(next_full_line(reader, &line, &more, err));
    if (!more) return HW_OK;
    hw_draft_begin(&reader->draft, line.number);
    const hw_status status = line.too_long ? HW_ERROR_FORMAT : read_fields(reader, &line, err);
    if (status != HW_OK && status != HW_ERROR_FORMAT) return status;

    const bool must_be =
        reader->format == HW_FORMAT_CSV || naming->text_is_given || naming->label_is_given;
    if (must_be && status != HW_OK)
        return hw_fail(err, HW_ERROR_UNSUPPORTED, "%s:%zu: the header cannot be read", reader->file,
                       line.number);
    reader->has_header = must_be || (status == HW_OK && hw_is_header(&reader->fields, naming));
    if (reader->has_header) return find_columns(reader, line.number, err);
    hw_lines_rewind(reader->lines);
    return HW_OK;
}

static hw_status begin(hw_reader *reader, hw_error *err) {
    if (reader->format == HW_FORMAT_AUTO) HW_TRY(recognize(reader, err));
    if (reader->format == HW_FORMAT_CSV || reader->format == HW_FORMAT_TSV)
        HW_TRY(read_header(reader, err));
    reader->has_begun = true;
    return HW_OK;
}

static hw_status take_column(const hw_reader *reader, hw_text *value, ptrdiff_t index,
                             const char *name, hw_error *err) {
    const size_t column = (size_t)index, columns = reader->fields.count;
    if (column >= columns)
        return hw_draft_fail(&reader->draft, err, "%zu columns, but \"%s\" is column %zu", columns,
                             name, column + 1);
    *value = reader->fields.items[column];
    return HW_OK;
}

static hw_status parse_row(hw_reader *reader, hw_line *line, hw_error *err) {
    hw_draft *draft = &reader->draft;
    hw_text labels;
    HW_TRY(read_fields(reader, line, err));
    HW_TRY(
        take_column(reader, &draft->text, reader->text_index, reader->naming.text_names[0], err));
    if (reader->label_index == HW_NO_COLUMN) return HW_OK;
    HW_TRY(take_column(reader, &labels, reader->label_index, reader->naming.label_names[0], err));
    return hw_draft_add_joined_labels(draft, labels, err);
}

static hw_status parse_label_and_text(hw_draft *draft, hw_text line, hw_error *err) {
    const char *tab = memchr(line.bytes, '\t', line.length);
    if (!tab) return hw_draft_fail(draft, err, "no label (lines are label<TAB>text)");
    const size_t length = (size_t)(tab - line.bytes);
    draft->text = (hw_text){ tab + 1, line.length - length - 1 };
    return hw_draft_add_joined_labels(draft, (hw_text){ line.bytes, length }, err);
}

static hw_status parse(hw_reader *reader, hw_line *line, hw_error *err) {
    const hw_naming *naming = &reader->naming;
    hw_draft *draft = &reader->draft;
    if (line->too_long)
        return hw_draft_fail(draft, err, "a line of more than %d MiB", HW_LINE_LIMIT >> 20);
    switch (reader->format) {
    case HW_FORMAT_FASTTEXT:
        return hw_fasttext_parse(draft, line->text, naming->prefix, err);
    case HW_FORMAT_JSONL:
        return hw_jsonl_parse(draft, &reader->json, line->text, naming->text_names,
                              naming->label_names, err);
    case HW_FORMAT_CSV:
        return parse_row(reader, line, err);
    case HW_FORMAT_TSV:
        return reader->has_header ? parse_row(reader, line, err)
                                  : parse_label_and_text(draft, line->text, err);
    default:
        draft->text = line->text;
        return HW_OK;
    }
}

static hw_status read_next(hw_reader *reader, bool *more, hw_error *err) {
    if (!reader->has_begun) HW_TRY(begin(reader, err));
    *more = true;
    const bool is_text = reader->format == HW_FORMAT_TEXT;
    if (is_text && reader->blanks_given < reader->blank_lines) {
        hw_draft_begin(&reader->draft, ++reader->blanks_given);
        return HW_OK;
    }
    hw_line line;
    HW_TRY((is_text ? hw_lines_next(reader->lines, &line, more, err)
                    : next_full_line(reader, &line, more, err)));
    if (!*more) return HW_OK;
    hw_draft_begin(&reader->draft, line.number);
    return parse(reader, &line, err);
}

hw_status hw_reader_next(hw_reader *reader, hw_record *record, bool *more, hw_error *err) {
    *more = false;
    *record = (hw_record){ .text = { "", 0 }, .weight = 1 };
    hw_error *failure = &reader->failure;
    if (failure->status) return hw_fail(err, failure->status, "%s", failure->message);

    hw_error found;
    const hw_draft *draft = &reader->draft;
    const hw_status status = read_next(reader, more, &found);
    record->line = draft->line;
    if (status == HW_OK && *more)
        *record = (hw_record){ draft->text, draft->labels, draft->label_count, draft->weight,
                               draft->line };
    if (status == HW_OK) return HW_OK;
    *more = status == HW_ERROR_FORMAT;
    if (!*more) *failure = found;
    return hw_fail(err, status, "%s", found.message);
}

hw_format hw_reader_format(const hw_reader *reader) {
    return reader->has_begun ? reader->format : HW_FORMAT_AUTO;
}

/* A copy of an option; an empty one is taken for none. */
static bool copy_option(char **copy, const char *option) {
    if (!option || !*option) return true;
    *copy = hw_strndup(option, strlen(option));
    return *copy != NULL;
}

static bool copy_options(hw_reader *reader, const hw_reader_options *options) {
    if (!copy_option(&reader->text_column, options->text_column) ||
        !copy_option(&reader->label_column, options->label_column) ||
        !copy_option(&reader->prefix, options->label_prefix))
        return false;
    const char *text = reader->text_column, *label = reader->label_column;
    reader->naming = (hw_naming){
        .text_names = { text ? text : "text" },
        .label_names = { label ? label : "label", label ? NULL : "labels" },
        .prefix = reader->prefix ? reader->prefix : "__label__",
        .text_is_given = text != NULL,
        .label_is_given = label != NULL,
    };
    reader->format = options->format;
    return true;
}

/* Takes the stream over; NULL passes a failure to open on. */
static hw_reader *open_reader(hw_stream *stream, const hw_reader_options *options, hw_error *err) {
    const hw_reader_options defaults = { HW_FORMAT_AUTO, NULL, NULL, NULL };
    if (!stream) return NULL;
    hw_reader *reader = hw_calloc(1, sizeof *reader);
    const char *name = hw_stream_name(stream);
    if (reader) reader->file = hw_strndup(name, strlen(name));
    if (!reader || !reader->file || !copy_options(reader, options ? options : &defaults)) {
        hw_fail_memory(err, sizeof *reader);
        hw_stream_close(stream);
        hw_reader_close(reader);
        return NULL;
    }
    reader->draft.file = reader->file;
    reader->lines = hw_lines_new(stream, err);
    if (reader->lines) return reader;
    hw_reader_close(reader);
    return NULL;
}

hw_reader *hw_reader_open(const char *path, const hw_reader_options *options, hw_error *err) {
    return open_reader(hw_stream_open(path, err), options, err);
}

hw_reader *hw_reader_open_memory(const void *data, size_t size, const char *name,
                                 const hw_reader_options *options, hw_error *err) {
    return open_reader(hw_stream_open_memory(data, size, name, err), options, err);
}

void hw_reader_close(hw_reader *reader) {
    if (!reader) return;
    hw_lines_free(reader->lines);
    hw_fields_free(&reader->fields);
    hw_draft_free(&reader->draft);
    hw_json_free(reader->json);
    hw_free(reader->file);
    hw_free(reader->text_column);
    hw_free(reader->label_column);
    hw_free(reader->prefix);
    hw_free(reader);
}
