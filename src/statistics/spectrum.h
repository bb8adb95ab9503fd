/* Eigenvalues of small symmetric matrices, and how many of them count. */
#ifndef HW_STATISTICS_SPECTRUM_H
#define HW_STATISTICS_SPECTRUM_H

#include <stddef.h>

/* values: [n], in no order. matrix: [n][n] symmetric, which is destroyed. By cyclic Jacobi
 * rotations (Golub and Van Loan 2013, section 8.5.5). */
void hw_symmetric_eigenvalues(double *values, double *matrix, size_t n);

/* exp(-sum of p ln p), p being the values' shares of their sum: 1 if one is all, count if all are
 * equal. Values below 0 count as 0; NaN if none is above. */
double hw_effective_number(const double *values, size_t count);

#endif
