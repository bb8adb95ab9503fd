/* Rows of int8 weights that the kernel gemm_int8 may multiply. Where there is no better
 * instruction, four products are added in 16 bits: of each eight neighbours from a multiple of 8
 * on, those of the 0th, 1st, 4th and 5th, and those of the other four. Neither the positive nor the
 * negative ones of such four may sum to more than HW_INT8_FOUR, or the sum would not be exact. */
#ifndef HW_TENSOR_INT8_WEIGHTS_H
#define HW_TENSOR_INT8_WEIGHTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

bool hw_int8_fits(const int8_t *q, size_t n);
/* The finest steps with which a row fits: q = x / *scale, rounded half to even. x: finite. A row of
 * values below 1e-36 becomes zeros, *scale 0. */
void hw_int8_quantize(int8_t *q, float *scale, const float *x, size_t n);
/* Makes the steps of a row that does not fit as coarse as they must be. */
void hw_int8_coarsen(int8_t *q, float *scale, size_t n);

#endif
