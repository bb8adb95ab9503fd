/* A file of the golden tower: a batch, weights, and what PyTorch makes of them. */
#ifndef TOWER_GOLDEN_H
#define TOWER_GOLDEN_H

#include "model/tower.h"
#include "tensor/safetensors.h"

enum { GOLDEN_LABELS = 5, GOLDEN_COLUMNS = 16, GOLDEN_TEXTS = 8 /* at most */ };

extern const hw_tower_config golden_attention; /* of attention.safetensors */

typedef struct tower_golden {
    const hw_tower_config *config;
    hw_safetensors *file;
    const hw_kernels *kernels;
    hw_batch batch;
    hw_tower_views weights, gradient; /* gradient: 0 */
    hw_tower_scratch *scratch;        /* for training */
} tower_golden;

/* tests/golden/<name>.safetensors. Fails the test if something is missing. */
tower_golden *tower_golden_open(const char *name, const hw_tower_config *config);
void tower_golden_close(tower_golden *g);

/* The array <prefix><name> of that many elements of 4 bytes. */
const void *golden_tensor(const tower_golden *g, const char *prefix, const char *name,
                          size_t elements);
/* Zeros, to be freed by free(). */
float *new_floats(size_t n);
/* Adds what d_tokens[tokens][width] is to rows of the embedding to g->gradient's. */
void golden_scatter(const tower_golden *g, const float *d_tokens);
/* Within 1e-5 of the largest element. */
void assert_close(const char *name, const float *got, const float *expected, size_t n);

#endif
