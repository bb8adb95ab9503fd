/* The kernels for AVX-512 with VNNI; cmake/sources.cmake has this file's flags. */
#include "tensor/simd_avx512.h"

#include "tensor/pairs_split.h"
#include "tensor/quads_vnni.h"

#define HW_SIMD_NAME "avx512vnni"
#define HW_SIMD_TABLE hw_kernels_avx512vnni
#include "tensor/kernels_body.h"
