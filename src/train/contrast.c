/* Cosines are dot products of unit vectors; d_features is projected back by the length. */
#include "train/contrast.h"

#include <math.h>
#include <string.h>

/* Labels ascend. */
static bool share_a_label(hw_targets targets, uint32_t a, uint32_t b) {
    uint32_t i = targets.offsets[a], j = targets.offsets[b];
    while (i < targets.offsets[a + 1] && j < targets.offsets[b + 1]) {
        if (targets.labels[i] == targets.labels[j]) return true;
        if (targets.labels[i] < targets.labels[j])
            i++;
        else
            j++;
    }
    return false;
}

static float length_of(const float *x, size_t width, const hw_kernels *kernels) {
    float square;
    kernels->dot(&square, x, x, width);
    return sqrtf(square) + 1e-12f;
}

static size_t count_common(hw_targets targets, const uint32_t *rows, size_t count) {
    size_t common = 0;
    for (size_t i = 0; i < count; i++)
        for (size_t j = i + 1; j < count; j++) common += share_a_label(targets, rows[i], rows[j]);
    return common;
}

/* d_unit: [count][width] += ...; returns the loss. */
static double add_pairs(float *d_unit, const float *unit, size_t width, hw_targets targets,
                        const uint32_t *rows, size_t count, const hw_kernels *kernels) {
    const size_t common = count_common(targets, rows, count);
    const size_t others = count * (count - 1) / 2 - common;
    double loss = 0;
    for (size_t i = 0; i < count; i++)
        for (size_t j = i + 1; j < count; j++) {
            const float *a = unit + i * width, *b = unit + j * width;
            const bool alike = share_a_label(targets, rows[i], rows[j]);
            const double share = 1 / (double)(alike ? common : others);
            float cosine;
            kernels->dot(&cosine, a, b, width);
            const double error = (double)cosine - (alike ? 1 : 0);
            loss += share / 2 * error * error;
            kernels->axpy(d_unit + i * width, b, (float)(share * error), width);
            kernels->axpy(d_unit + j * width, a, (float)(share * error), width);
        }
    return loss;
}

double hw_contrast_loss(float *d_features, float *unit, const float *features, size_t width,
                        hw_targets targets, const uint32_t *rows, size_t count,
                        const hw_kernels *kernels) {
    memset(d_features, 0, count * width * sizeof *d_features);
    for (size_t i = 0; i < count; i++) {
        const float length = length_of(features + i * width, width, kernels);
        for (size_t k = 0; k < width; k++) unit[i * width + k] = features[i * width + k] / length;
    }
    const double loss = add_pairs(d_features, unit, width, targets, rows, count, kernels);
    for (size_t i = 0; i < count; i++) { /* u = f / |f|: d_f = (d_u - (d_u . u) u) / |f| */
        float *d = d_features + i * width, along;
        const float length = length_of(features + i * width, width, kernels);
        kernels->dot(&along, d, unit + i * width, width);
        kernels->axpy(d, unit + i * width, -along, width);
        for (size_t k = 0; k < width; k++) d[k] /= length;
    }
    return loss;
}
