/* Stratified folds: a counting sort of shuffled rows by label, dealt like cards. */
#include "train/folds.h"

#include "base/memory.h"
#include "base/random.h"

enum { PURPOSE_DEAL = 31 };

static uint32_t first_label(const hw_dataset *dataset, size_t row) {
    return dataset->label_index[dataset->examples[row].first_label];
}

hw_status hw_folds_deal(uint32_t *fold, const hw_dataset *dataset, size_t folds, uint64_t seed,
                        hw_error *err) {
    const size_t rows = dataset->count, labels = dataset->label_count;
    uint32_t *order = hw_calloc(rows, sizeof *order);
    size_t *position = hw_calloc(labels + 1, sizeof *position);
    if (!order || !position) {
        hw_free(order);
        hw_free(position);
        return hw_fail_memory(err, rows * sizeof *order);
    }
    for (size_t row = 0; row < rows; row++) {
        order[row] = (uint32_t)row;
        position[first_label(dataset, row) + 1]++;
    }
    for (size_t label = 1; label <= labels; label++) position[label] += position[label - 1];
    hw_random_shuffle(order, (uint32_t)rows, seed, PURPOSE_DEAL);
    for (size_t i = 0; i < rows; i++)
        fold[order[i]] = (uint32_t)(position[first_label(dataset, order[i])]++ % folds);
    hw_free(order);
    hw_free(position);
    return HW_OK;
}

void hw_folds_hold(uint32_t *held, size_t *held_count, uint32_t *others, size_t *others_count,
                   const uint32_t *fold, uint32_t which, const hw_dataset *dataset) {
    *held_count = *others_count = 0;
    for (size_t row = 0; row < dataset->count; row++) {
        const bool only = dataset->label_examples[first_label(dataset, row)] < 2;
        if (fold[row] == which && !only)
            held[(*held_count)++] = (uint32_t)row;
        else
            others[(*others_count)++] = (uint32_t)row;
    }
}
