/* The kernels for AVX-512; cmake/sources.cmake has this file's flags. */
#include "tensor/simd_avx512.h"

#include "tensor/pairs_split.h"
#include "tensor/quads_madd.h"

#define HW_SIMD_NAME "avx512"
#define HW_SIMD_TABLE hw_kernels_avx512
#include "tensor/kernels_body.h"
