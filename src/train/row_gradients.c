/* A sparse set (Briggs and Torczon 1993): nothing has to be cleared from step to step. */
#include "train/row_gradients.h"

#include "base/memory.h"

#include <assert.h>
#include <string.h>

hw_status hw_row_gradients_reserve(hw_row_gradients *g, size_t table_rows, size_t width,
                                   size_t limit, hw_error *err) {
    g->width = width;
    g->limit = limit < table_rows ? limit : table_rows;
    g->slot_of = hw_calloc(table_rows, sizeof *g->slot_of);
    g->rows = hw_calloc(g->limit, sizeof *g->rows);
    g->values = hw_calloc(g->limit, width * sizeof *g->values);
    if (g->slot_of && g->rows && g->values) return HW_OK;
    return hw_fail_memory(err, g->limit * width * sizeof *g->values);
}

void hw_row_gradients_free(hw_row_gradients *g) {
    hw_free(g->slot_of);
    hw_free(g->rows);
    hw_free(g->values);
    *g = (hw_row_gradients){ 0 };
}

void hw_row_gradients_start(hw_row_gradients *g) {
    g->count = 0;
}

static float *values_of(hw_row_gradients *g, uint32_t row) {
    uint32_t slot = g->slot_of[row];
    if (slot >= g->count || g->rows[slot] != row) {
        assert(g->count < g->limit);
        slot = g->slot_of[row] = (uint32_t)g->count++;
        g->rows[slot] = row;
        memset(g->values + slot * g->width, 0, g->width * sizeof *g->values);
    }
    return g->values + slot * g->width;
}

void hw_row_gradients_add(hw_row_gradients *g, uint32_t row, const float *d, float factor,
                          const hw_kernels *kernels) {
    kernels->axpy(values_of(g, row), d, factor, g->width);
}
