/* Dropout by random bits: an element takes 16 of them, so rates are in 1/65536. */
#ifndef HW_BASE_DROPOUT_H
#define HW_BASE_DROPOUT_H

#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

typedef struct hw_dropout {
    uint32_t threshold; /* of 65536 */
    float factor[2];    /* of what is dropped and of what is not: looked up, since a branch would be
                         * mispredicted as often as the rate says */
} hw_dropout;

/* rate in [0, 1) */
static inline hw_dropout hw_dropout_of(float rate) {
    assert(rate >= 0.0f && rate < 1.0f);
    const uint32_t threshold = (uint32_t)(rate * 65536.0f);
    return (hw_dropout){ threshold, { 0.0f, 65536.0f / (float)(65536 - threshold) } };
}

/* x[n], n <= 4; bits: 16 for each, the lowest for the first */
static inline void hw_drop_some(float *x, size_t n, const hw_dropout *dropout, uint64_t bits) {
    for (size_t i = 0; i < n; i++, bits >>= 16)
        x[i] *= dropout->factor[(bits & 0xffff) >= dropout->threshold];
}

/* The same for x[4], side by side. */
static inline void hw_drop_four(float *x, const hw_dropout *dropout, uint64_t bits) {
    typedef uint64_t two __attribute__((vector_size(16)));
    typedef uint16_t eight __attribute__((vector_size(16)));
    typedef int32_t four __attribute__((vector_size(16)));
    typedef float floats __attribute__((vector_size(4 * sizeof(float))));
    const eight zeros = { 0 };
    const four lanes = (four)__builtin_shufflevector((eight)(two){ bits }, zeros, 0, 8, 1, 9, 2, 10,
                                                     3, 11); /* little-endian */
    const four kept = -(lanes >= (int32_t)dropout->threshold);
    floats y;
    memcpy(&y, x, sizeof y);
    y *= __builtin_convertvector(kept, floats) * dropout->factor[1];
    memcpy(x, &y, sizeof y);
}

#endif
