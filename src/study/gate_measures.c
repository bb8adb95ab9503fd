/* A gate's ranks are cut in three, so that its size and shape do not matter. */
#include "study/gate_measures.h"

#include "base/memory.h"
#include "statistics/ranking.h"

#include <math.h>

enum { THIRDS = 3 };

double hw_gates_deviation(const float *gates, size_t rows, size_t count) {
    double sum = 0;
    for (size_t gate = 0; gate < count; gate++) {
        double mean = 0, squares = 0;
        for (size_t row = 0; row < rows; row++)
            mean += (double)gates[row * count + gate] / (double)rows;
        for (size_t row = 0; row < rows; row++) {
            const double from_mean = (double)gates[row * count + gate] - mean;
            squares += from_mean * from_mean;
        }
        sum += sqrt(squares / (double)(rows - 1)) / (double)count;
    }
    return sum;
}

static double entropy_of(const float *gates, size_t count) {
    double sum = 0, entropy = 0;
    for (size_t i = 0; i < count; i++) sum += (double)gates[i];
    for (size_t i = 0; i < count; i++) {
        const double share = (double)gates[i] / sum;
        if (share > 0) entropy -= share * log(share);
    }
    return entropy / log((double)count);
}

double hw_gates_entropy(const float *gates, size_t rows, size_t count) {
    double sum = 0;
    for (size_t row = 0; row < rows; row++) sum += entropy_of(gates + row * count, count);
    return sum / (double)rows;
}

/* ---- Information -------------------------------------------------------------------------- */

typedef struct joint {
    double *values;    /* [rows] */
    hw_ranked *ranked; /* [rows] */
    double *cells;     /* [THIRDS][classes] rows in each */
    size_t classes;
} joint;

static void count_cells(joint *j, const float *gates, size_t rows, size_t stride,
                        const uint32_t *classes) {
    for (size_t row = 0; row < rows; row++) j->values[row] = (double)gates[row * stride];
    hw_rank(j->ranked, j->values, rows);
    for (size_t i = 0; i < THIRDS * j->classes; i++) j->cells[i] = 0;
    for (size_t rank = 0; rank < rows; rank++)
        j->cells[rank * THIRDS / rows * j->classes + classes[j->ranked[rank].index]]++;
}

static double sum_of(const double *values, size_t count, size_t stride) {
    double sum = 0;
    for (size_t i = 0; i < count; i++) sum += values[i * stride];
    return sum;
}

static double bits_of(const joint *j, size_t rows) {
    double bits = 0, occurring = 0;
    for (size_t class = 0; class < j->classes; class ++) {
        const double of_class = sum_of(j->cells + class, THIRDS, j->classes);
        occurring += of_class > 0;
        for (size_t third = 0; third < THIRDS; third++) {
            const double both = j->cells[third * j->classes + class];
            const double of_third = sum_of(j->cells + third * j->classes, j->classes, 1);
            if (both > 0)
                bits += both / (double)rows * log2(both * (double)rows / (of_class * of_third));
        }
    }
    return bits - (THIRDS - 1) * (occurring - 1) / (2 * (double)rows * log(2));
}

hw_status hw_gates_information(double *bits, const float *gates, size_t rows, size_t count,
                               const uint32_t *classes, size_t class_count, hw_error *err) {
    joint j = { hw_calloc(rows, sizeof *j.values), hw_calloc(rows, sizeof *j.ranked),
                hw_calloc(THIRDS * class_count, sizeof *j.cells), class_count };
    const bool reserved = j.values && j.ranked && j.cells;
    hw_status status = reserved ? HW_OK : hw_fail_memory(err, rows * sizeof *j.ranked);
    *bits = 0;
    for (size_t gate = 0; gate < count && status == HW_OK; gate++) {
        count_cells(&j, gates + gate, rows, count, classes);
        *bits += bits_of(&j, rows) / (double)count;
    }
    hw_free(j.values);
    hw_free(j.ranked);
    hw_free(j.cells);
    return status;
}
