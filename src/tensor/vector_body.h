/* What the kernels over the vectors of simd_<isa>.h are made of: whole and partial vectors, and
 * loops over them. Invariant: nothing past the end of an array is read or written. */
#ifndef HW_TENSOR_VECTOR_BODY_H
#define HW_TENSOR_VECTOR_BODY_H

#include "base/sizes.h"
#include "tensor/kernels.h"

#include <stddef.h>
#include <stdint.h>

#if defined(__clang__)
#define UNROLL _Pragma("unroll")
#else
#define UNROLL _Pragma("GCC unroll 16")
#endif

#define INLINE __attribute__((always_inline)) static inline

/* The first count <= VF elements of x; the other lanes are those of fill. */
static inline vf load(const float *x, size_t count, vf fill) {
    return count == VF ? vf_load(x) : vf_load_some(x, count, fill);
}

static inline void store(float *y, size_t count, vf x) {
    if (count == VF)
        vf_store(y, x);
    else
        vf_store_some(y, count, x);
}

/* The bits of a vf. */
typedef uint32_t vu __attribute__((vector_size(sizeof(vf))));

/* Lane l holds what elements l, l+16, l+32, ... of a row add up to. */
enum { LANES = 16, PARTS = LANES / VF };
typedef struct lanes {
    vf part[PARTS];
} lanes;

/* Runs a statement for each vector of n elements: it begins at element `at` and has `count`
 * elements. In the loop count is a constant, so the tests of load and store vanish. */
#define EACH_VECTOR(n, ...)                \
    do {                                   \
        size_t at = 0;                     \
        for (; at + VF <= (n); at += VF) { \
            const size_t count = VF;       \
            __VA_ARGS__;                   \
        }                                  \
        if (at < (n)) {                    \
            const size_t count = (n)-at;   \
            __VA_ARGS__;                   \
        }                                  \
    } while (0)

/* The same in whole groups of LANES elements, whose vectors are numbered by `part`. Those
 * past the end have a count of 0. */
#define EACH_PART(n, ...)                                            \
    do {                                                             \
        size_t group = 0;                                            \
        for (; group + LANES <= (n); group += LANES) {               \
            for (size_t part = 0; part < PARTS; part++) {            \
                const size_t at = group + part * VF, count = VF;     \
                __VA_ARGS__;                                         \
            }                                                        \
        }                                                            \
        for (size_t part = 0; group < (n) && part < PARTS; part++) { \
            const size_t at = hw_smaller(group + part * VF, (n));    \
            const size_t count = hw_smaller((n)-at, VF);             \
            __VA_ARGS__;                                             \
        }                                                            \
    } while (0)

#endif
