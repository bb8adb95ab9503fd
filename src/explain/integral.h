/* Integrated gradients (Sundararajan et al. 2017, eq. 1): what the slopes sum to along a path.
 * Invariant: completeness. On every stretch of the path the slopes must sum to what the value
 * changes by, so the error of the quadrature is known, and where it is worst the path is cut in two
 * until it is small. */
#ifndef HW_EXPLAIN_INTEGRAL_H
#define HW_EXPLAIN_INTEGRAL_H

#include "explain/path.h"

/* totals: [path->tokens]. steps: points to begin with, a multiple of 4. allowed: what the
 * stretches' errors may sum to. *taken: points in the end. */
hw_status hw_integrate(double *totals, size_t *taken, hw_path *path, size_t steps, double allowed,
                       hw_error *err);

#endif
