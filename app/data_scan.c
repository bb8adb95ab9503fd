/* Reads files once and keeps hashes instead of texts, so that memory is a few dozen bytes a
 * record. Invariant: of every kind of finding at most SHOWN examples are kept, all counted. */
#include "data_scan.h"

#include "spelling.h"

#include "base/error.h"
#include "base/memory.h"

#include <stdlib.h>

void data_file_free(data_file *file) {
    label_table_free(&file->labels);
    hw_free(file->lengths);
}

static uint32_t count_characters(hw_text text) {
    uint32_t characters = 0;
    for (size_t i = 0; i < text.length; i++) characters += (text.bytes[i] & 0xc0) != 0x80;
    return characters;
}

static hw_text trimmed(hw_text text) {
    static const char blanks[] = " \t\r\n";
    while (text.length && memchr(blanks, text.bytes[0], 4)) text.bytes++, text.length--;
    while (text.length && memchr(blanks, text.bytes[text.length - 1], 4)) text.length--;
    return text;
}

/* Counts each label of the record once; *set is a hash that does not depend on their order. */
static hw_status count_labels(uint64_t *set, data_file *file, const hw_record *record,
                              hw_error *err) {
    *set = 0;
    for (size_t i = 0; i < record->label_count; i++) {
        const size_t label = label_table_index(&file->labels, record->labels[i]);
        if (label == SIZE_MAX) return hw_fail_memory(err, record->labels[i].length);
        file->labels.entries[label].records++;
        *set += hash_text(record->labels[i], 1);
    }
    return HW_OK;
}

static hw_status add_record(data_file *file, data_rows *rows, uint32_t index,
                            const hw_record *record, hw_error *err) {
    void *items = rows->items, *lengths = file->lengths;
    if (!hw_grow(&items, &rows->capacity, rows->count + 1, sizeof *rows->items))
        return hw_fail_memory(err, (rows->count + 1) * sizeof *rows->items);
    rows->items = items;
    if (!hw_grow(&lengths, &file->lengths_capacity, file->records + 1, sizeof *file->lengths))
        return hw_fail_memory(err, (file->records + 1) * sizeof *file->lengths);
    file->lengths = lengths;

    const hw_text text = trimmed(record->text);
    data_row *row = &rows->items[rows->count];
    *row = (data_row){ .hash = { hash_text(text, 0), hash_text(text, 0x5bd1e995) },
                       .file = index,
                       .line = (uint32_t)record->line };
    HW_TRY(count_labels(&row->labels, file, record, err));
    rows->count++;
    file->lengths[file->records++] = count_characters(text);
    file->unlabelled += record->label_count == 0;
    file->multi_label += record->label_count > 1;
    file->empty_texts += text.length == 0;
    return HW_OK;
}

static int compare_lengths(const void *left, const void *right) {
    const uint32_t a = *(const uint32_t *)left, b = *(const uint32_t *)right;
    return a < b ? -1 : a > b;
}

static hw_status scan_records(data_file *file, data_rows *rows, uint32_t index, hw_reader *reader,
                              hw_error *err) {
    for (;;) {
        hw_record record;
        bool more;
        const hw_status status = hw_reader_next(reader, &record, &more, err);
        if (status == HW_ERROR_FORMAT) {
            if (file->bad_lines++ < SHOWN)
                memcpy(file->bad[file->bad_lines - 1], err->message, sizeof err->message);
        } else if (status != HW_OK) {
            return status;
        } else if (!more) {
            return HW_OK;
        } else {
            HW_TRY(add_record(file, rows, index, &record, err));
        }
    }
}

hw_status data_scan(data_file *file, data_rows *rows, uint32_t index, const char *name,
                    const hw_reader_options *options, hw_error *err) {
    file->name = name;
    hw_reader *reader = hw_reader_open(name, options, err);
    if (!reader) return err->status;
    const hw_status status = scan_records(file, rows, index, reader, err);
    file->format = hw_reader_format(reader);
    hw_reader_close(reader);
    if (file->records > 1)
        qsort(file->lengths, file->records, sizeof *file->lengths, compare_lengths);
    return status;
}

static int compare_rows(const void *left, const void *right) {
    const data_row *a = left, *b = right;
    if (a->hash[0] != b->hash[0]) return a->hash[0] < b->hash[0] ? -1 : 1;
    if (a->hash[1] != b->hash[1]) return a->hash[1] < b->hash[1] ? -1 : 1;
    if (a->file != b->file) return a->file < b->file ? -1 : 1;
    return a->line < b->line ? -1 : a->line > b->line;
}

static bool are_equal(const data_row *a, const data_row *b) {
    return a->hash[0] == b->hash[0] && a->hash[1] == b->hash[1];
}

/* Groups are shown in order of their first record, so that hashing does not decide. */
static void show_group(duplicates *found, const data_row *rows, duplicate_group group) {
    size_t at = found->shown_count;
    const data_row *row = &rows[group.first];
    while (at > 0) {
        const data_row *before = &rows[found->shown[at - 1].first];
        if (before->file < row->file || (before->file == row->file && before->line < row->line))
            break;
        at--;
    }
    if (at == SHOWN) return;
    if (found->shown_count < SHOWN) found->shown_count++;
    for (size_t i = found->shown_count - 1; i > at; i--) found->shown[i] = found->shown[i - 1];
    found->shown[at] = group;
}

void duplicates_find(duplicates *found, data_rows *rows) {
    *found = (duplicates){ 0 };
    if (rows->count > 1) qsort(rows->items, rows->count, sizeof *rows->items, compare_rows);
    for (size_t first = 0, next; first < rows->count; first = next) {
        duplicate_group group = { .first = first };
        const data_row *row = &rows->items[first];
        for (next = first + 1; next < rows->count && are_equal(row, &rows->items[next]); next++) {
            const bool is_across = rows->items[next].file != row->file;
            found->across += is_across;
            found->within += !is_across;
            group.crosses_files |= is_across;
            group.has_conflict |= rows->items[next].labels != row->labels;
        }
        group.count = next - first;
        found->conflicts += group.has_conflict;
        if (group.count > 1) show_group(found, rows->items, group);
    }
}

/* Codes like "B2" and "B3" are near each other on purpose. */
static bool is_word(const char *name) {
    return strlen(name) >= 4 && !strpbrk(name, "0123456789");
}

size_t likely_typo_of(const label_table *labels, size_t label) {
    const label_entry *rare = &labels->entries[label];
    if (rare->records >= RARE_RECORDS || !is_word(rare->name)) return SIZE_MAX;
    for (size_t i = 0; i < labels->count; i++) {
        const label_entry *other = &labels->entries[i];
        if (other->records > rare->records && is_word(other->name) &&
            spelling_distance(rare->name, other->name) == 1)
            return i;
    }
    return SIZE_MAX;
}
