/* How the attention of a tower or an encoder is looked at: a backward pass shows each block of
 * weights and of the loss's gradient by them when it has them in its hands. An encoder's forward
 * pass can show the weights alone. */
#ifndef HW_TENSOR_ATTENTION_WATCH_H
#define HW_TENSOR_ATTENTION_WATCH_H

#include <stddef.h>

/* Queries [query, query + rows) by keys [key, key + columns), tokens of the batch; what lies
 * outside of the blocks of a head is 0. The weights are those that values are summed with. Heads
 * that share a matrix show it one after the other, each with the gradient by the shared matrix. */
typedef struct hw_attention_block {
    size_t layer, head;
    size_t query, key, rows, columns;
    size_t stride;         /* of a row */
    const float *weights;  /* [rows][columns] */
    const float *gradient; /* likewise; NULL in a forward pass */
} hw_attention_block;

typedef struct hw_attention_watch {
    void (*see)(void *context, const hw_attention_block *block);
    void *context;
} hw_attention_watch;

#endif
