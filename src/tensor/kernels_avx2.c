/* The kernels for AVX2 with FMA; cmake/sources.cmake has this file's flags. */
#include "tensor/simd_avx2.h"

#include "tensor/kernels_body.h"
