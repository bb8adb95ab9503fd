/* What check-data finds out about files of labelled texts. */
#ifndef APP_DATA_SCAN_H
#define APP_DATA_SCAN_H

#include "label_table.h"

enum { SHOWN = 10, RARE_RECORDS = 5 };

/* One record, without its text: equal texts have equal hashes, and texts that differ have
 * different ones but for a chance of 2^-128. */
typedef struct data_row {
    uint64_t hash[2];
    uint64_t labels; /* hash of the set of labels */
    uint32_t file, line;
} data_row;

typedef struct data_rows {
    data_row *items; /* [count] */
    size_t count, capacity;
} data_rows;

typedef struct data_file {
    const char *name;
    hw_format format;
    size_t records, unlabelled, multi_label, empty_texts, bad_lines;
    char bad[SHOWN][sizeof(((hw_error *)0)->message)]; /* messages of the first bad lines */
    label_table labels;
    uint32_t *lengths; /* [records] in characters; ascending after the scan */
    size_t lengths_capacity;
} data_file;

/* Adds the file's records to rows. */
hw_status data_scan(data_file *file, data_rows *rows, uint32_t index, const char *name,
                    const hw_reader_options *options, hw_error *err);
void data_file_free(data_file *file);

/* A group of equal texts: rows[first .. first + count). */
typedef struct duplicate_group {
    size_t first, count;
    bool crosses_files, has_conflict;
} duplicate_group;

typedef struct duplicates {
    size_t within, across; /* surplus records whose text occurs before in the same file; in
                              an earlier file */
    size_t conflicts;      /* texts that have different labels */
    duplicate_group shown[SHOWN];
    size_t shown_count;
} duplicates;

/* Sorts rows so that equal texts are neighbours, in order of file and line. */
void duplicates_find(duplicates *found, data_rows *rows);

/* The more frequent label that a rare one is probably a misspelling of, or SIZE_MAX. */
size_t likely_typo_of(const label_table *labels, size_t label);

#endif
