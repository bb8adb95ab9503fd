/* The kernels for AVX-512 with VNNI and BF16; cmake/sources.cmake has this file's flags. */
#include "tensor/simd_avx512.h"

#include "tensor/pairs_dot.h"
#include "tensor/quads_vnni.h"

#define HW_SIMD_NAME "avx512bf16"
#define HW_SIMD_TABLE hw_kernels_avx512bf16
#include "tensor/kernels_body.h"
