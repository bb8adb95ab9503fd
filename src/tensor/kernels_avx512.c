/* The kernels for AVX-512 (F, BW, DQ, VL); cmake/sources.cmake has this file's flags. */
#include "tensor/simd_avx512.h"

#include "tensor/kernels_body.h"
