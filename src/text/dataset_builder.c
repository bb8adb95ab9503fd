/* A data set in the making. Texts are copied into blocks that never move; labels get their index
 * when they first occur. Invariant: label_index holds the labels of all complete examples and
 * nothing else. */
#include "text/dataset_builder.h"

#include "base/checksum.h"
#include "base/memory.h"
#include "text/words.h"

#include <stdlib.h>

/* A power of two, at most half full. */
enum { LABEL_SLOTS = 2 * HW_LABEL_LIMIT, BLOCK_BYTES = 1 << 20 };

typedef struct hw_text_block {
    struct hw_text_block *next;
    size_t used, capacity;
    char bytes[];
} hw_text_block;

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

static hw_status add_label_name(hw_dataset_builder *builder, uint32_t *slot, hw_text name,
                                hw_error *err) {
    hw_dataset *dataset = builder->dataset;
    const size_t label = dataset->label_count;
    if (label == HW_LABEL_LIMIT)
        return hw_fail(err, HW_ERROR_UNSUPPORTED, "%s: more than %d different labels",
                       builder->name, HW_LABEL_LIMIT);
    if (!hw_grow((void **)&dataset->label_names, &builder->name_capacity, label + 1,
                 sizeof(char *)) ||
        !hw_grow((void **)&dataset->label_examples, &builder->count_capacity, label + 1,
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
static hw_status take_labels(hw_dataset_builder *builder, uint32_t *count, const hw_record *record,
                             hw_error *err) {
    hw_dataset *dataset = builder->dataset;
    *count = 0;
    if (record->label_count == 0) return HW_OK;
    const size_t needed = builder->index_count + record->label_count;
    if (needed > UINT32_MAX)
        return hw_fail(err, HW_ERROR_UNSUPPORTED, "%s: too many labels", builder->name);
    if (!hw_grow((void **)&dataset->label_index, &builder->index_capacity, needed,
                 sizeof(uint32_t)))
        return hw_fail_memory(err, needed * sizeof(uint32_t));
    uint32_t *labels = dataset->label_index + builder->index_count;
    for (size_t i = 0; i < record->label_count; ++i) {
        uint32_t *slot = label_slot(dataset, record->labels[i]);
        if (*slot == 0) HW_TRY(add_label_name(builder, slot, record->labels[i], err));
        labels[i] = *slot - 1;
    }
    *count = sort_and_unite(labels, record->label_count);
    return HW_OK;
}

static hw_status copy_text(hw_dataset_builder *builder, hw_text *copy, hw_text text,
                           hw_error *err) {
    hw_text_block *block = builder->dataset->texts;
    if (!block || block->capacity - block->used < text.length) {
        const size_t capacity = text.length > BLOCK_BYTES ? text.length : BLOCK_BYTES;
        block = hw_malloc(sizeof *block + capacity);
        if (!block) return hw_fail_memory(err, capacity);
        *block = (hw_text_block){ builder->dataset->texts, 0, capacity };
        builder->dataset->texts = block;
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

hw_status hw_dataset_add(hw_dataset_builder *builder, const hw_record *record, hw_error *err) {
    hw_dataset *dataset = builder->dataset;
    const size_t needed = dataset->count + 1;
    if (record->line > UINT32_MAX)
        return hw_fail(err, HW_ERROR_UNSUPPORTED, "%s: more than %u lines", builder->name,
                       UINT32_MAX);
    if (!hw_grow((void **)&dataset->examples, &builder->example_capacity, needed,
                 sizeof(hw_example)))
        return hw_fail_memory(err, needed * sizeof(hw_example));
    hw_example example = { .first_label = (uint32_t)builder->index_count,
                           .weight = (float)record->weight,
                           .line = (uint32_t)record->line };
    HW_TRY(copy_text(builder, &example.text, record->text, err));
    HW_TRY(take_labels(builder, &example.labels, record, err));

    builder->index_count += example.labels;
    for (uint32_t i = 0; i < example.labels; ++i)
        ++dataset->label_examples[dataset->label_index[example.first_label + i]];
    dataset->multi_label |= example.labels > 1;
    dataset->examples[dataset->count++] = example;
    dataset->checksum = checksum_example(dataset, &example);
    return HW_OK;
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

hw_status hw_dataset_begin(hw_dataset_builder *builder, const char *name, hw_error *err) {
    *builder = (hw_dataset_builder){ .name = name };
    builder->dataset = hw_calloc(1, sizeof *builder->dataset);
    if (!builder->dataset) return hw_fail_memory(err, sizeof *builder->dataset);
    builder->dataset->label_slots = hw_calloc(LABEL_SLOTS, sizeof(uint32_t));
    if (builder->dataset->label_slots) return HW_OK;
    hw_dataset_free(builder->dataset);
    builder->dataset = NULL;
    return hw_fail_memory(err, LABEL_SLOTS * sizeof(uint32_t));
}
