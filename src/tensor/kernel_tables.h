/* The tables of kernels that this library may have been built with. Only those of the
 * processor family that is compiled for exist; kernels.c knows which. */
#ifndef HW_TENSOR_KERNEL_TABLES_H
#define HW_TENSOR_KERNEL_TABLES_H

#include "tensor/kernels.h"

extern const hw_kernels hw_kernels_scalar;
extern const hw_kernels hw_kernels_avx2;
extern const hw_kernels hw_kernels_avxvnni;
extern const hw_kernels hw_kernels_avx512;
extern const hw_kernels hw_kernels_avx512vnni;
extern const hw_kernels hw_kernels_avx512bf16;
extern const hw_kernels hw_kernels_neon;

#endif
