/* Labelled texts in memory: what training and evaluation read a file into.
 * Invariant: every example has at least one label (those without are counted and left
 * out) unless only texts were asked for, label indices are in [0, label_count), label names are
 * unique and sorted by first appearance; text bytes are as in the file. */
#ifndef HW_TEXT_DATASET_H
#define HW_TEXT_DATASET_H

#include "base/error.h"

typedef struct hw_example {
    hw_text text;
    uint32_t first_label, labels; /* hw_dataset.label_index[first_label ..][labels] */
    float weight;
    uint32_t line;
} hw_example;

typedef struct hw_dataset {
    hw_example *examples; /* [count] */
    size_t count;
    uint32_t *label_index;    /* each example's labels, ascending, without repeats */
    char **label_names;       /* [label_count] NUL-terminated, without any prefix */
    uint32_t *label_examples; /* [label_count] examples that carry it */
    size_t label_count;
    bool multi_label;    /* some example has more than one label */
    uint32_t checksum;   /* CRC-32C over labels, weights and texts in order */
    size_t bad_lines;    /* lines that were left out */
    char first_bad[256]; /* the message of the first of them */
    hw_format format;
    struct hw_text_block *texts; /* holds the examples' bytes */
    uint32_t *label_slots;       /* label + 1 by the hash of its name; 0: empty */
} hw_dataset;

enum { HW_LABEL_LIMIT = 1 << 16 };

/* Limits: 65,536 labels, 256 bytes a label name, 16 MiB a record (reader.c). A file that
 * cannot be opened or decompressed fails; a line that cannot be read as data is counted
 * in bad_lines, and so is one without a label. An empty file, or one with no labelled text at all,
 * is HW_ERROR_FORMAT. */
hw_dataset *hw_dataset_load(const char *path, const hw_reader_options *options, hw_error *err);
/* The texts alone: labels are not looked at, and a line without any is as good as the others. */
hw_dataset *hw_dataset_load_texts(const char *path, const hw_reader_options *options,
                                  hw_error *err);
void hw_dataset_free(hw_dataset *dataset);
/* Index of a label name, or -1. */
int32_t hw_dataset_find_label(const hw_dataset *dataset, hw_text name);

#endif
