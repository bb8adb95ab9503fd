/* The kernels for AVX2 with FMA; cmake/sources.cmake has this file's flags. */
#include "tensor/simd_avx2.h"

#include "tensor/pairs_split.h"
#include "tensor/quads_madd.h"

#define HW_SIMD_NAME "avx2"
#define HW_SIMD_TABLE hw_kernels_avx2
#include "tensor/kernels_body.h"
