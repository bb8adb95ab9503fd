/* The kernels for AVX2 with AVX-VNNI; cmake/sources.cmake has this file's flags. */
#include "tensor/simd_avx2.h"

#include "tensor/pairs_split.h"
#include "tensor/quads_avxvnni.h"

#define HW_SIMD_NAME "avxvnni"
#define HW_SIMD_TABLE hw_kernels_avxvnni
#include "tensor/kernels_body.h"
