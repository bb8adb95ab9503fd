/* AttnLRP (Achtibat et al. 2024) as a backward pass. The relevance of an array is its elements
 * times their gradients, once a few gradients are others:
 *
 *   linear layers, sums, pooling, softmax    as ever: the epsilon rule with epsilon = 0, and eq. 13
 *   y = x * y(x) / x, an activation          d_x = d_y * y / x         (identity rule, eq. 9)
 *   norm                                     as if rstd were a constant (section 3.3.3)
 *   a product of two states                  both factors get half     (eqs. 14 and 15)
 *
 * The last one is no kernel: where hw_kernels.relevance is true, whoever multiplies two states
 * halves both gradients. Gradients of parameters mean nothing then, and those of norms are not
 * written. */
#ifndef HW_TENSOR_RELEVANCE_H
#define HW_TENSOR_RELEVANCE_H

#include "tensor/kernels.h"

/* The same forward kernels, and the backward ones of relevance. */
hw_kernels hw_relevance_kernels(const hw_kernels *kernels);

/* Halves x[rows][n] (row stride stride) if kernels->relevance. */
void hw_relevance_halve(float *x, size_t stride, size_t rows, size_t n, const hw_kernels *kernels);

#endif
