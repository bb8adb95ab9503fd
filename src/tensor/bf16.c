/* Pairs are packed as floats are. */
#include "tensor/bf16.h"

#include "base/sizes.h"

enum { CHUNK = 128 };

static void pack_panel(const hw_kernels *kernels, hw_bf16_pair *packed, const uint16_t *b,
                       size_t columns, size_t k) {
    hw_bf16_pair chunk[HW_PANEL * CHUNK / 2];
    for (size_t p = 0; p < k; p += CHUNK) {
        const size_t some = hw_smaller(k - p, CHUNK), pairs = hw_bf16_pairs(some);
        memset(chunk, 0, sizeof chunk);
        for (size_t j = 0; j < columns; j++)
            memcpy(chunk + j * pairs, b + j * k + p, some * sizeof *b);
        kernels->pack(packed + p / 2 * HW_PANEL, chunk, pairs, columns, pairs);
    }
}

void hw_bf16_pack(const hw_kernels *kernels, hw_bf16_pair *packed, const uint16_t *b, size_t n,
                  size_t k) {
    for (size_t j = 0; j < n; j += HW_PANEL)
        pack_panel(kernels, packed + j * hw_bf16_pairs(k), b + j * k, hw_smaller(n - j, HW_PANEL),
                   k);
}
