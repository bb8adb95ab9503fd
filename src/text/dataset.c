/* Reading labelled data into memory. Texts are copied into blocks that never move; labels
 * get their index when they first occur. Invariant: while loading, label_index holds the
 * labels of all complete examples and nothing else. */
#include "text/dataset.h"

#include "base/checksum.h"
#include "base/memory.h"
#include "text/words.h"

#include <stdio.h>
#include <stdlib.h>

/* A power of two, at most half full. */
enum { LABEL_SLOTS = 2 * HW_LABEL_LIMIT, BLOCK_BYTES = 1 << 20 };

typedef struct hw_text_block {
    struct hw_text_block *next;
    size_t used, capacity;
    char bytes[];
} hw_text_block;

/* A data set that grows. */
typedef struct loader {
    hw_dataset *dataset;
    const char *path;
    bool texts_alone; /* labels are not looked at */
    size_t example_capacity, name_capacity, count_capacity;
    size_t index_count, index_capacity;
} loader;

/* The slot of a name: the one that holds it, or the empty one where it belongs. */
static uint32_t *label_slot(const hw_dataset *dataset, hw_text name) {
    size_t slot = (size_t)hw_hash_bytes(name.bytes, name.length) & (LABEL_SLOTS - 1);
    for (;; slot = (slot + 1) & (LABEL_SLOTS - 1)) {
        uint32_t *found = &dataset->label_slots[slot];
        if (*found == 0) return found;
        const char *known = dataset->label_names[*found - 1];
        if (strlen(known) == name.length && memcmp(known, name.bytes, name.length) == 0)
            return found;
    }
}

int32_t hw_dataset_find_label(const hw_dataset *dataset, hw_text name) {
    return (int32_t)*label_slot(dataset, name) - 1;
}

static hw_status add_label_name(loader *loading, uint32_t *slot, hw_text name, hw_error *err) {
    hw_dataset *dataset = loading->dataset;
    const size_t label = dataset->label_count;
    if (label == HW_LABEL_LIMIT)
        return hw_fail(err, HW_ERROR_UNSUPPORTED, "%s: more than %d different labels",
                       loading->path, HW_LABEL_LIMIT);
    if (!hw_grow((void **)&dataset->label_names, &loading->name_capacity, label + 1,
                 sizeof(char *)) ||
        !hw_grow((void **)&dataset->label_examples, &loading->count_capacity, label + 1,
                 sizeof(uint32_t)))
        return hw_fail_memory(err, (label + 1) * sizeof(char *));
    char *copy = hw_strndup(name.bytes, name.length);
    if (!copy) return hw_fail_memory(err, name.length);
    dataset->label_names[label] = copy;
    dataset->label_examples[label] = 0;
    *slot = (uint32_t)++dataset->label_count;
    return HW_OK;
}

static int by_value(const void *left, const void *right) {
    const uint32_t a = *(const uint32_t *)left, b = *(const uint32_t *)right;
    return (a > b) - (a < b);
}

static uint32_t sort_and_unite(uint32_t *labels, size_t count) {
    if (count > 1) qsort(labels, count, sizeof *labels, by_value);
    uint32_t kept = 0;
    for (size_t i = 0; i < count; ++i)
        if (i == 0 || labels[i] != labels[i - 1]) labels[kept++] = labels[i];
    return kept;
}

/* Writes the record's labels behind those of the complete examples. */
static hw_status take_labels(loader *loading, uint32_t *count, const hw_record *record,
                             hw_error *err) {
    hw_dataset *dataset = loading->dataset;
    *count = 0;
    if (record->label_count == 0) return HW_OK;
    const size_t needed = loading->index_count + record->label_count;
    if (needed > UINT32_MAX)
        return hw_fail(err, HW_ERROR_UNSUPPORTED, "%s: too many labels", loading->path);
    if (!hw_grow((void **)&dataset->label_index, &loading->index_capacity, needed,
                 sizeof(uint32_t)))
        return hw_fail_memory(err, needed * sizeof(uint32_t));
    uint32_t *labels = dataset->label_index + loading->index_count;
    for (size_t i = 0; i < record->label_count; ++i) {
        uint32_t *slot = label_slot(dataset, record->labels[i]);
        if (*slot == 0) HW_TRY(add_label_name(loading, slot, record->labels[i], err));
        labels[i] = *slot - 1;
    }
    *count = sort_and_unite(labels, record->label_count);
    return HW_OK;
}

static hw_status copy_text(loader *loading, hw_text *copy, hw_text text, hw_error *err) {
    hw_text_block *block = loading->dataset->texts;
    if (!block || block->capacity - block->used < text.length) {
        const size_t capacity = text.length > BLOCK_BYTES ? text.length : BLOCK_BYTES;
        block = hw_malloc(sizeof *block + capacity);
        if (!block) return hw_fail_memory(err, capacity);
        *block = (hw_text_block){ loading->dataset->texts, 0, capacity };
        loading->dataset->texts = block;
    }
    *copy = (hw_text){ block->bytes + block->used, text.length };
    if (text.length) memcpy(block->bytes + block->used, text.bytes, text.length);
    block->used += text.length;
    return HW_OK;
}

