/* Jacobi rotations keep the eigenvalues and make what is off the diagonal smaller, until nothing of
 * it is left. */
#include "statistics/spectrum.h"

#include <math.h>
#include <stdbool.h>

enum { SWEEPS = 60 }; /* far more than are needed: convergence is quadratic */

/* Makes matrix[p][q] 0. */
static void rotate(double *matrix, size_t n, size_t p, size_t q) {
    const double apq = matrix[p * n + q];
    if (apq == 0) return;
    const double theta = (matrix[q * n + q] - matrix[p * n + p]) / (2 * apq);
    const double t = copysign(1, theta) / (fabs(theta) + sqrt(theta * theta + 1));
    const double c = 1 / sqrt(t * t + 1), s = t * c;
    for (size_t k = 0; k < n; k++) {
        const double akp = matrix[k * n + p], akq = matrix[k * n + q];
        matrix[k * n + p] = c * akp - s * akq;
        matrix[k * n + q] = s * akp + c * akq;
    }
    for (size_t k = 0; k < n; k++) {
        const double apk = matrix[p * n + k], aqk = matrix[q * n + k];
        matrix[p * n + k] = c * apk - s * aqk;
        matrix[q * n + k] = s * apk + c * aqk;
    }
}

static bool is_diagonal(const double *matrix, size_t n) {
    double outside = 0, all = 0;
    for (size_t i = 0; i < n * n; i++) {
        all += matrix[i] * matrix[i];
        if (i / n != i % n) outside += matrix[i] * matrix[i];
    }
    return outside <= 1e-30 * all;
}

void hw_symmetric_eigenvalues(double *values, double *matrix, size_t n) {
    for (int sweep = 0; sweep < SWEEPS && !is_diagonal(matrix, n); sweep++)
        for (size_t p = 0; p < n; p++)
            for (size_t q = p + 1; q < n; q++) rotate(matrix, n, p, q);
    for (size_t i = 0; i < n; i++) values[i] = matrix[i * n + i];
}

double hw_effective_number(const double *values, size_t count) {
    double sum = 0, entropy = 0;
    for (size_t i = 0; i < count; i++) sum += fmax(0, values[i]);
    if (sum <= 0) return (double)NAN;
    for (size_t i = 0; i < count; i++) {
        const double share = fmax(0, values[i]) / sum;
        if (share > 0) entropy -= share * log(share);
    }
    return exp(entropy);
}
