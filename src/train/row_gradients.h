/* The gradient of a table of which a step touches few rows. Invariant: slot_of[row] < count, and
 * rows[slot_of[row]] == row, exactly for the rows that were touched since the start. */
#ifndef HW_TRAIN_ROW_GRADIENTS_H
#define HW_TRAIN_ROW_GRADIENTS_H

#include "base/error.h"
#include "tensor/kernels.h"

typedef struct hw_row_gradients {
    uint32_t *rows; /* [count] in the order in which they were touched */
    float *values;  /* [count][width] */
    size_t count, limit, width;
    uint32_t *slot_of; /* [rows of the table] */
} hw_row_gradients;

/* limit: most rows that are touched between two starts. *gradients is zero before, and freed by
 * hw_row_gradients_free also on failure. */
hw_status hw_row_gradients_reserve(hw_row_gradients *gradients, size_t table_rows, size_t width,
                                   size_t limit, hw_error *err);
void hw_row_gradients_free(hw_row_gradients *gradients);

void hw_row_gradients_start(hw_row_gradients *gradients);
/* Adds factor * d[width] to the gradient of a row. */
void hw_row_gradients_add(hw_row_gradients *gradients, uint32_t row, const float *d, float factor,
                          const hw_kernels *kernels);

#endif