static uint32_t checksum_number(uint32_t crc, uint64_t number) {
    unsigned char bytes[8];
    for (size_t i = 0; i < sizeof bytes; ++i) bytes[i] = (unsigned char)(number >> 8 * i);
    return hw_crc32c(crc, bytes, sizeof bytes);
}

/* Every part with its length before it, so that no two data sets look alike. */
static uint32_t checksum_example(const hw_dataset *dataset, const hw_example *example) {
    uint32_t weight;
    memcpy(&weight, &example->weight, sizeof weight);
    uint32_t crc = checksum_number(dataset->checksum, example->labels);
    for (uint32_t i = 0; i < example->labels; ++i) {
        const char *name = dataset->label_names[dataset->label_index[example->first_label + i]];
        crc = hw_crc32c(checksum_number(crc, strlen(name)), name, strlen(name));
    }
    crc = checksum_number(checksum_number(crc, weight), example->text.length);
    return hw_crc32c(crc, example->text.bytes, example->text.length);
}

static hw_status add_example(loader *loading, const hw_record *record, hw_error *err) {
    hw_dataset *dataset = loading->dataset;
    const size_t needed = dataset->count + 1;
    if (record->line > UINT32_MAX)
        return hw_fail(err, HW_ERROR_UNSUPPORTED, "%s: more than %u lines", loading->path,
                       UINT32_MAX);
    if (!hw_grow((void **)&dataset->examples, &loading->example_capacity, needed,
                 sizeof(hw_example)))
        return hw_fail_memory(err, needed * sizeof(hw_example));
    hw_example example = { .first_label = (uint32_t)loading->index_count,
                           .weight = (float)record->weight,
                           .line = (uint32_t)record->line };
    HW_TRY(copy_text(loading, &example.text, record->text, err));
    HW_TRY(take_labels(loading, &example.labels, record, err));

    loading->index_count += example.labels;
    for (uint32_t i = 0; i < example.labels; ++i)
        ++dataset->label_examples[dataset->label_index[example.first_label + i]];
    dataset->multi_label |= example.labels > 1;
    dataset->examples[dataset->count++] = example;
    dataset->checksum = checksum_example(dataset, &example);
    return HW_OK;
}

static void note_bad_line(hw_dataset *dataset, const char *message) {
    if (dataset->bad_lines++ > 0) return;
    memcpy(dataset->first_bad, message, strnlen(message, sizeof dataset->first_bad - 1));
}

static hw_status no_label(const loader *loading, hw_format format, size_t line, hw_error *err) {
    return hw_fail(err, HW_ERROR_FORMAT, "%s:%zu: no label; %s", loading->path, line,
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
        note_bad_line(loading->dataset, bad.message);
    }
}

static hw_status load(loader *loading, hw_reader *reader, hw_error *err) {
    hw_dataset *dataset = loading->dataset;
    dataset->label_slots = hw_calloc(LABEL_SLOTS, sizeof(uint32_t));
    if (!dataset->label_slots) return hw_fail_memory(err, LABEL_SLOTS * sizeof(uint32_t));
    for (;;) {
        hw_record record;
        bool more;
        HW_TRY(next_example(loading, reader, &record, &more, err));
        if (!more) break;
        if (loading->texts_alone) record.label_count = 0;
        HW_TRY(add_example(loading, &record, err));
    }
    dataset->format = hw_reader_format(reader);
    if (dataset->count > 0) return HW_OK;
    if (dataset->bad_lines == 1) return hw_fail(err, HW_ERROR_FORMAT, "%s", dataset->first_bad);
    if (dataset->bad_lines > 1)
        return hw_fail(err, HW_ERROR_FORMAT, "%s (so with all %zu records)", dataset->first_bad,
                       dataset->bad_lines);
    return hw_fail(err, HW_ERROR_FORMAT, "%s: no %stext in it", loading->path,
                   loading->texts_alone ? "" : "labelled ");
}

static hw_dataset *load_file(const char *path, const hw_reader_options *options, bool texts_alone,
                             hw_error *err) {
    hw_reader *reader = hw_reader_open(path, options, err);
    if (!reader) return NULL;
    loader loading = { .dataset = hw_calloc(1, sizeof(hw_dataset)),
                       .path = path,
                       .texts_alone = texts_alone };
    if (!loading.dataset) {
        hw_fail_memory(err, sizeof(hw_dataset));
    } else if (load(&loading, reader, err) != HW_OK) {
        hw_dataset_free(loading.dataset);
        loading.dataset = NULL;
    }
    hw_reader_close(reader);
    return loading.dataset;
}

hw_dataset *hw_dataset_load(const char *path, const hw_reader_options *options, hw_error *err) {
    return load_file(path, options, false, err);
}

hw_dataset *hw_dataset_load_texts(const char *path, const hw_reader_options *options,
                                  hw_error *err) {
    return load_file(path, options, true, err);
}

void hw_dataset_free(hw_dataset *dataset) {
    if (!dataset) return;
    for (size_t label = 0; label < dataset->label_count; ++label)
        hw_free(dataset->label_names[label]);
    while (dataset->texts) {
        hw_text_block *block = dataset->texts;
        dataset->texts = block->next;
        hw_free(block);
    }
    hw_free(dataset->examples);
    hw_free(dataset->label_index);
    hw_free(dataset->label_names);
    hw_free(dataset->label_examples);
    hw_free(dataset->label_slots);
    hw_free(dataset);
}
