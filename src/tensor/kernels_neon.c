/* The kernels for NEON, which every AArch64 has. */
#include "tensor/simd_neon.h"

#include "tensor/kernels_body.h"
