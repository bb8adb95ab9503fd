/* The kernels for NEON, which every AArch64 has. */
#include "tensor/simd_neon.h"

#include "tensor/pairs_split.h"
#include "tensor/quads_neon.h"

#define HW_SIMD_NAME "neon"
#define HW_SIMD_TABLE hw_kernels_neon
#include "tensor/kernels_body.h"
